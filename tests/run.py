"""The test command: everything the suite needs, then the suite. `./stripboard test` runs this module."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import postgresql

ROOT = Path(__file__).resolve().parent.parent
HELP = """\
Usage: ./stripboard test [--fast] [--campaign] [--set-up] [pytest arguments]

Runs the tests on SQLite and on PostgreSQL, and exits with pytest's code.

  --fast      without PostgreSQL and without the long campaigns
  --campaign  with the long campaigns (tests marked slow)
  --set-up    get everything that the tests need, run none

PostgreSQL: TEST_DATABASE_URL when it is set; else a private server that is started for the run from the machine's own
programs and removed afterwards; as root on Debian, a missing one is installed. With CI=true nothing may be left out.
"""


def main(arguments: list[str]) -> int:
    """Run the suite; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return 0
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    if "--set-up" in arguments:
        return 0 if postgresql.programs(may_install=True) or not in_ci() else leave_out()
    if "--fast" in arguments or os.environ.get("TEST_DATABASE_URL"):
        return pytest(arguments)
    folder = postgresql.programs(may_install=True)
    if folder is None:
        return leave_out() or pytest(arguments)
    with stopped_by_signals(), postgresql.throw_away_server(folder, ROOT / ".test-services") as url:
        os.environ["TEST_DATABASE_URL"] = url
        return pytest(arguments)


def leave_out() -> int:
    """Say that the PostgreSQL half is left out, and how to add it; in CI that is a failure."""
    print(postgresql.MISSING, file=sys.stderr)
    return 1 if in_ci() else 0


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
    """Run pytest in a process of its own. Ctrl-C is pytest's to answer: it reports and ends, then we do."""
    child = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], cwd=ROOT)
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
