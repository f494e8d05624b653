"""What rules would have done in a past period: in a sentence, over time, and the first firings by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components import words
from components.rule_preview import cost_in_words
from pipeline.domain.records import Run
from pipeline.domain.rules.periods import Bar, First, Period, Span
from pipeline.domain.rules.planning import Outcome

SPAN = "replay-span"
_WORDS = {Span.DAY: "24 hours", Span.WEEK: "7 days", Span.MONTH: "30 days", Span.ALL: "all"}
_LINE, _GRID = "#7f8b98", "rgba(127, 139, 152, 0.22)"
_FIRED, _OTHERWISE, _REFUSED = "#7f8b98", "#b3bcc7", "#e0531f"
_LABELLED = 8
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class View:
    """A replay as it is shown, of which run; None of a period where there is nothing to replay. `is_cut`: of its newest part."""

    span: Span
    run: Run | None = None
    period: Period | None = None
    is_cut: bool = False


def section(place: str, view: View, *, problem: str = "") -> list[Component]:
    """The whole section. `place` tells the choices of two pages apart."""
    if problem:
        return [*head(place, view.span), html.P(problem, className="muted")]
    if view.period is None:
        return [*head(place, view.span), html.P("There is no run yet whose past could be replayed.", className="muted")]
    period = view.period
    parts: list[Component] = [*head(place, view.span), html.P(_told(period), className="rp-says")]
    if period.replay.firings or period.refused:
        parts.append(html.Div(_chart(period), role="img", className="rr-chart", **{"aria-label": _spoken(period)}))
        parts.append(html.P(_beside(period, view), className="muted"))
    else:
        parts.append(html.P(_why_none(period), className="muted"))
    if period.first:
        is_named = len({firing.rule.id for made in period.replay.plans for firing in made.firings}) > 1
        parts.append(html.Ol([_first(one, period, is_named) for one in period.first], className="rr-first"))
        rest = period.replay.firings - len(period.first)
        parts += [html.P(f"and {rest:,} more", className="faint")] if rest > 0 else []
    return parts


def head(place: str, span: Span) -> list[Component]:
    """The title, and how far back."""
    buttons = [
        html.Button(word, id={"type": SPAN, "place": place, "span": key.value}, **{"aria-pressed": str(key == span).lower()})
        for key, word in _WORDS.items()
    ]
    choice = html.Div(buttons, className="seg small", role="group", **{"aria-label": "How far back"})
    return [html.Div([html.H2("Replay", className="card-title"), choice], className="card-head rr-head")]


def _told(period: Period) -> list[Component | str]:
    made = period.replay
    cost = cost_in_words(made.cost)
    if cost:
        cost[0] = ", "
    return ["Would have fired ", html.B(words.counted(made.firings, "time")), *cost, "."]


def _beside(period: Period, view: View) -> str:
    made = period.replay
    parts = [f"{made.otherwise:,} of them took else."] if made.otherwise else []
    parts += [f"{words.counted(period.refused, 'firing')} would have been refused, by depth or fuel."] if period.refused else []
    no = made.outcomes.get(Outcome.CONDITION_FAILED, 0)
    parts += [f"{words.counted(no, 'time')} a condition did not hold."] if no else []
    parts += ["Only the newest events of the period were looked at."] if view.is_cut else []
    board = f"Judged on the board of today, {view.run.name}" if view.run else "Judged on the board of today"
    return " ".join([*parts, f"{board}; what would have followed is not counted."])


def _why_none(period: Period) -> str:
    heard = sum(period.replay.outcomes.values())
    if not heard:
        return "Nothing that it listens to has happened in this time."
    return f"It heard {words.counted(heard, 'event')}, and none let it fire on the board of today."


def _spoken(period: Period) -> str:
    return ", ".join(f"{_when(bar, period)}: {bar.fired + bar.otherwise}" for bar in period.bars if bar.fired or bar.otherwise)


def _when(bar: Bar, period: Period) -> str:
    if period.step == _HOUR:
        return f"{bar.at:%H:%M}" if len(period.bars) <= 24 else f"{bar.at.day} {bar.at:%b %H:%M}"
    return f"{bar.at:%a} {bar.at.day} {bar.at:%b}"


def _chart(period: Period) -> Component:
    return dcc.Graph(figure=figure(period), config={"displayModeBar": False}, className="rr-graph")


def figure(period: Period) -> dict[str, Any]:
    """Bars by hour, day or week. Greys that stand out on either theme; refused firings have the colour of what failed."""
    x = [_when(bar, period) for bar in period.bars]
    layers = [
        ("fired", _FIRED, "", [bar.fired for bar in period.bars]),
        ("took else", _OTHERWISE, "/", [bar.otherwise for bar in period.bars]),
        ("refused", _REFUSED, "\\", [bar.refused for bar in period.bars]),
    ]
    data = [_bars(x, *layer) for layer in layers if any(layer[3])]
    totals = [bar.fired + bar.otherwise + bar.refused for bar in period.bars]
    if data and len(x) <= _LABELLED:
        data[-1] |= {"text": [f"{total:,}" if total else "" for total in totals], "textposition": "outside", "cliponaxis": False}
    ticks = _ticks(x, period)
    return {
        "data": data,
        "layout": {
            "barmode": "stack", "bargap": 0.12, "height": 150, "showlegend": len(data) > 1,
            "legend": {"orientation": "h", "y": 1.18, "x": 0, "font": {"size": 11}},
            "margin": {"l": 28, "r": 4, "t": 22, "b": 22, "pad": 2}, "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)", "font": {"color": _LINE, "size": 11}, "hovermode": "x", "dragmode": False,
            "hoverlabel": {"bgcolor": "#232a34", "bordercolor": "#36404e", "font": {"color": "#eef2f6"}},
            "xaxis": {"type": "category", "fixedrange": True, "tickvals": ticks, "tickangle": 0, "showgrid": False,
                      "ticktext": [_short(one, len(x)) for one in ticks]},
            "yaxis": {"fixedrange": True, "gridcolor": _GRID, "zeroline": False, "nticks": 3, "rangemode": "tozero",
                      "tickformat": ",d", "range": [0, max([*totals, 1]) * 1.18]},
        },
    }  # fmt: skip


def _bars(x: Sequence[str], name: str, colour: str, hatch: str, y: Sequence[int]) -> dict[str, Any]:
    return {
        "type": "bar", "name": name, "x": list(x), "y": list(y), "marker": {"color": colour, "pattern": {"shape": hatch}},
        "hovertemplate": f"%{{y}} {name}<extra></extra>",
    }  # fmt: skip


def _ticks(x: Sequence[str], period: Period) -> list[str]:
    """As many as can be read in the width of a side panel."""
    each = max(1, -(-len(x) // (7 if period.step == _HOUR else 8)))
    return list(x[::each])


def _short(label: str, count: int) -> str:
    """Of a few days the weekday, of many the day of the month."""
    weekday, _, day = label.partition(" ")
    if not label[:1].isalpha():
        return label
    return weekday if count <= _LABELLED else day


def _first(one: First, period: Period, is_named: bool) -> Component:
    by = [html.Span(one.rule, className="muted cut", title=one.rule)] if is_named else []
    name = dcc.Link(one.about, href=f"/cells/{one.cell_id}") if one.cell_id is not None else html.Span(one.about or one.event)
    at = words.clock(one.at, period.until)
    jobs = html.Span(words.counted(one.jobs, "job") if one.jobs else "", className="num muted")
    return html.Li(
        [
            html.Span(at, className="num faint", title=words.exactly(one.at)),
            html.Span([html.Span(name, className="cut", title=one.about), *by], className="rr-what"),
            jobs,
        ]
    )
