"""A draft tried on the board of today: what it would do itself, what would follow, and what stays out of it."""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain.rules.model import Action, Kind, Per, Same, Scope
from pipeline.domain.rules.planning import Past
from pipeline.domain.rules.trials import try_out
from pipeline.domain.statuses import CellStatus
from tests.rule_boards import NOTIFY, is_, production, rule, submit, with_cells

SCENES = rule("auto-scenes", "still.approved", submit(scene_types=Same.ALL), where=is_("kind", "variant"))
TELL = rule("tell", "cell.review", NOTIFY)
SCOPE = Scope(None, characters=("Mara",))


def test_a_draft_fires_for_what_stands_on_the_board_and_what_follows_is_told() -> None:
    trial = try_out(SCENES, [TELL], production(stills=CellStatus.APPROVED))
    assert trial.events == 9
    assert trial.firings == 6
    assert trial.touched > 0
    assert trial.cells[0].key == "Mara / dance / casual"
    assert [(step.depth, step.rule.name) for step in trial.steps] == [(1, "auto-scenes"), (2, "tell")]
    assert {stop.gate for stop in trial.stops} == {"scene"}


def test_what_other_rules_do_about_the_same_events_is_not_counted() -> None:
    other = rule("other", "still.approved", NOTIFY)
    assert [step.rule.name for step in try_out(SCENES, [other], production(stills=CellStatus.APPROVED)).steps] == ["auto-scenes"]


def test_rules_that_are_off_do_not_follow() -> None:
    for change in ({"enabled": False}, {"approved": False}):
        trial = try_out(SCENES, [replace(TELL, **change)], production(stills=CellStatus.APPROVED))
        assert [step.rule.name for step in trial.steps] == ["auto-scenes"]


def test_a_draft_that_is_off_or_not_approved_is_tried_all_the_same() -> None:
    draft = replace(SCENES, enabled=False, approved=False)
    assert try_out(draft, [], production(stills=CellStatus.APPROVED)).firings == 6


def test_a_draft_that_matches_nothing_says_what_comes_nearest() -> None:
    board = with_cells(production(cells=CellStatus.APPROVED), 3, status=CellStatus.REVIEW)
    draft = rule("package", "cell.approved", Action(Kind.PACKAGE), where=is_("character.all_approved", True), scope=SCOPE)
    trial = try_out(draft, [], board)
    assert trial.firings == 0
    assert trial.near is not None
    assert trial.near.first.value == "5 of 6"
    assert (trial.funnel.came, trial.funnel.passed) == (5, 0)


def test_the_old_version_of_the_draft_is_not_among_the_others() -> None:
    trial = try_out(SCENES, [replace(SCENES, do=TELL.do)], production(stills=CellStatus.APPROVED))
    assert len(trial.steps) == 1


def test_a_rule_that_fires_once_is_not_foretold_for_what_it_has_fired_for() -> None:
    draft = replace(rule("package", "cell.approved", Action(Kind.PACKAGE)), once=True, id="7", per=Per.CHARACTER)
    board = production(cells=CellStatus.APPROVED)
    assert try_out(draft, [], board).firings == 3
    past = Past(once=frozenset({("7", ("character", "Mara"))}))
    assert try_out(draft, [], board, past=past).firings == 2


def test_scenes_that_are_only_packaged_cost_nothing() -> None:
    trial = try_out(
        rule("package", "cell.approved", Action(Kind.PACKAGE)),
        [],
        production(cells=CellStatus.APPROVED, stills=CellStatus.APPROVED),
    )
    assert [cell.cost.jobs for cell in trial.cells] == [0] * len(trial.cells)
