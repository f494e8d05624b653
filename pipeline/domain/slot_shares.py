"""Which runs begin what next in the slots of this machine: the rule that shares out a fleet, with slots for workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.domain.fleet.choosing import choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob, Kind
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.workers import Worker

_WORK = "slot"
_EQUAL = {_WORK: 1.0}
_PARTS = 4
"""A run's rest is weighed in so many pieces for each slot: none of them is so long that it would decide by its length."""


@dataclass(frozen=True)
class Claimant:
    """A run that has something to begin. `held` of its jobs run already; `since_s` is when it was last given a slot.

    `rest_s` is how long all that is left of it takes one slot, in seconds; it matters where there is a deadline.
    """

    run: str
    project: str
    priority: int = 0
    deadline_s: float | None = None
    since_s: float = 0.0
    rest_s: float = 0.0
    held: int = 0


def shared_out(claimants: Sequence[Claimant], room: int, *, now_s: float, rules: Rules) -> list[str]:
    """The run that each of the next `room` free slots goes to, in the order of their claims.

    Priority first, then who was passed over for too long, then deadlines that press, then shares of projects.
    """
    busy = sum(one.held for one in claimants)
    pieces = _PARTS * (room + busy)
    backlog, workers = Backlog(), [Worker(f"free {number}", seconds_per_unit=_EQUAL, places=1) for number in range(room)]
    for one in claimants:
        kind = Kind(
            one.run, _WORK, one.project, units=one.rest_s / pieces or 1.0, priority=one.priority, deadline_s=one.deadline_s
        )
        for number in range(pieces):
            backlog.add(FleetJob(f"{one.run} {number}", kind, queued_s=one.since_s))
        held = FleetJob(one.run, kind)
        workers += [
            Worker(f"{one.run} {number}", seconds_per_unit=_EQUAL, holds=(held,), busy_until_s=now_s, places=1)
            for number in range(one.held)
        ]
    chosen = choose(backlog, workers, now_s=now_s, rules=rules)
    return [given.job.kind.run for given in chosen.assignments]
