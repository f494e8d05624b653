"""Servers that other people use, too: what they have there is told from our own jobs, and ours go elsewhere meanwhile."""

from __future__ import annotations

from dataclasses import replace

from tests.factories import make_production
from tests.fleet import WELL, FleetHouse
from tests.fleet_fixtures import fleet_house

house = fleet_house


def test_what_strangers_have_at_a_server_is_told_from_our_own_jobs_and_keeps_ours_away(house: FleetHouse) -> None:
    house.add("w1", "w3", catalogue={})
    house.fleet.holding |= {"w1", "w3"}
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [(first, _, _)] = house.fleet.sent
    with house.studio.stores.read() as store:
        ours = frozenset(job.attempt_id or "" for job in store.jobs.running())
    taken = {"w1", "w3"} - {first}
    house.servers.sightings[house.worker(first).worker.url] = replace(WELL, catalogue={}, queue=1, jobs=ours)
    strange = replace(WELL, catalogue={}, queue=7, jobs=frozenset({"a", "b"}))
    for name in taken:
        house.servers.sightings[house.worker(name).worker.url] = strange
    house.studio.workers.look()
    assert house.worker(first).worker.others == 0
    assert [house.worker(name).worker.others for name in taken] == [7]

    house.fleet.holding.clear()
    house.rest()
    assert {worker for worker, _, _ in house.fleet.sent} == {first}
