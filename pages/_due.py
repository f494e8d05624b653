"""Start, deadline and share, set from the board of a run."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, set_props
from dash.exceptions import PreventUpdate

from components import board_due, frame, ids
from pipeline.domain.errors import Invalid
from pipeline.wiring_serving import current_studio, local_actor

_ERRORS = tuple(board_due.error_of(field) for field in board_due.FIELDS)


def register(app: Dash) -> None:
    """The callbacks of the dialog."""
    app.callback(
        Output(board_due.DIALOG, "is_open"),
        Output(board_due.ZONE, "children"),
        *(Output(field, "value") for field in board_due.FIELDS),
        *(Output(error, "children", allow_duplicate=True) for error in _ERRORS),
        Input(board_due.OPEN, "n_clicks"),
        State("board-run", "data"),
        prevent_initial_call=True,
    )(show)
    app.callback(
        *(Output(error, "children") for error in _ERRORS),
        Output(board_due.DIALOG, "is_open", allow_duplicate=True),
        Input(board_due.DO, "n_clicks"),
        *(State(field, "value") for field in board_due.FIELDS),
        State("board-run", "data"),
        running=[(Output(board_due.DO, "disabled"), True, False)],
        prevent_initial_call=True,
    )(put)


async def show(pressed: int | None, run_id: int) -> tuple[Any, ...]:
    """The dialog with what is set now."""
    if not pressed:
        raise PreventUpdate
    zone, values = await asyncio.to_thread(_values, run_id)
    return True, zone, *values, *("" for _ in _ERRORS)


def _values(run_id: int) -> tuple[str, tuple[str, str, float]]:
    studio = current_studio()
    run = studio.boards.run(run_id)
    return board_due.zone(studio.clock.now()), board_due.values(run, studio.schedules.of(run.project_id))


async def put(pressed: int | None, start: str | None, due: str | None, share: float | None, run_id: int) -> tuple[Any, ...]:
    """Set what was written, or say at the field what is wrong."""
    if not pressed:
        raise PreventUpdate
    wrong = await asyncio.to_thread(_put, run_id, start, due, share)
    if not any(wrong.values()):
        set_props(ids.TOASTS, {"children": frame.toast("Start, deadline and share are set.")})
    return *(wrong.get(field, "") for field in board_due.FIELDS), any(wrong.values())


def _put(run_id: int, start: str | None, due: str | None, share: float | None) -> dict[str, str]:
    """Set what has changed; the answer is what is wrong, by field, and then nothing was set."""
    studio, actor = current_studio(), local_actor()
    run, wrong = studio.boards.run(run_id), {}
    before = studio.schedules.of(run.project_id)
    was_start, was_due, was_share = board_due.values(run, before)
    starts_at, wrong[board_due.START] = _moment(start)
    due_at, wrong[board_due.DUE] = _moment(due)
    if starts_at is not None and due_at is not None and due_at <= starts_at:
        wrong[board_due.DUE] = "It would be due before it may start."
    if share is None:
        wrong[board_due.SHARE] = "Write a number; 1 is as much as others get."
    if any(wrong.values()) or share is None:
        return wrong
    try:
        if share != was_share:
            studio.schedules.share(run.project_id, share, actor)
    except Invalid as error:
        return {board_due.SHARE: str(error)}
    if (start or "") != was_start:
        studio.schedules.start_after(run, starts_at, actor)
    if (due or "") != was_due:
        studio.schedules.deadline(run, due_at, actor)
    return {}


def _moment(written: str | None) -> tuple[datetime | None, str]:
    try:
        return board_due.moment(written), ""
    except ValueError:
        return None, "Write a day and a time."
