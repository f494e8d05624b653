"""Gauges of one graphics card: memory, temperature, use and power as grey bars, with a mark where the warning begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from pipeline.domain.telemetry.limits import DEFAULTS, Measure, Threshold, value_of
from pipeline.domain.telemetry.readings import Reading

_COLDEST, _HOTTEST = 25.0, 100.0
"""The ends of the bar of temperature, °C: a card at rest, and one that switches itself off."""
_GB = 1024**3
"""Cards are named by binary sizes: one of 24 GB says 24 here too."""
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
    """Four gauges in a row."""
    return html.Div([_drawn(each) for each in measured(reading, thresholds)], className="gauges")


def measured(reading: Reading, thresholds: Sequence[Threshold] = DEFAULTS) -> tuple[Gauge, Gauge, Gauge, Gauge]:
    """Memory, temperature, use and power of a reading."""
    marks = {each.measure: _mark(reading, each) for each in thresholds}
    memory, heat, power = (marks.get(each, (None, False)) for each in (Measure.MEMORY, Measure.TEMPERATURE, Measure.POWER))
    used, drawn = _part(reading.memory_used_bytes, reading.memory_bytes, "GB", _GB), _part(reading.power_w, reading.power_limit_w)
    warm = reading.temperature_c
    return (
        Gauge("memory", *used, _bounded(reading.memory_share), *memory),
        Gauge("temperature", _UNKNOWN if warm is None else f"{warm:.0f} °C", "", _warmth(warm), *heat),
        Gauge("use", _UNKNOWN if reading.use is None else f"{100 * reading.use:.0f} %", "use", reading.use),
        Gauge("power", *drawn, _bounded(reading.power_share), *power),
    )


def _part(value: float | None, whole: float | None, unit: str = "W", size: int = 1) -> tuple[str, str]:
    """`61.4` and `of 80 GB`; with an unknown whole the unit alone."""
    shown = _UNKNOWN if value is None else f"{value / size:.1f}" if size > 1 else f"{value:.0f}"
    return shown, f"of {whole / size:.0f} {unit}" if whole and value is not None else unit


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


def _drawn(gauge: Gauge) -> Component:
    bar = [] if gauge.share is None else [html.I(style={"width": f"{100 * gauge.share:.1f}%"})]
    mark = [] if gauge.mark is None else [html.Span(className="gauge-mark", style={"left": f"{100 * gauge.mark:.1f}%"})]
    value = [html.Span("▲ ", className="gauge-beyond")] if gauge.is_beyond else []
    value.append(html.Span(gauge.value, className="num strong" if gauge.is_beyond else "num"))
    value += [html.Span(f" {gauge.of}", className="faint")] if gauge.of else []
    names = "gauge beyond" if gauge.is_beyond else "gauge"
    label = {"aria-label": gauge.words}
    return html.Div(
        [*value, html.Div([*bar, *mark], className="gauge-bar")], className=names, title=gauge.words, role="img", **label
    )
