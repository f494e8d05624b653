"""Assembly joins segments without losing or inventing a frame."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.adapters.media.assembly import assemble
from pipeline.adapters.media.video import VideoWriter
from pipeline.domain.errors import WorkFailed
from tests.fakes_workspace import FakeWorkspace
from tests.packaging_factories import file_input, frame, frames_of, make_clip, request, time_stamps


def assembled(tmp_path: Path, clips: list[Path], **parameters):
    workspace = FakeWorkspace(tmp_path)
    inputs = [file_input(clip, "segment") for clip in clips]
    settings = {"fps": 24, "width": 128, "height": 72, "blend_boundaries": [], "blend_frames": 3} | parameters
    result = assemble(request("assembly", inputs, **settings), workspace)
    return result, workspace.stored(result.files("scene")[0].sha256), workspace


def three_clips(tmp_path: Path) -> list[Path]:
    return [make_clip(tmp_path / f"{k}.mp4", frames=10 + k, start=10 * k, hue=40 * k) for k in range(3)]


def test_segments_are_joined_by_copy_with_contiguous_time_stamps(tmp_path):
    clips = three_clips(tmp_path)
    result, scene, _ = assembled(tmp_path, clips)
    assert result.values["method"] == "stream copy"
    assert result.files("scene")[0].facts["frames"] == 33
    assert time_stamps(scene) == pytest.approx([index / 24 for index in range(33)], abs=1e-4)
    originals = [picture for clip in clips for picture in frames_of(clip)]
    assert all(np.array_equal(one, other) for one, other in zip(frames_of(scene), originals, strict=True))


def test_a_blended_boundary_keeps_the_frame_count_and_smooths_the_jump(tmp_path):
    clips = three_clips(tmp_path)
    result, scene, _ = assembled(tmp_path, clips, blend_boundaries=[1])
    assert result.values["method"] == "encoded"
    frames = frames_of(scene)
    assert len(frames) == 33
    originals = [picture for clip in clips for picture in frames_of(clip)]

    def jump(pictures: list[np.ndarray], index: int) -> float:
        return abs(float(pictures[index][..., 2].mean()) - float(pictures[index - 1][..., 2].mean()))

    assert jump(frames, 10) < 0.5 * jump(originals, 10)
    assert jump(frames, 21) == pytest.approx(jump(originals, 21), abs=3)


def test_segments_of_different_encoders_are_encoded_again(tmp_path):
    first = make_clip(tmp_path / "a.mp4")
    second = tmp_path / "b.mp4"
    with VideoWriter(second, width=128, height=72, fps=24, crf=30, preset="slow") as writer:
        for index in range(12):
            writer.write(frame(index))
    result, _, _ = assembled(tmp_path, [first, second])
    assert result.values["method"] == "encoded"
    assert result.files("scene")[0].facts["frames"] == 24


@pytest.mark.parametrize("blends", [[], [1, 2]])
def test_the_same_segments_give_the_same_bytes(tmp_path, blends):
    clips = three_clips(tmp_path)
    hashes = [[output.sha256 for output in assembled(tmp_path, clips, blend_boundaries=blends)[0].outputs] for _ in range(2)]
    assert hashes[0] == hashes[1]


def test_the_poster_is_a_picture_of_the_scene(tmp_path):
    clip = make_clip(tmp_path / "wide.mp4", width=1280, height=720, frames=4)
    result, _, workspace = assembled(tmp_path, [clip], width=1280, height=720)
    poster = result.files("poster")[0]
    assert (poster.facts["width"], poster.facts["height"]) == (640, 360)
    assert workspace.stored(poster.sha256).read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"width": 256}, "Segment 1 is 128x72"),
        ({"fps": 25}, "Segment 1 has 24 fps"),
        ({"blend_boundaries": [3]}, "Boundary 3 does not exist"),
        ({"blend_boundaries": [0]}, "Boundary 0 does not exist"),
    ],
)
def test_segments_that_do_not_fit_are_refused(tmp_path, parameters, words):
    with pytest.raises(WorkFailed, match=words) as caught:
        assembled(tmp_path, three_clips(tmp_path), **parameters)
    assert caught.value.failure_class == "bad_input"


def test_a_damaged_segment_is_bad_input(tmp_path):
    clip = make_clip(tmp_path / "a.mp4")
    clip.write_bytes(clip.read_bytes()[:200])
    with pytest.raises(WorkFailed) as caught:
        assembled(tmp_path, [clip])
    assert caught.value.failure_class == "bad_input"


def test_no_segment_is_bad_input(tmp_path):
    with pytest.raises(WorkFailed, match="no segment"):
        assembled(tmp_path, [])
