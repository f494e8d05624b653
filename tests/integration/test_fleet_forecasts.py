"""When runs of a fleet will be done, read from the database, and what other workers would change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from components import fleet, fleet_runs, fleet_what_if
from pipeline.domain.errors import Invalid
from pipeline.domain.fleet.what_if import Change
from pipeline.domain.production import Approvals
from pipeline.domain.schedule import QuietHours, Schedule
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus
from tests.factories import AUTO, PERSON, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import open_fleet_house
from tests.unit.test_fleet_page import text_of


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with a fleet of two whose workers hold what they are given; every promise holds at the end."""
    with open_fleet_house(tmp_path, database_url) as found:
        found.add("gpu-1", "gpu-2", cost_per_hour=3.6)
        found.fleet.holding |= {"gpu-1", "gpu-2"}
        yield found


def test_scenes_whose_pictures_are_still_being_made_are_counted_with_all_their_segments(house: FleetHouse) -> None:
    house.start(make_production(characters=3, scene_types=2, variants=2, segments=4))
    house.work()
    [run] = house.studio.fleet_forecasts.now().runs
    assert run.jobs == 3 * 2 + 3 * 2 * 2 * 4, "six pictures, twelve scenes of four segments"
    assert run.likely_at is not None and run.latest_at is not None
    assert house.clock.now() < run.likely_at < run.latest_at


def test_work_that_nobody_has_measured_takes_the_time_that_plans_state(house: FleetHouse) -> None:
    house.start(make_production(characters=3, scene_types=2, variants=2, segments=4))
    house.work()
    [found] = house.studio.fleet_forecasts.now().runs
    assert found.likely_at is not None
    takes_s = (found.likely_at - house.clock.now()).total_seconds()
    assert takes_s < 40, "twelve tiny scenes; at the seconds a frame of a picture they would take two workers 81 s"


def test_an_end_that_rests_on_stated_times_is_called_a_guess_until_most_of_the_work_is_measured(house: FleetHouse) -> None:
    run = house.start(make_production(characters=3, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    [found] = house.studio.fleet_forecasts.now().runs
    assert (found.measured_share, house.studio.overview.of(run.id).measured_share) == (0.0, 0.0)
    lane = text_of(fleet_runs.lanes(house.studio.fleet_forecasts.now()))
    assert "a first guess" in lane

    house.fleet.holding.clear()
    while not [job for job in house.jobs(run, Stage.SCENE_GENERATION) if job.status is JobStatus.DONE]:
        house.engine.turn()
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    house.work()
    house.clock.advance(60)
    [found] = house.studio.fleet_forecasts.now().runs
    assert found.jobs and found.measured_share == 1.0


def test_the_time_of_workers_is_drawn_with_the_times_that_ends_are_told_with(house: FleetHouse) -> None:
    house.fleet.holding.clear()
    run = house.start(make_production(characters=3, scene_types=4, variants=1, segments=4, approvals=AUTO))
    while not house.jobs(run, Stage.SCENE_GENERATION):
        house.engine.turn()
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        for record in store.workers.records():  # pictures have taken long, scenes were never made
            store.workers.keep_record(replace(record, samples=5, seconds_per_frame=20.0), is_new=False)
    [found] = house.studio.fleet_forecasts.now().runs
    page = house.studio.fleet_pages.page(anew=True)
    assert found.latest_at is not None
    assert max(block.end for block in page.blocks) <= found.latest_at


def test_while_quiet_hours_hold_work_back_the_head_of_the_fleet_tells_the_end_of_the_board(house: FleetHouse) -> None:
    run = house.start(make_production(characters=3, scene_types=1, variants=1, approvals=AUTO))
    now, hour = house.clock.now().astimezone(UTC), timedelta(hours=1)
    house.studio.schedules.put(run.project_id, Schedule(QuietHours(f"{now - hour:%H:%M}-{now + 12 * hour:%H:%M}", "UTC")), PERSON)
    house.work()
    page, forecast = house.studio.fleet_pages.page(anew=True), house.studio.fleet_forecasts.now()
    likely = house.studio.overview.of(run.id).likely_at
    assert likely is not None and likely - page.now > timedelta(hours=10)
    assert page.waits == 3 and f"queue 3 jobs, done {fleet_runs.moment(likely, page.now)}" in text_of(fleet.head(page, forecast))


def test_segments_that_wait_run_and_follow_are_counted_once(house: FleetHouse) -> None:
    production = make_production(characters=4, scene_types=1, variants=1, segments=3)
    house.fleet.holding.clear()
    run = house.start(production)
    while not house.jobs(run, Stage.SCENE_GENERATION):
        house.engine.turn()
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    house.work()
    made = [job for job in house.jobs(run, Stage.SCENE_GENERATION) if job.status.value == "done"]
    [found] = house.studio.fleet_forecasts.now().runs
    assert found.jobs == 4 * 3 - len(made)


def test_scenes_behind_a_decision_are_told_and_not_counted(house: FleetHouse) -> None:
    house.fleet.holding.clear()
    house.start(make_production(characters=2, scene_types=1, variants=1, approvals=Approvals(variants="human")))
    house.work()
    [run] = house.studio.fleet_forecasts.now().runs
    assert (run.jobs, run.undecided, run.likely_at) == (0, 2, None)


def test_more_workers_are_done_earlier_and_the_answer_says_so(house: FleetHouse) -> None:
    house.start(make_production(characters=20, scene_types=1, variants=3, segments=2))
    house.work()
    found = house.studio.fleet_forecasts.what_if(Change("gpu-1", 2))
    assert found.gained_s is not None and found.gained_s > 0
    said = fleet_what_if.sentence(found)
    assert said.startswith("2 more like gpu-1: done ") and " earlier, in " in said
    slower = house.studio.fleet_forecasts.what_if(Change(without=("gpu-2",)))
    assert " later, in " in fleet_what_if.sentence(slower)
    with pytest.raises(Invalid):
        house.studio.fleet_forecasts.what_if(Change("nobody", 1))


def test_time_that_was_lost_at_workers_so_far_is_reckoned_with(house: FleetHouse) -> None:
    house.start(make_production(characters=4))
    house.work()
    with house.studio.stores.read() as store:
        assert store.tallies.lost_share(["gpu-1", "gpu-2"]) == 0.0
    house.clock.advance(60)
    house.fleet.failing["gpu-1"] = "worker_gone"
    house.fleet.holding.remove("gpu-1")
    house.work()
    with house.studio.stores.read() as store:
        assert store.tallies.lost_share(["gpu-1", "gpu-2"]) == 0.5, "all that has ended was lost; half is the most believed"
        assert store.tallies.lost_share(["gpu-2"]) == 0.0
        assert house.studio.rehearsals.left(store).fleet.lost_share == 0.5
    house.fleet.failing.clear()


def test_with_nothing_left_the_answer_says_so(house: FleetHouse) -> None:
    found = house.studio.fleet_forecasts.what_if(Change("gpu-1", 1))
    assert fleet_what_if.sentence(found) == "1 more like gpu-1: nothing is left that anybody could do"


def test_what_if_knows_of_what_was_submitted_after_the_last_forecast(house: FleetHouse) -> None:
    assert house.studio.fleet_forecasts.now().runs == ()
    house.start(make_production(characters=4, scene_types=2, variants=2))
    assert house.studio.fleet_forecasts.what_if(Change(more=1, like="gpu-1")).before is not None
