from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.adapters.backends.animatic import render_segment, render_still
from pipeline.adapters.media.images import open_image, write_png
from pipeline.adapters.qa import FUNCTIONS, check_scene, check_source, check_stills
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import InputFile, Result
from tests.fakes_workspace import FakeWorkspace
from tests.media_factories import character, input_file, moving, request, texture, write_video
from tests.production_documents import presets


@pytest.fixture
def workspace(tmp_path) -> FakeWorkspace:
    return FakeWorkspace(tmp_path / "work")


def values(result: Result, subject: str) -> dict[str, float]:
    return {one.name: one.value for one in result.measurements if one.subject == subject}


def png(folder: Path, name: str, picture: np.ndarray, role: str = "source") -> InputFile:
    write_png(picture, folder / f"{name}.png")
    return input_file(folder / f"{name}.png", role, name)


def clip(folder: Path, name: str, frames: list[np.ndarray], fps: int = 24) -> InputFile:
    return input_file(write_video(folder / f"{name}.mp4", frames, fps), "segment")


def scene(workspace: FakeWorkspace, *segments: InputFile, **asked) -> Result:
    known = {"fps": 24, "width": 160, "height": 96, "frames": [12] * len(segments)}
    return check_scene(request("scene_qa", segments, **(known | asked)), workspace)


def test_every_check_is_listed_by_its_stage():
    assert set(FUNCTIONS) == {"source_qa", "variant_qa", "scene_qa"}


def test_a_blurred_source_is_less_sharp_whatever_its_size(tmp_path, workspace):
    crisp = open_image(Path(character(tmp_path, "Mara", 512).path))
    blurred = cv2.GaussianBlur(crisp, (0, 0), 8)
    larger = cv2.resize(crisp, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    files = [png(tmp_path, "crisp", crisp), png(tmp_path, "blurred", blurred), png(tmp_path, "larger", larger)]

    result = check_source(request("source_qa", files), workspace)

    sharp = {name: values(result, f"image {name}")["sharpness"] for name in ("crisp", "blurred", "larger")}
    assert sharp["blurred"] < 15 < 100 < sharp["crisp"]
    assert sharp["larger"] == pytest.approx(sharp["crisp"], rel=0.35)


def test_exposure_tells_clipped_shadows_from_clipped_lights(tmp_path, workspace):
    half = np.zeros((100, 100, 3), np.uint8)
    half[:25] = 255

    measured = values(check_source(request("source_qa", [png(tmp_path, "half", half)]), workspace), "image half")

    assert (measured["exposure_low"], measured["exposure_high"], measured["min_side_px"]) == (0.75, 0.25, 100)


def test_a_duplicate_is_found_after_scaling_and_a_single_image_has_none(tmp_path, workspace):
    face = open_image(Path(character(tmp_path, "Mara").path))
    files = [
        png(tmp_path, "one", face),
        png(tmp_path, "copy", cv2.resize(face, (200, 200))),
        png(tmp_path, "other", texture(200, 200)),
    ]

    result = check_source(request("source_qa", files), workspace)

    assert values(result, "image one")["duplicate_distance"] <= 2
    assert values(result, "image other")["duplicate_distance"] > 12
    assert result.values["images"]["copy"] == {"format": "PNG", "width": 200, "height": 200}
    assert "duplicate_distance" not in values(check_source(request("source_qa", files[:1]), workspace), "image one")


def test_one_subject_is_clearer_than_a_pattern(tmp_path, workspace):
    spot = np.full((200, 200, 3), 90, np.uint8)
    cv2.circle(spot, (90, 100), 22, (250, 240, 40), -1)
    pattern = np.tile(texture(25, 25), (8, 8, 1))
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    files = [png(tmp_path, "spot", spot), png(tmp_path, "pattern", pattern), png(tmp_path, "noise", noise)]

    result = check_source(request("source_qa", files), workspace)

    spotted, patterned = (values(result, f"image {name}")["clear_subject"] for name in ("spot", "pattern"))
    assert spotted > 0.5 > patterned
    [limit] = [rule.limit for rule in presets().qa["source"] if rule.measure == "clear_subject"]
    face = check_source(request("source_qa", [character(tmp_path, "Mara")]), workspace)
    [told] = [one.value for one in face.measurements if one.name == "clear_subject"]
    assert told > limit > values(result, "image noise")["clear_subject"]


def test_an_unreadable_source_is_named_by_its_label(tmp_path, workspace):
    (tmp_path / "0123abcd").write_bytes(b"no picture")

    with pytest.raises(WorkFailed, match=r"mara\.png") as failure:
        check_source(request("source_qa", [input_file(tmp_path / "0123abcd", "source", "mara.png")]), workspace)

    assert failure.value.failure_class == "bad_input"


def test_a_variant_is_alike_its_own_source_and_not_another_characters(tmp_path, workspace):
    names = ("Mara", "Tomas", "Lena", "Viktor")
    sources = {name: character(tmp_path, name, 512) for name in names}
    style = {"grade": {"contrast": 1.2, "saturation": 0.4, "gain": [1.1, 1.0, 0.85]}}
    stills = {}
    for name in names:
        asked = request(
            "variant_generation", [sources[name]], character=name, variant="formal", prompt="evening suit", seed=3,
            candidate=2, width=480, height=270, framing="medium", style=style,
        )  # fmt: skip
        stills[name] = workspace.input_of(render_still(asked, workspace).outputs[0], "still", name)
    for name in names:
        result = check_stills(request("variant_qa", [*stills.values(), sources[name]]), workspace)
        likeness = {other: values(result, f"candidate {other}")["likeness"] for other in names}
        assert likeness[name] > 0.55
        assert max(value for other, value in likeness.items() if other != name) < 0.4


def test_a_plate_has_no_likeness_and_a_black_still_is_black(tmp_path, workspace):
    files = [png(tmp_path, "1", texture(160, 90), "still"), png(tmp_path, "2", np.zeros((90, 160, 3), np.uint8), "still")]

    result = check_stills(request("variant_qa", files), workspace)

    assert "likeness" not in values(result, "candidate 1")
    assert values(result, "candidate 1")["black_fraction"] < 0.1
    assert values(result, "candidate 2")["black_fraction"] == 1.0


def test_a_good_scene_has_no_errors_and_no_seam(tmp_path, workspace):
    whole = moving(frames=24)
    result = scene(workspace, clip(tmp_path, "one", whole[:12]), clip(tmp_path, "two", whole[12:]))

    for number in (1, 2):
        measured = values(result, f"segment {number}")
        assert (measured["frame_count_error"], measured["fps_error"], measured["size_error"]) == (0, 0, 0)
        assert measured["black_frames"] == 0
        assert measured["sharpness"] > 5
    boundary = values(result, "boundary 1-2")
    assert boundary["boundary_jump"] < 0.15
    assert boundary["boundary_color_shift"] < 5
    assert boundary["boundary_ssim"] > 0.5
    assert values(result, "scene")["frozen_frames"] == 0
    assert values(result, "scene")["flicker"] < 0.01
    assert [one["frames"] for one in result.values["segments"]] == [12, 12]


def test_wrong_count_rate_and_size_are_measured(tmp_path, workspace):
    result = scene(workspace, clip(tmp_path, "one", moving(frames=10), fps=25), width=320)

    measured = values(result, "segment 1")
    assert (measured["frame_count_error"], measured["fps_error"], measured["size_error"]) == (2, 1, 1)


def test_a_cut_to_another_picture_is_a_jump(tmp_path, workspace):
    result = scene(workspace, clip(tmp_path, "one", moving(seed=1)), clip(tmp_path, "two", moving(seed=9)))

    assert values(result, "boundary 1-2")["boundary_jump"] > 0.5
    assert values(result, "boundary 1-2")["boundary_ssim"] < 0.5


def test_a_shift_of_colour_at_a_boundary_is_measured(tmp_path, workspace):
    whole = moving(frames=24)
    warmer = [np.clip(frame + np.array([25, 0, -25]), 0, 255).astype(np.uint8) for frame in whole[12:]]

    result = scene(workspace, clip(tmp_path, "one", whole[:12]), clip(tmp_path, "two", warmer))

    assert values(result, "boundary 1-2")["boundary_color_shift"] > 8


def test_black_and_frozen_frames_are_measured_even_under_a_running_slate(tmp_path, workspace):
    still = texture(160, 96)
    frozen = [still.copy() for _ in range(12)]
    for index, frame in enumerate(frozen):
        frame[-6:, : 8 * (index + 1)] = 255
    dark = [np.zeros((96, 160, 3), np.uint8)] * 6 + moving(frames=6)

    assert values(scene(workspace, clip(tmp_path, "a", frozen)), "scene")["frozen_frames"] > 0.8
    assert values(scene(workspace, clip(tmp_path, "b", dark)), "segment 1")["black_frames"] == 0.5


def test_flicker_is_told_from_a_slow_fade(tmp_path, workspace):
    still = texture(160, 96).astype(int)
    flickering = [np.clip(still + (18 if index % 2 else -18), 0, 255).astype(np.uint8) for index in range(12)]
    fading = [np.clip(still * (1 - index / 30), 0, 255).astype(np.uint8) for index in range(12)]

    assert values(scene(workspace, clip(tmp_path, "a", flickering)), "scene")["flicker"] > 0.05
    assert values(scene(workspace, clip(tmp_path, "b", fading)), "scene")["flicker"] < 0.02


def test_a_damaged_segment_is_corrupt_output(tmp_path, workspace):
    good = clip(tmp_path, "one", moving())
    Path(good.path).write_bytes(Path(good.path).read_bytes()[:2500])

    with pytest.raises(WorkFailed) as failure:
        scene(workspace, good)

    assert failure.value.failure_class == "corrupt_output"


def test_the_embedded_backend_passes_the_default_limits_at_its_boundaries(tmp_path, workspace):
    source = character(tmp_path, "Mara")
    asked = request("variant_generation", [source], character="Mara", variant="a", prompt="", seed=1, width=320, height=180)
    still = workspace.input_of(render_still(asked, workspace).outputs[0], "still")
    for move in ("push_in", "orbit", "shake"):
        shared = {
            "character": "Mara",
            "camera": {"move": move},
            "total_frames": 24,
            "frames": 12,
            "fps": 24,
            "width": 320,
            "height": 180,
        }
        first = render_segment(request("scene_generation", [still], segment=1, seed=1, **shared), workspace)
        start = workspace.input_of(first.files("last_frame")[0], "start")
        second = render_segment(
            request("scene_generation", [still, start], segment=2, frame_offset=12, seed=2, **shared), workspace
        )
        segments = [workspace.input_of(made.files("segment")[0], "segment") for made in (first, second)]
        boundary = values(scene(workspace, *segments, width=320, height=180), "boundary 1-2")
        assert boundary["boundary_jump"] < 0.25
        assert boundary["boundary_color_shift"] < 5
        assert boundary["boundary_ssim"] > 0.6
