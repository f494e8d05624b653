"""The forms of the fleet: what a worker is called and costs, and new workers."""

from __future__ import annotations

import asyncio
from typing import Any

from dash import Dash, Input, Output, State, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import fleet_add, fleet_panel, frame, ids, words
from pages._fleet_drawn import show_anew
from pipeline.domain.errors import Conflict
from pipeline.domain.workers import checked_url
from pipeline.wiring_serving import current_studio, local_actor

_MOST_ADDRESSES = 500


def register(app: Dash) -> None:
    """The callbacks of the forms."""
    app.callback(
        *(Output(fleet_add.error_of(field), "children") for field in fleet_panel.FIELDS),
        Output(fleet_panel.TITLE, "children", allow_duplicate=True),
        Input(fleet_panel.SAVE, "n_clicks"),
        State(fleet_panel.WHICH, "data"),
        *(State(field, "value") for field in fleet_panel.FIELDS),
        State(ids.FLEET_BY, "data"),
        prevent_initial_call=True,
    )(save)
    app.callback(
        *(Output(fleet_add.error_of(field), "children") for field in fleet_add.FIELDS),
        Output(fleet_add.TOLD, "children"),
        Output(ids.FLEET_ADD, "is_open"),
        Input(fleet_add.DO, "n_clicks"),
        *(State(field, "value") for field in fleet_add.FIELDS),
        State(ids.FLEET_BY, "data"),
        running=[(Output(fleet_add.DO, "disabled"), True, False)],
        prevent_initial_call=True,
    )(add)


async def save(pressed: int | None, worker_id: int | None, *values: Any) -> tuple[object, ...]:
    """Give the worker of the panel another name, price, tags and places, or say at the field what is wrong."""
    if not pressed or worker_id is None:
        raise PreventUpdate
    name, price, tags, places, by = values
    name = (name or "").strip()
    wrong = await asyncio.to_thread(_save, worker_id, name, price=price, tags=tags, places=places)
    told = [wrong.get(field, "") for field in (fleet_add.NAME, fleet_add.PRICE, fleet_add.TAGS, fleet_add.PLACES)]
    if wrong:
        return *told, no_update
    await asyncio.to_thread(show_anew, by)
    set_props(ids.TOASTS, {"children": frame.toast(f"{name} is changed.")})
    return *told, name


def _save(worker_id: int, name: str, *, price: float | None, tags: str | None, places: float | None) -> dict[str, str]:
    """Change it; the answer is what is wrong, by field."""
    wrong = fleet_add.wrong_settings(name, price=price, tags=tags, places=places)
    if wrong:
        return wrong
    workers = current_studio().workers
    told = {"tags": fleet_add.split(tags), "cost_per_hour": price or 0.0, "places": fleet_add.places_of(places)}
    try:
        workers.edit(workers.standing(worker_id).worker, local_actor(), name=name, **told)
    except Conflict as error:
        return {fleet_add.NAME: str(error)}
    return {}


# Adding ---------------------------------------------------------------------------------------------------------


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
    await asyncio.to_thread(show_anew, by)
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
    set_props(ids.TOASTS, {"children": frame.toast(fleet_add.looked(workers.look_again([worker])))})
    return {}


def _scan(addresses: list[str]) -> tuple[dict[str, str], list[Component]]:
    """Register what answers at these addresses; the answer is what is wrong, by field, and what was left out."""
    if len(addresses) > _MOST_ADDRESSES:
        return {fleet_add.URLS: f"{_MOST_ADDRESSES} addresses at a time at most."}, []
    scan = current_studio().workers.scan(addresses, local_actor())
    set_props(ids.TOASTS, {"children": frame.toast(f"{words.counted(len(scan.registered), 'worker')} registered.")})
    return {}, fleet_add.left_out(scan.left_out)
