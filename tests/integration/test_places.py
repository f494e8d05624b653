"""How many jobs a worker may have at once: kept by every engine, changed while it works, and set at every door."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli import entry
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus, JobStatus
from pipeline.engine.dispatcher import Dispatcher
from pipeline.wiring_fleet import load_workers
from tests.factories import PERSON, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.postgresql import free_port
from tests.rest import RestClient

house = fleet_house


def begin_short_work(house: FleetHouse, *names: str) -> Run:
    """Many jobs, each known to take next to nothing, as loading a model is: so only places keep workers from all of them."""
    house.start(make_production(characters=1))
    house.work()
    know_as_quick(house)
    house.fleet.sent.clear()
    house.fleet.holding |= set(names)
    return house.start(make_production(characters=9, title="Short"))


def know_as_quick(house: FleetHouse) -> None:
    """Every worker is as quick as any other: none is worth waiting for."""
    with house.studio.stores.begin(house.clock.now()) as store:
        for record in store.workers.records():
            store.workers.keep_record(replace(record, samples=5, seconds_per_frame=1e-6, spread=0.0), is_new=False)
        for worker in store.workers.all():
            store.workers.change(worker.id, switch_s=1e-9)


def held(house: FleetHouse) -> Counter[str]:
    """How many jobs each worker has."""
    return Counter({standing.worker.name: standing.busy for standing in house.studio.workers.all() if standing.busy})


def edited(house: FleetHouse, name: str, **values: object) -> None:
    """Change a worker."""
    house.studio.workers.edit(house.worker(name).worker, PERSON, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("places", [1, 2, 3, 8])
def test_a_worker_has_as_many_jobs_at_once_as_it_has_places_and_never_more(house: FleetHouse, places: int) -> None:
    house.add("gpu-1", places=places)
    run = begin_short_work(house, "gpu-1")

    house.work()

    assert held(house) == {"gpu-1": places} and len(house.fleet.sent) == places
    waiting = house.studio.fleet_pages.page(anew=True).waiting
    assert {one.cause for one in waiting} == {"places"}
    assert all("taken" in one.reason for one in waiting)

    house.fleet.holding.clear()
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 36}


def test_with_one_place_nothing_is_sent_before_what_runs_has_ended_however_long_that_takes(house: FleetHouse) -> None:
    house.add("gpu-1", places=1)
    begin_short_work(house, "gpu-1")
    for _ in range(5):
        house.work()
        house.clock.advance(20)
    [(_, _, first)] = house.fleet.sent

    house.fleet.let_go.add(first)
    house.work()

    assert len(house.fleet.sent) == 2 and held(house) == {"gpu-1": 1}


def test_fewer_places_than_jobs_stop_nothing_and_nothing_new_comes_until_there_is_room(house: FleetHouse) -> None:
    house.add("gpu-1", places=3)
    run = begin_short_work(house, "gpu-1")
    house.work()
    three = [key for _, _, key in house.fleet.sent]

    edited(house, "gpu-1", places=1)
    house.work()
    assert held(house) == {"gpu-1": 3} and len(house.fleet.sent) == 3, "what it has goes on"
    told = {one.reason.partition(";")[0] for one in house.studio.fleet_pages.page(anew=True).waiting}
    assert told == {"the only worker for it has 3 jobs and may have 1"}

    house.fleet.let_go |= set(three[:2])
    house.work()
    assert held(house) == {"gpu-1": 1} and len(house.fleet.sent) == 3, "one that it has is all that it may have"

    house.fleet.let_go.add(three[2])
    house.work()
    assert held(house) == {"gpu-1": 1} and len(house.fleet.sent) == 4
    assert not house.events("job.retried") and sum(job.status is JobStatus.CANCELLED for job in house.jobs(run)) == 0


def test_more_places_are_filled_in_the_next_turn(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2", places=1)
    begin_short_work(house, "gpu-1", "gpu-2")
    house.work()
    assert held(house) == {"gpu-1": 1, "gpu-2": 1}

    edited(house, "gpu-2", places=5)
    house.work()

    assert held(house) == {"gpu-1": 1, "gpu-2": 5}


@pytest.mark.parametrize("places", [1, 2, 5])
def test_engines_that_claim_at_the_same_moment_never_give_a_worker_more_than_it_has_places(
    house: FleetHouse, places: int
) -> None:
    house.add("gpu-1", "gpu-2", places=places)
    begin_short_work(house, "gpu-1", "gpu-2")
    engines, times_full, turns = [house.new_engine() for _ in range(4)], 0, 0
    while len(house.fleet.sent) < 2 * places + 6:
        know_as_quick(house)
        turn_together(engines)
        turns += 1
        assert turns < 200, "what ends makes room for the next one"
        now = held(house)
        assert all(count <= places for count in now.values())
        times_full += now.total() == 2 * places
        if now:
            house.fleet.let_go.add(next(key for _, _, key in house.fleet.sent if key not in house.fleet.let_go))
    assert times_full, "all places are used"
    house.fleet.holding.clear()
    for engine in engines:
        house.work(engine)


def turn_together(engines: list[Dispatcher]) -> None:
    """Each engine turns once, all of them at the same moment."""
    starts, failures = threading.Barrier(len(engines)), []

    def turn(engine: Dispatcher) -> None:
        starts.wait(30)
        try:
            engine.turn()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=turn, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and not any(thread.is_alive() for thread in threads)


# The doors --------------------------------------------------------------------------------------------------------------


def test_a_change_of_places_is_recorded_and_keeps_the_rest(house: FleetHouse) -> None:
    house.add("gpu-1", cost_per_hour=2.5, tags=("48gb",))
    edited(house, "gpu-1", places=1)
    worker = house.worker("gpu-1").worker
    assert (worker.places, worker.cost_per_hour, worker.tags) == (1, 2.5, ("48gb",))
    [event] = house.events("worker.edited")
    assert (event.actor, event.data["places"]) == (str(PERSON), 1)
    edited(house, "gpu-1", cost_per_hour=3.0)
    assert house.worker("gpu-1").worker.places == 1


def test_a_file_of_workers_gives_places_and_where_it_says_nothing_the_usual_ones(house: FleetHouse, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("workers:\n- {name: gpu-1, url: 'a:8188', places: 1}\n- {name: gpu-2, url: 'b:8188'}\n")
    for _ in range(2):
        house.studio.workers.apply(load_workers(path), PERSON)
    assert [one.worker.places for one in house.studio.workers.all()] == [1, 2]
    assert not house.events("worker.edited"), "the same file again changes nothing"
    path.write_text("- {name: gpu-1, url: 'a:8188', places: 4}\n")
    house.studio.workers.apply(load_workers(path), PERSON)
    assert [one.worker.places for one in house.studio.workers.all()] == [4, 2]
    assert [event.data["places"] for event in house.events("worker.edited")] == [4]


def test_rest_takes_and_tells_places(house: FleetHouse) -> None:
    client = RestClient(house)
    one = client.post("workers", {"name": "gpu-1", "url": "a:8188", "places": 1}).json()
    two = client.post("workers", {"name": "gpu-2", "url": "b:8188"}).json()
    assert (one["places"], two["places"]) == (1, 2)
    for wrong in (0, 9, 1.5, "2", True):
        assert client.ask("PATCH", f"workers/{one['id']}", json={"places": wrong}).status_code == 422
    for _ in range(2):
        headers = {"Idempotency-Key": "once"}
        changed = client.ask("PATCH", f"workers/{one['id']}", json={"places": 8}, headers=headers)
        assert (changed.status_code, changed.json()["places"]) == (200, 8)
    assert len(house.events("worker.edited")) == 1, "a request that is sent again has one effect"
    assert [each["places"] for each in client.get("workers").json()["items"]] == [8, 2]
    assert client.get(f"workers/{one['id']}").json()["places"] == 8


def test_the_command_line_sets_and_shows_places(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert entry.start(["workers", "add", "gpu-1", f"127.0.0.1:{free_port()}", "--places", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["places"] == 1
    assert entry.start(["workers"]) == 0
    assert "0 of 1" in capsys.readouterr().out
    assert entry.start(["workers", "edit", "gpu-1", "--places", "3"]) == 0
    assert entry.start(["workers", "edit", "gpu-1", "--cost-per-hour", "2"]) == 0
    capsys.readouterr()
    assert entry.start(["workers", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["workers"]
    assert (told["worker"]["places"], told["worker"]["cost_per_hour"]) == (3, 2.0)
    assert entry.start(["workers", "edit", "gpu-1", "--places", "9"]) == 2
