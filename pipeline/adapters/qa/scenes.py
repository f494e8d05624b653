"""Measures the segments of a scene and what happens where they meet; one decode each, one frame at a time in memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.video import decode_frames, probe, to_rgb
from pipeline.adapters.qa import pictures
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Measurement, Request, Result
from pipeline.ports import Workspace

COMPARED_SIDE = 160
PICTURE_SHARE = 0.92  # the lowest part may carry a slate whose time code runs even over a frozen picture
SAME = 0.4  # grey levels: an encoder changes a picture that stands still by less than this on average
NEIGHBOURS = 8  # frames on each side of a boundary that say what change is usual there
SAMPLED_EVERY = 6
REPORT_EVERY = 24
ROUNDING_S = 0.0011  # time stamps in milliseconds round a steady rate by up to one of them
SOFTENING = 6.0  # grey levels that a jump must exceed to look large in an otherwise still picture


@dataclass
class _Scene:
    """What is remembered across the whole scene: numbers, and the frames at one boundary."""

    lumas: list[float] = field(default_factory=list)
    frozen: int = 0
    longest_frozen: int = 0
    small: np.ndarray | None = None
    run_start: np.ndarray | None = None


@dataclass
class _Segment:
    """What one pass over a segment finds."""

    frames: int = 0
    black: int = 0
    sharpest: float = float("inf")
    gaps: tuple[float, float] | None = None
    first: np.ndarray | None = None
    last: np.ndarray | None = None
    first_changes: list[float] = field(default_factory=list)
    last_changes: deque[float] = field(default_factory=lambda: deque(maxlen=NEIGHBOURS))
    facts: dict[str, Any] = field(default_factory=dict)


def check_scene(request: Request, workspace: Workspace) -> Result:
    """Measure the `segment` inputs in order: subjects are `segment k`, `boundary k-(k+1)` and `scene`.

    Raises WorkFailed("corrupt_output") when a segment does not decode to its end.
    """
    started = time.perf_counter()
    files = request.files("segment")
    if not files:
        raise WorkFailed("bad_input", "There is no segment to check.")
    scene, measured, facts = _Scene(), list[Measurement](), list[dict[str, Any]]()
    before: _Segment | None = None
    for number, file in enumerate(files, start=1):
        segment = _watched(Path(file.path), scene, workspace, (number - 1) / len(files), 1 / len(files))
        measured += _of_segment(segment, number, request)
        if before is not None:
            measured += _of_boundary(before, segment, f"boundary {number - 1}-{number}")
        facts.append(segment.facts)
        before = segment
    measured += _of_scene(scene)
    return Result(measurements=tuple(measured), values={"segments": facts}, seconds=time.perf_counter() - started)


def _watched(path: Path, scene: _Scene, workspace: Workspace, begun: float, share: float) -> _Segment:
    """One pass over a segment."""
    segment = _Segment(facts=probe(path))
    claimed = max(1, segment.facts["frames"])
    to_grey, clock, last = VideoReformatter(), _Clock(), None
    for index, frame in enumerate(decode_frames(path)):
        with library_errors("corrupt_output", f'Video "{path.name}" cannot be converted'):
            grey = to_grey.reformat(frame, format="gray", threads=1).to_ndarray()
        if index == 0:
            segment.first = _compared(frame)
        _note(scene, segment, grey, index)
        clock.tick(frame)
        last = frame
        if index % REPORT_EVERY == 0:
            workspace.report(min(1.0, begun + share * index / claimed))
    segment.last = _compared(last)
    segment.gaps = clock.gaps
    segment.facts["frames"] = segment.frames
    return segment


def _note(scene: _Scene, segment: _Segment, grey: np.ndarray, index: int) -> None:
    """Take one frame into account."""
    segment.frames += 1
    if index % SAMPLED_EVERY == 0:
        segment.sharpest = min(segment.sharpest, pictures.sharpness(grey))
    small = pictures.scaled(grey[: max(2, round(grey.shape[0] * PICTURE_SHARE))], COMPARED_SIDE)
    segment.black += pictures.black_fraction(small) >= 0.98
    scene.lumas.append(float(small.mean()))
    if index > 0 and scene.small is not None and scene.small.shape == small.shape:
        change = float(cv2.absdiff(scene.small, small).mean())
        segment.last_changes.append(change)
        if len(segment.first_changes) < NEIGHBOURS:
            segment.first_changes.append(change)
    _note_standstill(scene, small)
    scene.small = small


def _note_standstill(scene: _Scene, small: np.ndarray) -> None:
    """A run of equal frames is measured from its first: slow life adds up, the noise of an encoder does not."""
    first = scene.run_start
    if first is not None and first.shape == small.shape and float(cv2.absdiff(first, small).mean()) <= SAME:
        scene.frozen += 1
        scene.longest_frozen = max(scene.longest_frozen, scene.frozen)
    else:
        scene.frozen, scene.run_start = 0, small


class _Clock:
    """Watches the time stamps: the shortest and the longest gap between frames, in seconds."""

    def __init__(self) -> None:
        self.gaps: tuple[float, float] | None = None
        self._before: float | None = None

    def tick(self, frame: av.VideoFrame) -> None:
        """Note the time of one more frame."""
        now = frame.time
        if now is not None and self._before is not None:
            gap = now - self._before
            shortest, longest = self.gaps or (gap, gap)
            self.gaps = (min(shortest, gap), max(longest, gap))
        self._before = now


def _of_segment(segment: _Segment, number: int, request: Request) -> list[Measurement]:
    values = request.parameters
    subject = f"segment {number}"
    found = {"sharpness": segment.sharpest, "black_frames": segment.black / max(1, segment.frames)}
    frames = values.get("frames") or []
    if isinstance(frames, Sequence) and len(frames) >= number:
        found["frame_count_error"] = abs(segment.frames - int(frames[number - 1]))
    if values.get("fps"):
        found["fps_error"] = _fps_error(segment, float(values["fps"]))
    if values.get("width") and values.get("height"):
        size = (segment.facts["width"], segment.facts["height"])
        found["size_error"] = float(size != (int(values["width"]), int(values["height"])))
    return [Measurement(name, round(float(value), 5), subject) for name, value in found.items()]


def _fps_error(segment: _Segment, fps: float) -> float:
    """How far the rate is off: by the header, and by the gap between any two frames (a variable rate shows there)."""
    error = abs(segment.facts["fps"] - fps)
    for gap in segment.gaps or ():
        if abs(gap - 1 / fps) > ROUNDING_S:
            error = max(error, abs(1 / gap - fps) if gap > 0 else fps)
    return error


def _of_boundary(before: _Segment, after: _Segment, subject: str) -> list[Measurement]:
    """Nothing when the sizes differ: then the size is the finding."""
    assert before.last is not None and after.first is not None  # a segment without frames has been refused
    one, other = before.last, after.first
    if one.shape != other.shape:
        return []
    grey_one, grey_other = pictures.grey_of(one), pictures.grey_of(other)
    usual_changes = [*before.last_changes, *after.first_changes]
    # Three of four changes nearby are no larger: what is more than that stands out, even in a shaking picture.
    usual = float(np.quantile(usual_changes, 0.75)) if usual_changes else 0.0
    small = (pictures.scaled(grey, COMPARED_SIDE) for grey in (grey_one, grey_other))
    beyond = max(0.0, float(cv2.absdiff(*small).mean()) - usual)
    found = {
        "boundary_ssim": pictures.ssim(grey_one, grey_other),
        "boundary_color_shift": pictures.color_distance(one, other),
        "boundary_jump": beyond / (beyond + usual + SOFTENING),
    }
    return [Measurement(name, round(value, 5), subject) for name, value in found.items()]


def _of_scene(scene: _Scene) -> list[Measurement]:
    lumas = np.array(scene.lumas)
    flicker = float(np.abs(np.diff(lumas, 2)).mean() / 255) if len(lumas) > 2 else 0.0
    frozen = scene.longest_frozen / max(1, len(lumas) - 1)
    return [Measurement("frozen_frames", round(frozen, 5), "scene"), Measurement("flicker", round(flicker, 6), "scene")]


def _compared(frame: av.VideoFrame) -> np.ndarray:
    """A frame at a boundary, RGB, as large as comparing needs, without the strip that may carry a slate."""
    with library_errors("corrupt_output", "The video cannot be converted"):
        rgb = to_rgb(frame)
    return pictures.scaled(rgb[: max(2, round(rgb.shape[0] * PICTURE_SHARE))], 2 * COMPARED_SIDE)
