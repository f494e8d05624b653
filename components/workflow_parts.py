"""Parts of the page of a workflow: what each worker lacks, and what differs between two versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import palette, words
from pipeline.domain.issues import shorten
from pipeline.domain.workflows.difference import ABSENT, Difference
from pipeline.domain.workflows.fit import Fit, to_install
from pipeline.domain.workflows.views import VersionPage, VersionView

_LONGEST = 80


def able(fits: Sequence[Fit]) -> str:
    """How many workers can run it now, and how many more could if they were at work."""
    ready, away = sum(fit.is_ready for fit in fits), sum(fit.can_run and not fit.is_ready for fit in fits)
    told = f"{ready} of {words.counted(len(fits), 'worker')}"
    return f"{told}, {away} more not at work" if away else told


def workers_card(fits: Sequence[Fit], card_id: str) -> Component:
    """Who can run it, and what to install at the others."""
    return html.Section(workers(fits), id=card_id, className="card wf-part", **{"aria-label": "Workers"})


def workers(fits: Sequence[Fit]) -> list[Component]:
    """A line for each worker."""
    away = sum(fit.can_run and not fit.is_ready for fit in fits)
    head = f"{sum(fit.can_run for fit in fits)} of {words.counted(len(fits), 'worker')} can run it" if fits else "Workers"
    head += f", {away} not at work" if away else ""
    rows: list[Component] = [_worker(fit) for fit in fits]
    if not fits:
        rows = [html.P(["There is no worker yet. ", html.A("Add one on the page of the fleet", href="/fleet"), "."],
                       className="muted")]  # fmt: skip
    return [html.H3(head, className="h2"), *rows]


def _worker(fit: Fit) -> Component:
    status, word = _standing(fit)
    lines = [html.Li(line) for line in to_install(fit.gaps)]
    told: Component = html.Ul(lines, className="wf-lines") if lines else html.Div(fit.words, className="muted wf-wrap")
    return html.Div(
        [
            html.Div([palette.badge(status, word), html.B(fit.worker.name, className="cut", title=fit.worker.name)],
                     className="wf-line"),
            told,
        ],
        className="wf-worker",
    )  # fmt: skip


def _standing(fit: Fit) -> tuple[str, str]:
    if fit.is_ready:
        return "approved", "can run it"
    if fit.can_run:
        return "blocked", "can run it, but is not at work"
    return ("failed", "lacks something") if fit.gaps else ("not_started", "not read yet")


def difference_card(
    opened: VersionPage, others: Sequence[VersionView], against: int | None, found: Difference | None, *, select_id: str
) -> Component:
    """What is different from another version."""
    number = opened.shown.version.number
    options = [{"label": "no other version", "value": "-"}]
    options += [{"label": f"version {one.version.number}", "value": str(one.version.number)} for one in others]
    choice = html.Label(
        [
            html.Span(f"Compare version {number} with", className="h2"),
            dbc.Select(id=select_id, options=options, value=str(against or "-"), className="form-select wf-select"),
        ],
        className="wf-line",
    )
    lines: list[Component] = []
    if found is not None:
        lines = [html.Div(_lines(found), className="wf-difference")]
    elif not others:
        lines = [html.P("There is one version. Correct a binding, or import the graph again when it has changed.",
                        className="faint")]  # fmt: skip
    return html.Section([choice, *lines], className="card wf-part", **{"aria-label": "Difference"})


def _lines(found: Difference) -> list[Component]:
    if found.is_empty:
        return [html.Div("Both do the same.", className="muted")]
    lines = [_line("+", f"{node.words} is new") for node in found.added]
    lines += [_line("−", f"{node.words} is gone") for node in found.removed]
    lines += [_line("~", f"node {one.node} is of class {one.new}, was {one.old}") for one in found.classes]
    lines += [
        _line("~", f"{one.title} ({one.node}), {one.input}: ", old=_value(one.old), new=_value(one.new)) for one in found.inputs
    ]
    lines += [_line("+", f"{one.slot} goes into {one.input} of node {one.node}") for one in found.bound]
    lines += [_line("−", f"{one.slot} no longer goes into {one.input} of node {one.node}") for one in found.unbound]
    return lines


def _line(sign: str, text: str, *, old: str = "", new: str = "") -> Component:
    change: list[Any] = [html.Del(old), " → ", html.Ins(new)] if old or new else []
    return html.Div([html.B(sign, className="wf-sign"), html.Span([text, *change], className="wf-wrap")], className="wf-change")


def _value(value: Any) -> str:
    return "nothing" if value is ABSENT else shorten(str(value), _LONGEST)
