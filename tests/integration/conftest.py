"""What integration tests of services share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import House, quick_folder


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A house on each database; every promise is checked when the test is over."""
    with quick_folder() as folder:
        url = f"sqlite:///{folder / 'stripboard.db'}" if database_url.startswith("sqlite") else database_url
        house = House(folder, url)
        yield house
        house.check()
        house.close()
