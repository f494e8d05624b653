"""What other programs and servers made, checked as hostile before it is published: exactly what was asked for, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import open_image, png_of, probe_image
from pipeline.adapters.media.video import Measured, measure
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import OutputFile, Request
from pipeline.ports import Workspace

OUTPUT_LIMIT = 8 * 1024**3
"""How many bytes one attempt may make."""
STILL, SEGMENT, LAST_FRAME = "still.png", "segment.mp4", "last_frame.png"
"""What the files are called in the folder that is taken in."""


def take_still(request: Request, workspace: Workspace, folder: Path) -> tuple[OutputFile, ...]:
    """Publish `still.png` of a program's folder: a PNG of the asked size. Raises WorkFailed("corrupt_output") otherwise."""
    return publish_still(request, workspace, _program_picture(folder, STILL))


def take_segment(request: Request, workspace: Workspace, folder: Path) -> tuple[OutputFile, ...]:
    """Publish `segment.mp4` of a program's folder and its last frame: `last_frame.png` if there, else taken from the video.

    Raises WorkFailed("corrupt_output") unless it is H.264 of the asked size, rate and length.
    """
    path = _regular(folder, SEGMENT)
    has_last = (folder / LAST_FRAME).exists() or (folder / LAST_FRAME).is_symlink()
    return publish_segment(request, workspace, path, measure(path), _program_picture(folder, LAST_FRAME) if has_last else None)


def publish_still(request: Request, workspace: Workspace, picture: np.ndarray) -> tuple[OutputFile, ...]:
    """Publish a picture (RGB) of the asked size as PNG. Raises WorkFailed("corrupt_output") for another size."""
    return (_publish_picture(request, workspace, picture, name=STILL, role="still"),)


def publish_segment(
    request: Request, workspace: Workspace, path: Path, measured: Measured, last: np.ndarray | None = None
) -> tuple[OutputFile, ...]:
    """Publish a segment that has been measured, and the picture (RGB) that the next one begins with: else its last frame.

    Raises WorkFailed("corrupt_output") unless it is H.264 of the asked size, rate and length.
    """
    _compare(request, measured.facts)
    picture = measured.last if last is None else last
    frame = _publish_picture(request, workspace, picture, name=LAST_FRAME, role="last_frame")
    return workspace.publish(path, role="segment", media_type="video/mp4", facts=measured.facts), frame


def _compare(request: Request, facts: dict[str, Any]) -> None:
    """Exactly what was asked for, or not at all."""
    asked = {key: request.parameters.get(key) for key in ("frames", "fps", "width", "height")}
    got_rate = "a variable rate" if facts["variable_fps"] else f"{facts['fps']:g} fps"
    same = all(asked[key] is None or abs(float(asked[key]) - facts[key]) < 1e-3 for key in asked)
    if not same or facts["variable_fps"]:
        raise WorkFailed(
            "corrupt_output",
            f"asked for {asked['frames']} frames at {asked['fps']} fps {asked['width']}x{asked['height']}, "
            f"got {facts['frames']} frames at {got_rate} {facts['width']}x{facts['height']}",
        )
    if facts["codec"] != "h264":
        raise WorkFailed("corrupt_output", f"{SEGMENT} must hold H.264, not {facts['codec']}. Encode it with libx264.")


def _program_picture(folder: Path, name: str) -> np.ndarray:
    """The pixels of a PNG (RGB): nothing else that the file may carry is trusted."""
    path = _regular(folder, name)
    kind = probe_image(path, failure_class="corrupt_output").format
    if kind != "PNG":
        raise WorkFailed("corrupt_output", f"{name} must be a PNG picture, not {kind}.")
    return open_image(path, failure_class="corrupt_output")


def _publish_picture(request: Request, workspace: Workspace, picture: np.ndarray, *, name: str, role: str) -> OutputFile:
    height, width = picture.shape[:2]
    asked = request.parameters.get("width"), request.parameters.get("height")
    if asked != (width, height):
        raise WorkFailed("corrupt_output", f"asked for {name} of {asked[0]}x{asked[1]}, got {width}x{height}")
    with library_errors("backend_error", f"{name} cannot be written"):
        content = png_of(picture)
    return workspace.publish_content(content, role=role, media_type="image/png", facts={"width": width, "height": height})


def _regular(folder: Path, name: str) -> Path:
    """The file, if it is a plain file of its own in the folder: no link of any kind to anything else, no pipe, no device."""
    path = folder / name
    try:
        status = path.lstat()
    except OSError as error:
        raise WorkFailed("corrupt_output", f"The program ended well but left no {name} in its output folder.") from error
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise WorkFailed("corrupt_output", f"{name} is a link or no plain file; the program must write the file itself.")
    if status.st_size > OUTPUT_LIMIT:
        raise WorkFailed("corrupt_output", f"{name} has {status.st_size} bytes; at most {OUTPUT_LIMIT} are accepted.")
    return path
