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
    fleet_banner,
    fleet_charts,
    fleet_panel,
    fleet_queue,
    fleet_time,
    fleet_what_if,
    frame,
    ids,
    words,
)
from pipeline.domain.errors import Conflict, Invalid, NotFound
from pipeline.domain.fleet.what_if import Change
from pipeline.domain.fleet_page import FleetPage, worth_trying
from pipeline.domain.matrix import Selection
from pipeline.domain.workers import Health, Worker, WorkerState, checked_url
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path="/fleet", title="Fleet – Stripboard", name="Fleet")

_MOST_ADDRESSES = 500
_PANEL_STAYS = (no_update,) * 4
"""Instead of PreventUpdate, which would drop what was set beside the outputs."""


async def layout(**_: str) -> Component:
    """The page as it is now."""
    studio = current_studio()
    view = await asyncio.to_thread(studio.fleet_pages.page)
    return fleet.page(view, await asyncio.to_thread(studio.fleet_forecasts.now) if view.workers else None)


# Following ------------------------------------------------------------------------------------------------------


_PARTS = (ids.FLEET_HEAD, ids.FLEET_BANNER, ids.FLEET_CARDS, ids.FLEET_QUEUE)
"""The parts that follow closely."""
drawn.register(*_PARTS, ids.FLEET_TIME)


@callback(
    *(Output(drawn.data_id(part), "data") for part in _PARTS),
    Output(ids.FLEET_CLOCK, "disabled"),
    Input(ids.TICK, "data"),
    Input(ids.FLEET_CLOCK, "n_intervals"),
    State(ids.FLEET_BY, "data"),
    prevent_initial_call=True,
)
async def follow(_: object, __: object, by: dict[str, str]) -> tuple[object, ...]:
    """Workers and queue, some time later."""
    return await asyncio.to_thread(lambda: _parts(current_studio().fleet_pages.page(), by))


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
    return await asyncio.to_thread(lambda: _time(current_studio().fleet_pages.page(), by))


def _parts(view: FleetPage, by: dict[str, str]) -> tuple[object, ...]:
    order = by["queue"]
    forecast = current_studio().fleet_forecasts.now() if view.workers and view.waiting else None
    queue = fleet_queue.content(view, forecast, order)
    shown = (fleet.head(view, forecast), fleet_banner.lines(view), fleet.cards(view), queue)
    return *map(drawn.drawing, _PARTS, shown), not view.busy


def _time(view: FleetPage, by: dict[str, str]) -> tuple[object, ...]:
    forecast = current_studio().fleet_forecasts.now() if view.workers else None
    shown = drawn.drawing(ids.FLEET_TIME, fleet_time.content(view, forecast, by["time"]))
    return shown, not view.workers, not view.workers


def _show(view: FleetPage, by: dict[str, str]) -> None:
    """The whole page at once, after something was done."""
    for part, shown in zip(_PARTS, _parts(view, by), strict=False):
        set_props(drawn.data_id(part), {"data": shown})
    shown, is_hidden, is_idle = _time(view, by)
    set_props(drawn.data_id(ids.FLEET_TIME), {"data": shown})
    set_props("fleet-low", {"hidden": is_hidden})
    set_props(ids.FLEET_SLOW_CLOCK, {"disabled": is_idle})


def _show_anew(by: dict[str, str]) -> None:
    _show(current_studio().fleet_pages.page(anew=True), by)


def _order(verb: str, by: dict[str, str]) -> None:
    """Order a part of the page in another way: `by:queue:run`."""
    _, part, value = verb.split(":")
    chosen = {**by, part: value}
    set_props(ids.FLEET_BY, {"data": chosen})
    _show(current_studio().fleet_pages.page(), chosen)


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
    await asyncio.to_thread(_show_anew, by)
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
        return _looked(workers.look_again([one.worker for one in workers.all() if one.worker.health is not Health.WELL]))
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
    return _looked(current_studio().workers.look_again([worker]))


def _looked(found: list[Worker]) -> str:
    well = [worker.name for worker in found if worker.health is Health.WELL]
    if len(found) == 1:
        worker = found[0]
        return f"{worker.name} is {worker.health.value}" + (f": {worker.health_reason}" if worker.health_reason else ".")
    return f"{words.counted(len(found), 'worker')} looked at, {len(well):,} well."


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


@callback(
    Output(fleet_add.error_of(fleet_panel.PRICE), "children"),
    Output(fleet_add.error_of(fleet_panel.TAGS), "children"),
    Output(fleet_add.error_of(fleet_panel.PLACES), "children"),
    Input(fleet_panel.SAVE, "n_clicks"),
    State(fleet_panel.WHICH, "data"),
    State(fleet_panel.PRICE, "value"),
    State(fleet_panel.TAGS, "value"),
    State(fleet_panel.PLACES, "value"),
    State(ids.FLEET_BY, "data"),
    prevent_initial_call=True,
)
async def save(
    pressed: int | None,
    worker_id: int | None,
    price: float | None,
    tags: str | None,
    places: float | None,
    by: dict[str, str],
) -> tuple[str, ...]:
    """Give the worker of the panel another price, other tags and places, or say at the field what is wrong."""
    if not pressed or worker_id is None:
        raise PreventUpdate
    wrong = fleet_add.wrong_settings(price, tags, places)
    if not wrong:
        name = await asyncio.to_thread(_save, worker_id, price, tags, places)
        await asyncio.to_thread(_show_anew, by)
        set_props(ids.TOASTS, {"children": frame.toast(f"{name} is changed.")})
    return tuple(wrong.get(field, "") for field in (fleet_add.PRICE, fleet_add.TAGS, fleet_add.PLACES))


def _save(worker_id: int, price: float | None, tags: str | None, places: float | None) -> str:
    workers = current_studio().workers
    worker = workers.standing(worker_id).worker
    told = {"tags": fleet_add.split(tags), "cost_per_hour": price or 0.0, "places": fleet_add.places_of(places)}
    workers.edit(worker, local_actor(), **told)
    return worker.name


# Adding ---------------------------------------------------------------------------------------------------------


@callback(
    *(Output(fleet_add.error_of(field), "children") for field in fleet_add.FIELDS),
    Output(fleet_add.TOLD, "children"),
    Output(ids.FLEET_ADD, "is_open"),
    Input(fleet_add.DO, "n_clicks"),
    *(State(field, "value") for field in fleet_add.FIELDS),
    State(ids.FLEET_BY, "data"),
    running=[(Output(fleet_add.DO, "disabled"), True, False)],
    prevent_initial_call=True,
)
async def add(pressed: int | None, *values: Any) -> tuple[object, ...]:
    """Register what was written and look at it; what cannot be used is said at its field."""
    if not pressed:
        raise PreventUpdate
    name, url, price, tags, places, urls, by = values
    name, url, addresses = (name or "").strip(), (url or "").strip(), fleet_add.split(urls)
    wrong: dict[str, str] = {}
    told: list[Component] = []
    if name or url or not addresses:
        wrong = await asyncio.to_thread(_add, name, url, price=price, tags=tags, places=places)
    if addresses and not wrong:
        wrong, told = await asyncio.to_thread(_scan, addresses)
    await asyncio.to_thread(_show_anew, by)
    return *(wrong.get(field, "") for field in fleet_add.FIELDS), told, bool(wrong or told)


def _add(name: str, url: str, *, price: float | None, tags: str | None, places: float | None) -> dict[str, str]:
    """Register one and look at it; the answer is what is wrong, by field."""
    wrong = fleet_add.wrong(name, url, price=price, tags=tags, places=places)
    if wrong:
        return wrong
    workers = current_studio().workers
    try:
        worker = workers.register(
            name,
            url,
            local_actor(),
            tags=fleet_add.split(tags),
            cost_per_hour=price or 0.0,
            places=fleet_add.places_of(places),
        )
    except Conflict as error:
        known = {one.worker.url for one in workers.all()}
        return {fleet_add.URL if checked_url(url) in known else fleet_add.NAME: str(error)}
    set_props(ids.TOASTS, {"children": frame.toast(_looked(workers.look_again([worker])))})
    return {}


def _scan(addresses: list[str]) -> tuple[dict[str, str], list[Component]]:
    """Register what answers at these addresses; the answer is what is wrong, by field, and what was left out."""
    if len(addresses) > _MOST_ADDRESSES:
        return {fleet_add.URLS: f"{_MOST_ADDRESSES} addresses at a time at most."}, []
    scan = current_studio().workers.scan(addresses, local_actor())
    set_props(ids.TOASTS, {"children": frame.toast(f"{words.counted(len(scan.registered), 'worker')} registered.")})
    return {}, fleet_add.left_out(scan.left_out)


# The queue ------------------------------------------------------------------------------------------------------


def _move(job_id: int, by: int) -> str:
    studio = current_studio()
    job = next((one for one in studio.fleet_pages.page().waiting if one.job_id == job_id), None)
    if job is None or job.own_priority is None:
        raise Conflict("This job waits no more.")
    run = studio.runs.find(job.run_id)
    studio.submission.prioritise(run, Selection(keys=(job.key,)), job.own_priority + by, local_actor())
    return f"{job.key} has priority {job.priority + by} now."
