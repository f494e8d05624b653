"""A fleet in which everything goes wrong: nothing is lost, nothing is made twice without a reason, and every end is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.statuses import CellStatus, DeliveryStatus
from tests.factories import EVERYTHING, PERSON, make_production, quick_folder
from tests.fleet_storms import Storm

# The library of the requests loses a connection that is just being opened when whoever opens it is stopped.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@contextmanager
def storm_over(folder: Path, url: str = "", **weather: Any) -> Iterator[Storm]:
    """A storm over a fleet of four, ended at the end whatever happens."""
    storm = Storm(folder, url or f"sqlite:///{folder / 'stripboard.db'}", **weather)
    try:
        yield storm
    finally:
        storm.close()


def survive(storm: Storm, *, scenes: int) -> None:
    """Runs of so many scenes until enough has gone wrong; then what failed is asked for again, up to the sealed deliveries."""
    number = 0
    while not storm.is_over:
        number += 1
        storm.submit(make_production(characters=scenes // 4, title=f"Storm {number}", seed=number))
        storm.work()
    storm.check()
    storm.calm()
    house = storm.house
    for _ in range(5):
        for run in house.studio.runs.all():
            if house.statuses(run) != {CellStatus.APPROVED: scenes}:
                house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
                house.studio.review.retry(run, EVERYTHING, PERSON)
        storm.work()
    for run in house.studio.runs.all():
        assert house.statuses(run) == {CellStatus.APPROVED: scenes}, storm.standing()
        assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED]
    storm.check()


@pytest.mark.parametrize(("seed", "scenes", "crashes"), [(1, 24, 0), (2, 40, 0), (3, 32, 4)])
def test_a_fleet_in_a_storm_loses_nothing_and_does_nothing_twice(seed: int, scenes: int, crashes: int) -> None:
    with quick_folder() as folder, storm_over(folder, seed=seed, most=170, crashes=crashes) as storm:
        survive(storm, scenes=scenes)


def test_a_fleet_in_a_storm_loses_nothing_on_postgresql(postgresql_url: str) -> None:
    with quick_folder() as folder, storm_over(folder, postgresql_url, seed=4, most=60, crashes=2) as storm:
        survive(storm, scenes=8)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(10))
def test_20_000_faults_and_hundreds_of_our_own_deaths_lose_nothing(seed: int) -> None:
    with quick_folder() as folder, storm_over(folder, seed=100 + seed, most=2000, crashes=40) as storm:
        survive(storm, scenes=40)
