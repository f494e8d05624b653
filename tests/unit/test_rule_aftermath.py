"""What followed from firings is a tree: each once, below the one that woke it, with what all of it has cost."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.rules.aftermath import NO_COST, Told, Traces, aftermaths
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.stored import StoredFiring

AT = datetime(2026, 1, 1, tzinfo=UTC)


def fired(number: int, *events: int, depth: int = 1) -> StoredFiring:
    """A firing that these events woke."""
    return StoredFiring(number, events[0], 1, 1, 1, 1, depth, "do", (), events, AT, 0, 0.0)


def told(led_by: dict[int, int], **traces: Traces) -> Told:
    """What is known of firings that these led to."""
    return Told({1: "again"}, {}, {}, led_by, {int(key[1:]): value for key, value in traces.items()})


def test_a_firing_stands_below_the_one_that_led_to_its_event_and_counts_for_it() -> None:
    chain = [fired(1, 10), fired(2, 11, depth=2), fired(3, 12, depth=2), fired(4, 13, depth=3)]
    costs = told({11: 1, 12: 1, 13: 3}, f1=Traces(Cost(1, 2.0)), f3=Traces(Cost(2, 3.0), 1), f4=Traces(Cost(4, 5.0, 6, 7.0), 2))
    tree = aftermaths(chain, costs)[1]
    assert [one.firing.id for one in tree.walk()] == [1, 2, 3, 4]
    assert [one.firing.id for one in tree.followed[1].followed] == [4]
    assert (tree.total, tree.open_jobs, tree.firings, tree.depth) == (Cost(7, 10.0, 6, 7.0), 3, 3, 3)
    assert tree.followed[0].total == NO_COST


def test_a_firing_that_gathered_events_follows_from_the_first_that_a_firing_led_to() -> None:
    chain = [fired(1, 10), fired(2, 9, 11, 12, depth=2)]
    found = aftermaths(chain, told({11: 1}))
    assert [one.firing.id for one in found[1].followed] == [2]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30))
def test_every_firing_is_in_the_tree_of_exactly_one_beginning(parents: list[int]) -> None:
    chain = [fired(number, 100 + number) for number in range(1, len(parents) + 1)]
    led_by = {100 + number: parent for number, parent in enumerate(parents, 1) if 0 < parent < number}
    found = aftermaths(chain, told(led_by))
    beginnings = [one for key, one in found.items() if 100 + key not in led_by]
    ids = [each.firing.id for one in beginnings for each in one.walk()]
    assert sorted(ids) == [firing.id for firing in chain]
