"""The job tray: what runs, what waits, what ended lately; how far each is, its log, and a way to cancel it."""

from __future__ import annotations

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import ids

COUNT = "jobs-count"
LIST = "job-list"
CLOCK = "tray-clock"
LOG = "job-log"
LOG_TEXT = "job-log-text"
LOG_TITLE = "job-log-title"


def pill() -> Component:
    """`jobs 12` in the top bar."""
    return html.Button(
        ["jobs", html.B("–", id=COUNT, className="num")], id=ids.JOBS, className="pill", title="Running and recent jobs (j)"
    )


def drawer() -> list[Component]:
    """The tray, the log of a job, and the clock that reads on while the tray is open."""
    return [
        dbc.Offcanvas(html.Div(id=LIST), id=ids.TRAY, title="Jobs", placement="end", className="drawer", is_open=False),
        dbc.Modal(
            [
                dbc.ModalHeader(dbc.ModalTitle("Log", id=LOG_TITLE)),
                dbc.ModalBody(html.Pre(id=LOG_TEXT, className="log", tabIndex=0)),
            ],
            id=LOG,
            labelledby=LOG_TITLE,
            size="lg",
            scrollable=True,
            fade=False,
        ),
        dcc.Interval(id=CLOCK, interval=1_000, disabled=True),
    ]
