"""A house with a fleet for tests; a module takes the fixture under a name of its own: `house = fleet_house`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fleet import FleetHouse


@contextmanager
def open_fleet_house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with a fleet that has no worker yet; at the end its workers let go of all they hold, and every promise holds."""
    house = FleetHouse(tmp_path, database_url)
    yield house
    house.fleet.holding.clear()
    house.check()
    house.close()


@pytest.fixture
def fleet_house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with a fleet that has no worker yet; every promise holds at the end."""
    with open_fleet_house(tmp_path, database_url) as house:
        yield house
