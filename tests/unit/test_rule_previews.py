"""Rules tried on the board of today and on events of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.records import Event
from pipeline.domain.rules.evaluation import funnel, nearest
from pipeline.domain.rules.facts import occurrence
from pipeline.domain.rules.model import Fuel, Per, Scope
from pipeline.domain.rules.planning import Outcome, Past, why
from pipeline.domain.rules.previews import in_the_way, looks, replay, standing_events
from pipeline.domain.rules.snapshot import Board
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CELL_TRANSITIONS, RUN_TRANSITIONS, STILL_TRANSITIONS, CellStatus
from tests.rule_boards import NOTIFY, PROJECT, happened, is_, production, rule, submit, with_cells

NOW = datetime(2026, 11, 28, tzinfo=UTC)
APPROVED = production(cells=CellStatus.APPROVED, stills=CellStatus.APPROVED)
ALL_DONE = is_("character.all_approved", True)


@pytest.mark.parametrize(("actor", "by"), [("Ann", "person"), ("rule:auto-scenes", "rule"), ("system:gate", "system")])
def test_a_stored_event_says_who_did_it_and_keeps_its_place_in_its_chain(actor: str, by: str) -> None:
    stored = Event(7, NOW, "cell.approved", 1, "cell", 3, actor, None, 0, {"take": 1})
    found = occurrence(stored, root=4, depth=2)
    assert found is not None
    assert (found.by, found.subject_id, found.root, found.depth) == (by, 3, 4, 2)


def test_an_event_of_a_single_job_is_none_that_a_rule_can_hear() -> None:
    assert occurrence(Event(7, NOW, "job.started", 1, "job", 3, "system:engine", None, 0, {}), root=7, depth=0) is None


def test_every_move_of_a_cell_or_picture_and_every_stage_has_its_event() -> None:
    moves = {
        f"{kind}.{new.value}" for kind, table in (("cell", CELL_TRANSITIONS), ("still", STILL_TRANSITIONS)) for _, new in table
    }
    stages = {f"{stage.value}.{end}" for stage in Stage for end in ("completed", "failed")}
    runs = {f"run.{new.value}" for _, new in RUN_TRANSITIONS}
    assert moves | stages | runs <= set(EVENTS)


def test_events_that_stand_on_the_board_are_those_of_statuses_within_the_scope() -> None:
    board = Board(with_cells(APPROVED, 1, 2, status=CellStatus.REVIEW))
    tell = rule("tell", ("cell.approved", "scene_qa.completed"), NOTIFY)
    assert len(standing_events(tell, board)) == 16
    ours = replace(tell, scope=Scope(PROJECT, ("Mara",), ("dance",)))
    assert [event.subject_id for event in standing_events(ours, board)] == [4]
    assert [event.root for event in standing_events(tell, board)] == list(range(1, 17))


def test_a_preview_names_what_comes_nearest_and_what_is_in_its_way() -> None:
    board = Board(with_cells(with_cells(APPROVED, 1, 2, status=CellStatus.REVIEW), 8, status=CellStatus.FAILED))
    package = rule("package", "cell.approved", NOTIFY, where=ALL_DONE, per=Per.CHARACTER)
    events = [event for event in standing_events(package, board) if event.subject_id < 13]
    named = looks(events, board)
    assert funnel(package.where, [look for _, look in named]).passed == 0
    found = nearest(package.where, named)
    assert found is not None
    assert (found.name.partition(" / ")[0], found.first.value) == ("Ines", "5 of 6")
    event = happened("cell.approved", 7)
    verdict = why(package, event, board, Past())
    assert verdict.judged is not None
    assert in_the_way(verdict.judged, event, board) == (8,)


def test_a_replay_counts_what_a_draft_would_have_done() -> None:
    again = rule("again", "cell.approved", submit(Mode.ALL), where=is_("scene_type", "dance"), enabled=False, approved=False)
    events = [replace(happened("cell.approved", subject), seq=subject, root=subject) for subject in range(1, 19)]
    found = replay(events, [again], Board(APPROVED))
    assert (found.firings, found.otherwise, found.cost.jobs, found.cost.gpu_seconds) == (6, 0, 24, 180.0)
    assert found.outcomes == {Outcome.MATCHED: 6, Outcome.CONDITION_FAILED: 12}


def test_a_replay_knows_the_fuel_of_each_chain() -> None:
    tell = rule("tell", "cell.approved", NOTIFY, fuel=Fuel(2, 10, 10.0))
    events = [replace(happened("cell.approved", subject), seq=subject, root=1) for subject in range(1, 6)]
    assert replay(events, [tell], Board(APPROVED)).outcomes == {Outcome.MATCHED: 2, Outcome.OUT_OF_FUEL: 3}
