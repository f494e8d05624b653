"""The charts of a worker's cards: lines with gaps where nothing was told, and limits where they hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from components.fleet_charts import figure, section
from pipeline.domain.telemetry.limits import thresholds
from pipeline.domain.telemetry.readings import Reading
from tests.cards import GIB, NOON, reading

HOUR = timedelta(hours=1)


def drawn(readings: list[Reading], limits: str = "") -> dict[str, Any]:
    """The figure of the last hour."""
    return figure(readings, thresholds(limits), since=NOON - HOUR, until=NOON)


def minutes(*ago: float, **told: Any) -> list[Reading]:
    """Readings of so many minutes ago."""
    return [reading(NOON - timedelta(minutes=each), **told) for each in ago]


def test_each_card_has_a_line_a_measure() -> None:
    found = drawn([*minutes(3, 2, 1), *minutes(3, 2, 1, device=1)])
    assert [line["yaxis"] for line in found["data"]] == [axis for axis in ("y", "y2", "y3", "y4", "y5") for _ in range(2)]
    assert [line["y"][0] for line in found["data"]][::2] == [94.0, 60.0, 64.0, 612.0, 1755]
    assert all("card 2" in line["hovertemplate"] for line in found["data"][1::2])


def test_a_line_is_broken_where_nothing_was_told() -> None:
    [use, *_] = drawn(minutes(30, 29, 10, 9))["data"]
    assert use["y"] == [94.0, 94.0, None, 94.0, 94.0]


def test_limits_are_drawn_in_the_unit_of_their_chart() -> None:
    found = drawn(minutes(2, 1), "temperature=80/90,memory=50,power=/95,idle=5")
    lines = {(shape["yref"], round(shape["y0"], 2)) for shape in found["layout"]["shapes"]}
    assert lines == {("y", 5.0), ("y2", 40.0), ("y3", 80.0), ("y3", 90.0), ("y4", 665.0)}


def test_a_limit_of_what_is_not_known_is_not_drawn() -> None:
    found = drawn(minutes(2, 1, memory_bytes=None, power_limit_w=None), "temperature=off,memory=50,power=/95")
    assert found["layout"]["shapes"] == []


def test_cards_of_which_only_the_memory_is_known_get_the_command_of_the_agent() -> None:
    silent = dict.fromkeys(("use", "temperature_c", "power_w", "power_limit_w", "clock_mhz"))
    only_memory = minutes(2, 1, memory_used_bytes=GIB, **silent)
    assert "--worker gpu-1" in str(section("gpu-1", only_memory, (), span="hour", now=NOON))
