"""Slots of this machine are shared out by the rule of the fleet: priority, deadlines that press, shares."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fleet.rules import Rules
from pipeline.domain.slot_shares import Claimant, shared_out


def test_two_runs_of_two_projects_get_equal_parts() -> None:
    runs = [Claimant("old", "a", since_s=0), Claimant("new", "b", since_s=10)]
    assert Counter(shared_out(runs, 4, now_s=20, rules=Rules())) == {"old": 2, "new": 2}


def test_what_runs_already_counts() -> None:
    runs = [Claimant("old", "a", held=3), Claimant("new", "b", held=1)]
    assert shared_out(runs, 2, now_s=20, rules=Rules()) == ["new", "new"]


def test_a_project_of_three_times_the_share_gets_three_times_the_slots() -> None:
    runs = [Claimant("one", "a"), Claimant("two", "b")]
    assert Counter(shared_out(runs, 8, now_s=0, rules=Rules(shares={"a": 3.0}))) == {"one": 6, "two": 2}


def test_priority_goes_before_everything() -> None:
    runs = [Claimant("pressing", "a", deadline_s=1, rest_s=1000), Claimant("urgent", "b", priority=1)]
    assert shared_out(runs, 3, now_s=0, rules=Rules()) == ["urgent"] * 3


def test_a_deadline_that_presses_takes_the_slots_and_one_that_is_far_does_not() -> None:
    other, due = Claimant("other", "a"), Claimant("due", "b", since_s=5, deadline_s=1000, rest_s=4000)
    assert shared_out([other, due], 4, now_s=10, rules=Rules()) == ["due"] * 4
    far = replace(due, deadline_s=100_000)
    assert Counter(shared_out([other, far], 4, now_s=10, rules=Rules())) == {"other": 2, "due": 2}


def test_a_single_slot_goes_to_who_has_waited_longest() -> None:
    runs = [Claimant("served", "a", since_s=9), Claimant("waiting", "b", since_s=5)]
    assert shared_out(runs, 1, now_s=10, rules=Rules()) == ["waiting"]


def test_nobody_is_passed_over_for_ever() -> None:
    runs = [Claimant("pressing", "a", since_s=1000, deadline_s=1001, rest_s=10_000), Claimant("old", "b", since_s=0)]
    assert shared_out(runs, 1, now_s=1000, rules=Rules()) == ["old"]


claimants = st.lists(
    st.builds(
        Claimant, st.uuids().map(str), st.sampled_from("abc"), priority=st.integers(0, 2), since_s=st.floats(0, 100),
        deadline_s=st.none() | st.floats(0, 10_000), rest_s=st.floats(0, 100_000), held=st.integers(0, 5),
    ),
    min_size=1, max_size=5, unique_by=lambda one: one.run,
)  # fmt: skip


@given(claimants, st.integers(1, 12))
def test_no_slot_is_left_empty_and_none_is_given_twice(runs: list[Claimant], room: int) -> None:
    given_out = shared_out(runs, room, now_s=200, rules=Rules())
    assert len(given_out) == room
    assert set(given_out) <= {one.run for one in runs}
    most = max(one.priority for one in runs)
    assert {one.priority for one in runs if one.run in given_out} == {most}
