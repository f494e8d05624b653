"""The chain of the test console step by step, and a replay over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.chains import simulate
from pipeline.domain.rules.console import Walk, as_happened, walk
from pipeline.domain.rules.model import AllOf, Comparison, Fuel, Same
from pipeline.domain.rules.nearness import near_misses
from pipeline.domain.rules.periods import Span, begins, over_time
from pipeline.domain.rules.planning import Outcome
from pipeline.domain.rules.previews import replay
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, Gates, Snapshot
from pipeline.domain.rules.vocabulary import Operator
from pipeline.domain.statuses import CellStatus
from tests.rule_boards import NOTIFY, happened, is_, production, rule, submit, with_cells

READY = production(stills=CellStatus.APPROVED)
SCENES = rule("auto-scenes", "still.approved", submit(scene_types=Same.ALL), where=is_("kind", "variant"))
TELL = rule("tell", "cell.approved", NOTIFY)
NOON = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


def gone_through(snapshot: Snapshot, *rules: object, subject: int = 2, people: People = People.STOP) -> Walk:
    found = simulate(
        [happened("still.approved", subject)], Rulebook(rules), snapshot, assumption=Assumption(people)  # type: ignore[arg-type]
    )  # fmt: skip
    return walk(found, snapshot)


def test_each_step_has_its_event_by_name_its_verdicts_and_what_has_come_about_so_far() -> None:
    found = gone_through(READY, SCENES, TELL, people=People.APPROVE)
    first, *rest = found.steps
    assert (first.words, first.about, first.woken_by) == ("picture approved", "Mara / casual", "")
    assert [(one.rule.name, one.outcome, count) for one, count in first.verdicts] == [("auto-scenes", Outcome.MATCHED, 1)]
    assert (first.so_far.firings, first.so_far.depth, first.so_far.cost.jobs, first.so_far.messages) == (1, 1, 12, 0)
    assert [(step.words, step.woken_by, step.event.by) for step in rest] == [("scene approved", "auto-scenes", "person")] * 3
    assert found.total.messages == 3
    assert [step.so_far.firings for step in found.steps] == [1, 2, 3, 4]
    assert [step.number for step in found.steps] == [1, 2, 3, 4]


def test_fuel_is_that_of_the_chain_of_the_step_and_totals_are_those_of_all() -> None:
    found = gone_through(READY, SCENES, TELL, people=People.APPROVE)
    assert found.steps[0].so_far.chain.jobs == 12
    assert [step.so_far.chain.firings for step in found.steps[1:]] == [1, 1, 1]  # a decision of a person begins a chain
    assert found.total.cost.jobs == 12


def test_people_are_walls_with_the_names_of_what_waits() -> None:
    [wall] = gone_through(READY, SCENES, TELL).walls
    assert (wall.gate, wall.depth) == ("scene", 1)
    assert wall.names == ("Mara / dance / casual", "Mara / entrance / casual", "Mara / close-up / casual")


def test_without_gates_there_is_no_wall() -> None:
    board = production(stills=CellStatus.APPROVED, gates=Gates("auto", "auto"))
    found = gone_through(board, SCENES, TELL)
    assert (found.walls, found.ended, found.total.messages) == ((), "quiet", 3)


def test_an_event_that_is_made_up_stands_on_the_board() -> None:
    board = as_happened(production(cells=CellStatus.REVIEW), happened("cell.approved", 3))
    assert [one.id for one in board.cells if one.status is CellStatus.APPROVED] == [3]
    board = as_happened(production(), happened("still.approved", 2))
    assert [one.id for one in board.stills if one.status is CellStatus.APPROVED] == [2]


@pytest.mark.parametrize("type", ["scene_qa.completed", "run.completed", "cell.stale", "take.asked"])
def test_an_event_that_moves_nothing_leaves_the_board_alone(type: str) -> None:
    assert as_happened(READY, happened(type, 1)) == READY


# Over time ------------------------------------------------------------------------------------------------------


def test_a_replay_counts_every_firing_in_the_bar_of_its_day() -> None:
    events = [replace(happened("cell.approved", number), seq=number, root=number) for number in (1, 2, 3)]
    times = {1: NOON - timedelta(days=2), 2: NOON - timedelta(days=2, hours=1), 3: NOON}
    board = Board(READY)
    found = over_time(replay(events, [TELL], board), board, times, span=Span.WEEK, now=NOON)
    assert len(found.bars) == 7
    assert [bar.fired for bar in found.bars] == [0, 0, 0, 0, 2, 0, 1]
    assert [(one.about, one.rule, one.cell_id) for one in found.first][:1] == [("Mara / dance / casual", "tell", 1)]
    assert sum(bar.fired for bar in found.bars) == found.replay.firings


def test_what_is_refused_and_what_takes_else_are_told_apart() -> None:
    tight = rule("tight", "cell.failed", submit(scene_types=Same.ALL, characters=Same.ALL), fuel=Fuel(1, 1, 1.0))
    board = Board(READY)
    event = happened("cell.failed", 1)
    found = over_time(replay([event], [tight], board), board, {1: NOON}, span=Span.DAY, now=NOON)
    assert (found.refused, found.replay.firings) == (1, 0)
    assert [bar.refused for bar in found.bars][-1] == 1


@pytest.mark.parametrize(
    ("span", "length", "step", "bars"),
    [
        (Span.DAY, timedelta(0), timedelta(hours=1), 24),
        (Span.WEEK, timedelta(0), timedelta(days=1), 7),
        (Span.MONTH, timedelta(0), timedelta(days=1), 30),
        (Span.ALL, timedelta(hours=5), timedelta(hours=1), 6),
        (Span.ALL, timedelta(days=20), timedelta(days=1), 21),
        (Span.ALL, timedelta(days=100), timedelta(days=7), 15),
    ],
)
def test_a_period_has_a_bar_for_each_of_its_parts(span: Span, length: timedelta, step: timedelta, bars: int) -> None:
    board = Board(READY)
    events = [happened("cell.approved", 1)]
    found = over_time(replay(events, [TELL], board), board, {1: NOON - length}, span=span, now=NOON)
    assert (found.step, len(found.bars)) == (step, bars)
    assert sum(bar.fired for bar in found.bars) == 1


def test_days_begin_at_midnight_where_the_studio_is() -> None:
    here = timezone(timedelta(hours=2))
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC).astimezone(here)
    assert begins(Span.WEEK, late) == datetime(2026, 11, 19, tzinfo=here)
    assert begins(Span.DAY, late) == datetime(2026, 11, 24, 2, tzinfo=here)
    assert begins(Span.ALL, late) is None


def test_a_condition_that_does_not_hold_fires_in_no_bar() -> None:
    never = rule("never", "cell.approved", NOTIFY, where=AllOf((Comparison("attempts", Operator.ABOVE, 99),)))
    board = Board(READY)
    found = over_time(replay([happened("cell.approved", 1)], [never], board), board, {1: NOON}, span=Span.WEEK, now=NOON)
    assert (found.replay.firings, found.first, {bar.fired for bar in found.bars}) == (0, (), {0})


# How near ---------------------------------------------------------------------------------------------------------


def test_a_rule_that_counts_says_who_comes_nearest() -> None:
    pack = rule("pack", "cell.approved", NOTIFY, where=is_("character.all_approved", True))
    board = with_cells(production(cells=CellStatus.REVIEW), 1, 2, 7, 8, 9, 10, 11, status=CellStatus.APPROVED)
    assert near_misses([pack], Board(board)) == {"pack": "Ines, 5 of 6 approved"}


def test_a_rule_that_waits_for_a_number_says_how_many_there_are() -> None:
    many = rule("many", "cell.failed", NOTIFY, where=Comparison("scene_type.failed", Operator.AT_LEAST, 3))
    board = with_cells(production(), 1, 4, status=CellStatus.FAILED)
    assert near_misses([many], Board(board)) == {"many": "dance, 2 of 3 failed scenes"}


def test_rules_that_count_nothing_and_those_that_would_fire_have_no_near_miss() -> None:
    pack = rule("pack", "cell.approved", NOTIFY, where=is_("character.all_approved", True))
    plain = rule("plain", "cell.approved", NOTIFY, where=is_("scene_type", "nothing"))
    assert near_misses([pack, plain], Board(production(cells=CellStatus.APPROVED))) == {}
    assert near_misses([pack], Board(production())) == {}
