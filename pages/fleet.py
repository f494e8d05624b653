"""The fleet: every worker with what it does, what waits and why, and every verb that people have for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dash
from dash import Input, Output, State, callback, html, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import (
    drawn,
    fleet,
    fleet_add,
    fleet_charts,
    fleet_panel,
    fleet_what_if,
    frame,
    ids,
)
from pages._fleet_drawn import PARTS, parts, show, show_anew, time_line
from pipeline.domain.errors import Conflict, Invalid, NotFound
from pipeline.domain.fleet.what_if import Change
from pipeline.domain.fleet_page import worth_trying
from pipeline.domain.matrix import Selection
from pipeline.domain.workers import Health, Worker, WorkerState
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path="/fleet", title="Fleet – Stripboard", name="Fleet")

_PANEL_STAYS = (no_update,) * 4
"""Instead of PreventUpdate, which would drop what was set beside the outputs."""


async def layout(**_: str) -> Component:
    """The page as it is now."""
    studio = current_studio()
    view = await asyncio.to_thread(studio.fleet_pages.page)
    return fleet.page(view, await asyncio.to_thread(studio.fleet_forecasts.now) if view.workers else None)


# Following ------------------------------------------------------------------------------------------------------


@callback(
    *(Output(drawn.data_id(part), "data") for part in PARTS),
    Output(ids.FLEET_CLOCK, "disabled"),
    Input(ids.TICK, "data"),
    Input(ids.FLEET_CLOCK, "n_intervals"),
    State(ids.FLEET_BY, "data"),
    prevent_initial_call=True,
)
async def follow(_: object, __: object, by: dict[str, str]) -> tuple[object, ...]:
    """Workers and queue, some time later."""
    return await asyncio.to_thread(lambda: parts(current_studio().fleet_pages.page(), by))


@callback(
    Output(drawn.data_id(ids.FLEET_TIME), "data"),
    Output("fleet-low", "hidden"),
    Output(ids.FLEET_SLOW_CLOCK, "disabled"),
    Input(ids.FLEET_SLOW_CLOCK, "n_intervals"),
    State(ids.FLEET_BY, "data"),
    prevent_initial_call=True,
)
async def follow_time(_: object, by: dict[str, str]) -> tuple[object, ...]:
    """The time line, some time later."""
    return await asyncio.to_thread(lambda: time_line(current_studio().fleet_pages.page(), by))


def _order(verb: str, by: dict[str, str]) -> None:
    """Order a part of the page in another way: `by:queue:run`."""
    _, part, value = verb.split(":")
    chosen = {**by, part: value}
    set_props(ids.FLEET_BY, {"data": chosen})
    show(current_studio().fleet_pages.page(), chosen)


# What if --------------------------------------------------------------------------------------------------------


def _ask() -> None:
    """Open the dialog for the workers of now."""
    found = worth_trying(current_studio().fleet_pages.page().workers)
    set_props(fleet_what_if.BODY, {"children": fleet_what_if.form(found)})
    set_props(fleet_what_if.TOLD, {"children": []})
    set_props(fleet_what_if.DIALOG, {"is_open": True})


@callback(
    Output(fleet_what_if.TOLD, "children"),
    Input(fleet_what_if.DO, "n_clicks"),
    *(State(field, "value") for field in fleet_what_if.FIELDS),
    running=[(Output(fleet_what_if.DO, "disabled"), True, False)],
    prevent_initial_call=True,
)
async def try_it(pressed: int | None, *values: Any) -> list[Component]:
    """Rehearse with other workers and tell what that changes, or what cannot be tried."""
    if not pressed:
        raise PreventUpdate
    return await asyncio.to_thread(_what_if, fleet_what_if.change_of(*values))


def _what_if(change: Change) -> list[Component]:
    forecasts = current_studio().fleet_forecasts
    try:
        found = forecasts.what_if(change)
    except Invalid as error:
        return [html.P(str(error), className="fl-error")]
    return fleet_what_if.answer(found, {str(run.run_id): run.name for run in forecasts.now().runs})


# Doing something to a worker ------------------------------------------------------------------------------------


@callback(
    Output(ids.FLEET_PANEL, "is_open"),
    Output(fleet_panel.BODY, "children"),
    Output(fleet_panel.TITLE, "children"),
    Output(fleet_panel.WHICH, "data"),
    Input(ids.FLEET_PRESS, "data"),
    State(fleet_panel.WHICH, "data"),
    State(fleet_panel.SPAN, "data"),
    State(ids.FLEET_BY, "data"),
    prevent_initial_call=True,
)
async def do(pressed: dict[str, Any] | None, which: int | None, span: str, by: dict[str, str]) -> tuple[object, ...]:
    """Do what was pressed; the panel stays open while it is its worker, and shows how that stands now."""
    if not pressed:
        raise PreventUpdate
    verb, worker_id, place = str(pressed["verb"]), int(pressed["worker"]), str(pressed["place"])
    if verb == "panel":
        return await asyncio.to_thread(_panel, worker_id, span)
    if verb.startswith("span:"):
        set_props(fleet_panel.SPAN, {"data": verb.removeprefix("span:")})
        return await asyncio.to_thread(_panel, which or 0, verb.removeprefix("span:"))
    if verb == "what_if" or verb.startswith("by:"):
        await asyncio.to_thread(_ask if verb == "what_if" else partial(_order, verb, by))
        return _PANEL_STAYS
    if verb == "move":
        told = await asyncio.to_thread(_move, int(pressed["job"]), int(pressed["by"]))
    else:
        told = await asyncio.to_thread(_do, verb, worker_id)
    await asyncio.to_thread(show_anew, by)
    set_props(ids.TOASTS, {"children": frame.toast(told)})
    if place != "panel":
        return _PANEL_STAYS
    if verb == "remove":
        return False, no_update, no_update, no_update
    return await asyncio.to_thread(_panel, worker_id, span)


@callback(
    Input(ids.FLEET_SLOW_CLOCK, "n_intervals"),
    State(ids.FLEET_PANEL, "is_open"),
    State(fleet_panel.WHICH, "data"),
    State(fleet_panel.SPAN, "data"),
    prevent_initial_call=True,
)
async def follow_charts(_: object, is_open: bool, which: int | None, span: str) -> None:
    """The charts of the panel, some time later; nothing is read while it is closed."""
    if not is_open or which is None:
        raise PreventUpdate
    view = await asyncio.to_thread(current_studio().fleet_pages.page)
    found = next((one for one in view.workers if one.worker.id == which), None)
    if found is not None:
        set_props(fleet_panel.CHARTS, {"children": await asyncio.to_thread(_charts, found.worker, span)})


def _charts(worker: Worker, span: str) -> list[Component]:
    telemetry, now = current_studio().telemetry, datetime.now(UTC)
    if span not in fleet_charts.SPANS:
        raise Invalid("The charts show the last hour, day or week.")
    told = telemetry.history(worker, since=now - fleet_charts.SPANS[span], until=now, points=fleet_charts.POINTS)
    return fleet_charts.section(worker.name, told, telemetry.thresholds, span=span, now=now)


def _panel(worker_id: int, span: str) -> tuple[object, ...]:
    view = current_studio().fleet_pages.page()
    found = next((one for one in view.workers if one.worker.id == worker_id), None)
    if found is None:
        raise NotFound("This worker is there no more.")
    return True, fleet_panel.content(found, view.now, _charts(found.worker, span)), found.worker.name, worker_id


def _do(verb: str, worker_id: int) -> str:
    """Carry it out; the answer says what has come of it. Raises what the service raises."""
    workers, actor = current_studio().workers, local_actor()
    if verb == "look" and not worker_id:
        return fleet_add.looked(workers.look_again([one.worker for one in workers.all() if one.worker.health is not Health.WELL]))
    if verb in _OF_ALL:
        before, after, told = _OF_ALL[verb]
        for one in workers.all():
            if one.worker.state is before:
                workers.set_state(one.worker, after, actor)
        return told
    standing = workers.standing(worker_id)
    worker = standing.worker
    if verb in _STATES:
        state, told = _STATES[verb]
        workers.set_state(worker, state, actor)
        return f"{worker.name} {told}"
    if verb.startswith("take_back"):
        _, _, work = verb.partition(":")
        aside = [record.work for record in standing.records if record.aside_since]
        if not aside:
            raise Conflict(f"{worker.name} is not set aside any more.")
        workers.take_back(worker, work or aside[0], actor)
        return f"{worker.name} is taken back."
    return _VERBS[verb](worker)


def _look(worker: Worker) -> str:
    return fleet_add.looked(current_studio().workers.look_again([worker]))


def _test(worker: Worker) -> str:
    current_studio().workers.test(worker)
    return f"{worker.name} works."


def _remove(worker: Worker) -> str:
    current_studio().workers.remove(worker, local_actor())
    return f"{worker.name} is removed. What it has made stays."


_STATES = {
    "enable": (WorkerState.ENABLED, "takes work."),
    "pause": (WorkerState.PAUSED, "takes no new work until you say so."),
    "drain": (WorkerState.DRAINING, "finishes what it has and takes nothing new."),
}
_OF_ALL = {
    "pause_all": (WorkerState.ENABLED, WorkerState.PAUSED, "No worker is given new work. What runs goes on."),
    "enable_all": (WorkerState.PAUSED, WorkerState.ENABLED, "Workers take work again."),
}
_VERBS: dict[str, Callable[[Worker], str]] = {"look": _look, "test": _test, "remove": _remove}


# The queue ------------------------------------------------------------------------------------------------------


def _move(job_id: int, by: int) -> str:
    studio = current_studio()
    job = next((one for one in studio.fleet_pages.page().waiting if one.job_id == job_id), None)
    if job is None or job.own_priority is None:
        raise Conflict("This job waits no more.")
    run = studio.runs.find(job.run_id)
    studio.submission.prioritise(run, Selection(keys=(job.key,)), job.own_priority + by, local_actor())
    return f"{job.key} has priority {job.priority + by} now."
