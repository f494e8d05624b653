"""Every status, every legal transition, and who makes it. Nothing moves that is not written here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pipeline.domain.errors import Conflict


class CellStatus(StrEnum):
    """Where a cell stands. *Blocked* is not here: it is computed from a queued cell's unmet dependencies."""

    NOT_STARTED = "not_started"  # nothing asked yet; submission queues it
    QUEUED = "queued"  # asked for; the engine starts it once every dependency is met
    GENERATING = "generating"  # segments, QA and assembly are under way; the engine moves it on
    REVIEW = "review"  # a take is complete; the gate (a person, or the verdict) decides
    APPROVED = "approved"  # a take is accepted; export follows by itself
    REJECTED = "rejected"  # the gate said no; submission or retry queues it again
    FAILED = "failed"  # no attempt succeeded; submission or retry queues it again
    CANCELLED = "cancelled"  # taken out by a person; submission brings it back


class StillKind(StrEnum):
    """What a cell may depend on that is not a cell."""

    SOURCE = "source"  # the source images of a character, checked
    VARIANT = "variant"  # the variant image of a character: candidates, one of them the hero
    PLATE = "plate"  # the plate of a location


class JobStatus(StrEnum):
    """Where a job stands."""

    READY = "ready"  # may be claimed (after `not_before`, while its run is running)
    RUNNING = "running"  # leased by one engine under one epoch
    DONE = "done"  # its outputs are stored
    FAILED = "failed"  # the retry policy gave up; a person may retry
    CANCELLED = "cancelled"  # not wanted any more


class AttemptOutcome(StrEnum):
    """How one try of a job ended."""

    RUNNING = "running"  # not ended
    DONE = "done"  # succeeded
    REUSED = "reused"  # a stored result with the same fingerprint was taken; nothing was executed
    FAILED = "failed"  # ended with a failure class and a reason
    LOST = "lost"  # its process died; the reason says which
    CANCELLED = "cancelled"  # stopped on request


class RunStatus(StrEnum):
    """Where a production run stands."""

    DRAFT = "draft"  # made, nothing submitted; submission starts it
    RUNNING = "running"  # the engine works on it
    PAUSED = "paused"  # a person stopped new work; what runs may finish
    COMPLETED = "completed"  # its delivery is sealed
    CANCELLED = "cancelled"  # a person ended it


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PACKAGING = "packaging"  # its job is queued or runs
    SEALED = "sealed"  # the package is stored and verified; it never changes
    FAILED = "failed"  # packaging gave up or was cancelled; the reason is kept; resuming or delivering tries again


_C = CellStatus
CELL_TRANSITIONS: dict[tuple[CellStatus, CellStatus], str] = {
    (_C.NOT_STARTED, _C.QUEUED): "submission",
    (_C.NOT_STARTED, _C.CANCELLED): "a person cancels",
    (_C.QUEUED, _C.GENERATING): "the engine claims its first job",
    (_C.QUEUED, _C.CANCELLED): "a person cancels",
    (_C.GENERATING, _C.REVIEW): "the engine stores the complete take",
    (_C.GENERATING, _C.FAILED): "the retry policy gives up",
    (_C.QUEUED, _C.FAILED): "the retry policy gives up",
    (_C.GENERATING, _C.CANCELLED): "a person cancels",
    (_C.REVIEW, _C.APPROVED): "the gate accepts",
    (_C.REVIEW, _C.REJECTED): "the gate refuses",
    (_C.REVIEW, _C.QUEUED): "a person asks for a new take",
    (_C.REVIEW, _C.CANCELLED): "a person cancels",
    (_C.APPROVED, _C.QUEUED): "a person asks for a new take",
    (_C.APPROVED, _C.REJECTED): "a person withdraws the approval",
    (_C.APPROVED, _C.REVIEW): "a person takes the decision back",
    (_C.REJECTED, _C.REVIEW): "a person takes the decision back",
    (_C.REJECTED, _C.QUEUED): "submission or retry",
    (_C.REJECTED, _C.CANCELLED): "a person cancels",
    (_C.FAILED, _C.QUEUED): "submission or retry",
    (_C.FAILED, _C.CANCELLED): "a person cancels",
    (_C.CANCELLED, _C.QUEUED): "submission",
    (_C.QUEUED, _C.APPROVED): "rollback to the approved take",
    (_C.GENERATING, _C.APPROVED): "rollback to the approved take",
    (_C.REJECTED, _C.APPROVED): "rollback to the approved take",
    (_C.FAILED, _C.APPROVED): "rollback to the approved take",
    (_C.CANCELLED, _C.APPROVED): "rollback to the approved take",
}

STILL_TRANSITIONS: dict[tuple[CellStatus, CellStatus], str] = {
    (_C.NOT_STARTED, _C.QUEUED): "submission of a cell that needs it",
    (_C.NOT_STARTED, _C.CANCELLED): "a person cancels the run",
    (_C.QUEUED, _C.GENERATING): "the engine claims its first job",
    (_C.QUEUED, _C.FAILED): "the retry policy gives up",
    (_C.QUEUED, _C.CANCELLED): "a person cancels all cells that need it",
    (_C.GENERATING, _C.REVIEW): "the engine stores its checks",
    (_C.GENERATING, _C.FAILED): "the retry policy gives up, or its checks fail where no person decides",
    (_C.GENERATING, _C.CANCELLED): "a person cancels all cells that need it",
    (_C.REVIEW, _C.APPROVED): "the gate accepts",
    (_C.REVIEW, _C.REJECTED): "the gate refuses",
    (_C.REVIEW, _C.CANCELLED): "a person cancels all cells that need it",
    (_C.APPROVED, _C.REJECTED): "a person withdraws the approval",
    (_C.APPROVED, _C.REVIEW): "a person takes the decision back",
    (_C.REJECTED, _C.REVIEW): "a person takes the decision back",
    (_C.REJECTED, _C.QUEUED): "submission or retry",
    (_C.REJECTED, _C.CANCELLED): "a person cancels all cells that need it",
    (_C.FAILED, _C.QUEUED): "submission or retry",
    (_C.FAILED, _C.CANCELLED): "a person cancels all cells that need it",
    (_C.CANCELLED, _C.QUEUED): "submission of a cell that needs it",
}
"""Those of source images, variant images and plates: one take counts at a time, so there is nothing to roll back to."""

_J = JobStatus
JOB_TRANSITIONS: dict[tuple[JobStatus, JobStatus], str] = {
    (_J.READY, _J.RUNNING): "an engine claims it",
    (_J.READY, _J.CANCELLED): "its cell is cancelled or made anew",
    (_J.RUNNING, _J.DONE): "its attempt succeeded",
    (_J.RUNNING, _J.READY): "its attempt failed or was lost and may be tried again",
    (_J.RUNNING, _J.FAILED): "the retry policy gives up",
    (_J.RUNNING, _J.CANCELLED): "its cell is cancelled or made anew",
    (_J.FAILED, _J.READY): "a person retries",
    (_J.FAILED, _J.CANCELLED): "its cell is cancelled or made anew",
    (_J.CANCELLED, _J.READY): "rollback to its take, or its delivery is taken up again",
}

_R = RunStatus
RUN_TRANSITIONS: dict[tuple[RunStatus, RunStatus], str] = {
    (_R.DRAFT, _R.RUNNING): "first submission",
    (_R.DRAFT, _R.CANCELLED): "a person cancels",
    (_R.RUNNING, _R.PAUSED): "a person pauses",
    (_R.PAUSED, _R.RUNNING): "a person resumes",
    (_R.RUNNING, _R.COMPLETED): "the delivery is sealed",
    (_R.RUNNING, _R.CANCELLED): "a person cancels",
    (_R.PAUSED, _R.CANCELLED): "a person cancels",
    (_R.COMPLETED, _R.RUNNING): "a person submits more, asks for a new take or withdraws an approval",
    (_R.CANCELLED, _R.RUNNING): "a person submits again",
}

SUBMITTED = frozenset(_C) - {_C.NOT_STARTED, _C.CANCELLED}
"""A cell in one of these counts as asked for."""

_WORDS = {_C.NOT_STARTED: "not started"}


def in_words(status: CellStatus) -> str:
    """The status as people read it."""
    return _WORDS.get(status, status.value)


def check_cell_transition(name: str, old: CellStatus, new: CellStatus) -> None:
    """Raise Conflict, naming the cell and what is possible instead, unless `old` → `new` is legal."""
    _check(CELL_TRANSITIONS, name, old, new)


def check_still_transition(name: str, old: CellStatus, new: CellStatus) -> None:
    """Raise Conflict, naming the still and what is possible instead, unless `old` → `new` is legal."""
    _check(STILL_TRANSITIONS, name, old, new)


def _check(table: Mapping[tuple[CellStatus, CellStatus], str], name: str, old: CellStatus, new: CellStatus) -> None:
    if (old, new) in table:
        return
    possible = ", ".join(in_words(after) for before, after in table if before == old)
    raise Conflict(f'"{name}" is {in_words(old)} and cannot become {in_words(new)}. From here it can become: {possible}.')


def check_run_transition(name: str, old: RunStatus, new: RunStatus) -> None:
    """Raise Conflict unless the run may go from `old` to `new`."""
    if (old, new) not in RUN_TRANSITIONS:
        raise Conflict(f"Run {name} is {old.value} and cannot become {new.value}.")
