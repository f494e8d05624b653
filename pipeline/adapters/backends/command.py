"""The backend `command`: any program makes the stills and segments; what it leaves is checked as hostile."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from pipeline.adapters.backends.child import Child
from pipeline.adapters.backends.results import LAST_FRAME, OUTPUT_LIMIT, SEGMENT, STILL, take_segment, take_still
from pipeline.adapters.media.failures import library_errors
from pipeline.domain.errors import WorkFailed
from pipeline.domain.patience import PROGRAM_S
from pipeline.domain.work import Request, Result
from pipeline.ports import Workspace

PROTOCOL = 1
_OURS = ("command", "base_dir", "timeout_s")  # parameters for us, not for the program
TIMEOUT_S = PROGRAM_S


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
    take_in = take_still if request.stage == "variant_generation" else take_segment
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
