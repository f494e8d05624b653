"""Programs of the backend `command` end with the run that started them, however it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.productions import Desk

PATIENCE_S = 30
PROGRAM = """
import json, signal, subprocess, sys, time
from pathlib import Path

json.load(sys.stdin)
pipe = Path(__file__).with_name("pipe").open("wb", 0)
subprocess.Popen(["sleep", "120"], pass_fds=[pipe.fileno()])


def stop(number, frame):
    pipe.write(b"asked to stop\\n")
    time.sleep(0.5)
    pipe.write(b"stops\\n")
    sys.exit(1)


signal.signal(signal.SIGTERM, stop)
pipe.write(b"began\\n")
time.sleep(120)
"""


class Programs:
    """A production whose programs hold the end of a pipe as long as they, or children of them, are there."""

    def __init__(self, folder: Path) -> None:
        (folder / "work").mkdir()
        self.desk = Desk(folder / "home", folder / "work")
        self._production = self.desk.write("long", backend="command", command=[sys.executable, "make.py"])
        (self._production / "make.py").write_text(PROGRAM)
        os.mkfifo(self._production / "pipe")
        self._pipe = -1

    def start(self, executor: str) -> subprocess.Popen[str]:
        """`run` of it, once two programs are at work."""
        process = self.desk.start("run", self._production, STRIPBOARD_EXECUTOR=executor)
        self._pipe = os.open(self._production / "pipe", os.O_RDONLY)
        said = b""
        while said.count(b"began") < 2:
            said += os.read(self._pipe, 1000)
        return process

    def last_words(self, patience_s: float) -> str:
        """What they have said since, up to the end of the last one."""
        said = b""
        while select.select([self._pipe], [], [], patience_s)[0]:
            more = os.read(self._pipe, 1000)
            if not more:
                return said.decode()
            said += more
        pytest.fail(f"there are programs yet, after {said!r}")

    def close(self) -> None:
        os.close(self._pipe)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    found = Programs(tmp_path)
    yield found
    found.close()


@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_a_clean_stop_asks_programs_to_stop_and_ends_after_them(programs: Programs, executor: str) -> None:
    process = programs.start(executor)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, out + err
    assert sorted(programs.last_words(0).splitlines()) == ["asked to stop"] * 2 + ["stops"] * 2


@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_programs_are_killed_with_the_run_that_was_killed(programs: Programs, executor: str) -> None:
    process = programs.start(executor)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert programs.last_words(PATIENCE_S) == ""
