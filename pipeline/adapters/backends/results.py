"""What other programs and servers made, checked as hostile before it is published: exactly what was asked for, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from pipeline.adapters.media.images import open_image, probe_image, write_png
from pipeline.adapters.media.video import Measured, measure
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import OutputFile, Request
from pipeline.ports import Workspace

OUTPUT_LIMIT = 8 * 1024**3
"""How many bytes one attempt may make."""
STILL, SEGMENT, LAST_FRAME = "still.png", "segment.mp4", "last_frame.png"
"""What the files are called in the folder that is taken in."""


def take_still(request: Request, workspace: Workspace, folder: Path) -> tuple[OutputFile, ...]:
    """Publish `still.png` of the folder: a PNG of the asked size. Raises WorkFailed("corrupt_output") for anything else."""
    return (_take_picture(request, workspace, folder, name=STILL, role="still"),)


def take_segment(
    request: Request, workspace: Workspace, folder: Path, measured: Measured | None = None
) -> tuple[OutputFile, ...]:
    """Publish `segment.mp4` of the folder and its last frame: `last_frame.png` where there is one, else taken from the video.

    Every frame is decoded, unless `measured` says what that shows. Raises WorkFailed("corrupt_output") unless it is H.264 of
    the asked size, rate and length.
    """
    path = _regular(folder, SEGMENT)
    measured = measured or measure(path)
    _compare(request, measured.facts)
    if (folder / LAST_FRAME).exists() or (folder / LAST_FRAME).is_symlink():
        last = _take_picture(request, workspace, folder, name=LAST_FRAME, role="last_frame")
    else:
        clean = workspace.scratch / LAST_FRAME
        write_png(measured.last, clean)
        last = workspace.publish(clean, role="last_frame", media_type="image/png", facts=_size(measured.last.shape))
    return workspace.publish(path, role="segment", media_type="video/mp4", facts=measured.facts), last


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


def _take_picture(request: Request, workspace: Workspace, folder: Path, *, name: str, role: str) -> OutputFile:
    """A PNG of the asked size, written anew: only its pixels are trusted, nothing else that the file may carry."""
    path = _regular(folder, name)
    kind = probe_image(path, failure_class="corrupt_output").format
    if kind != "PNG":
        raise WorkFailed("corrupt_output", f"{name} must be a PNG picture, not {kind}.")
    picture = open_image(path, failure_class="corrupt_output")
    width, height = request.parameters.get("width"), request.parameters.get("height")
    if (width, height) != (picture.shape[1], picture.shape[0]):
        raise WorkFailed("corrupt_output", f"asked for {name} of {width}x{height}, got {picture.shape[1]}x{picture.shape[0]}")
    clean = workspace.scratch / name
    write_png(picture, clean)
    return workspace.publish(clean, role=role, media_type="image/png", facts=_size(picture.shape))


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


def _size(shape: tuple[int, ...]) -> dict[str, int]:
    return {"width": shape[1], "height": shape[0]}
