"""An engine that works on one run leaves the others alone."""

from __future__ import annotations

from pipeline.domain.stages import Lane
from pipeline.domain.statuses import CellStatus
from tests.factories import House, make_production


def test_an_engine_of_one_run_leaves_the_others_alone(house: House) -> None:
    first = house.start(make_production(characters=2, scene_types=1, variants=1, title="First"))
    second = house.start(make_production(characters=1, scene_types=1, variants=1, title="Second"))

    turn = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.GENERATION: 9, Lane.CPU: 9}, only=second.id)

    jobs = {job.id for job in house.jobs(second)}
    assert turn.assignments and {one.job_id for one in turn.assignments} <= jobs
    assert house.statuses(first) == {CellStatus.QUEUED: 2}
