"""What is written into the forms of the fleet, and what of it cannot be used."""

from __future__ import annotations

import pytest

from components import fleet_add
from components.fleet_add import wrong_settings


@pytest.mark.parametrize("places", [0, 9, 1.5])
def test_places_that_cannot_be_are_told_at_their_field(places: float) -> None:
    assert wrong_settings("gpu-1", price=1.0, tags="48gb", places=places).keys() == {fleet_add.PLACES}
    assert wrong_settings("gpu-1", price=1.0, tags="48gb", places=None) == {}


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 81])
def test_a_name_that_cannot_be_is_told_at_its_field(name: str) -> None:
    assert wrong_settings(name, price=None, tags="", places=2).keys() == {fleet_add.NAME}


def test_addresses_are_split_at_lines_commas_and_spaces() -> None:
    assert fleet_add.split("a:1\nb:2, c:3;;d:4 ") == ["a:1", "b:2", "c:3", "d:4"]
