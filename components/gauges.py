"""Gauges of one graphics card: use, memory, temperature, power and clock as grey bars, marked where the warning begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from pipeline.domain.graphics_memory import gibibytes, in_words
from pipeline.domain.telemetry.limits import DEFAULTS, Measure, Threshold, value_of
from pipeline.domain.telemetry.readings import Reading

_COLDEST, _HOTTEST = 25.0, 100.0
"""The ends of the bar of temperature, °C: a card at rest, and one that switches itself off."""
_UNKNOWN = "–"


@dataclass(frozen=True)
class Gauge:
    """One measure of a card as it is shown. `share` is the length of the bar, `mark` the place of the limit, both 0.0 to 1.0.

    None where there is nothing to show: the card does not tell, or there is no limit. `is_beyond`: at the limit or over it.
    """

    label: str
    value: str
    of: str = ""
    share: float | None = None
    mark: float | None = None
    is_beyond: bool = False

    @property
    def words(self) -> str:
        """The gauge as one sentence, for hovering and for whoever cannot see it."""
        told = "not told" if self.value == _UNKNOWN else f"{self.value} {self.of}".rstrip()
        return f"{self.label}: {told}{', at its limit' if self.is_beyond else ''}"


def gauges(reading: Reading, thresholds: Sequence[Threshold] = DEFAULTS) -> Component:
    """Five gauges in a row."""
    return html.Div([drawn(each) for each in measured(reading, thresholds)], className="gauges")


def measured(reading: Reading, thresholds: Sequence[Threshold] = DEFAULTS) -> tuple[Gauge, ...]:
    """Use, memory, temperature, power and clock of a reading. A clock has no bar: nothing says how fast it may go."""
    marks = {each.measure: _mark(reading, each) for each in thresholds}
    memory, heat, power = (marks.get(each, (None, False)) for each in (Measure.MEMORY, Measure.TEMPERATURE, Measure.POWER))
    used, warm = _memory(reading.memory_used_bytes, reading.memory_bytes), reading.temperature_c
    watts, mhz = _watts(reading.power_w, reading.power_limit_w), reading.clock_mhz
    return (
        Gauge("use", _UNKNOWN if reading.use is None else f"{100 * reading.use:.0f} %", "use", reading.use),
        Gauge("memory", *used, _bounded(reading.memory_share), *memory),
        Gauge("temperature", _UNKNOWN if warm is None else f"{warm:.0f} °C", "", _warmth(warm), *heat),
        Gauge("power", *watts, _bounded(reading.power_share), *power),
        Gauge("clock", _UNKNOWN if mhz is None else f"{mhz:,}", "MHz"),
    )


def _memory(used_bytes: float | None, whole_bytes: float | None) -> tuple[str, str]:
    """`61.4` and `of 80 GiB`; with an unknown whole the unit alone."""
    shown = _UNKNOWN if used_bytes is None else gibibytes(used_bytes)
    return shown, f"of {in_words(whole_bytes)}" if whole_bytes and used_bytes is not None else "GiB"


def _watts(drawn: float | None, limit: float | None) -> tuple[str, str]:
    """`612` and `of 700 W`; with an unknown limit the unit alone."""
    shown = _UNKNOWN if drawn is None else f"{drawn:.0f}"
    return shown, f"of {limit:.0f} W" if limit and drawn is not None else "W"


def _mark(reading: Reading, threshold: Threshold) -> tuple[float | None, bool]:
    limit = threshold.pause if threshold.warn is None else threshold.warn
    if limit is None:
        return None, False
    value = value_of(reading, threshold.measure)
    place = _warmth(limit) if threshold.measure is Measure.TEMPERATURE else _bounded(limit)
    return place, value is not None and value >= limit


def _warmth(celsius: float | None) -> float | None:
    return None if celsius is None else _bounded((celsius - _COLDEST) / (_HOTTEST - _COLDEST))


def _bounded(share: float | None) -> float | None:
    return None if share is None else min(1.0, max(0.0, share))


def drawn(gauge: Gauge) -> Component:
    """One gauge: the value, and below it the bar with the mark of its limit."""
    bar = [] if gauge.share is None else [html.I(style={"width": f"{100 * gauge.share:.1f}%"})]
    mark = [] if gauge.mark is None else [html.Span(className="gauge-mark", style={"left": f"{100 * gauge.mark:.1f}%"})]
    track = [html.Div([*bar, *mark], className="gauge-bar")] if bar or mark else []
    value = [html.Span("▲ ", className="gauge-beyond")] if gauge.is_beyond else []
    value.append(html.Span(gauge.value, className="num strong" if gauge.is_beyond else "num"))
    value += [html.Span(f" {gauge.of}", className="faint")] if gauge.of else []
    names = "gauge beyond" if gauge.is_beyond else "gauge"
    label = {"aria-label": gauge.words}
    return html.Div([*value, *track], className=names, title=gauge.words, role="img", **label)
