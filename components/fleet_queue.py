"""The queue of the fleet: what waits, in the order in which it will be served, why, and when it is expected to begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components import fleet_press, fleet_runs, words
from pipeline.domain.fleet_forecast import FleetForecast, RunEnd
from pipeline.domain.fleet_page import FleetPage, Waiting

_AMOUNT = r"\d[\d.,]* (?:(?:GiB|GB|s|min|h)(?: \d+ (?:s|min))?\b|of \d+)"


def content(view: FleetPage, forecast: FleetForecast | None = None, by: str = "order") -> list[Component]:
    """The card of the queue, in the order of service or by run."""
    count = f"{view.waits:,} {'waits' if view.waits == 1 else 'wait'}" if view.waits else ""
    title = [html.H2("Queue", className="card-title"), html.Span(count, className="muted num")]
    if view.waiting:
        order = fleet_runs.choice("queue", by, ("order", "In order"), ("run", "By run"))
        title.append(html.Span(order, className="end"))
    head = html.Div(title, className="card-head")
    if not view.waiting:
        return [head, html.P(_nothing(view), className="card-note")]
    names = html.Div(
        [html.Span("prio"), html.Span("job"), html.Span("waits because"), html.Span("starts in", className="r"), html.Span("")],
        className="fl-row fl-names faint",
        **{"aria-hidden": "true"},
    )
    has_several = len({one.run_id for one in view.waiting}) > 1
    in_order = [_row(one, view.now, names_run=has_several) for one in view.waiting]
    rows = html.Div(
        _by_run(view, forecast) if by == "run" else in_order,
        className="fl-rows",
        tabIndex=0,
        role="list",
        **{"aria-label": "Waiting jobs"},
    )
    more = view.waits - len(view.waiting)
    foot = html.Div(
        [
            html.Span(f"and {more:,} more" if more else "that is all", className="num"),
            html.Span("worked out anew at every change", className="end"),
        ],
        className="fl-more faint",
    )
    return [head, names, html.Div(rows, className="fl-scroll"), foot]


def _by_run(view: FleetPage, forecast: FleetForecast | None) -> list[Component]:
    """The rows of each run below a line that tells what waits of it and when it is done; runs in the order of their service."""
    by_run: dict[int, list[Waiting]] = {}
    for one in view.waiting:
        by_run.setdefault(one.run_id, []).append(one)
    known = {run.run_id: run for run in forecast.runs} if forecast else {}
    rows: list[Component] = []
    for run_id, waiting in by_run.items():
        rows += [_run(run_id, waiting, known.get(run_id), view.now), *(_row(one, view.now) for one in waiting)]
    return rows


def _run(run_id: int, waiting: Sequence[Waiting], run: RunEnd | None, now: datetime) -> Component:
    told = f"{run.waiting if run else len(waiting):,} wait" + (f" · {fleet_runs.ends(run, now)}" if run else "")
    name = waiting[0].run_name
    link = dcc.Link(words.both_ends(name), href=f"/runs/{run_id}", className="strong ends fl-key", title=name)
    return html.Div([link, html.Span(told, className="muted small num cut", title=told)], className="fl-of-run", role="listitem")


def _nothing(view: FleetPage) -> str:
    if any(one.doing for one in view.workers):
        return "Nothing waits: every job that can start has a worker."
    return "Nothing waits. Jobs of productions with the backend comfyui are listed here, with the reason for which they wait."


def _row(one: Waiting, now: datetime, *, names_run: bool = False) -> Component:
    href = f"/cells/{one.subject_id}" if one.subject == "cell" else f"/runs/{one.run_id}"
    part = f"segment {one.part} of {one.parts}" if one.parts else "picture"
    details = ", ".join([*([f"take {one.take}"] if one.take > 1 else []), part, *([f"try {one.tries + 1}"] if one.tries else [])])
    title = f"{one.key}, {one.run_name}: {details}"
    below = f"{details} · {one.run_name}" if names_run else details
    return html.Div(
        [
            _priority(one.priority),
            html.Div([dcc.Link(words.both_ends(one.key), href=href, className="ends fl-key", title=title),
                      html.Div(below, className="faint small cut", title=title)], className="cut fl-job"),
            html.Div(reason(one.reason, one.bold), className="muted small fl-why", title=one.remedy.capitalize() or one.reason),
            html.Div(_start(one, now), className="r fl-start"),
            html.Span(_moves(one), className="fl-moves"),
        ],
        className="fl-row",
        role="listitem",
    )  # fmt: skip


def _priority(priority: int) -> Component:
    look = "fl-prio num up" if priority > 0 else "fl-prio num"
    told = f"Priority {priority}, of run and scene together"
    return html.Span(f"{priority:+d}" if priority else "0", className=look, title=told)


def _start(one: Waiting, now: datetime) -> list[Component]:
    if one.starts_at is None:
        told = "later" if one.cause not in ("no_worker", "memory", "excluded", "aside", "tags", "dear") else "not yet"
        return [html.Div(told, className="muted"), html.Div("\u2013", className="faint small")]
    at = words.exactly(one.starts_at)
    wait_s = (one.starts_at - now).total_seconds()
    return [
        html.Div("now" if wait_s < 1 else words.duration(wait_s), className="num", title=f"Expected {at}"),
        html.Div(one.worker, className="faint small cut", title=one.worker),
    ]


def _moves(one: Waiting) -> list[Component]:
    """A scene can be served sooner or later; a picture goes by the priority of its run."""
    if one.own_priority is None:
        return []
    return [
        html.Button(
            glyph,
            className="btn ghost sm",
            title=f"Serve {one.key} {word}",
            **{"aria-label": f"Serve {one.key} {word}", **fleet_press.moved(one.job_id, by)},
        )
        for glyph, by, word in (("▲", 1, "sooner"), ("▼", -1, "later"))
    ]


def reason(text: str, bold: Sequence[str]) -> list[Component | str]:
    """The sentence with its names and amounts strong."""
    names = sorted((re.escape(word) for word in bold), key=len, reverse=True)
    pattern = "|".join([*(rf"(?<![\w-]){name}(?![\w-])" for name in names), _AMOUNT])
    parts: list[Component | str] = []
    at = 0
    for found in re.finditer(pattern, text):
        parts += [text[at : found.start()], html.B(found[0])] if found.start() > at else [html.B(found[0])]
        at = found.end()
    return [*parts, text[at:]] if text[at:] else parts
