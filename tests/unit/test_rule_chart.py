"""The drawing of rules: from left to right, past walls where people decide, with loops that can be seen."""

from __future__ import annotations

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.rules.chart import Role, State, Zone, draw
from pipeline.domain.rules.model import Action, Kind, Same
from pipeline.domain.rules.snapshot import Gates
from tests.rule_boards import NOTIFY, Chance, rule, submit

PEOPLE_DECIDE = Gates("human", "human")
USUAL = (
    rule("auto-scenes", "still.approved", submit(scene_types=Same.ALL)),
    rule("auto-qa", "cell.review", Action(Kind.QA)),
    rule("auto-package", "cell.approved", Action(Kind.PACKAGE, of="character"), NOTIFY),
    rule("notify-on-failure", "cell.failed", NOTIFY),
)


def test_every_rule_stands_between_what_wakes_it_and_what_it_does() -> None:
    chart = draw(USUAL, PEOPLE_DECIDE)
    at = {spot.key: spot for spot in chart.spots}
    for one in USUAL:
        event, own, action = at[f"event:{one.events[0]}"], at[f"rule:{one.id}"], at[f"action:{one.id}"]
        assert event.column < own.column < action.column


def test_people_stand_between_what_is_automatic_before_and_after_them() -> None:
    chart = draw(USUAL, PEOPLE_DECIDE)
    at = {spot.key: spot for spot in chart.spots}
    walls = [spot for spot in chart.spots if spot.role is Role.GATE]
    assert [wall.words for wall in walls] == ["variant approval", "scene approval"]
    assert walls[0].column < at["event:still.approved"].column
    assert at["action:auto-qa"].column < walls[1].column < at["event:cell.approved"].column
    states = {(line.source, line.target): line.state for line in chart.lines}
    assert states["gate:scene approval", "event:cell.approved"] is State.PERSON
    assert ("action:auto-scenes", "gate:scene approval") in states


def test_without_gates_there_is_no_wall() -> None:
    chart = draw(USUAL, Gates("auto", "auto"))
    assert all(spot.role is not Role.GATE for spot in chart.spots)


def test_a_loop_that_nothing_bounds_is_seen_on_every_line_of_it() -> None:
    again = rule("again", "cell.failed", submit(Mode.ALL))
    states = {(line.source, line.target): line.state for line in draw([again]).lines}
    assert states == {
        ("event:cell.failed", "rule:again"): State.REFUSED,
        ("rule:again", "action:again"): State.REFUSED,
        ("action:again", "event:cell.failed"): State.REFUSED,
    }


@pytest.mark.parametrize("change", [{"enabled": False}, {"approved": False}])
def test_what_is_not_live_is_seen(change: dict[str, bool]) -> None:
    chart = draw([rule("notify", "cell.failed", NOTIFY, **change)])
    assert {line.state for line in chart.lines} == {State.IDLE}


def test_zones_follow_each_other() -> None:
    stretches = draw(USUAL, PEOPLE_DECIDE).stretches
    assert [stretch.zone for stretch in stretches] == [Zone.SCENES, Zone.DELIVERY]
    assert stretches[0].last < stretches[1].first


def test_no_rules_draw_nothing() -> None:
    chart = draw([])
    assert (chart.spots, chart.lines, chart.columns, chart.rows) == ((), (), 0, 0)


@pytest.mark.parametrize("seed", range(60))
def test_no_two_things_are_in_one_place_and_every_line_has_both_ends(seed: int) -> None:
    chart = draw(Chance(seed).rules(30))
    places = [(spot.column, spot.row) for spot in chart.spots]
    keys = {spot.key for spot in chart.spots}
    assert len(places) == len(set(places))
    assert all(line.source in keys and line.target in keys for line in chart.lines)
    for spot in chart.spots:
        if spot.role is Role.GATE:
            assert [one for one in chart.spots if one.column == spot.column] == [spot]
