"""How far a run is and what happens next: pure arithmetic over counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.stages import STAGES, Phase, Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus


class Outlook(StrEnum):
    """What a run needs next."""

    NOTHING_ASKED = "nothing_asked"  # submit something
    WORKING = "working"  # it goes on by itself
    PEOPLE = "people"  # decisions are waiting and nothing else can go on
    WORKERS = "workers"  # work is ready, and no worker of the fleet can do any of it
    BUDGET = "budget"  # work is ready, and the budget does not cover it
    STUCK = "stuck"  # something failed, was rejected or waits for what nobody asked for, and nothing else can go on
    PAUSED = "paused"
    REACHED = "reached"  # everything up to the wanted phase is done
    OVER = "over"  # completed or cancelled


GOES_ON = frozenset({Outlook.WORKING, Outlook.WORKERS})
"""Nothing is asked of the run itself: whoever drives it stays with it."""


@dataclass(frozen=True)
class PhaseProgress:
    """One phase: jobs done of jobs known so far."""

    phase: Phase
    done: int
    total: int
    failed: int


@dataclass(frozen=True)
class Progress:
    """A run at one moment. Times in seconds, sizes in bytes, costs in the currency of the installation."""

    cells: Mapping[CellStatus, int]
    stills: Mapping[CellStatus, int]
    phases: tuple[PhaseProgress, ...]
    blocked: int
    spent_seconds: float
    reserved_seconds: float
    limit_seconds: float | None
    spent_bytes: int
    limit_bytes: int | None
    outlook: Outlook
    spent_cost: float = 0.0
    limit_cost: float | None = None

    @property
    def total(self) -> int:
        """All cells."""
        return sum(self.cells.values())

    @property
    def approved(self) -> int:
        """Approved cells."""
        return self.cells.get(CellStatus.APPROVED, 0)


def phases(jobs: Mapping[tuple[Stage, JobStatus], int]) -> tuple[PhaseProgress, ...]:
    """Jobs by stage and status -> progress by phase, in order; phases without jobs are left out."""
    found = []
    for phase in Phase:
        mine = {key: count for key, count in jobs.items() if STAGES[key[0]].phase is phase and key[1] is not JobStatus.CANCELLED}
        total = sum(mine.values())
        if total:
            done = sum(count for (_, status), count in mine.items() if status is JobStatus.DONE)
            failed = sum(count for (_, status), count in mine.items() if status is JobStatus.FAILED)
            found.append(PhaseProgress(phase, done, total, failed))
    return tuple(found)


def outlook(
    *,
    run_status: RunStatus,
    cells: Mapping[CellStatus, int],
    stills: Mapping[CellStatus, int],
    ready: int,
    running: int,
    allowed: int,
    is_covered: bool,
    has_failed_jobs: bool,
    is_served: bool = True,
) -> Outlook:
    """What the run needs next.

    `ready` and `running` count jobs; `allowed` those of the ready ones that the wanted phase includes; `is_covered` says
    whether the budget pays for any of them, `is_served` whether anybody can do any of them.
    """
    if run_status in (RunStatus.COMPLETED, RunStatus.CANCELLED):
        return Outlook.OVER
    if run_status is RunStatus.PAUSED:
        return Outlook.PAUSED
    if running or (allowed and is_covered):
        return Outlook.WORKING if running or is_served else Outlook.WORKERS
    if allowed:
        return Outlook.BUDGET
    if stills.get(CellStatus.REVIEW) or cells.get(CellStatus.REVIEW):
        return Outlook.PEOPLE
    if ready:
        return Outlook.REACHED
    bad = (CellStatus.FAILED, CellStatus.REJECTED)
    if has_failed_jobs or any(counts.get(status) for counts in (cells, stills) for status in bad):
        return Outlook.STUCK
    if all(status in (CellStatus.NOT_STARTED, CellStatus.CANCELLED) or not count for status, count in cells.items()):
        return Outlook.NOTHING_ASKED
    return Outlook.STUCK if cells.get(CellStatus.QUEUED) else Outlook.REACHED
