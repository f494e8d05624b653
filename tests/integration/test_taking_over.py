"""What runs at workers of a fleet when an engine ends is handed over again by the next one, as the very request it was."""

from __future__ import annotations

import shutil
from dataclasses import replace

from pipeline.domain.production import Location
from pipeline.domain.statuses import AttemptOutcome, CellStatus
from pipeline.domain.work import Request
from pipeline.engine.dispatcher import Dispatcher
from tests.factories import PERSON, make_production
from tests.fleet import WORKFLOWS, FleetHouse
from tests.fleet_fixtures import fleet_house

house = fleet_house


def end(house: FleetHouse, engine: Dispatcher) -> None:
    """The engine leaves; what runs at workers goes on."""
    engine.drain(0.0)
    house.studio.locks.release(f"engine-{engine.engine_id}")


def at_workers(house: FleetHouse) -> set[str]:
    """The attempts that run there."""
    with house.studio.stores.read() as store:
        return {job.attempt_id or "" for job in store.jobs.running()}


def test_every_request_is_made_again_word_for_word(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    shutil.copy2(WORKFLOWS / "text_to_image.json", house.folder / "plate.json")
    run = house.start(make_production(locations=(Location("pier", workflow="plate.json"),), candidates=2))
    engine = house.new_engine()
    while house.statuses(run) != {CellStatus.APPROVED: 8}:
        house.work(engine)
        running = at_workers(house)
        end(house, engine)
        house.fleet.taken_over.clear()
        engine = house.new_engine()
        assert {one.attempt_id: one for one in house.fleet.taken_over} == {
            attempt_id: replace(house.fleet.requests[attempt_id], is_again=True) for attempt_id in running
        }
        house.fleet.let_go |= {one.job_key for one in house.fleet.taken_over}
    assert len(house.fleet.sent) == len(set(house.fleet.sent)), "nothing that ran was sent again"
    stages = {request.stage for request in house.fleet.requests.values()}
    assert stages == {"variant_generation", "scene_generation"}


def test_what_was_claimed_and_never_sent_is_lost_and_tried_again(house: FleetHouse) -> None:
    house.add("gpu-1")
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    never: list[Request] = []
    submit, house.fleet.submit = house.fleet.submit, never.append  # type: ignore[method-assign]
    engine = house.new_engine()
    while not never:
        assert engine.turn()
    house.fleet.submit = submit  # type: ignore[method-assign]
    end(house, engine)
    house.work(house.new_engine())
    assert house.statuses(run) == {CellStatus.APPROVED: 1}
    with house.studio.stores.read() as store:
        outcomes = store.jobs.outcomes([request.attempt_id for request in never])
    assert set(outcomes.values()) == {AttemptOutcome.LOST}


def test_a_worker_that_was_moved_meanwhile_is_asked_at_its_new_address(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.holding.add("gpu-1")
    house.start(make_production(characters=1, scene_types=1, variants=1))
    engine = house.new_engine()
    house.work(engine)
    end(house, engine)
    house.studio.workers.place("gpu-1", "http://10.9.9.9:8188", PERSON)
    house.new_engine()
    assert house.fleet.taken_over
    assert {one.place.url for one in house.fleet.taken_over if one.place} == {"http://10.9.9.9:8188"}
