"""What holds for every set of rules on every board: chains end, nothing exceeds its bounds, the analysis of loops is right."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.domain.rules.boxes import Box, NameSet, where
from pipeline.domain.rules.chains import Course, simulate
from pipeline.domain.rules.evaluation import evaluate, holds
from pipeline.domain.rules.facts import measure
from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.model import LIMITS, Fuel, Limits, Rule
from pipeline.domain.rules.planning import Outcome, Past, Spent, plan, plan_among
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, CellFacts, Snapshot
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.statuses import CellStatus
from tests.rule_boards import Chance, happened

SEEDS = st.integers(0, 2**32)
ONCE = [Phase.explicit, Phase.generate]
"""A seed cannot be made simpler: nothing is gained from looking for a smaller one."""
QUICK = settings(max_examples=200, deadline=None, derandomize=True, phases=ONCE)
CAMPAIGN = settings(max_examples=20_000, deadline=None, phases=ONCE)


def simulated(chance: Chance) -> tuple[tuple[Rule, ...], Snapshot, Limits, Course]:
    """A simulation of any rules on any board."""
    rules, board = chance.rules(), chance.board()
    limits = chance.random.choice([LIMITS, Limits(4, Fuel(6, 60, 500.0))])
    events = chance.beginnings(rules, board)
    past = Past(limits=limits)
    course = simulate(events, Rulebook(rules), board, assumption=chance.assumption(), past=past, most_events=20_000)
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
@given(SEEDS)
def test_every_chain_ends_within_its_bounds_and_no_rule_wakes_one_that_it_cannot_wake(seed: int) -> None:
    check_laws(*simulated(Chance(seed)))


@pytest.mark.slow
@CAMPAIGN
@given(SEEDS)
def test_it_holds_for_twenty_thousand_sets_of_rules(seed: int) -> None:
    chance = Chance(seed)
    check_laws(*simulated(chance))


def test_chance_makes_chains_that_are_worth_looking_at() -> None:
    woken = deep = refused = bounded = paused = 0
    for seed in range(100):
        rules, board, _, course = simulated(Chance(seed))
        woken += sum(bool(course.what_woke(number)) for number in range(len(course.firings)))
        deep += course.depth >= 3
        paused += course.ended == "paused"
        loops = analyse(rules, board.gates).loops
        refused += any(loop.is_refused for loop in loops)
        bounded += bool(loops) and not any(loop.is_refused for loop in loops)
    assert woken > 100 and deep > 3 and paused > 5 and refused > 30 and bounded > 0


@QUICK
@given(SEEDS)
def test_rules_found_by_the_index_are_those_that_asking_every_rule_finds(seed: int) -> None:
    chance = Chance(seed)
    rules, snapshot = chance.rules(), chance.board()
    event = chance.beginnings(rules, snapshot)[0]
    book = Rulebook(rules)
    quick = plan(event, book, Board(snapshot), Past())
    slow = plan_among(event, book.rules, Board(snapshot), Past())
    silent = (Outcome.OUT_OF_SCOPE, Outcome.NOT_LISTENING)
    heard = [one for one in slow.verdicts if one.outcome not in silent]
    assert [one for one in quick.verdicts if one.outcome not in silent] == heard
    assert quick.firings == slow.firings


@QUICK
@given(SEEDS)
def test_planning_changes_nothing_and_says_the_same_twice(seed: int) -> None:
    chance = Chance(seed)
    rules, snapshot = chance.rules(), chance.board()
    event = chance.beginnings(rules, snapshot)[0]
    board, book = Board(snapshot), Rulebook(rules)
    first = plan(event, book, board, Past())
    assert plan(event, book, board, Past()) == first
    assert (tuple(board.cells.values()), tuple(board.stills.values())) == (snapshot.cells, snapshot.stills)
    assert board.left == snapshot.left


@QUICK
@given(SEEDS)
def test_counts_kept_up_to_date_are_those_that_counting_anew_finds(seed: int) -> None:
    chance = Chance(seed)
    board = Board(chance.board())
    groups = [("run", None), ("character", "Mara"), ("scene_type", "dance"), ("variant", "casual")]
    for group in groups[: chance.random.randint(0, 4)]:
        board.tally(*group)
    for cell in board.snapshot.cells:
        board.move_cell(cell.id, chance.random.choice(list(CellStatus)))
    fresh = Board(Snapshot(cells=tuple(board.cells.values())))
    assert [board.tally(*group) for group in groups] == [fresh.tally(*group) for group in groups]


@QUICK
@given(SEEDS)
def test_a_condition_is_as_true_when_it_is_only_asked_for_its_truth(seed: int) -> None:
    chance = Chance(seed)
    board = Board(chance.board())
    condition = chance.condition(Subject.CELL, 3)
    for cell in board.snapshot.cells:
        event = happened("cell.approved", cell.id)
        judged = evaluate(condition, event, board)
        assert holds(condition, partial(measure, event=event, board=board)) is judged.truth
        if judged.truth is True:
            assert Box(*(NameSet(frozenset((name or "",)), is_all_but=False) for name in names_of(cell))).meets(
                where(condition, holds=True)
            )


def names_of(cell: CellFacts) -> tuple[str | None, str | None, str | None]:
    """The names in the order of a box."""
    return cell.character, cell.scene_type, cell.variant
