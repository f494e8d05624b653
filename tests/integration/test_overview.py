"""The overview of a run: counts are counts of rows, and it costs the same however much has happened."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from pipeline.domain.choices import Mode
from pipeline.domain.errors import NotFound
from pipeline.domain.matrix import Selection
from pipeline.domain.overview import RunOverview
from pipeline.domain.production import Approvals, OwnApprovals, Shot
from pipeline.domain.records import Run
from pipeline.domain.stages import Stage
from tests.factories import AUTO, EVERYTHING, HUMAN, PERSON, House, make_production


def overview(house: House, run: Run) -> RunOverview:
    """The overview as it would be read a while later."""
    house.clock.advance(10)
    return house.studio.overview.of(run.id)


def shown(found: RunOverview) -> dict[str, int]:
    """The statuses that some cell has."""
    return {status: count for status, count in found.counts.items() if count}


def test_the_counts_follow_a_run_to_its_end(house: House) -> None:
    run = house.create(make_production(characters=1, approvals=HUMAN))
    assert shown(overview(house, run)) == {"not_started": 4}
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    found = overview(house, run)
    assert (shown(found), found.total, found.segments_total, found.missing) == ({"blocked": 4}, 4, 8, 4)
    assert (found.started_by, found.likely_at) == ("tester", None)
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    assert shown(overview(house, run)) == {"queued": 2, "blocked": 2}
    house.work()
    found = overview(house, run)
    assert (shown(found), found.segments_made, found.qa_passed) == ({"review": 2, "blocked": 2}, 4, 2)
    house.studio.review.approve(run, EVERYTHING, PERSON)
    house.work()
    found = overview(house, run)
    assert (shown(found), found.approved, found.missing) == ({"approved": 2, "blocked": 2}, 2, 2)
    assert found.missing == len(house.studio.deliveries.missing(run))
    assert found.outlook == "people"


def test_segments_of_scenes_under_way_are_counted(house: House) -> None:
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION and bool(request.files("start"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    assert overview(house, run).segments_made == 1
    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    assert overview(house, run).segments_made == 1


def test_the_hint_names_the_image_that_most_scenes_wait_for(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=3, variants=2, approvals=HUMAN))
    picked = Selection(keys=("c1 / s1 / v1", "c1 / s1 / v2", "c1 / s2 / v2"))
    house.studio.submission.submit(run, picked, Mode.MISSING, PERSON)
    assert overview(house, run).hint is None
    house.work()
    hint = overview(house, run).hint
    assert hint is not None
    assert (hint.kind, hint.key, hint.frees) == ("variant", "c1 / v2", 2)
    assert hint.still_id == house.stills(run)["variant c1 / v2"].id
    assert hint.seconds > 0


def test_the_hint_names_a_scene_that_others_come_after(house: House) -> None:
    shots = (
        Shot("first", "s1", 1, character="c1"),
        Shot("second", "s1", 2, character="c1", after=("first",)),
        Shot("third", "s1", 3, character="c1", after=("first",)),
    )
    approvals = Approvals("auto", "human")
    run = house.start(make_production(characters=1, scene_types=1, variants=0, shots=shots, approvals=approvals))
    house.work()
    hint = overview(house, run).hint
    assert hint is not None
    first = next(cell for cell in house.cells(run).values() if cell.plan.shot == "first")
    assert (hint.kind, hint.cell_id, hint.frees) == ("scene", first.id, 2)


def test_an_automatic_run_has_an_end_once_something_was_measured(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    again = house.start(make_production(characters=2, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    found = overview(house, again)
    assert found.likely_at is not None
    assert found.latest_at is not None
    assert house.clock.now() < found.likely_at <= found.latest_at
    assert overview(house, run).likely_at is None


def test_the_end_is_not_told_while_people_decide(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    found = overview(house, run)
    assert (found.likely_at, found.latest_at, found.rests_at) == (None, None, None)


def test_an_unknown_run_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        house.studio.overview.of(99)


def test_asking_again_while_nothing_happens_counts_nothing(house: House) -> None:
    run = house.start(make_production(characters=1, approvals=AUTO))
    house.rest()
    overview(house, run)
    asked: list[str] = []
    event.listen(house.studio.stores.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    house.studio.overview.of(run.id)
    assert not [statement for statement in asked if "count" in statement.lower()]


def test_what_has_happened_costs_no_statement_more(house: House) -> None:
    run = house.start(make_production(characters=1, approvals=AUTO))
    asked: list[str] = []
    event.listen(house.studio.stores.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    overview(house, run)
    before = len(asked)
    house.work()
    for _ in range(2):
        house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
        house.work()
    asked.clear()
    overview(house, run)
    assert len(asked) <= before


def test_what_the_machines_can_do_alone_has_an_end_while_people_decide_on_the_rest(house: House) -> None:
    approvals = Approvals("auto", "auto", (OwnApprovals("c2", variants="human"),))
    run = house.start(make_production(characters=2, scene_types=1, variants=1, approvals=approvals))
    house.backend.holds = lambda request: bool(request.files("start"))
    house.work()
    found = overview(house, run)
    assert (shown(found), found.likely_at) == ({"generating": 1, "blocked": 1}, None)
    assert found.rests_at is not None
