"""What a run has cost beside what was expected, as a table: by character, scene type, stage or cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import words
from pipeline.domain.costs import By, CostLine
from pipeline.domain.records import Run

WORDS = {By.CHARACTER: "character", By.SCENE_TYPE: "scene type", By.STAGE: "stage", By.CAUSE: "cause"}
_MOST_RUNS = 20
_MOST_LINES = 200
_MUCH = 1.25
"""More than expected by so much is marked."""


@dataclass(frozen=True)
class Costs:
    """What a run has cost, told apart by something."""

    run: Run
    by: By
    lines: Sequence[CostLine]
    total: CostLine


def content(costs: Costs | None, questions: Sequence[tuple[str, str, bool]], runs: Sequence[tuple[str, str]]) -> list[Component]:
    """The card; nothing without a run."""
    if costs is None:
        return []
    tabs = [
        dcc.Link(word, href=href, className="bu-tab on" if is_on else "bu-tab", title="shown now" if is_on else "")
        for word, href, is_on in questions
    ]
    head = html.Div(
        [
            html.H2("What a run has cost", className="card-title"),
            html.Span("of everything that has ended, beside the estimates", className="muted bu-aside"),
            html.Span([html.Span("by", className="faint"), *tabs], className="bu-tabs end"),
            _menu(costs, runs),
        ],
        className="card-head",
    )
    if not costs.lines:
        note = f"{costs.run.name} has cost nothing yet. What its scenes take is listed here as they get done."
        return [head, html.P(note, className="card-note")]
    return [head, html.Div(_table(costs), className="bu-table-place", tabIndex=0, role="region", **{"aria-label": "Costs"})]


def _menu(costs: Costs, runs: Sequence[tuple[str, str]]) -> Component:
    name = costs.run.name
    if len(runs) < 2:
        return html.Span(name, className="strong cut", title=name)
    lines = [dbc.DropdownMenuItem(text, href=href) for text, href in runs[:_MOST_RUNS]]
    return html.Div(dbc.DropdownMenu(lines, label=name, className="menu", align_end=True), title=name)


def _table(costs: Costs) -> Component:
    has_money = any(line.cost or line.estimated_cost for line in costs.lines)
    longest = max((max(line.seconds, line.estimated_seconds) for line in costs.lines), default=0.0)
    names = [WORDS[costs.by], "generation", "expected", "", "disk", "expected", *(["money", "expected"] if has_money else [])]
    names += ["jobs", "tries", "reused"]
    top = html.Tr([html.Th(name, className="" if number in (0, 3) else "r") for number, name in enumerate(names)])
    lines = [_line(line, longest, has_money=has_money) for line in costs.lines[:_MOST_LINES]]
    whole = _line(costs.total, 0.0, has_money=has_money, look="bu-total")
    return html.Table([html.Thead(top), html.Tbody([*lines, whole])], className="bu-table num")


def _line(line: CostLine, longest: float, *, has_money: bool, look: str = "") -> Component:
    is_over = line.estimated_seconds > 0 and line.seconds > _MUCH * line.estimated_seconds
    spent = [html.Span("▲ ", className="bu-warn", title="much more than expected")] if is_over else []
    entries: list[object] = [
        html.Th(line.name.replace("_", " ") or "nobody", scope="row", className="cut", title=line.name),
        [*spent, _time(line.seconds)],
        html.Span(_time(line.estimated_seconds), className="muted"),
        _bars(line, longest) if longest and (line.seconds or line.estimated_seconds) else "",
        words.size(line.size_bytes),
        html.Span(words.size(line.estimated_bytes), className="muted"),
    ]
    if has_money:
        entries += [words.money(line.cost), html.Span(words.money(line.estimated_cost), className="muted")]
    entries += [f"{line.jobs:,}", f"{line.attempts:,}", f"{line.reused:,}" if line.reused else ""]
    first, *rest = entries
    cells = [html.Td(entry, className="bu-bars-place" if number == 2 else "r") for number, entry in enumerate(rest)]
    return html.Tr([first, *cells], className=look)


def _time(seconds: float) -> str:
    """Seconds below a minute with a tenth: small productions have nothing else."""
    return f"{seconds:.1f} s" if 0 < seconds < 60 else words.duration(seconds)


def _bars(line: CostLine, longest: float) -> Component:
    """What was spent over what was expected."""
    spent, expected = (100 * value / longest for value in (line.seconds, line.estimated_seconds))
    return html.Div(
        [
            html.I(className="bu-actual", style={"width": f"{spent:.1f}%"}),
            html.I(className="bu-expected", style={"width": f"{expected:.1f}%"}),
        ],
        className="bu-bars",
        title=f"spent {_time(line.seconds)}, expected {_time(line.estimated_seconds)}",
    )
