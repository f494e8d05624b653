"""The tables of statuses: closed, reachable, and refused in words a person can use."""

from __future__ import annotations

from itertools import product

import pytest

from pipeline.domain.errors import Conflict
from pipeline.domain.statuses import (
    CELL_TRANSITIONS,
    JOB_TRANSITIONS,
    RUN_TRANSITIONS,
    STILL_TRANSITIONS,
    CellStatus,
    JobStatus,
    RunStatus,
    check_cell_transition,
    check_run_transition,
    check_still_transition,
    in_words,
)

TABLES = [
    (CELL_TRANSITIONS, CellStatus.NOT_STARTED),
    (STILL_TRANSITIONS, CellStatus.NOT_STARTED),
    (JOB_TRANSITIONS, JobStatus.READY),
    (RUN_TRANSITIONS, RunStatus.DRAFT),
]


@pytest.mark.parametrize(("table", "first"), TABLES)
def test_every_status_can_be_reached(table: dict, first: object) -> None:
    reached, new = {first}, {first}
    while new:
        new = {after for before, after in table if before in new} - reached
        reached |= new
    assert reached == set(type(first))


@pytest.mark.parametrize(("table", "first"), TABLES)
def test_every_transition_says_who_makes_it_and_leads_elsewhere(table: dict, first: object) -> None:
    assert all(who.strip() for who in table.values())
    assert all(before != after for before, after in table)


@pytest.mark.parametrize(("old", "new"), list(product(CellStatus, CellStatus)))
def test_exactly_the_written_transitions_are_allowed(old: CellStatus, new: CellStatus) -> None:
    if (old, new) in CELL_TRANSITIONS:
        check_cell_transition("Mara / dance", old, new)
    else:
        with pytest.raises(Conflict, match=f'"Mara / dance" is {in_words(old)} and cannot become {in_words(new)}'):
            check_cell_transition("Mara / dance", old, new)


def test_a_refusal_lists_what_is_possible_instead() -> None:
    with pytest.raises(Conflict, match="From here it can become: approved, rejected, queued, cancelled"):
        check_cell_transition("Mara", CellStatus.REVIEW, CellStatus.GENERATING)


@pytest.mark.parametrize("old", [status for status in CellStatus if status is not CellStatus.REVIEW])
def test_a_still_is_approved_in_review_and_nowhere_else(old: CellStatus) -> None:
    check_still_transition("Mara / formal", CellStatus.REVIEW, CellStatus.APPROVED)
    with pytest.raises(Conflict, match='"Mara / formal" is'):
        check_still_transition("Mara / formal", old, CellStatus.APPROVED)


def test_a_done_job_stays_done() -> None:
    assert not [after for before, after in JOB_TRANSITIONS if before is JobStatus.DONE]


def test_a_draft_cannot_be_paused() -> None:
    with pytest.raises(Conflict, match="Run Harbor #1 is draft and cannot become paused"):
        check_run_transition("Harbor #1", RunStatus.DRAFT, RunStatus.PAUSED)
