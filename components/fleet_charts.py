"""What the cards of one worker told over time: a chart a measure, one below the other, with the limits drawn as lines.

Lines are grey and limits have two colours that stand out on either theme, so that nothing is drawn anew for another theme.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components import fleet_gauges, fleet_press
from pipeline.domain.telemetry.limits import Measure, Threshold
from pipeline.domain.telemetry.readings import Reading

SPANS = MappingProxyType(
    {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)},
)
"""How far back the charts may look."""
POINTS = 240
"""So many readings of each card at most: more cannot be told apart in the width of the panel."""
_GIB = 1024**3
_LINE, _TEXT, _GRID = "#7f8b98", "#7f8b98", "rgba(127, 139, 152, 0.22)"
_WARN, _PAUSE = "#b8860b", "#e0531f"
_DASHES = ("solid", "dot", "dash", "dashdot")
_EACH = 0.2
"""The share of the height that a chart has, its label included."""
_SHORTEST_GAP = timedelta(minutes=2)
_GAP_SHARE = 60


@dataclass(frozen=True)
class _Chart:
    """One measure: how it is called, its number in a reading, the top of its axis, and the measure whose limits hold for it."""

    label: str
    unit: str
    value: Callable[[Reading], float | None]
    top: Callable[[Sequence[Reading]], float | None]
    measure: Measure | None
    in_unit: Callable[[float, Sequence[Reading]], float | None]


def section(
    worker: str, readings: Sequence[Reading], thresholds: Sequence[Threshold], *, span: str, now: datetime
) -> list[Component]:
    """The charts of a worker from a span ago to now, with the choice of the span; without readings, how to come by them."""
    told = [each for each in readings if not each.is_memory_alone]
    buttons = [
        html.Button(f"last {name}", **{"aria-pressed": str(name == span).lower()},
                    **fleet_press.pressed(f"span:{name}", place="charts"))
        for name in SPANS
    ]  # fmt: skip
    head = html.Div(
        [html.H2("Telemetry", className="card-title"), html.Div(buttons, className="seg small", role="group",
                                                                **{"aria-label": "How far back"})],
        className="fl-charts-head",
    )  # fmt: skip
    if not told:
        return [head, _nothing(worker, span)]
    graph = dcc.Graph(figure=figure(told, thresholds, since=now - SPANS[span], until=now), config={"displayModeBar": False},
                      className="fl-graph")  # fmt: skip
    spoken = f"Use, memory, temperature, power and clock of {worker}, last {span}"
    return [head, html.Div(graph, role="img", **{"aria-label": spoken}), _legend(told, thresholds)]


def _nothing(worker: str, span: str) -> Component:
    command = html.Code(fleet_gauges.agent_command(worker), className="fl-command")
    return html.Div(
        [html.P(f"Its cards have told nothing in the last {span}. Run this on its machine, with the "
               "address of this page:", className="muted"), command,
         html.P("Cards of this machine are read without it.", className="faint")],
        className="fl-charts-none",
    )  # fmt: skip


def _legend(readings: Sequence[Reading], thresholds: Sequence[Threshold]) -> Component:
    names = {each.device: each.name for each in readings}
    cards = [html.Span(f"card {device + 1}: {name}", className="cut", title=name) for device, name in sorted(names.items())]
    has_limit = any(limit is not None for each in thresholds for limit in (each.warn, each.pause))
    limits = [html.Span([html.I(className="fl-limit warn"), "warns"]), html.Span([html.I(className="fl-limit pause"), "pauses"])]
    return html.Div([*cards, *(limits if has_limit else [])], className="fl-charts-keys faint small")


def figure(readings: Sequence[Reading], thresholds: Sequence[Threshold], *, since: datetime, until: datetime) -> dict[str, Any]:
    """The five charts as one Plotly figure: they share the axis of time."""
    limits = {each.measure: each for each in thresholds}
    devices = sorted({each.device for each in readings})
    by_device = {device: [each for each in readings if each.device == device] for device in devices}
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = _layout(since, until)
    for number, chart in enumerate(_CHARTS):
        axis = "y" if number == 0 else f"y{number + 1}"
        layout["yaxis" + axis[1:]] = _axis(chart, readings, 1 - (number + 1) * _EACH)
        layout["annotations"].append(_label(chart, 1 - number * _EACH))
        layout["shapes"] += _limits(chart, limits, readings, axis)
        data += [_trace(chart, by_device[device], axis, device, until - since, len(devices)) for device in devices]
    return {"data": data, "layout": layout}


def _layout(since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "height": 470,
        "margin": {"l": 40, "r": 10, "t": 0, "b": 24, "pad": 2},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": _TEXT, "size": 11},
        "showlegend": False,
        "hovermode": "x",
        "hoverlabel": {"bgcolor": "#232a34", "bordercolor": "#36404e", "font": {"color": "#eef2f6"}},
        "dragmode": False,
        "uirevision": "charts",
        "xaxis": {"range": [_here(since), _here(until)], "anchor": "y5", "gridcolor": _GRID, "zeroline": False, "nticks": 6,
                  "fixedrange": True, "tickformatstops": [{"dtickrange": [None, 86_399_999], "value": "%H:%M"},
                                                          {"dtickrange": [86_400_000, None], "value": "%-d %b"}]},
        "annotations": [],
        "shapes": [],
    }  # fmt: skip


def _axis(chart: _Chart, readings: Sequence[Reading], bottom: float) -> dict[str, Any]:
    top = chart.top(readings)
    bounds: dict[str, Any] = {"range": [0, top * 1.06]} if top else {"rangemode": "tozero"}
    return {
        "domain": [max(0.0, bottom + 0.01), bottom + _EACH - 0.055], "gridcolor": _GRID, "zeroline": False, "nticks": 3,
        "fixedrange": True, "tickfont": {"size": 10}, **bounds,
    }  # fmt: skip


def _label(chart: _Chart, top: float) -> dict[str, Any]:
    return {
        "text": f"{chart.label}, {chart.unit}", "xref": "paper", "yref": "paper", "x": 0, "y": top, "xanchor": "left",
        "yanchor": "top", "showarrow": False, "font": {"size": 11},
    }  # fmt: skip


def _trace(
    chart: _Chart, readings: Sequence[Reading], axis: str, device: int, span: timedelta, count: int
) -> dict[str, Any]:  # fmt: skip
    """One line; it is broken where nothing was told for a while."""
    gap = max(_SHORTEST_GAP, span / _GAP_SHARE)
    x: list[str] = []
    y: list[float | None] = []
    before: datetime | None = None
    for each in readings:
        if before is not None and each.at - before > gap:
            x.append(_here(before + gap))
            y.append(None)
        x.append(_here(each.at))
        y.append(chart.value(each))
        before = each.at
    which = f"card {device + 1}: " if count > 1 else ""
    return {
        "type": "scatter",
        "mode": "lines" if len(readings) > 1 else "markers",
        "x": x,
        "y": y,
        "yaxis": axis,
        "connectgaps": False,
        "line": {"color": _LINE, "width": 1.4, "dash": _DASHES[device % len(_DASHES)]},
        "marker": {"color": _LINE},
        "hovertemplate": f"{which}%{{y:.4~g}} {chart.unit}<extra></extra>",
    }


def _limits(
    chart: _Chart, limits: dict[Measure, Threshold], readings: Sequence[Reading], axis: str
) -> list[dict[str, Any]]:  # fmt: skip
    threshold = limits.get(chart.measure) if chart.measure else None
    if threshold is None:
        return []
    found = []
    for limit, colour, dash in ((threshold.warn, _WARN, "dash"), (threshold.pause, _PAUSE, "solid")):
        height = None if limit is None else chart.in_unit(limit, readings)
        if height is not None:
            found.append({"type": "line", "xref": "paper", "yref": axis, "x0": 0, "x1": 1, "y0": height, "y1": height,
                          "line": {"color": colour, "width": 1.2, "dash": dash}})  # fmt: skip
    return found


def _here(at: datetime) -> str:
    """Plotly shows times as they are written: in the zone of this server, as every other time of the page."""
    return at.astimezone().replace(tzinfo=None).isoformat(timespec="seconds")


def _most(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _memory(reading: Reading) -> float | None:
    return None if reading.memory_used_bytes is None else round(reading.memory_used_bytes / _GIB, 2)


def _whole_memory(readings: Sequence[Reading]) -> float | None:
    most = _most([each.memory_bytes for each in readings])
    return None if most is None else most / _GIB


def _power_limit(readings: Sequence[Reading]) -> float | None:
    return _most([each.power_limit_w for each in readings])


def _of(whole: float | None, share: float) -> float | None:
    return None if whole is None else whole * share


_CHARTS = (
    _Chart("use", "%", lambda one: None if one.use is None else round(100 * one.use, 1), lambda _: 100.0, Measure.IDLE,
           lambda limit, _: 100 * limit),
    _Chart("memory", "GiB", _memory, _whole_memory, Measure.MEMORY, lambda limit, all_: _of(_whole_memory(all_), limit)),
    _Chart("temperature", "°C", lambda one: one.temperature_c, lambda _: 100.0, Measure.TEMPERATURE, lambda limit, _: limit),
    _Chart("power", "W", lambda one: one.power_w, _power_limit, Measure.POWER,
           lambda limit, all_: _of(_power_limit(all_), limit)),
    _Chart("clock", "MHz", lambda one: one.clock_mhz, lambda all_: _most([one.clock_mhz for one in all_]), None,
           lambda limit, _: None),
)  # fmt: skip
