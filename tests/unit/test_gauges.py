"""The gauges of a card: lengths, marks, and the sign of what is at its limit."""

from __future__ import annotations

import json

import plotly

from components.gauges import gauges, measured
from pipeline.domain.telemetry.limits import Measure, Threshold, thresholds
from pipeline.domain.telemetry.readings import Reading
from tests.cards import NOON, reading


def test_a_reading_is_five_gauges_with_their_units() -> None:
    assert [each.words for each in measured(reading())] == [
        "use: 94 % use",
        "memory: 60 of 80 GiB",
        "temperature: 64 °C",
        "power: 612 of 700 W",
        "clock: 1,755 MHz",
    ]
    shares = [None if each.share is None else round(each.share, 2) for each in measured(reading())]
    assert shares == [0.94, 0.75, 0.52, 0.87, None]


def test_the_mark_stands_where_the_warning_begins_and_the_sign_from_there_on() -> None:
    limits = (Threshold(Measure.TEMPERATURE, 70.0, 80.0), *thresholds("temperature=off,memory=50,power=/95"))
    cool = measured(reading(temperature_c=69.9), limits)
    assert [each.mark for each in cool] == [None, 0.5, 0.6, 0.95, None]
    assert [each.is_beyond for each in cool] == [False, True, False, False, False]
    assert measured(reading(temperature_c=70.0), limits)[2].is_beyond
    assert "▲" in drawn(reading(temperature_c=83.0)) and "▲" not in drawn(reading(temperature_c=82.9))


def test_what_a_card_does_not_tell_has_no_bar() -> None:
    silent = Reading(0, "card", NOON)
    assert [(each.value, each.share, each.is_beyond) for each in measured(silent)] == [("–", None, False)] * 5
    assert measured(silent)[1].words == "memory: not told"
    assert "width" not in drawn(silent)


def test_a_part_without_its_whole_is_shown_alone() -> None:
    _, memory, _, power, _ = measured(reading(memory_bytes=None, power_limit_w=None))
    assert (memory.value, memory.of, memory.share) == ("60", "GiB", None)
    assert (power.value, power.of, power.share) == ("612", "W", None)


def test_bars_stay_within_their_gauge() -> None:
    found = measured(reading(temperature_c=200.0, power_w=900.0))
    assert (found[2].share, found[3].share) == (1.0, 1.0)


def drawn(told: Reading) -> str:
    """The gauges as the browser gets them."""
    return json.dumps(gauges(told), cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)
