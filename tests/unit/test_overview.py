"""A run at a glance: counts that add up, and the decision that helps most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.overview import Waiter, best_hint, rate_per_hour, shown_counts
from pipeline.domain.statuses import CellStatus

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@given(cells=st.dictionaries(st.sampled_from(CellStatus), st.integers(0, 1000)), startable=st.integers(0, 1000))
def test_every_cell_is_shown_exactly_once(cells: dict[CellStatus, int], startable: int) -> None:
    shown = shown_counts(cells, startable)
    assert sum(shown.values()) == sum(cells.values())
    assert all(count >= 0 for count in shown.values())
    assert set(shown) == {*(status.value for status in CellStatus), "blocked"}


def test_the_decision_that_frees_most_scenes_is_named() -> None:
    hint = best_hint(
        [
            Waiter("variant", "Mara / formal", 7, waiting=4, alone=1, seconds=10),
            Waiter("variant", "Mara / formal", 7, waiting=2, alone=2, seconds=20),
            Waiter("scene", "s001", 9, waiting=5, alone=0, seconds=10),
        ]
    )
    assert hint is not None
    assert (hint.kind, hint.key, hint.still_id, hint.cell_id) == ("variant", "Mara / formal", 7, None)
    assert (hint.frees, hint.seconds) == (3, 50)
    assert hint.text == "Approve variant image Mara / formal: it frees 3 scenes"


def test_a_decision_that_frees_nothing_alone_says_so() -> None:
    hint = best_hint([Waiter("scene", "s001", 9, waiting=1, alone=0, seconds=10)])
    assert hint is not None
    assert (hint.frees, hint.waiting, hint.cell_id) == (0, 1, 9)
    assert hint.text == "Approve scene s001: 1 scene waits for it and for something else"


def test_without_anything_in_review_there_is_no_hint() -> None:
    assert best_hint([]) is None


def test_a_rate_needs_two_ends_and_falls_while_nothing_ends() -> None:
    ends = [NOON - timedelta(minutes=20), NOON - timedelta(minutes=10), NOON]
    assert rate_per_hour(ends[:1], NOON) is None
    assert rate_per_hour(ends, NOON) == 6
    assert rate_per_hour(ends, NOON + timedelta(minutes=20)) == 3
    assert rate_per_hour([NOON, NOON], NOON) is None
