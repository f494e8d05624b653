"""What of a run is being made just now: by cell, with worker, step, cost and the newest unfinished picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.domain.errors import NotFound
from pipeline.domain.live import share_of_take
from pipeline.domain.records import Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus
from tests.factories import make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import open_fleet_house
from tests.rest import RestClient


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with one worker at a price; every promise holds at the end."""
    with open_fleet_house(tmp_path, database_url) as found:
        found.add("gpu-1", cost_per_hour=36.0)
        yield found
        found.fleet.holding.clear()
        found.work()


def making(house: FleetHouse, characters: int = 1) -> Run:
    """A run whose first segment of three is at the sampler, 40 % through."""
    run = house.start(make_production(characters=characters, scene_types=1, variants=1, segments=3))
    while not house.jobs(run, Stage.SCENE_GENERATION):
        house.engine.turn()
    house.fleet.holding.add("gpu-1")
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        held = [job.attempt_id for job in store.jobs.running()]
        store.jobs.note_progress({str(attempt): (0.4, "step: sampler 12 of 30") for attempt in held})
    return run


def running(house: FleetHouse, run: Run) -> str:
    """The attempt that the worker is at."""
    [attempt] = [job.attempt_id for job in house.jobs(run, Stage.SCENE_GENERATION) if job.status is JobStatus.RUNNING]
    return str(attempt)


def test_a_running_scene_tells_its_step_worker_share_and_cost(house: FleetHouse) -> None:
    run = making(house)
    house.clock.advance(100)
    [scene] = house.studio.live_work.of(run.id).running
    assert (scene.worker, scene.step, scene.part, scene.parts) == ("gpu-1", "sampler 12 of 30", 1, 3)
    assert scene.share == pytest.approx(0.4 / 3)
    assert scene.cost == pytest.approx(1.0), "a hundred seconds at 36 an hour"
    with pytest.raises(NotFound):
        house.studio.live_work.of(4711)


def test_a_scene_that_waits_in_the_queue_of_its_worker_has_cost_nothing_yet(house: FleetHouse) -> None:
    run = making(house)
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(text("UPDATE attempts SET begun_at = NULL WHERE id = :id"), {"id": running(house, run)})
    house.clock.advance(100)
    [scene] = house.studio.live_work.of(run.id).running
    assert scene.cost == 0


def test_by_http_the_live_work_of_a_run_has_what_runs_and_why_others_wait(house: FleetHouse) -> None:
    run = making(house, characters=4)
    client = RestClient(house)
    told = client.get(f"production-runs/{run.id}/live").json()
    cells = {cell.id for cell in house.studio.reports.matrix(run.id).cells}
    assert {row[5] for row in told["running"]} == {"gpu-1"} and {row[0] for row in told["running"]} <= cells
    assert {row[0] for row in told["waiting"]} <= cells and all("busy" in row[1] for row in told["waiting"])
    assert told["waiting"] and not {row[0] for row in told["running"]} & {row[0] for row in told["waiting"]}
    assert client.get("production-runs/4711/live").status_code == 404


def test_costs_are_money_where_workers_have_a_price_and_time_elsewhere(house: FleetHouse) -> None:
    run = making(house)
    assert house.studio.boards.costs(run.id)[0] == "seconds"
    house.clock.advance(50)
    house.fleet.holding.clear()
    house.work()
    unit, costs = house.studio.boards.costs(run.id)
    assert unit == "money" and set(costs) == {cell.id for cell in house.studio.reports.matrix(run.id).cells}
    assert all(cost > 0 for cost in costs.values())


def test_the_newest_preview_of_a_running_scene_is_given_out_and_never_kept(house: FleetHouse) -> None:
    run = making(house)
    [cell] = house.studio.reports.matrix(run.id).cells
    client = RestClient(house)
    path = f"/media/cells/{cell.id}/preview.jpg"
    nothing = client.ask("GET", path)
    assert (nothing.status_code, nothing.headers["cache-control"]) == (204, "private, no-store")
    assert house.studio.spool.is_preview_wanted(running(house, run)), "whoever asks makes its pictures be kept"

    (house.studio.spool.attempt_folder(running(house, run)) / "preview.jpg").write_bytes(b"a picture")
    answer = client.ask("GET", path)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"a picture", "image/jpeg")
    assert answer.headers["cache-control"] == "private, no-store"

    house.fleet.holding.clear()
    house.work()
    assert client.ask("GET", path).status_code == 204, "what has ended has a take instead"


@pytest.mark.parametrize("cell", ["0", "-1", "4711", "..%2F..%2Fsecret", "1%00", str(2**70)])
def test_a_preview_is_found_by_the_number_of_a_scene_alone(house: FleetHouse, cell: str) -> None:
    assert RestClient(house).ask("GET", f"/media/cells/{cell}/preview.jpg").status_code in (204, 404, 422)


def test_nobody_has_asked_for_pictures_until_somebody_does(house: FleetHouse) -> None:
    run = making(house)
    assert not house.studio.spool.is_preview_wanted(running(house, run))


@pytest.mark.parametrize(
    ("progress", "part", "parts", "share"), [(0.5, 1, 2, 0.25), (1.0, 2, 2, 1.0), (0.4, 1, 0, 0.4), (3.0, 1, 0, 1.0)]
)
def test_the_share_of_a_take_counts_the_segments_before(progress: float, part: int, parts: int, share: float) -> None:
    assert share_of_take(progress, part, parts) == pytest.approx(share)
