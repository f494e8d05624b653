"""When the runs of a fleet will be done, and what another fleet would change, as people are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.fleet.rules import Hold
from pipeline.domain.fleet.what_if import Change, Ending


@dataclass(frozen=True)
class RunEnd:
    """What is left of a run for the fleet, and when it is done: with a chance of one half, and of nine in ten.

    Both are None where nobody can do some of it, and where budgets pay for nothing of what is ready, as `unpaid` says. `jobs`
    counts what runs, waits and follows; `waiting` what waits for a worker now; `undecided` are scenes behind something in
    review: they are not counted. `due_at` is its deadline. Of `measured_share` of what is left some worker's time was measured.
    """

    run_id: int
    name: str
    jobs: int
    waiting: int
    undecided: int
    likely_at: datetime | None
    latest_at: datetime | None
    due_at: datetime | None = None
    unpaid: Hold | None = None
    measured_share: float = 1.0


@dataclass(frozen=True)
class FleetForecast:
    """The ends of all runs of a fleet, those that are done last at the end; and how much of its working time costs until then."""

    now: datetime
    runs: tuple[RunEnd, ...]
    cost: float

    @property
    def undecided(self) -> int:
        """Scenes that wait for a decision."""
        return sum(run.undecided for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    """The fleet as it is beside the fleet after a change. None where nothing is left that anybody can do."""

    now: datetime
    change: Change
    before: Ending | None
    after: Ending | None
    undecided: int

    @property
    def gained_s(self) -> float | None:
        """How much earlier everything is done; negative when later. None where one of them says nothing, or not all is done."""
        if self.before is None or self.after is None or set(self.before.stuck) != set(self.after.stuck):
            return None
        return self.before.p50_s - self.after.p50_s
