"""The command line for tests: each command in a process of its own, forked from one that has loaded the program.

To start Python and load the program takes longer than most commands do, and the tests run a thousand of them. Where they are
asked to be started anew (with the long campaigns, and where nothing can be forked), each is.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.cli.entry import start

PROGRAM = (sys.executable, "-m", "pipeline")
_CAN_FORK = "forkserver" in multiprocessing.get_all_start_methods()
_TEXT = {"encoding": "utf-8", "errors": "backslashreplace"}


class Commands:
    """How commands are run. `are_started_anew` is the real way, whole and slow."""

    def __init__(self) -> None:
        self.are_started_anew = not _CAN_FORK

    def run(
        self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run one to its end; without an input. Raises TimeoutExpired."""
        if self.are_started_anew:
            line = [*PROGRAM, *arguments]
            return subprocess.run(
                line, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
            )
        return _forked(list(arguments), folder, dict(environment), timeout_s)


commands = Commands()


def _forked(
    arguments: list[str], folder: Path, environment: dict[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.loaded"])
    with tempfile.TemporaryDirectory() as place:
        told = [str(Path(place) / name) for name in ("out", "err")]
        process = context.Process(target=_perform, args=(arguments, str(folder), environment, *told))
        process.start()
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout_s)
        out, err = (Path(path).read_text(encoding="utf-8") for path in told)
        code = process.exitcode
    assert code is not None
    return subprocess.CompletedProcess(arguments, code, out, err)


def _perform(arguments: list[str], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    """In the forked process: be what a shell would have started."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate((os.devnull, out, err)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, closefd=False, **_TEXT)
    sys.stdout = os.fdopen(1, "w", closefd=False, **_TEXT)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, **_TEXT)
    sys.argv = ["pipeline", *arguments]
    try:
        code = start(arguments)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
    sys.exit(code)
