"""When a run may start and is due, and how its production weighs beside others: the dialog of a board."""

from __future__ import annotations

from datetime import datetime

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from pipeline.domain.records import Run
from pipeline.domain.schedule import Schedule

OPEN, DIALOG, DO = "board-due-open", "board-due-dialog", "board-due-do"
START, DUE, SHARE, ZONE = "board-due-start", "board-due-at", "board-due-share", "board-due-zone"
FIELDS = (START, DUE, SHARE)
_WRITTEN = "%Y-%m-%dT%H:%M"


def button() -> Component:
    """Opens the dialog."""
    return html.Button("Due…", id=OPEN, className="btn", title="When this run may start and is due, and its production's share")


def dialog() -> Component:
    """The dialog, closed and empty."""
    moments = html.Div(
        [
            _field(START, "Starts not before", dbc.Input(id=START, type="datetime-local")),
            _field(DUE, "Is due", dbc.Input(id=DUE, type="datetime-local")),
        ],
        className="bu-fields",
    )
    share = dbc.Input(id=SHARE, type="number", step="any")
    body = [
        moments,
        html.Div(id=ZONE, className="faint bu-small"),
        _field(SHARE, "Share of its production", share),
        html.Div(
            "1 is as much of the workers as each other production gets, 2 is twice as much. It holds for all of its runs.",
            className="faint bu-small",
        ),
    ]
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Start, deadline and share", id=f"{DIALOG}-title")),
            dbc.ModalBody(html.Div(body, className="bu-form")),
            dbc.ModalFooter(html.Button("Set them", id=DO, className="btn primary")),
        ],
        id=DIALOG,
        labelledby=f"{DIALOG}-title",
        fade=False,
        is_open=False,
        centered=True,
        className="bu-dialog",
    )


def _field(key: str, name: str, control: Component) -> Component:
    wrong = html.Div(id=error_of(key), className="bu-error", role="alert")
    return html.Div([html.Label(name, htmlFor=key, className="bu-label"), control, wrong])


def error_of(field: str) -> str:
    """The id of the place below a field that says what is wrong with it."""
    return f"{field}-error"


def values(run: Run, schedule: Schedule) -> tuple[str, str, float]:
    """What the fields hold for this run; moments as clocks of this machine show them."""
    start, due = (f"{moment.astimezone():{_WRITTEN}}" if moment else "" for moment in (run.start_after, run.deadline))
    return start, due, schedule.share


def zone(now: datetime) -> str:
    """Whose clocks the moments are read from."""
    return f"Empty: at once, and never. Times of this server, {now.astimezone():%Z}. Near its deadline a run goes first."


def moment(written: str | None) -> datetime | None:
    """What a field says, with the zone of this machine; None for an empty one. Raises ValueError."""
    return datetime.fromisoformat(written).astimezone() if written else None
