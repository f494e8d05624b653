"""Runs the installer and tells how far it is: a moving line on a terminal, plain lines elsewhere."""

import contextlib
import itertools
import re
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TICK_S = 0.1
PLAIN_EVERY_S = 10.0

CAUSES = [
    (
        r"No space left|Errno 28|ENOSPC",
        "The disk is full: the packages take about 1 GB. Make room and start again.",
    ),
    (
        r"Permission denied|Read-only file system",
        "{venv} cannot be written. Give your user the right to write there, or use a checkout of your own.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify",
        "The package index's certificate is not trusted here. Behind a company proxy, set PIP_CERT (uv: SSL_CERT_FILE) to its "
        "certificate.",
    ),
    (
        r"name resolution|Connection|Network is unreachable|Max retries|timed out|error sending request|dns error|ProxyError",
        "The package index could not be reached. Check the network (or PIP_INDEX_URL, HTTPS_PROXY); set-up needs it only once.",
    ),
    (
        r"No matching distribution|Could not find a version|no version of|No solution found",
        "The package index has no fitting version. Check PIP_INDEX_URL and PIP_NO_INDEX, and that the machine is x86-64 or arm64 "
        "with Python 3.11 to 3.13.",
    ),
    (
        r"no pip and no ensurepip",
        "Add them (Debian, Ubuntu: apt install python3-venv), or install uv, and start again.",
    ),
]


class Installation:
    """One run of pip or uv. The child shares the set-up lock: nobody else starts while it lives, even if we are killed."""

    def __init__(self, *, command: list[str], venv: Path, log: Path, lock: IO[str]) -> None:
        self._command = command
        self._venv = venv
        self._log = log
        self._lock = lock
        self._lines: deque[str] = deque(maxlen=12)
        self._collected = 0
        self._total = 0
        self._note = "asking for versions"

    def run(self) -> int:
        """Install; returns the installer's exit code."""
        share = {"pass_fds": (self._lock.fileno(),)} if sys.platform != "win32" else {}
        child = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **share,
        )
        reader = threading.Thread(target=self._read, args=(child.stdout,), daemon=True)
        reader.start()
        try:
            self._tell_until_done(child)
        except BaseException:
            child.terminate()
            child.wait()
            raise
        reader.join()
        return child.returncode

    def last_lines(self) -> list[str]:
        """The end of what the installer said."""
        return [*self._lines, f"(all of it: {self._log})"]

    def _read(self, stream: IO[str]) -> None:
        with self._log.open("w", encoding="utf-8") as log:
            for line in stream:
                log.write(line)
                if not line.startswith("Requirement already satisfied"):
                    self._lines.append(line.rstrip())
                self._learn(line)

    def _learn(self, line: str) -> None:
        """Take what a line of pip or uv says about the way still to go."""
        if found := re.match(r"\s*Collecting (\S+)", line):
            self._collected += 1
            self._note = f"found {self._collected} packages, {re.split(r'[<>=!~;,@(]', found[1])[0]}"
        elif line.startswith("Installing collected packages:"):
            self._total = line.count(",") + 1
            self._note = "installing"
        elif found := re.match(r"Resolved (\d+) packages?", line):
            self._total = int(found[1])
            self._note = "downloading and installing"

    def _tell_until_done(self, child: "subprocess.Popen[str]") -> None:
        start, before = time.monotonic(), self._installed()
        last_line, told_at = "", start
        for tick in itertools.count():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(TICK_S)
                break
            now = time.monotonic()
            line = self._progress(self._installed() - before)
            if sys.stderr.isatty():
                print(f"\r\x1b[K{FRAMES[tick % len(FRAMES)]} {line} · {now - start:.0f} s", end="", file=sys.stderr, flush=True)
            elif line != last_line and now - told_at >= PLAIN_EVERY_S:
                print(f"  {line} · {now - start:.0f} s", file=sys.stderr, flush=True)
                last_line, told_at = line, now
        end = "\r\x1b[K" if sys.stderr.isatty() else ""
        if child.returncode == 0:
            count = self._installed()
            print(
                f"{end}Environment ready: {count} package{'s' * (count != 1)}, {time.monotonic() - start:.0f} s.",
                file=sys.stderr,
                flush=True,
            )
        else:
            print(end, end="", file=sys.stderr, flush=True)

    def _progress(self, added: int) -> str:
        if self._total and added > 0:
            return f"packages: {min(added, self._total)} of {self._total} installed"
        return f"packages: {self._note}"

    def _installed(self) -> int:
        return sum(1 for _ in self._venv.glob("[Ll]ib/**/site-packages/*.dist-info"))


def explain(output: str, venv: Path) -> str:
    """The likely cause of a failed set-up and what to do about it."""
    for pattern, cure in CAUSES:
        if re.search(pattern, output, re.IGNORECASE):
            return cure.format(venv=venv)
    return f"Read the lines above. To begin from nothing, remove {venv} and start again."
