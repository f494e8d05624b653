"""What holds for every set of rules on every board: chains end, nothing exceeds its bounds, the analysis of loops is right."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.rules.chains import Course, simulate
from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.model import LIMITS, Fuel, Limits, Rule
from pipeline.domain.rules.planning import Outcome, Past, Spent, plan, plan_among
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, Snapshot
from tests.rule_boards import assumptions, beginnings, boards, rule_sets

QUICK = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
CAMPAIGN = settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def courses(draw: st.DrawFn) -> tuple[tuple[Rule, ...], Snapshot, Limits, Course]:
    """A simulation of any rules on any board."""
    rules, board = draw(rule_sets()), draw(boards())
    limits = draw(st.sampled_from([LIMITS, Limits(4, Fuel(6, 60, 500.0))]))
    course = simulate(
        draw(beginnings(board)),
        Rulebook(rules),
        board,
        assumption=draw(assumptions),
        past=Past(limits=limits),
        most_events=20_000,
    )
    return rules, board, limits, course


def check_laws(rules: tuple[Rule, ...], board: Snapshot, limits: Limits, course: Course) -> None:
    """Everything that holds of a simulation."""
    assert course.ended != "cut short"
    spent: dict[tuple[int, str], Spent] = defaultdict(Spent)
    total: dict[int, Spent] = defaultdict(Spent)
    fired = set()
    once = set()
    for firing in course.firings:
        rule = firing.rule
        assert firing.depth <= min(rule.max_depth, limits.max_depth)
        spent[firing.root, rule.id] += firing.spent
        total[firing.root] += firing.spent
        assert is_within(spent[firing.root, rule.id], rule.fuel)
        assert is_within(total[firing.root], limits.fuel)
        assert rule.enabled and rule.approved
        for thing in firing.things:
            assert (firing.root, rule.id, thing) not in fired
            assert not rule.once or (rule.id, thing) not in once
            fired.add((firing.root, rule.id, thing))
            once.add((rule.id, thing))
    analysis = analyse(rules, board.gates)
    for number, firing in enumerate(course.firings):
        for waker in course.what_woke(number):
            assert analysis.may_wake(course.firings[waker].rule.id, firing.rule.id)


def is_within(spent: Spent, fuel: Fuel) -> bool:
    """Whether no more was used up than there is."""
    return spent.firings <= fuel.firings and spent.jobs <= fuel.jobs and spent.gpu_seconds <= fuel.gpu_seconds


@QUICK
@given(courses())
def test_every_chain_ends_within_depth_and_fuel_and_no_rule_wakes_one_that_it_cannot_wake(
    made: tuple[tuple[Rule, ...], Snapshot, Limits, Course],
) -> None:
    check_laws(*made)


@pytest.mark.slow
@CAMPAIGN
@given(courses())
def test_it_holds_for_twenty_thousand_sets_of_rules(made: tuple[tuple[Rule, ...], Snapshot, Limits, Course]) -> None:
    check_laws(*made)


@QUICK
@given(st.data())
def test_rules_found_by_the_index_are_those_that_asking_every_rule_finds(data: st.DataObject) -> None:
    rules, snapshot = data.draw(rule_sets()), data.draw(boards())
    [event, *_] = data.draw(beginnings(snapshot))
    book = Rulebook(rules)
    quick = plan(event, book, Board(snapshot), Past())
    slow = plan_among(event, book.rules, Board(snapshot), Past())
    silent = (Outcome.OUT_OF_SCOPE, Outcome.NOT_LISTENING)
    assert [one for one in quick.verdicts if one.outcome not in silent] == [
        one for one in slow.verdicts if one.outcome not in silent
    ]
    assert quick.firings == slow.firings


@QUICK
@given(st.data())
def test_planning_changes_nothing_and_says_the_same_twice(data: st.DataObject) -> None:
    rules, snapshot = Rulebook(data.draw(rule_sets())), data.draw(boards())
    [event, *_] = data.draw(beginnings(snapshot))
    board = Board(snapshot)
    first = plan(event, rules, board, Past())
    assert plan(event, rules, board, Past()) == first
    assert (tuple(board.cells.values()), tuple(board.stills.values())) == (snapshot.cells, snapshot.stills)
    assert board.left == snapshot.left


@QUICK
@given(st.data())
def test_counts_kept_up_to_date_are_those_that_counting_anew_finds(data: st.DataObject) -> None:
    snapshot = data.draw(boards())
    board = Board(snapshot)
    groups = [("run", None), ("character", "Mara"), ("scene_type", "dance"), ("variant", "casual")]
    for group in groups[: data.draw(st.integers(0, 4))]:
        board.tally(*group)
    for cell in snapshot.cells:
        board.move_cell(cell.id, data.draw(st.sampled_from(list(type(cell.status)))))
    fresh = Board(Snapshot(cells=tuple(board.cells.values())))
    assert [board.tally(*group) for group in groups] == [fresh.tally(*group) for group in groups]
