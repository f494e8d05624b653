"""The demo on a fleet of processes: one is killed for good, another is killed and started again, and the delivery is whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import settings, wiring
from pipeline.domain.statuses import AttemptOutcome
from tests.acceptance.productions import ROOT, Desk

PATIENCE_S = 240
_STARTED = re.compile(r"(demo-\d): .* (http://127\.0\.0\.1:(\d+)) \(process (\d+)\)")


def ledger(desk: Desk, name: str) -> list[dict[str, Any]]:
    """What one double really ran."""
    path = desk.home / "doubles" / name / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_in_a_job(desk: Desk, name: str) -> bool:
    """Whether a double has begun something and not ended it."""
    lines = ledger(desk, name)
    return bool(lines) and lines[-1]["event"] == "began"


def until(claim: Callable[[], bool], demo: subprocess.Popen[str]) -> None:
    """Wait until it is true; fails when the demo ends before, or after some minutes."""
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert demo.poll() is None and time.monotonic() < deadline, "it never came true while the demo ran"
        time.sleep(0.01)


def check_the_books(desk: Desk) -> None:
    """Every promise holds, nothing ran twice without a recorded reason, and the two that died are named as the reason."""
    lines = [line for name in ("demo-1", "demo-2", "demo-3") for line in ledger(desk, name)]
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


def test_a_fleet_that_loses_a_server_and_the_memory_of_another_delivers_all_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", tmp_path)
    size = ("--characters", "3", "--scene-types", "2", "--variants", "2")
    demo = desk.start("demo", "--headless", "--fleet", "3", *size, PYTHONUNBUFFERED="1")
    assert demo.stdout is not None
    servers: dict[str, tuple[int, int]] = {}
    said = []
    while len(servers) < 3:
        said.append(demo.stdout.readline())
        assert said[-1], "".join(said)
        if found := _STARTED.search(said[-1]):
            servers[found[1]] = int(found[3]), int(found[4])

    until(lambda: is_in_a_job(desk, "demo-1"), demo)
    os.kill(servers["demo-1"][1], signal.SIGKILL)
    until(lambda: is_in_a_job(desk, "demo-2") and len(ledger(desk, "demo-2")) > 4, demo)
    os.kill(servers["demo-2"][1], signal.SIGKILL)
    command = [sys.executable, "-m", "pipeline.double", "--home", str(desk.home / "doubles" / "demo-2"), "--name", "demo-2"]
    with subprocess.Popen(
        [*command, "--port", str(servers["demo-2"][0]), "--speed", "5", "--with-parent"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as again:  # fmt: skip
        out, err = demo.communicate(timeout=PATIENCE_S)
        again.terminate()
    assert demo.returncode == 0, f"{''.join(said)}{out}\n{err}"

    [package] = (desk.home / "deliveries").glob("*.zip")
    desk.call("verify-delivery", package)
    check_the_books(desk)
    assert desk.json("status")["run"]["status"] == "completed"
