"""Runs a program that is not trusted to behave: bounded output, bounded time, and no process of it left behind."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pipeline.adapters.backends import leash
from pipeline.domain.errors import WorkFailed

STDERR_KEPT = 4096
LINE_LIMIT = 8192
LINES_LIMIT = 100_000
NOTE_LIMIT = 200
POLL_S = 0.05
GRACE_S = 3.0  # between asking a program to stop and making it stop
JOIN_S = 2.0


class Child:
    """One run of a program. Its progress lines are read as they come; its last words on standard error are kept."""

    def __init__(self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdin: bytes) -> None:
        """Start it in a process group of its own. Raises WorkFailed("bad_input") when it cannot be started.

        The group ends with this process, too, however this one ends (see `leash`).
        """
        self.progress: tuple[float, str] = (0.0, "")
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        try:
            self._process, self._leash = _start(arguments, folder, environment)
        except (OSError, ValueError) as error:
            raise WorkFailed(
                "bad_input",
                f'The program "{arguments[0]}" cannot be started: {error}. Install it, or give its absolute path in `command`.',
            ) from error
        self._threads = [
            threading.Thread(target=work, args=details, daemon=True)
            for work, details in (
                (_feed, (self._process.stdin, stdin)),
                (self._read_progress, (self._process.stdout,)),
                (self._read_errors, (self._process.stderr,)),
            )
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, *, timeout_s: float, each: Callable[[], None]) -> int:
        """Wait for its end and give its exit code; `each` is called many times a second and may raise to stop the program.

        Raises WorkFailed("timeout") when it runs longer. However this ends, no process of its group is left.
        """
        deadline = time.monotonic() + timeout_s
        try:
            while True:
                try:
                    code = self._process.wait(POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    each()
                if time.monotonic() > deadline:
                    raise WorkFailed("timeout", f"The program ran longer than {timeout_s:g} s and was stopped.{self.last_words}")
        finally:
            self._end_group()
        each()
        return code

    @property
    def last_words(self) -> str:
        """` It said: …` with the last 4 KB of standard error, or nothing."""
        text = b"".join(self._tail)[-STDERR_KEPT:].decode("utf-8", "replace")
        text = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text).strip()
        return f" It said: {text}" if text else ""

    def _end_group(self) -> None:
        """Ask the whole group to stop, then make it; also when the program itself has ended but its children have not."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._leash.close()
        for thread in self._threads:
            thread.join(JOIN_S)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # nobody of the group is left

    def _read_progress(self, stream: IO[bytes]) -> None:
        with stream:
            for line in islice(_lines(stream), LINES_LIMIT):
                self.progress = parse_progress(line) or self.progress
            while stream.read(65536):
                pass  # a program that says too much must not be blocked by a full pipe

    def _read_errors(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := stream.read1(4096):
                self._tail.append(chunk)
                self._tail_size += len(chunk)
                while self._tail_size - len(self._tail[0]) >= STDERR_KEPT:
                    self._tail_size -= len(self._tail.popleft())


def _start(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """The program, and our end of its leash. Raises OSError or ValueError when it cannot be started."""
    (theirs, ours), (trouble, telling) = _pipe(), _pipe()
    with trouble, ExitStack() as failing:
        failing.enter_context(ours)
        with theirs, telling:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", leash.__file__, str(theirs.fileno()), str(telling.fileno()), *arguments],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=(theirs.fileno(), telling.fileno()),
            )
        if number := trouble.read():
            with process:
                raise OSError(int(number), os.strerror(int(number)), arguments[0])
        failing.pop_all()
    return process, ours


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return open(reading, "rb", 0), open(writing, "wb", 0)


def parse_progress(line: bytes) -> tuple[float, str] | None:
    """`{"progress": 0.5, "note": "…"}` as (fraction, note); None for any other line."""
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    fraction, note = said.get("progress"), said.get("note", "")
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not math.isfinite(fraction):
        return None
    return min(1.0, max(0.0, float(fraction))), str(note)[:NOTE_LIMIT] if isinstance(note, str) else ""


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        with stream:
            stream.write(data)
    except OSError:
        return  # a program need not read what it is told


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream; of one that is too long only its beginning, which no longer parses."""
    while line := stream.readline(LINE_LIMIT):
        yield line
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_LIMIT)
