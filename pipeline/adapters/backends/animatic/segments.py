"""Moving segments: the approved still brought to life by camera, depth and breath, each starting where the last one ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.camera import camera_path
from pipeline.adapters.backends.animatic.frames import FramePainter
from pipeline.adapters.backends.animatic.layers import Layers, layers_of
from pipeline.adapters.backends.animatic.parameters import group, positive
from pipeline.adapters.backends.animatic.slate import Slate
from pipeline.adapters.media.images import open_image, write_png
from pipeline.adapters.media.video import VideoWriter
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import OutputFile, Request, Result
from pipeline.ports import Workspace

SETTLE_FRAMES = 8  # over so many frames a start image that differs from the planned picture flows back into the plan
REPORT_EVERY = 6


def render_segment(request: Request, workspace: Workspace) -> Result:
    """Render one segment: role `segment` (H.264, exact size, fps, frame count) and role `last_frame` (PNG, without slate).

    With a `start` input, frame 0 continues from it. Raises WorkFailed("bad_input") when an input cannot be used.
    """
    started = time.perf_counter()
    frames, fps = positive(request, "frames"), positive(request, "fps")
    offset = int(request.parameters.get("frame_offset") or 0)
    painter = _painter(request, frames, fps, offset)
    anchor = _anchor(request, painter, offset)
    slate = _slate(request, painter, fps)
    video, last = workspace.scratch / "segment.mp4", workspace.scratch / "last_frame.png"
    picture = np.empty(0, np.uint8)
    with VideoWriter(video, width=painter.width, height=painter.height, fps=fps, crf=20, preset="ultrafast") as writer:
        for index in range(frames):
            picture = _anchored(painter.paint(offset + index), anchor, index)
            writer.write(_with_slate(picture, slate, offset + index))
            if index % REPORT_EVERY == 0:
                workspace.report(index / frames, f"frame {index} of {frames}")
    write_png(picture, last)
    outputs = _publish(workspace, video, last, painter, frames=frames, fps=fps)
    return Result(outputs=outputs, seconds=time.perf_counter() - started)


def _painter(request: Request, frames: int, fps: int, offset: int) -> FramePainter:
    values = request.parameters
    width, height = positive(request, "width"), positive(request, "height")
    layers = _layers(request, width, height)
    # Not the seed: it may differ between the segments of one scene, and the camera must not jump there.
    identity = tuple(
        values.get(key) for key in ("title", "character", "scene_type", "variant", "location", "scene_number", "take")
    )
    total = max(int(values.get("total_frames") or 0), offset + frames)
    path = camera_path(group(values, "camera"), total=total, fps=fps, identity=identity)
    return FramePainter(layers, path, grade=group(group(values, "style"), "grade"), seed=int(values.get("seed") or 0))


def _layers(request: Request, width: int, height: int) -> Layers:
    stills, plates = request.files("still"), request.files("plate")
    if not stills:
        raise WorkFailed(
            "bad_input", "The segment has no still to start from: approve a variant image or give the location a plate."
        )
    has_figure = bool(request.parameters.get("character"))
    plate = plates[0] if plates and has_figure else None
    return layers_of(
        stills[0].path,
        stills[0].sha256,
        plate_path=plate.path if plate else "",
        plate_sha256=plate.sha256 if plate else "",
        framing=str(request.parameters.get("framing") or "medium"),
        width=width,
        height=height,
        has_figure=has_figure,
    )


def _anchor(request: Request, painter: FramePainter, offset: int) -> np.ndarray | None:
    """What the start image has that the plan has not, float32; None when there is no difference, or no start image."""
    starts = request.files("start")
    if not starts:
        return None
    start = open_image(Path(starts[0].path))
    size = (painter.width, painter.height)
    if start.shape[:2] != (painter.height, painter.width):
        start = cv2.resize(start, size, interpolation=cv2.INTER_AREA)
    planned = painter.paint(max(0, offset - 1))
    difference = start.astype(np.float32) - planned
    return difference if np.any(difference) else None


def _anchored(picture: np.ndarray, anchor: np.ndarray | None, index: int) -> np.ndarray:
    if anchor is None or index >= SETTLE_FRAMES:
        return picture
    share = 1 - index / SETTLE_FRAMES
    weight = share * share * (3 - 2 * share)
    return np.clip(picture + anchor * np.float32(weight) + 0.5, 0, 255).astype(np.uint8)


def _slate(request: Request, painter: FramePainter, fps: int) -> Slate | None:
    values = request.parameters
    if not values.get("slate", True):
        return None
    words = (
        _word(values, "title"),
        _word(values, "character") or _word(values, "location"),
        " ".join(part for part in (_scene_number(values), _word(values, "scene_type")) if part),
        _word(values, "variant"),
        f"take {values.get('take') or 1}",
    )
    return Slate(width=painter.width, height=painter.height, fps=fps, words=words, total=painter.total)


def _word(values: Mapping[str, Any], key: str) -> str:
    return str(values.get(key) or "").replace("_", " ")[:80]


def _scene_number(values: Mapping[str, Any]) -> str:
    return f"sc {values['scene_number']}" if values.get("scene_number") is not None else ""


def _with_slate(picture: np.ndarray, slate: Slate | None, index: int) -> np.ndarray:
    if slate is None:
        return picture
    shown = picture.copy()
    slate.draw(shown, index)
    return shown


def _publish(
    workspace: Workspace, video: Path, last: Path, painter: FramePainter, *, frames: int, fps: int
) -> tuple[OutputFile, OutputFile]:
    size = {"width": painter.width, "height": painter.height}
    facts = {**size, "fps": fps, "frames": frames, "duration_s": round(frames / fps, 6), "codec": "h264", "pix_fmt": "yuv420p"}
    return (
        workspace.publish(video, role="segment", media_type="video/mp4", facts=facts),
        workspace.publish(last, role="last_frame", media_type="image/png", facts=size),
    )
