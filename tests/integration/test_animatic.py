import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.adapters.backends.animatic import FUNCTIONS, render_segment, render_still
from pipeline.adapters.backends.animatic.matte import kept_matte
from pipeline.adapters.backends.animatic.slate import Slate, timecode
from pipeline.adapters.media.images import open_image, write_png
from pipeline.adapters.media.video import probe, read_frames
from pipeline.domain.errors import Cancelled, WorkFailed
from pipeline.domain.work import InputFile, Request
from tests.fakes_workspace import FakeWorkspace
from tests.media_factories import character, input_file, request, texture

GRADE = {"preset": "x", "grade": {"lift": [0, 0, 0.02], "contrast": 1.1, "saturation": 1.05, "vignette": 0.3, "grain": 0.1}}


@pytest.fixture
def workspace(tmp_path) -> FakeWorkspace:
    return FakeWorkspace(tmp_path / "work")


@pytest.fixture
def mara(tmp_path) -> InputFile:
    return character(tmp_path, "Mara")


def still_request(source: InputFile, **changes) -> Request:
    asked = {
        "character": "Mara", "variant": "formal", "prompt": "evening suit", "seed": 7, "candidate": 1,
        "width": 320, "height": 180, "framing": "medium", "style": GRADE,
    }  # fmt: skip
    return request("variant_generation", [source], **(asked | changes))


def segment_request(inputs, **changes) -> Request:
    asked = {
        "title": "Harbor Nights", "character": "Mara", "scene_type": "dance", "variant": "formal", "location": None,
        "scene_number": 3, "camera": {"move": "push_in", "amount": 1.0}, "style": GRADE, "framing": "medium", "segment": 1,
        "segments": 2, "take": 1, "frames": 10, "frame_offset": 0, "total_frames": 20, "fps": 24, "width": 320, "height": 180,
        "seed": 11, "slate": True,
    }  # fmt: skip
    return request("scene_generation", inputs, **(asked | changes))


def picture(workspace: FakeWorkspace, output) -> np.ndarray:
    return open_image(workspace.stored(output.sha256))


def still(workspace: FakeWorkspace, source: InputFile, **changes) -> InputFile:
    made = render_still(still_request(source, **changes), workspace).outputs[0]
    return workspace.input_of(made, "still", str(changes.get("candidate", 1)))


def segment(workspace: FakeWorkspace, inputs, **changes):
    result = render_segment(segment_request(inputs, **changes), workspace)
    return result.files("segment")[0], result.files("last_frame")[0]


def frames(workspace: FakeWorkspace, output) -> list[np.ndarray]:
    return list(read_frames(workspace.stored(output.sha256)))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_the_backend_serves_both_generation_stages():
    assert set(FUNCTIONS) == {"variant_generation", "scene_generation"}


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (64, 64), (642, 362)])
@pytest.mark.parametrize("framing", ["medium", "close_up", "wide", "never heard of"])
def test_a_still_has_exactly_the_asked_size(workspace, mara, size, framing):
    made = render_still(still_request(mara, width=size[0], height=size[1], framing=framing), workspace).outputs[0]

    assert picture(workspace, made).shape == (size[1], size[0], 3)
    assert (made.role, made.media_type, made.facts["width"]) == ("still", "image/png", size[0])


def test_candidates_differ_visibly_and_the_same_request_gives_the_same_bytes(workspace, mara):
    one, same, other = still(workspace, mara), still(workspace, mara), still(workspace, mara, candidate=2)

    assert one.sha256 == same.sha256
    assert difference(open_image(Path(one.path)), open_image(Path(other.path))) > 2


def test_the_words_of_the_variant_choose_the_colour_of_the_clothes(workspace, mara):
    red = open_image(Path(still(workspace, mara, prompt="a red dress").path))
    navy = open_image(Path(still(workspace, mara, prompt="an evening suit").path))
    chest = np.s_[150:178, 130:190]

    assert red[chest].mean(axis=(0, 1))[0] > red[chest].mean(axis=(0, 1))[2] + 40
    assert navy[chest].mean() < red[chest].mean()


def test_a_character_without_a_source_image_fails_with_the_cure(workspace):
    with pytest.raises(WorkFailed, match="no source image") as failure:
        render_still(replace(still_request(input_of_nothing()), inputs=()), workspace)

    assert failure.value.failure_class == "bad_input"


def input_of_nothing() -> InputFile:
    return InputFile("source", "0" * 64, "/nowhere.png", "image/png")


def test_a_photograph_like_source_without_a_clear_figure_still_gives_a_still(workspace, tmp_path):
    for name, source in (("busy", texture(300, 400)), ("flat", np.full((50, 50, 3), 90, np.uint8)), ("thin", texture(30, 500))):
        write_png(source, tmp_path / f"{name}.png")
        made = still(workspace, input_file(tmp_path / f"{name}.png", "source"))
        assert open_image(Path(made.path)).shape == (180, 320, 3)


@pytest.mark.parametrize("preset", ["industrial", "city_night", "forest", "beach", "office", "studio_dark", "stage", "", "??"])
def test_every_kind_of_plate_is_painted_with_structure(workspace, preset):
    asked = request(
        "variant_generation", kind="plate", location="Somewhere", preset=preset, look={}, seed=1, width=320, height=180
    )

    painted = picture(workspace, render_still(asked, workspace).outputs[0])

    assert painted.shape == (180, 320, 3)
    assert painted.std() > 4


def test_a_segment_has_exactly_the_asked_frames_rate_and_size(workspace, mara):
    made, last = segment(workspace, [still(workspace, mara)], frames=13, fps=25, width=322, height=182)

    facts = probe(workspace.stored(made.sha256), count=True)
    assert (facts["frames"], facts["fps"], facts["width"], facts["height"], facts["codec"]) == (13, 25.0, 322, 182, "h264")
    assert made.facts["frames"] == 13
    assert picture(workspace, last).shape == (182, 322, 3)


def test_the_same_request_gives_the_same_bytes(workspace, mara):
    approved = still(workspace, mara)

    one, other = (segment(workspace, [approved]) for _ in range(2))

    assert [output.sha256 for output in one] == [output.sha256 for output in other]


def test_another_seed_gives_another_picture(workspace, mara):
    approved = still(workspace, mara)

    assert segment(workspace, [approved], seed=1)[0].sha256 != segment(workspace, [approved], seed=2)[0].sha256


def test_bytes_do_not_depend_on_process_or_threads(workspace, mara, tmp_path):
    approved = still(workspace, mara)
    made, last = segment(workspace, [approved], camera={"move": "orbit"})
    script = (
        "import sys, cv2; cv2.setNumThreads(4)\n"
        "from pathlib import Path\n"
        "from tests.integration.test_animatic import *\n"
        "ws = FakeWorkspace(Path(sys.argv[1]))\n"
        "source = input_file(Path(sys.argv[2]), 'source')\n"
        "print(*(output.sha256 for output in segment(ws, [still(ws, source)], camera={'move': 'orbit'})))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "other"), mara.path],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )

    assert done.stdout.split() == [made.sha256, last.sha256]


def test_the_last_frame_is_the_last_picture_without_the_slate(workspace, mara):
    made, last = segment(workspace, [still(workspace, mara)])
    shown, clean = frames(workspace, made)[-1], picture(workspace, last)

    assert difference(shown[:150], clean[:150]) < 6
    assert difference(shown[-10:], clean[-10:]) > 20


def test_every_frame_moves_and_the_whole_move_is_seen(workspace, mara):
    for move in ("push_in", "pan_left", "orbit", "handheld", "static"):
        made = frames(workspace, segment(workspace, [still(workspace, mara)], camera={"move": move}, slate=False)[0])
        assert all(difference(one, other) > 0.05 for one, other in itertools.pairwise(made)), move
        if move != "static":
            assert difference(made[0], made[-1]) > 1, move


def test_segments_meet_without_a_seam(workspace, mara):
    approved = still(workspace, mara)
    for move in ("push_in", "orbit", "pan_right"):
        camera = {"move": move}
        one, last = segment(workspace, [approved], camera=camera, slate=False)
        start = workspace.input_of(last, "start")
        two, _ = segment(workspace, [approved, start], camera=camera, segment=2, frame_offset=10, slate=False)
        first, second = frames(workspace, one), frames(workspace, two)
        usual = np.mean([difference(a, b) for a, b in itertools.pairwise(first[4:])])
        assert difference(first[-1], second[0]) < 2 * usual + 1, move


def test_two_segments_show_what_one_whole_scene_would(workspace, mara):
    approved = still(workspace, mara)
    whole, _ = segment(workspace, [approved], frames=20, segments=1, slate=False)
    _one, last = segment(workspace, [approved], slate=False)
    two, _ = segment(workspace, [approved, workspace.input_of(last, "start")], segment=2, frame_offset=10, slate=False)

    pairs = zip(frames(workspace, whole)[10:], frames(workspace, two), strict=True)
    assert max(difference(one, other) for one, other in pairs) < 4


def test_a_changed_start_image_carries_over_and_settles(workspace, mara, tmp_path):
    approved = still(workspace, mara)
    _, last = segment(workspace, [approved])
    changed = picture(workspace, last)
    cv2.circle(changed, (60, 60), 30, (255, 0, 0), -1)
    write_png(changed, tmp_path / "start.png")
    start = input_file(tmp_path / "start.png", "start")

    made = frames(workspace, segment(workspace, [approved, start], segment=2, frame_offset=10, slate=False)[0])

    redness = [float(one[40:80, 40:80, 0].mean() - one[40:80, 40:80, 1].mean()) for one in made]
    assert redness[0] > 80
    assert abs(redness[-1]) < redness[0] / 4
    assert difference(made[0], changed) < 8


def test_another_still_changes_every_segment(workspace, mara):
    one, other = still(workspace, mara, prompt="a red dress"), still(workspace, mara, prompt="an evening suit")

    assert segment(workspace, [one])[0].sha256 != segment(workspace, [other])[0].sha256


def test_a_plate_stands_behind_the_figure_and_alone_where_there_is_none(workspace, mara):
    asked = request("variant_generation", kind="plate", location="Quay", preset="harbor", look={}, seed=1, width=320, height=180)
    plate = render_still(asked, workspace).outputs[0]
    approved = still(workspace, mara)

    bare = picture(workspace, segment(workspace, [approved])[1])
    placed = picture(workspace, segment(workspace, [approved, workspace.input_of(plate, "plate")], location="Quay")[1])
    alone = picture(workspace, segment(workspace, [workspace.input_of(plate, "still")], character=None, location="Quay")[1])

    assert difference(bare[:60, :80], placed[:60, :80]) > 8
    assert difference(bare[60:100, 150:170], placed[60:100, 150:170]) < difference(bare[:60, :80], placed[:60, :80])
    assert difference(alone, placed) > 5


def test_progress_is_reported_and_cancelling_leaves_no_video(tmp_path, mara):
    calm = FakeWorkspace(tmp_path / "calm")
    approved = still(calm, mara)
    calm.reports.clear()
    segment(calm, [approved], frames=24, total_frames=24)
    fractions = [fraction for fraction, _ in calm.reports]
    assert len(fractions) >= 3
    assert fractions == sorted(fractions)

    hasty = FakeWorkspace(tmp_path / "hasty", cancel_after=1)
    with pytest.raises(Cancelled):
        segment(hasty, [approved], frames=24, total_frames=24)
    assert not list(hasty.scratch.iterdir())


@pytest.mark.parametrize("missing", ["frames", "fps", "width", "height"])
def test_a_request_that_lacks_a_number_is_refused_by_name(workspace, mara, missing):
    with pytest.raises(WorkFailed, match=missing) as failure:
        render_segment(segment_request([input_of_nothing()], **{missing: None}), workspace)

    assert failure.value.failure_class == "bad_input"


def test_strange_style_and_camera_values_fall_back_to_defaults(workspace, mara):
    style = {"grade": {"lift": "blue", "gamma": [1], "grain": None, "vignette": float("nan"), "tint_shadows": 0.1}}
    camera = {"move": "somersault", "amount": None, "shake": "much"}

    made, _ = segment(workspace, [still(workspace, mara, style=style)], style=style, camera=camera)

    assert probe(workspace.stored(made.sha256), count=True)["frames"] == 10


@pytest.mark.parametrize(
    ("index", "code"), [(0, "00:00:00:00"), (23, "00:00:00:23"), (24, "00:00:01:00"), (90000, "01:02:30:00")]
)
def test_time_code_counts_hours_minutes_seconds_frames(index, code):
    assert timecode(index, 24) == code


@pytest.mark.parametrize("size", [(1920, 1080), (480, 270), (128, 72), (32, 32), (16, 16)])
def test_the_slate_stays_at_the_foot_at_any_size(size):
    width, height = size
    frame = np.full((height, width, 3), 120, np.uint8)
    words = ("A very long production title indeed", "Mara", "sc 3 dance", "東京 formal", "take 12")
    Slate(width=width, height=height, fps=24, words=words, total=48).draw(frame, 17)

    changed = np.flatnonzero((frame != 120).any(axis=(1, 2)))
    assert changed.min() >= height * 0.75


def test_a_still_carries_the_outline_of_its_figure_and_stays_an_ordinary_png(workspace, mara):
    made = Path(still(workspace, mara).path)

    figure = kept_matte(made, 320, 180)

    assert figure is not None
    assert figure.mask.shape == (180, 320)
    assert figure.mask[100, 160] > 0.9 > 0.1 > figure.mask[10, 10]
    assert 0 <= figure.top < figure.chin <= figure.bottom
    assert open_image(made).shape == (180, 320, 3)


def test_a_dark_grade_does_not_lose_the_figure(workspace, mara):
    noir = {"grade": {"gain": [0.3, 0.3, 0.3], "contrast": 1.5, "saturation": 0.0}}

    outlines = [kept_matte(Path(still(workspace, mara, style=style).path), 320, 180) for style in (GRADE, noir)]

    assert (outlines[0].mask == outlines[1].mask).all()


@pytest.mark.parametrize("damage", ["none kept", "cut off", "huge size", "flipped", "not a png"])
def test_an_outline_that_cannot_be_trusted_is_not_used(workspace, mara, tmp_path, damage):
    data = bytearray(Path(still(workspace, mara).path).read_bytes())
    at = data.index(b"stMt")
    if damage == "none kept":
        data[at : at + 4] = b"stMx"
    elif damage == "cut off":
        data = data[: at + 40]
    elif damage == "huge size":
        data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    elif damage == "flipped":
        data[at + 30] ^= 0xFF
    else:
        data = bytearray(b"GIF89a") + data
    (tmp_path / "damaged.png").write_bytes(bytes(data))

    assert kept_matte(tmp_path / "damaged.png", 320, 180) is None


def test_a_still_of_another_maker_is_animated_too(workspace, mara, tmp_path):
    write_png(open_image(Path(still(workspace, mara).path)), tmp_path / "bare.png")
    assert kept_matte(tmp_path / "bare.png", 320, 180) is None

    made, _ = segment(workspace, [input_file(tmp_path / "bare.png", "still")])

    assert probe(workspace.stored(made.sha256), count=True)["frames"] == 10


def test_a_narrow_slate_drops_the_title_first():
    wide, narrow = (
        Slate(width=width, height=960, fps=24, words=("A rather long title", "Mara", "dance", "formal", "take 1"), total=1)
        for width in (1700, 300)
    )

    assert wide.line.startswith("A rather long title")
    assert narrow.line.startswith("Mara")
