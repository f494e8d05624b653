"""Assembly: the segments of a take become one scene, by packet copy where possible, cross-blended where asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import probe_image
from pipeline.adapters.media.transcode import (
    can_copy,
    copy_packets,
    decoded,
    encode,
    encoding_for,
    from_planes,
    to_planes,
)
from pipeline.adapters.media.video import decode_frames, probe, to_rgb
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import OutputFile, Request, Result
from pipeline.ports import Workspace

POSTER_WIDTH = 640


def assemble(request: Request, workspace: Workspace) -> Result:
    """Join the `segment` inputs, in order, into a `scene` (H.264 in MP4) and a `poster` (JPEG, at most 640 wide).

    Parameters: `fps`, `width`, `height`, `blend_boundaries` (k: cross-blend between segments k and k+1, counted from 1),
    `blend_frames` (how many frames on each side, default 4). The scene has exactly as many frames as its segments.
    Raises WorkFailed: `bad_input` when a segment is damaged or has another size or rate, `corrupt_output`, `disk_full`.
    """
    started = time.monotonic()
    parameters = request.parameters
    fps = Fraction(str(parameters["fps"]))
    width, height = int(parameters["width"]), int(parameters["height"])
    segments = [Path(file.path) for file in request.files("segment")]
    blends = _checked_boundaries(parameters, len(segments))
    counts = [_checked_segment(path, number, width, height, fps) for number, path in enumerate(segments, start=1)]
    workspace.report(0.2, "segments checked")

    scene = workspace.scratch / "scene.mp4"
    is_copy = not blends and can_copy(segments, codec="h264", width=width, height=height, fps=fps)
    if is_copy:
        copy_packets(segments, scene, fps=fps)
    else:
        reach = int(parameters.get("blend_frames", 4))
        frames = _blended(segments, counts, blends, reach)
        settings = {"codec": "h264", "crf": parameters.get("crf", 16), "faststart": True}
        encode(frames, scene, width=width, height=height, fps=fps, encoding=encoding_for(settings))
    workspace.report(0.7, "segments joined")

    facts = _checked_scene(scene, sum(counts), width, height, fps)
    poster = _write_poster(scene, workspace.scratch / "poster.jpg", facts["frames"])
    outputs = _publish(workspace, scene, facts, poster)
    workspace.report(1.0, "scene assembled")
    values = {"method": "stream copy" if is_copy else "encoded", "segment_frames": counts, "blended_boundaries": sorted(blends)}
    return Result(outputs=outputs, values=values, seconds=time.monotonic() - started)


def _publish(workspace: Workspace, scene: Path, facts: dict[str, Any], poster: Path) -> tuple[OutputFile, ...]:
    picture = probe_image(poster)
    size = {"width": picture.width, "height": picture.height}
    return (
        workspace.publish(scene, role="scene", media_type="video/mp4", facts=facts),
        workspace.publish(poster, role="poster", media_type="image/jpeg", facts=size),
    )


def _checked_boundaries(parameters: Mapping[str, Any], count: int) -> set[int]:
    if count == 0:
        raise WorkFailed("bad_input", "There is no segment to assemble. Generate the scene's segments first.")
    blends = {int(boundary) for boundary in parameters.get("blend_boundaries") or ()}
    outside = [boundary for boundary in sorted(blends) if not 1 <= boundary < count]
    if outside:
        raise WorkFailed("bad_input", f"Boundary {outside[0]} does not exist: {count} segments have {count - 1} boundaries.")
    return blends


def _checked_segment(path: Path, number: int, width: int, height: int, fps: Fraction) -> int:
    """The frames of a segment that fits the scene."""
    facts = probe(path, failure_class="bad_input")
    if (facts["width"], facts["height"]) != (width, height):
        raise WorkFailed(
            "bad_input",
            f"Segment {number} is {facts['width']}x{facts['height']}, the scene {width}x{height}. Render the segment again.",
        )
    if abs(facts["fps"] - float(fps)) > 0.001:
        raise WorkFailed("bad_input", f"Segment {number} has {facts['fps']:g} fps, the scene {float(fps):g}. Render it again.")
    if facts["frames"] > 0:
        return int(facts["frames"])
    return int(probe(path, count=True, failure_class="bad_input")["frames"])


def _checked_scene(scene: Path, frames: int, width: int, height: int, fps: Fraction) -> dict[str, Any]:
    facts = probe(scene, count=True)
    found = (facts["frames"], facts["width"], facts["height"], round(facts["fps"], 3))
    if found != (frames, width, height, round(float(fps), 3)) or facts["variable_fps"]:
        raise WorkFailed("corrupt_output", f"The assembled scene has (frames, width, height, fps) {found}, not as asked.")
    return {**facts, "size_bytes": scene.stat().st_size}


def _blended(segments: Sequence[Path], counts: Sequence[int], blends: set[int], reach: int) -> Iterator[av.VideoFrame]:
    """All frames in order. At a blended boundary up to `reach` frames on each side fade into the other side's edge frame.

    Fading against a held edge frame needs no frame beyond the cut, so the number of frames stays as it is.
    """
    held: np.ndarray | None = None  # last frame of the segment before, when the boundary is blended
    for index, path in enumerate(segments):
        # Boundary k lies before the segment with index k: people count segments from 1.
        head = min(reach, counts[index] // 2) if index in blends else 0
        tail = min(reach, counts[index] // 2) if index + 1 in blends else 0
        following = _first_planes(segments[index + 1]) if tail else None
        last = None
        for number, frame in enumerate(decoded(path)):
            place = number - (counts[index] - tail)  # 0 and up inside the tail
            if number < head and held is not None:
                yield from_planes(_mix(held, to_planes(frame), (head + number + 1) / (2 * head + 1)))
            elif place >= 0 and following is not None:
                last = to_planes(frame)
                yield from_planes(_mix(last, following, (place + 1) / (2 * tail + 1)))
            else:
                yield frame
        held = last


def _first_planes(path: Path) -> np.ndarray:
    frames = decoded(path)
    try:
        return to_planes(next(frames))
    finally:
        frames.close()  # type: ignore[attr-defined]


def _mix(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """(1 - share) of one and share of the other, rounded."""
    return cv2.addWeighted(one, 1.0 - share, other, share, 0.0)


def _write_poster(scene: Path, target: Path, frames: int) -> Path:
    """The frame with the most contrast of the middle half: neither a fade nor the slate at either end."""
    first, last = frames // 4, max(frames // 4, frames * 3 // 4 - 1)
    step = max(1, (last - first) // 8)
    best: np.ndarray | None = None
    best_contrast = -1.0
    for number, frame in enumerate(decode_frames(scene)):
        if number > last:
            break
        if number < first or (number - first) % step:
            continue
        rgb = to_rgb(frame)
        contrast = float(cv2.resize(rgb, (64, 64), interpolation=cv2.INTER_AREA).std())
        if contrast > best_contrast:
            best, best_contrast = rgb, contrast
    assert best is not None, "a checked scene has frames"
    height, width = best.shape[:2]
    if width > POSTER_WIDTH:
        best = cv2.resize(best, (POSTER_WIDTH, max(1, round(height * POSTER_WIDTH / width))), interpolation=cv2.INTER_AREA)
    with library_errors("backend_error", "The poster cannot be written"):
        _, data = cv2.imencode(".jpg", cv2.cvtColor(best, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
        target.write_bytes(data.tobytes())
    return target
