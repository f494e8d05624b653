"""What servers still hold although its attempt has ended: a look has it stopped, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.domain.statuses import AttemptOutcome
from tests.factories import EVERYTHING, PERSON, make_production
from tests.fleet import WELL, FleetHouse
from tests.fleet_fixtures import open_fleet_house


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with a fleet of two; every promise holds at the end."""
    with open_fleet_house(tmp_path, database_url) as found:
        found.add("gpu-1", "gpu-2")
        yield found


def attempts(house: FleetHouse) -> dict[str, AttemptOutcome]:
    """Every attempt that was ever sent to a worker, and how it stands."""
    with house.studio.stores.read() as store:
        jobs = [int(key.removeprefix("job-")) for _, _, key in house.fleet.sent]
        return {attempt.id: attempt.outcome for attempt in store.jobs.attempts_of(jobs) if attempt.worker.startswith("gpu")}


def show(house: FleetHouse, worker: str, *jobs: str) -> str:
    """Let the server of a worker say that it has these jobs; the answer is its address."""
    url = house.worker(worker).worker.url
    house.servers.sightings[url] = replace(WELL, jobs=frozenset(jobs))
    return url


def stopped_by_a_look(house: FleetHouse) -> set[tuple[str, str]]:
    """What servers are asked to stop when they are looked at now."""
    house.servers.stopped.clear()
    house.studio.workers.look()
    return house.servers.stopped


def test_attempts_that_were_given_up_are_stopped_wherever_they_are_seen(house: FleetHouse) -> None:
    house.fleet.failing["gpu-1"] = "worker_gone"
    house.start(make_production(characters=1))
    house.work()
    [given_up, *_] = [key for key, outcome in attempts(house).items() if outcome is AttemptOutcome.FAILED]
    one, other = show(house, "gpu-1", given_up), show(house, "gpu-2", given_up)
    assert stopped_by_a_look(house) == {(one, given_up), (other, given_up)}
    assert stopped_by_a_look(house) == {(one, given_up), (other, given_up)}, "and again, while it is still there"
    show(house, "gpu-1"), show(house, "gpu-2")
    assert stopped_by_a_look(house) == set()


def test_what_runs_and_what_is_somebody_elses_is_left_alone(house: FleetHouse) -> None:
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    run = house.start(make_production(characters=1))
    house.work()
    running = [key for key, outcome in attempts(house).items() if outcome is AttemptOutcome.RUNNING]
    url = show(house, "gpu-1", str(uuid.uuid4()), *running)
    assert running and stopped_by_a_look(house) == set()

    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    assert stopped_by_a_look(house) == {(url, key) for key in running}, "a stop may not have been heard"
