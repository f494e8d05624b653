"""A worker is given another name: what it does and has done goes with it, at every door."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from data.models import attempts
from pipeline.cli import entry
from pipeline.domain.errors import Conflict, Invalid
from pipeline.domain.statuses import CellStatus
from tests.factories import PERSON, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.integration.test_taking_over import end
from tests.rest import RestClient

house = fleet_house


def rename(house: FleetHouse, name: str, to: str) -> None:
    house.studio.workers.edit(house.worker(name).worker, PERSON, name=to)


def makers(house: FleetHouse) -> set[str]:
    """Who has made what a fleet makes."""
    with house.studio.stores.read() as store:
        return set(store.connection.execute(select(attempts.c.worker)).scalars()) - {"local", "reuse"}


def test_a_worker_is_renamed_at_work_and_its_past_goes_with_it(house: FleetHouse) -> None:
    house.add("192.168.1.5-8188", cost_per_hour=3600.0)
    house.fleet.holding.add("192.168.1.5-8188")
    run = house.start(make_production())
    house.work()
    at_work = house.worker("192.168.1.5-8188").busy

    rename(house, "192.168.1.5-8188", "Rack 2")

    assert house.worker("Rack 2").busy == at_work > 0
    house.fleet.holding.clear()
    house.rest()
    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    assert makers(house) == {"Rack 2"}
    assert all(record.samples for record in house.worker("Rack 2").records)
    assert house.run(run).spent_cost == pytest.approx(house.run(run).spent_seconds) and house.run(run).spent_cost > 0
    assert [(event.data["name"], event.data["to"]) for event in house.events("worker.renamed")] == [
        ("192.168.1.5-8188", "Rack 2")
    ]


def test_the_engine_that_takes_over_asks_a_renamed_worker_under_its_new_name(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.holding.add("gpu-1")
    run = house.start(make_production())
    engine = house.new_engine()
    house.work(engine)
    rename(house, "gpu-1", "rack-2")
    end(house, engine)
    engine = house.new_engine()
    assert {request.place.name for request in house.fleet.taken_over if request.place} == {"rack-2"}
    house.fleet.holding.clear()
    house.work(engine)
    assert house.statuses(run) == {CellStatus.APPROVED: 8} and makers(house) == {"rack-2"}
    assert len(house.fleet.sent) == len({key for _, _, key in house.fleet.sent}), "nothing that ran was sent again"


def test_the_old_name_is_free_and_its_new_worker_has_shown_nothing(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.start(make_production(characters=1))
    house.rest()
    rename(house, "gpu-1", "old")
    house.studio.workers.register("gpu-1", "elsewhere", PERSON)
    assert not house.worker("gpu-1").records and house.worker("old").records
    assert makers(house) == {"old"}


def test_a_name_of_another_worker_is_refused_and_a_change_of_letters_is_not(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    for taken in ("gpu-2", "GPU-2"):
        with pytest.raises(Conflict, match='There is a worker "gpu-2" already'):
            rename(house, "gpu-1", taken)
    with pytest.raises(Invalid, match="cannot name a worker"):
        rename(house, "gpu-1", "two\nlines")
    rename(house, "gpu-1", "GPU-1")
    assert [one.worker.name for one in house.studio.workers.all()] == ["GPU-1", "gpu-2"]


def test_rest_and_the_command_line_rename(
    house: FleetHouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.add("gpu-1", "gpu-2")
    client, key = RestClient(house), house.worker("gpu-1").worker.id
    assert client.ask("PATCH", f"workers/{key}", json={"name": "gpu-2"}).status_code == 409
    assert client.ask("PATCH", f"workers/{key}", json={"name": ""}).status_code == 422
    changed = client.ask("PATCH", f"workers/{key}", json={"name": "rack-1", "state": "paused"}).json()
    assert (changed["name"], changed["state"]) == ("rack-1", "paused")
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.studio.settings.home))
    monkeypatch.setenv("DATABASE_URL", house.url)
    assert entry.start(["workers", "edit", "rack-1", "--name", "Gestell 1"]) == 0
    assert "is changed" in capsys.readouterr().out
    assert house.worker("Gestell 1").worker.id == key
