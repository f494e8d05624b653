"""What the workers of a fleet will do next, as far as it can be told from what waits now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.domain.fleet.choosing import Assignment, choose
from pipeline.domain.fleet.jobs import Backlog
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet.workers import Rates, fits


def ahead(backlog: Backlog, standing: Standing, *, horizon_s: float, each: int) -> tuple[Assignment, ...]:
    """The jobs that each worker is expected to begin within the horizon, at most so many, in the order of their begin.

    It is the choice itself, made as if workers could be given work that long before they are free. Segments that come after
    those that wait are not in it, and nothing that will arrive is.
    """
    workers = [replace(worker, places=len(worker.holds) + each) for worker in standing.workers]
    rules = replace(standing.rules, ahead_s=horizon_s)
    choice = choose(backlog, workers, now_s=standing.now_s, rules=rules, served=standing.served)
    return tuple(sorted(choice.assignments, key=lambda given: (given.start_s, given.job.id)))


def work_left_s(backlog: Backlog, standing: Standing) -> float:
    """How long all that waits takes the workers that may do it, if it is shared out evenly; 0 when nobody may."""
    here = [worker for worker in standing.workers if not worker.away]
    rates = Rates(standing.workers)
    able: dict[str, Sequence[str]] = {}
    total = 0.0
    for lane in backlog.lanes:
        found = able.setdefault(lane.kind.workflow, [worker.name for worker in here if fits(worker, lane.kind)])
        speed = sum(rates.speeds[name] for name in found)
        total += len(lane.jobs) * lane.kind.units * rates.typical(lane.kind.workflow) / speed if speed else 0.0
    return total
