"""The bell: what waits for people, what failed, what was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import ids, palette, words
from components.icons import icon
from pipeline.domain.activity import Notice

COUNT = "bell-count"
LIST = "notice-list"
DRAWER = "notices"
_MOST_SHOWN = 99
CALLING = ("waiting", "worker")
"""The kinds that wait for a person."""
SHOWN_AS = {
    "waiting": "review",
    "worker": "failed",
    "failed": "failed",
    "budget": "blocked",
    "rule": "queued",
    "sealed": "approved",
}
_HEADS = {
    "waiting": "Waits for people",
    "worker": "Workers",
    "failed": "Failed",
    "budget": "Budgets",
    "rule": "From rules",
    "sealed": "Sealed",
}


def bell() -> Component:
    """The bell in the top bar, with how many things wait for people."""
    return html.Button(
        [icon("bell"), html.Span(id=COUNT, className="bell-count num")],
        id=ids.BELL,
        className="btn ghost sm bell",
        title="What is new (n)",
        **{"aria-label": "What is new"},
    )


def drawer() -> Component:
    """The list behind the bell."""
    return dbc.Offcanvas(
        html.Div(id=LIST),
        id=DRAWER,
        title=html.Span("What is new", id="notices-title"),
        labelledby="notices-title",
        placement="end",
        className="drawer",
        is_open=False,
    )


def waiting(notices: Sequence[Notice]) -> str:
    """The number on the bell: decisions and workers that wait for people; nothing when there are none."""
    count = sum(notice.count for notice in notices if notice.kind in CALLING)
    return "" if not count else str(count) if count <= _MOST_SHOWN else f"{_MOST_SHOWN}+"


def rows(notices: Sequence[Notice], now: datetime) -> list[Component]:
    """The list: what waits first, then failures and sealed deliveries, the newest first."""
    if not notices:
        text = "Decisions that wait for people, failures and sealed deliveries are listed here."
        return [html.Div([html.B("Nothing new"), html.P(text)], className="drawer-empty")]
    parts: list[Component] = []
    for kind, head in _HEADS.items():
        mine = [notice for notice in notices if notice.kind == kind]
        if mine:
            title = html.H3(
                [head, html.Span(f"{sum(one.count for one in mine):,}", className="faint num")], className="drawer-head"
            )
            parts.append(html.Section([title, *(_row(notice, now) for notice in mine)]))
    return parts


def address(notice: Notice) -> str:
    """Where a notice leads: to the scene, the board of what waits, the scenes that need a picture, or the deliveries."""
    if notice.subject == "worker":
        return "/fleet"
    if notice.subject == "budget":
        return "/budgets"
    if notice.subject == "message":
        return "/triggers/log"
    if notice.subject == "delivery":
        return f"/deliveries?run={notice.run_id}"
    if notice.subject == "cell" and notice.count == 1:
        return f"/cells/{notice.subject_id}"
    if notice.subject == "cell" and notice.kind == "waiting":
        return f"/runs/{notice.run_id}?status=review"
    if notice.subject == "still":
        return f"/runs/{notice.run_id}?needs={notice.subject_id}"
    return f"/runs/{notice.run_id}"


def _row(notice: Notice, now: datetime) -> Component:
    text = notice.text[:1].upper() + notice.text[1:]
    return dcc.Link(
        [
            palette.badge(SHOWN_AS[notice.kind]),
            html.Span([html.Span(text, className="notice-text"), html.Span([notice.run_name, " · ", words.since(notice.at, now)],
                      className="faint notice-of")], className="notice-body"),
        ],
        href=address(notice),
        className="notice",
    )  # fmt: skip
