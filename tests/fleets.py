"""Workers and jobs of a fleet, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.domain.fleet.jobs import FleetJob, Kind
from pipeline.domain.fleet.workers import Worker

GB = 10**9
FLOW = "wan, 1280x720"


def worker(name: str = "gpu-1", *, seconds: float = 1.0, **changes: Any) -> Worker:
    """A worker that has measured speed with one workflow key and nothing to do."""
    return Worker(name, **{"seconds_per_unit": {FLOW: seconds}, **changes})


def job(name: str = "a", *, queued_s: float = 0.0, home: str = "", excluded: Iterable[str] = (), **kind: Any) -> FleetJob:
    """A job of ten units that any worker can do."""
    own = {key: kind.pop(key) for key in ("scene", "part", "not_before_s") if key in kind}
    known = Kind(**{"run": "Harbor Nights", "workflow": FLOW, "units": 10.0, **kind})
    return FleetJob(name, known, queued_s=queued_s, home=home, excluded=frozenset(excluded), **own)


def jobs(count: int, **kind: Any) -> list[FleetJob]:
    """So many equal jobs, in order of age."""
    return [job(f"job {number}", queued_s=number / 1000, **kind) for number in range(count)]


def scene(name: str, parts: int, **kind: Any) -> list[FleetJob]:
    """The segments of one scene."""
    units = kind.get("units", 10.0)
    return [
        job(f"{name}.{part}", scene=name, part=part, following_units=units * (parts - part), **kind)
        for part in range(1, parts + 1)
    ]


def busy(name: str, until_s: float, *, doing: FleetJob | None = None, **changes: Any) -> Worker:
    """A worker with a job in hand."""
    return worker(name, holds=(doing or job(f"in hand of {name}"),), busy_until_s=until_s, **changes)
