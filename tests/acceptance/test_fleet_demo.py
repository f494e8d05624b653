"""The demo on a fleet of processes: one is killed for good, another is killed and started again, and the delivery is whole."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline import settings, wiring
from pipeline.domain.statuses import AttemptOutcome
from tests.acceptance.productions import ROOT, Desk

_STARTED = re.compile(r"(demo-\d): .* (http://127\.0\.0\.1:(\d+)) \(process (\d+)\)")


def ledger(desk: Desk, name: str) -> list[dict[str, Any]]:
    """What one double really ran."""
    path = desk.home / "doubles" / name / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_in_a_job(desk: Desk, name: str) -> bool:
    """Whether a double has begun something and not ended it."""
    lines = ledger(desk, name)
    return bool(lines) and lines[-1]["event"] == "began"


def check_the_books(desk: Desk, names: Sequence[str]) -> None:
    """Every promise holds, nothing ran twice without a recorded reason, and the two that died are named as the reason."""
    lines = [line for name in names for line in ledger(desk, name)]
    begun = Counter(line["prompt_id"] for line in lines if line["event"] == "began")
    assert set(begun.values()) == {1}, "an attempt ran twice"
    studio = wiring.build_studio(
        settings.load({"STRIPBOARD_HOME": str(desk.home), **desk.environment({})}), verify_package=wiring.package_faults
    )
    studio.upkeep.sweep()
    assert studio.invariants.check() == []
    ours = {entry["attempt"]: int(entry["job"].removeprefix("job-")) for entry in studio.spool.ledger()}
    assert set(begun) <= set(ours)
    with studio.stores.read() as store:
        attempts = store.jobs.attempts_of(sorted(set(ours.values())))
    told = studio.reports.events(0, limit=100_000)
    studio.close()
    excused = [one for one in attempts if one.outcome in (AttemptOutcome.LOST, AttemptOutcome.FAILED) and one.reason]
    assert {one.worker for one in excused} >= {"demo-1", "demo-2"}
    assert len([event for event in told if event.type == "job.retried"]) == len(excused), "the story tells every other try"
    twice = Counter(one.job_id for one in attempts if one.id in begun and one not in excused)
    assert set(twice.values()) == {1}, twice


class DemoFleet:
    """`demo --headless` on so many doubles, which can be killed, started again, and made to forget."""

    def __init__(self, desk: Desk, count: int, size: Sequence[str], patience_s: float) -> None:
        self.desk, self.patience_s = desk, patience_s
        self.names = [f"demo-{number}" for number in range(1, count + 1)]
        self._said: list[str] = []
        self._servers: dict[str, tuple[int, int]] = {}
        self._again: list[subprocess.Popen[str]] = []
        self.demo = desk.start("demo", "--headless", "--fleet", str(count), *size, PYTHONUNBUFFERED="1")
        assert self.demo.stdout is not None
        while len(self._servers) < count:
            self._said.append(self.demo.stdout.readline())
            assert self._said[-1], "".join(self._said)
            if found := _STARTED.search(self._said[-1]):
                self._servers[found[1]] = int(found[3]), int(found[4])

    def ran(self, name: str) -> int:
        """How many jobs a double has ended."""
        return sum(line["event"] == "ended" for line in ledger(self.desk, name))

    def until(self, claim: Callable[[], bool]) -> None:
        """Wait until it is true; fails when the demo ends before, or when its patience does."""
        deadline = time.monotonic() + self.patience_s
        while not claim():
            assert self.demo.poll() is None and time.monotonic() < deadline, "it never came true while the demo ran"
            time.sleep(0.01)

    def kill(self, name: str, *, after: int = 0) -> None:
        """Kill a double in the middle of a job, once it has done so many."""
        self.until(lambda: self.ran(name) >= after and is_in_a_job(self.desk, name))
        os.kill(self._servers[name][1], signal.SIGKILL)

    def start_again(self, name: str) -> None:
        """The double at the same address, without what it had in memory."""
        command = [sys.executable, "-m", "pipeline.double", "--home", str(self.desk.home / "doubles" / name), "--name", name]
        again = subprocess.Popen(
            [*command, "--port", str(self._servers[name][0]), "--speed", "5", "--with-parent"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._again.append(again)

    def forget_history(self, name: str, *, after: int) -> None:
        """Let a double lose its history while it lives, once it has done so many jobs."""
        self.until(lambda: self.ran(name) >= after)
        address = f"http://127.0.0.1:{self._servers[name][0]}/history"
        assert requests.post(address, json={"clear": True}, timeout=10).ok

    def delivered(self) -> Path:
        """The package, after the demo has ended well."""
        out, err = self.demo.communicate(timeout=self.patience_s)
        assert self.demo.returncode == 0, f"{''.join(self._said)}{out}\n{err}"
        [package] = (self.desk.home / "deliveries").glob("*.zip")
        return package

    def close(self) -> None:
        """End whatever still runs."""
        for process in (*self._again, self.demo):
            process.terminate()
            process.communicate()


@contextlib.contextmanager
def demo_fleet(desk: Desk, count: int, size: Sequence[str], *, patience_s: float = 240) -> Iterator[DemoFleet]:
    """The demo on so many doubles; nothing of it is left in the end."""
    fleet = DemoFleet(desk, count, size, patience_s)
    try:
        yield fleet
    finally:
        fleet.close()


def test_a_fleet_that_loses_a_server_and_the_memory_of_another_delivers_all_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", tmp_path)
    with demo_fleet(desk, 3, ("--characters", "3", "--scene-types", "2", "--variants", "2")) as fleet:
        fleet.kill("demo-1")
        fleet.kill("demo-2", after=2)
        fleet.start_again("demo-2")
        package = fleet.delivered()
        desk.call("verify-delivery", package)
        check_the_books(desk, fleet.names)
        assert desk.json("status")["run"]["status"] == "completed"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_160_scenes_over_four_servers_of_which_two_are_killed_and_one_forgets(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", tmp_path)
    with demo_fleet(desk, 4, ("--characters", "10", "--scene-types", "8", "--variants", "2"), patience_s=3000) as fleet:
        fleet.kill("demo-1", after=10)
        fleet.forget_history("demo-3", after=20)
        fleet.kill("demo-2", after=20)
        fleet.start_again("demo-2")
        package = fleet.delivered()
        desk.call("verify-delivery", package)
        check_the_books(desk, fleet.names)
        status = desk.json("status")
        assert status["run"]["status"] == "completed" and status["progress"]["cells"] == {"approved": 160}
