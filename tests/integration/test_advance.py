"""Auto-advance: what is met sets its dependents going, in the same transaction."""

from __future__ import annotations

from sqlalchemy import text

from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Shot
from pipeline.domain.stages import Lane, Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production

CHAIN = (
    Shot("first", "s1", character="c1", variant="v1"),
    Shot("second", "s1", scene=2, character="c1", variant="v1", after=("first",)),
    Shot("third", "s1", scene=3, character="c1", variant="v1", after=("second",)),
)


def test_approving_the_last_variant_queues_its_scenes(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=3, variants=2, approvals=HUMAN))
    house.work()
    assert house.jobs(run, Stage.SCENE_GENERATION) == []
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    assert len(house.jobs(run, Stage.SCENE_GENERATION)) == 3
    house.studio.review.approve_variant(run, "c1 / v2", PERSON)
    assert [job.status for job in house.jobs(run, Stage.SCENE_GENERATION)] == [JobStatus.READY] * 6


def test_the_dependents_start_in_the_very_transaction_of_the_approval(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    asked = []
    house.studio.stores._checkpoint = lambda name: asked.append((name, len(house.jobs(run, Stage.SCENE_GENERATION))))
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    assert [name for name, _ in asked].count("store.commit") == 1
    assert dict(asked)["store.committed"] == 1
    house.studio.stores._checkpoint = lambda name: None


def test_a_shot_waits_for_the_shots_it_comes_after(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, shots=CHAIN, approvals=Approvals("auto", "human")))
    keys = list(house.cells(run))
    house.work()
    assert house.statuses(run) == {CellStatus.REVIEW: 2, CellStatus.QUEUED: 2}
    blocked = house.studio.reports.matrix(run.id).blocked
    assert {key: [str(unmet) for unmet in why] for key, why in blocked.items()} == {
        keys[2]: [f"scene {keys[1]} is in review"],
        keys[3]: [f"scene {keys[2]} is queued"],
    }
    for key in keys[1:]:
        house.studio.review.approve(run, Selection(keys=(key,)), PERSON)
        house.work()
    assert house.statuses(run) == {CellStatus.REVIEW: 1, CellStatus.APPROVED: 3}


def test_a_chain_of_shots_runs_through_by_itself_with_automatic_gates(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, shots=CHAIN))
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    segments = [request.parameters["scene_number"] for request in house.hands.performed if request.stage == "scene_generation"]
    numbered = [number for number in segments if number]
    assert numbered == sorted(numbered)


def test_the_reason_why_a_cell_waits_names_every_unmet_dependency(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, shots=CHAIN)
    run = house.start(production)
    last = list(house.cells(run))[-1]
    unmet = [str(one) for one in house.studio.reports.matrix(run.id).blocked[last]]
    assert unmet[0] == "variant image c1 / v1 is queued"
    assert len(unmet) == 2


def test_the_safety_net_starts_what_was_missed_and_says_how_much(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(text("DELETE FROM jobs WHERE stage = 'scene_generation'"))
    house.work()
    assert house.statuses(run) == {CellStatus.QUEUED: 2}
    assert house.studio.upkeep.catch_up() == 2
    assert house.studio.upkeep.catch_up() == 0
    house.work()
    assert house.statuses(run) == {CellStatus.REVIEW: 2}


def test_a_missed_still_is_started_by_the_safety_net_too(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(text("DELETE FROM jobs"))
    assert not house.engine.turn()
    house.studio.upkeep.catch_up()
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_every_event_of_a_journey_knows_what_caused_it(house: House) -> None:
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    events = {event.seq: event for event in house.events()}
    for event in events.values():
        if event.type in ("cell.review", "cell.approved", "still.approved", "delivery.sealed", "run.completed"):
            assert event.cause in events, event.type
    [completed] = [event for event in events.values() if event.type == "run.completed"]
    assert events[completed.cause or 0].type == "delivery.sealed"


def test_claiming_starts_a_cell_once(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=3))
    house.work()
    assert len(house.events("cell.generating")) == 1
    assert house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 9, Lane.GENERATION: 9}).assignments == ()
    assert len(house.studio.reports.cell(run, "c1 / s1 / v1").story) == 10
    assert house.studio.submission.cancel(run, EVERYTHING, PERSON) == []
