"""What integration tests of services share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import House


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house on each database; every promise is checked when the test is over."""
    house = House(tmp_path, database_url)
    yield house
    house.check()
    house.close()
