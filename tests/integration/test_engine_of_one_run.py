"""An engine that works on one run leaves the others alone, and ends what nobody wants when it ends itself."""

from __future__ import annotations

from pipeline.domain.stages import Lane
from pipeline.domain.statuses import CellStatus, JobStatus
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house

fleet = fleet_house


def test_an_engine_of_one_run_leaves_the_others_alone(house: House) -> None:
    first = house.start(make_production(characters=2, scene_types=1, variants=1, title="First"))
    second = house.start(make_production(characters=1, scene_types=1, variants=1, title="Second"))

    turn = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.GENERATION: 9, Lane.CPU: 9}, only=second.id)

    jobs = {job.id for job in house.jobs(second)}
    assert turn.assignments and {one.job_id for one in turn.assignments} <= jobs
    assert house.statuses(first) == {CellStatus.QUEUED: 2}


def test_an_engine_that_ends_sees_that_workers_stop_what_was_cancelled(fleet: FleetHouse) -> None:
    fleet.add("gpu-1", places=2)
    fleet.fleet.holding.add("gpu-1")
    run, other = (fleet.start(make_production(characters=1, title=title)) for title in ("First", "Second"))
    engine = fleet.new_engine(only=run.id)
    fleet.work(engine)
    held = [job.attempt_id for job in fleet.jobs(run) if job.status is JobStatus.RUNNING]
    assert len(held) == 2
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)

    engine.drain(0.0)

    assert sorted(fleet.fleet.cancelled) == sorted(map(str, held)), "what runs there, and what waits there"
    fleet.fleet.holding.clear()
    fleet.studio.submission.cancel(fleet.run(other), EVERYTHING, PERSON)


def test_an_engine_that_ends_leaves_what_still_counts_to_the_next(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    run = fleet.start(make_production(characters=1))
    engine = fleet.new_engine(only=run.id)
    fleet.work(engine)
    engine.drain(0.0)
    assert fleet.fleet.cancelled == []
    fleet.fleet.holding.clear()
    fleet.rest()
