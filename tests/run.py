"""The test command: everything the suite needs, then the suite. `./stripboard test` runs this module."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests import chromium, postgresql

ROOT = Path(__file__).resolve().parent.parent
HELP = """\
Usage: ./stripboard test [--fast] [--campaign] [--set-up] [pytest arguments]

Runs the tests on SQLite and on PostgreSQL and in a real browser, and exits with pytest's code. The whole suite runs
in up to four processes; tests that are named run in one.

  --fast      without PostgreSQL, without the browser and without the long campaigns
  --campaign  with the long campaigns (tests marked slow), and every command started as people start it
  --set-up    get everything that the tests need, run none

PostgreSQL: TEST_DATABASE_URL when it is set; else a private server that is started for the run from the machine's own
programs and removed afterwards. Browser: the machine's Chromium or Chrome. As root on Debian, what is missing is installed.
With CI=true nothing may be left out.
"""


def main(arguments: list[str]) -> int:
    """Run the suite; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a background shell; the programs under test hear it
    if "--fast" in arguments and "--set-up" not in arguments:
        return pytest(arguments)
    has_url = bool(os.environ.get("TEST_DATABASE_URL"))
    folder = None if has_url else postgresql.programs(may_install=True)
    browser = chromium.program(may_install=True)
    missing = [text for text, found in ((postgresql.MISSING, has_url or folder), (chromium.MISSING, browser)) if not found]
    refused = leave_out(missing)
    if refused or "--set-up" in arguments:
        return refused
    if folder is None:
        return pytest(arguments)
    with stopped_by_signals(), postgresql.throw_away_server(folder, ROOT / ".test-services") as url:
        os.environ["TEST_DATABASE_URL"] = url
        return pytest(arguments)


def leave_out(missing: Sequence[str]) -> int:
    """Say what is left out, and how to add it; in CI that is a failure."""
    for text in missing:
        print(text, file=sys.stderr)
    return 1 if missing and in_ci() else 0


def spread(arguments: Sequence[str]) -> list[str]:
    """How pytest is told to use the cores: the whole suite, file by file, in two processes more than there are (four at most),
    since tests wait for other programs half of the time; named tests in one.

    In the order of the folders, so that the few long journeys do not come last, when there is nothing to do beside them.
    """
    is_whole = all(argument in {"--fast", "--campaign"} or argument.startswith("--durations") for argument in arguments)
    processes = min(4, (os.cpu_count() or 1) + 2)
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"] if is_whole else []


def in_ci() -> bool:
    """Whether this run must be complete."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn a request to end into an exception, so that the server is stopped on the way out."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def pytest(arguments: list[str]) -> int:
    """Run pytest in a process of its own. Ctrl-C is pytest's to answer: it reports and ends, then we do.

    Compiled modules are kept, whatever the caller prefers: the tests start this program a thousand times.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen([sys.executable, "-m", "pytest", *spread(arguments), *arguments], cwd=ROOT, env=environment)
    try:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
