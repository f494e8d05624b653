"""What passes between an engine and the service that its turns call: reports and room to the one side, work to the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.stages import Lane
from pipeline.domain.work import Request, Update

Report = tuple[int, Update]
"""The number of a job, and the final update of its attempt."""


@dataclass(frozen=True)
class Arrivals:
    """What an engine brings to a turn: reports of attempts that have ended, and for how many jobs it has room, by lane."""

    reports: Sequence[Report]
    free: Mapping[Lane, int]


@dataclass(frozen=True)
class Turn:
    """What one turn came to. `reports` are all that it took in; `over` are attempts that are no longer ours: stop them."""

    assignments: tuple[Assignment, ...] = ()
    reports: tuple[Report, ...] = ()
    over: tuple[str, ...] = ()
    settled: int = 0


@dataclass(frozen=True)
class Assignment:
    """A leased job and the request for its performer, which may take `limit_s` seconds; `paid_s` of them are reserved."""

    job_id: int
    lane: Lane
    request: Request
    backend: str
    limit_s: float = math.inf
    paid_s: float = math.inf


def nothing() -> Arrivals | None:
    """Nothing has ended meanwhile."""
    return None
