"""The backend `command`: any program makes the stills and segments; what it leaves is checked as hostile."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from pathlib import Path
from typing import Any

from pipeline.adapters.backends.child import Child
from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import open_image, probe_image, write_png
from pipeline.adapters.media.video import examine, probe
from pipeline.domain.errors import WorkFailed
from pipeline.domain.patience import PROGRAM_S
from pipeline.domain.work import OutputFile, Request, Result
from pipeline.ports import Workspace

PROTOCOL = 1
_OURS = ("command", "base_dir", "timeout_s")  # parameters for us, not for the program
TIMEOUT_S = PROGRAM_S
OUTPUT_LIMIT = 8 * 1024**3
STILL, SEGMENT, LAST_FRAME = "still.png", "segment.mp4", "last_frame.png"


def run_command(request: Request, workspace: Workspace) -> Result:
    """Run `parameters["command"]` (an argument list, no shell) and publish what it made.

    Entries that name files below the parameter `base_dir`, the folder of the production, are turned into whole paths.

    The program reads one JSON object on standard input: `protocol`, `stage`, `attempt_id`, `inputs` (role, path, media_type,
    label), `parameters`, `output` (folder, files). It may write lines `{"progress": 0.5, "note": "…"}` on standard output.
    It leaves `still.png`, or `segment.mp4` and if it likes `last_frame.png`, in the output folder and exits with 0.

    Raises WorkFailed: `bad_input` (no such program), `timeout` (parameter `timeout_s`), `backend_error` (other exit code),
    `corrupt_output` (not what was asked for). Raises Cancelled, and leaves no process behind, when the attempt is cancelled.
    """
    started = time.perf_counter()
    arguments = _arguments(request)
    folder = workspace.scratch / "output"
    temporary = workspace.scratch / "tmp"
    with library_errors("backend_error", "The output folder cannot be made"):
        # A first performance of this attempt may have died half way; nothing of it may pass for the program's work.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        temporary.mkdir(parents=True, exist_ok=True)
    told = json.dumps(_told(request, folder)).encode() + b"\n"
    child = Child(arguments, folder=folder, environment=_environment(temporary), stdin=told)
    code = child.wait(timeout_s=_timeout(request), each=lambda: _watch(child, workspace, folder))
    if code != 0:
        raise WorkFailed("backend_error", f'The program "{arguments[0]}" ended with code {code}.{child.last_words}')
    take_in = _take_still if request.stage == "variant_generation" else _take_segment
    outputs = take_in(request, workspace, folder)
    return Result(outputs=outputs, seconds=time.perf_counter() - started)


def _arguments(request: Request) -> list[str]:
    command = request.parameters.get("command")
    if not isinstance(command, (list, tuple)) or not command or not all(isinstance(part, str) for part in command):
        raise WorkFailed("bad_input", 'The backend "command" needs `command`: a list of the program and its arguments.')
    if not command[0] or any("\0" in part for part in command):
        raise WorkFailed("bad_input", "The first entry of `command` must name a program, and no entry may hold a zero byte.")
    base = request.parameters.get("base_dir")
    return [_located(part, Path(base)) for part in command] if isinstance(base, str) else list(command)


def _located(part: str, base: Path) -> str:
    """An entry that names a file of the production, as its whole path: the program works in a folder of its own."""
    place = base / part
    return str(place.resolve()) if part and not Path(part).is_absolute() and place.is_file() else part


def _timeout(request: Request) -> float:
    value = request.parameters.get("timeout_s", TIMEOUT_S)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise WorkFailed("bad_input", f"`timeout_s` must be a number of seconds above zero, not {value!r}.")
    return float(value)


def _told(request: Request, folder: Path) -> dict[str, Any]:
    """What the program is told."""
    is_still = request.stage == "variant_generation"
    expected = [(STILL, True)] if is_still else [(SEGMENT, True), (LAST_FRAME, False)]
    return {
        "protocol": PROTOCOL,
        "stage": request.stage,
        "attempt_id": request.attempt_id,
        "inputs": [
            {"role": file.role, "path": str(Path(file.path).resolve()), "media_type": file.media_type, "label": file.label}
            for file in request.inputs
        ],
        "parameters": {key: value for key, value in request.parameters.items() if key not in _OURS},
        "output": {
            "folder": str(folder.resolve()),
            "files": [{"name": name, "required": required} for name, required in expected],
        },
    }


def _environment(temporary: Path) -> dict[str, str]:
    """Where programs lie, a home, a language, a place for temporary files; nothing else, for the rest may hold secrets."""
    place = str(temporary.resolve())
    return {
        "PATH": os.pathsep.join(os.get_exec_path()),
        "HOME": str(Path("~").expanduser()),
        "LANG": "C.UTF-8",
        "TMPDIR": place,
        "TEMP": place,
        "TMP": place,
    }


def _watch(child: Child, workspace: Workspace, folder: Path) -> None:
    """Called while the program runs: pass its progress on (which raises when cancelled), and stop it when it writes too much."""
    fraction, note = child.progress
    workspace.report(fraction, note)
    written = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                written += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue  # it has just been renamed or removed
    if written > OUTPUT_LIMIT:
        raise WorkFailed("corrupt_output", f"The program wrote more than {OUTPUT_LIMIT} bytes and was stopped.")


def _take_still(request: Request, workspace: Workspace, folder: Path) -> tuple[OutputFile, ...]:
    return (_take_picture(request, workspace, folder, name=STILL, role="still"),)


def _take_segment(request: Request, workspace: Workspace, folder: Path) -> tuple[OutputFile, ...]:
    path = _regular(folder, SEGMENT)
    facts = probe(path)
    examined = examine(path)
    facts |= examined.counted(facts["fps"])
    _compare(request, facts)
    if (folder / LAST_FRAME).exists() or (folder / LAST_FRAME).is_symlink():
        last = _take_picture(request, workspace, folder, name=LAST_FRAME, role="last_frame")
    else:
        clean = workspace.scratch / LAST_FRAME
        write_png(examined.last, clean)
        last = workspace.publish(clean, role="last_frame", media_type="image/png", facts=_size(examined.last.shape))
    return workspace.publish(path, role="segment", media_type="video/mp4", facts=facts), last


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
