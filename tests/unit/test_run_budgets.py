"""Which limits a run takes from its file, by what has happened to them since."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline.cli.budgets import kept_told
from pipeline.domain.budget import Action, Quantity, Threshold
from pipeline.domain.production import Budget
from pipeline.domain.records import Event
from pipeline.domain.run_budgets import Given, given, taking, to_event

HOURS, DISK, MONEY = Quantity.GPU_SECONDS, Quantity.DISK_BYTES, Quantity.MONEY
FIRST = Budget(gpu_hours=1.0)
LEVELS = (Threshold(200 / 3, Action.NOTIFY), Threshold(80, Action.CANCEL))


def event(type: str, **data: Any) -> Event:
    """An event of a run."""
    return Event(1, datetime(2026, 1, 1, tzinfo=UTC), type, 1, "run", 1, "ann", None, 0, data)


def test_what_an_event_tells_of_a_file_is_read_as_it_was() -> None:
    file = Budget(gpu_hours=2.5, disk_gb=0.7, thresholds=LEVELS)
    assert given(FIRST, [event("run.changed", **to_event(file, [HOURS]))]) == Given(file)


def test_what_people_did_counts_until_the_file_has_given_that_limit_again() -> None:
    story = [event("budget.set", quantity="gpu_seconds"), event("budget.removed", quantity="money")]
    assert given(FIRST, story) == Given(FIRST, frozenset({HOURS, MONEY}))
    older = event("run.changed", limit_seconds=7200.0, limit_bytes=10**9, limit_cost=None)
    assert given(FIRST, [*story, older]) == Given(Budget(gpu_hours=2.0, disk_gb=1.0))
    other = event("run.changed", priority=5)
    assert given(FIRST, [*story, other]).by_people == {HOURS, MONEY}


def test_a_file_that_says_the_same_as_before_changes_nothing() -> None:
    now = {HOURS: 36_000.0, DISK: None, MONEY: None}
    for by_people in (frozenset({HOURS}), frozenset[Quantity]()):
        assert not taking(Given(FIRST, by_people), FIRST, now).taken
    assert taking(Given(FIRST, frozenset({HOURS})), FIRST, now).kept == {HOURS: 36_000.0}


def test_other_levels_are_taken_for_each_limit_that_nobody_has_set() -> None:
    before, now = Given(Budget(1.0, 1.0), frozenset({HOURS})), {HOURS: 3600.0, DISK: 10**9, MONEY: None}
    found = taking(before, Budget(1.0, 1.0, thresholds=LEVELS), now)
    assert (found.taken, found.kept) == ({DISK}, {})


def test_limits_that_stay_are_told_in_one_line_with_what_changes_them() -> None:
    assert kept_told(3, {HOURS: 36_000.0, DISK: None}) == (
        "The run keeps what was set on it, not what the file says: 10.00 GPU-h, no limit of disk. "
        "Change it with `./stripboard budgets set run 3 --gpu-hours N --disk-gb N`."
    )
