"""The board as elements: the page, its header and its stores; scripts in assets/board*.js fill the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import board_due, board_hint, board_side, board_tools, deadlines, deliver, frame, words
from pipeline.domain.estimates import is_guess
from pipeline.domain.overview import RunOverview
from pipeline.domain.records import Run

KEYS = (
    ("← ↑ → ↓", "move in the matrix; with Shift select"),
    ("Space", "select the scene under the ring"),
    ("Enter", "open it"),
    ("s", "submit what is selected"),
    ("a", "approve it"),
    ("x", "reject it"),
    ("r", "retry it"),
    ("z", "undo, while the message is there"),
    ("Esc", "select nothing"),
)


def missing(text: str) -> Component:
    """There is no such run: what to do instead."""
    return html.Div(
        frame.empty("No such run", text, action=[dcc.Link("See all runs", href="/", className="btn primary")]),
        className="page",
        id="board-missing",
    )


def page(run: Run, overview: RunOverview, views: Sequence[tuple[str, str]], now: datetime) -> Component:
    """The whole page; the scripts draw the matrix when its document has come."""
    return html.Div(
        id="board",
        className="board",
        children=[
            _head(run, overview, now),
            board_tools.tools(views),
            html.Div([board_tools.holders(), board_side.side()], className="bx-work"),
            *_stores(run),
            html.Div(id="hover-card", className="bx-hover", hidden=True),
            html.Div(id="board-said", className="visually-hidden", role="status", **{"aria-live": "polite"}),
            frame.keys_of(*KEYS),
            board_due.dialog(),
            dbc.Modal(id="confirm", is_open=False, centered=True, fade=False, labelledby="confirm-title", children=[]),
        ],
        **{"data-run": str(run.id)},
    )


def _stores(run: Run) -> list[Component]:
    names = ("board-look", "board-intent", "board-say", "board-view", "board-pending", "board-done", "board-undo")
    return [
        dcc.Store(id="board-run", data=run.id),
        dcc.Store(id="board-status", data=run.status.value),
        dcc.Store(id="board-mounted"),
        *(dcc.Store(id=name) for name in names),
    ]


# Header ---------------------------------------------------------------------------------------------------------


def _head(run: Run, overview: RunOverview, now: datetime) -> Component:
    return html.Header(
        className="bx-head",
        children=[
            html.Div(
                [
                    html.H1(run.title, className="h1 middle wide", title=run.title),
                    html.Span(subtitle(run, overview, now), id="board-subtitle", className="muted"),
                ],
                className="bx-title",
            ),
            html.Div(
                [
                    html.Span(verbs(run.status.value), id="board-verbs", className="bx-buttons"),
                    board_due.button(),
                    _submit_menu(),
                    deliver.slot(run.id),
                ],
                className="bx-buttons",
            ),
            html.Div(id="board-strip", className="strip", role="img", **{"aria-label": "Scenes by status"}),
            html.Div(facts(overview, now), id="board-facts", className="bx-facts"),
            html.Div(board_hint.hint(overview), id="board-hint"),
        ],
    )


def subtitle(run: Run, overview: RunOverview, now: datetime) -> list[Component | str]:
    """Which run, how large, who started it."""
    parts: list[Component | str] = [f"Run {run.number} · {words.counted(overview.total, 'scene')}"]
    if overview.started_at is not None:
        parts += [f" · started by {overview.started_by} ", words.since(overview.started_at, now)]
    if run.spent_cost:
        limit = f" of {words.money(run.limit_cost)}" if run.limit_cost is not None else ""
        spent = html.Span(f"{words.money(run.spent_cost)}{limit} spent", className="num", title="What workers' time has cost")
        parts += [" · ", spent]
    return parts


def verbs(status: str) -> list[Component]:
    """Pause, resume and cancel, as far as the run's status allows them."""
    parts: list[Component] = []
    if status == "paused":
        badge = html.Span("paused", className="bx-run-status", title="No new work starts; what was under way is finished.")
        parts = [badge, _run_button("resume", "Resume")]
    elif status == "running":
        parts = [_run_button("pause", "Pause")]
    elif status in ("cancelled", "completed"):
        word = {"cancelled": "cancelled", "completed": "delivered"}[status]
        parts = [html.Span(word, className="bx-run-status", title="Submitting scenes opens the run again.")]
    return parts


def _run_button(verb: str, text: str) -> Component:
    return html.Button(text, id=f"run-{verb}", className="btn", **{"data-verb": verb, "data-run": "1"})


def _submit_menu() -> Component:
    entries = (
        ("All missing scenes", "never made, or cancelled", {"data-mode": "missing", "data-scope": "all"}),
        ("The selection", "what is missing of it", {"data-mode": "missing"}),
        ("Failed and rejected only", "of the whole run", {"data-mode": "failed", "data-scope": "all"}),
        ("The selection anew", "also what is approved: a new take of each", {"data-mode": "all"}),
    )
    lines: list[Component] = [
        html.Button(
            [html.Span(text), html.Span(more, className="faint")],
            className="dropdown-item bx-menu-line",
            **{"data-verb": "submit", "role": "menuitem", **data},
        )
        for text, more, data in entries
    ]
    end = html.Button(
        [html.Span("Cancel the run"), html.Span("what is approved stays", className="faint")],
        className="dropdown-item bx-menu-line bad",
        **{"data-verb": "cancel-run", "data-run": "1", "role": "menuitem"},
    )
    return dbc.DropdownMenu(
        [*lines, html.Hr(className="dropdown-divider"), end],
        label="Submit",
        id="submit-menu",
        align_end=True,
        toggle_class_name="btn bx-menu",
        color="link",
    )


def facts(overview: RunOverview, now: datetime) -> list[Component]:
    """Segments, quality, time, disk, and when it will be done."""
    spent = words.hours(overview.spent_seconds)
    budget = f"{spent.removesuffix(' h')} of {words.hours(overview.limit_seconds)}" if overview.limit_seconds else spent
    disk: list[Any] = [html.B(words.size(overview.spent_bytes), className="num")]
    disk.append(f" of {words.size(overview.limit_bytes)}" if overview.limit_bytes else "")
    parts = [
        html.Span(["segments ", html.B(f"{overview.segments_made:,}", className="num"), f" of {overview.segments_total:,}"]),
        html.Span(["QA passed ", html.B(f"{overview.qa_passed:,}", className="num")]),
        html.Span(["generation ", html.B(budget, className="num")], title="Generation time spent, of its budget"),
        html.Span(["disk ", *disk], title=f"{words.size(overview.free_disk_bytes)} are free"),
    ]
    if overview.rate_per_hour:
        parts.append(html.Span(["rate ", html.B(f"{overview.rate_per_hour:,.0f}", className="num"), " scenes an hour"]))
    parts += [html.Span(hold.words, className="bx-held", title=f"{hold.remedy} changes that") for hold in overview.held]
    return [*parts, html.Span(className="spread"), _ending(overview, now), *_due(overview, now)]


def _due(overview: RunOverview, now: datetime) -> list[Component]:
    if overview.total and overview.approved == overview.total:
        return []
    return deadlines.due(overview.due_at, likely_at=overview.soonest_at, latest_at=overview.latest_at, now=now)


def _ending(overview: RunOverview, now: datetime) -> Component:
    if overview.likely_at is not None:
        text: list[Any] = ["done about ", html.B(words.clock(overview.likely_at, now), title=words.exactly(overview.likely_at))]
        if overview.latest_at is not None:
            text += [", latest ", html.Span(words.clock(overview.latest_at, now), title=words.exactly(overview.latest_at))]
        if is_guess(overview.measured_share):
            return html.Span([*text, ", a first guess"], className="bx-ending", title=words.GUESS)
        return html.Span(
            text, className="bx-ending", title="Even chance, and nine chances of ten, from measured times and free slots"
        )
    if overview.total and overview.approved == overview.total:
        return html.Span("all scenes are approved", className="bx-ending")
    if overview.rests_at is not None:
        text = ["the machines are done about ", html.B(words.clock(overview.rests_at, now)), ", then it waits for people"]
        return html.Span(text, className="bx-ending")
    return html.Span("")
