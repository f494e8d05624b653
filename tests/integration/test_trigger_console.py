"""The test console over a store: events made up and stored ones are followed to their end, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Run
from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.periods import Span
from pipeline.domain.rules.planning import Outcome
from pipeline.services.trigger_console import Asked
from tests.factories import HUMAN, PERSON, House, make_production
from tests.integration.test_firing import PACKAGE, TITLE, save

SCENES: Any = {
    "name": "auto-scenes",
    "when": "still.approved",
    "where": {"field": "kind", "is": "variant"},
    "do": [{"submit": {"scene_types": "all"}}],
}
TELL: Any = {"name": "tell", "when": "cell.approved", "do": [{"notify": {"to": "producers"}}]}


@pytest.fixture
def run(house: House) -> Run:
    return house.create(make_production(characters=2, scene_types=2, variants=1, approvals=HUMAN))


def stored(house: House) -> int:
    return len(house.events())


def test_an_event_that_is_made_up_is_followed_by_name_and_nothing_is_written(house: House, run: Run) -> None:
    save(house, SCENES)
    before = stored(house)
    made = house.studio.trigger_console.follow(Asked(run.id, type="still.approved", about="c1 / v1"))
    assert (made.about, made.walk.total.firings, made.walk.touched) == ("c1 / v1", 1, 2)
    assert [wall.gate for wall in made.walk.walls] == ["scene"]
    assert stored(house) == before
    assert not house.studio.trigger_views.verdicts()


def test_what_is_made_up_counts_as_having_happened(house: House, run: Run) -> None:
    save(house, PACKAGE)
    console = house.studio.trigger_console
    [step] = console.follow(Asked(run.id, type="cell.approved", about="c1 / s1 / v1")).walk.steps
    [(first, _)] = step.verdicts
    assert first.outcome is Outcome.CONDITION_FAILED
    assert first.judged is not None
    assert first.judged.deciding.value == "1 of 2"


def test_a_stored_event_is_followed_as_if_it_happened_now(house: House, run: Run) -> None:
    save(house, TELL)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.work()
    for waiting in house.studio.review.waiting(run):
        house.studio.review.approve_variant(run, waiting.key, PERSON)
    house.work()
    house.studio.review.approve(run, Selection(keys=("c1 / s1 / v1",)), PERSON)
    offered = house.studio.trigger_console.events(run.id)
    approved = next(one for one in offered if one.words == "scene approved")
    assert approved.about == "c1 / s1 / v1"
    assert house.studio.trigger_console.run_of(approved.seq) == run.id
    made = house.studio.trigger_console.follow(Asked(run.id, event_seq=approved.seq))
    assert [firing.rule.name for step in made.walk.steps for firing in step.firings] == ["tell"]
    replayed = house.studio.trigger_console.replay(house.studio.trigger_console.rules_in_force(), Span.ALL)
    assert replayed is not None
    assert (replayed.run.id, replayed.period.replay.firings, replayed.is_cut) == (run.id, 1, False)
    assert [one.about for one in replayed.period.first] == ["c1 / s1 / v1"]


def test_one_rule_counts_as_if_it_were_on(house: House, run: Run) -> None:
    rule = save(house, SCENES)
    off = house.studio.triggers.enable(rule, False, PERSON)
    asked = Asked(run.id, type="still.approved", about="c1 / v1", assumption=Assumption(People.APPROVE))
    assert house.studio.trigger_console.follow(asked).walk.total.firings == 0
    tried = Asked(run.id, type="still.approved", about="C1 / V1", rule=off.rule)
    assert house.studio.trigger_console.follow(tried).walk.total.firings == 1
    assert not house.studio.triggers.find(rule.id).enabled


def test_names_are_found_by_what_is_typed(house: House, run: Run) -> None:
    console = house.studio.trigger_console
    assert console.names(run.id, "cell.approved", "c2 s1") == ["c2 / s1 / v1"]
    assert console.names(run.id, "still.approved", "c2 /") == ["c2 / v1"]
    assert console.names(run.id, "run.completed") == []
    assert len(console.names(run.id, "cell.approved", limit=3)) == 3


@pytest.mark.parametrize(
    ("type", "about", "error", "told"),
    [
        ("cell.approved", "", Invalid, "Choose the scene"),
        ("still.approved", "nobody", NotFound, "no picture “nobody”"),
        ("no.such", "", Invalid, "Choose what happens"),
    ],
)
def test_what_cannot_be_tried_is_said(house: House, run: Run, type: str, about: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        house.studio.trigger_console.follow(Asked(run.id, type=type, about=about))


def test_a_run_and_an_event_that_are_not_there_are_not_found(house: House, run: Run) -> None:
    with pytest.raises(NotFound, match="This run is not there"):
        house.studio.trigger_console.follow(Asked(999, type="run.completed"))
    with pytest.raises(NotFound, match="no event 99999"):
        house.studio.trigger_console.follow(Asked(run.id, event_seq=99_999))
    assert house.studio.trigger_console.run_of(99_999) is None
    assert house.studio.trigger_console.scene(99_999) is None


def test_events_of_a_whole_run_need_no_name(house: House, run: Run) -> None:
    save(house, {"name": "ended", "when": "run.completed", "do": [{"notify": {"to": "producers"}}]})
    made = house.studio.trigger_console.follow(Asked(run.id, type="run.completed"))
    assert (made.about, made.walk.total.messages) == ("the run", 1)


def test_without_a_run_of_its_production_a_rule_has_nothing_to_replay(house: House, run: Run) -> None:
    rule = save(house, TELL).rule
    found = house.studio.trigger_console.replay([rule], Span.WEEK)
    assert found is not None
    assert (found.run.title, found.period.replay.firings) == (TITLE, 0)
    assert house.studio.trigger_console.replay([rule], Span.WEEK, run_id=999) is None
