"""Deliveries: what keeps a run from being delivered, packaging, sealed packages."""

from __future__ import annotations

import asyncio

import dash
from dash import Input, Output, State, callback, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import deliveries, ids, package
from pipeline import wiring
from pipeline.domain.errors import NotFound
from pipeline.domain.packages import Package
from pipeline.domain.records import Run
from pipeline.domain.statuses import DeliveryStatus, RunStatus
from pipeline.wiring_serving import current_studio

dash.register_page(__name__, path="/deliveries", title="Deliveries – Stripboard", name="Deliveries")

_HISTORY = 30


async def layout(run: str = "", delivery: str = "", **_: str) -> Component:
    """The page as it is now; `run` and `delivery` are ids from the address."""
    return await asyncio.to_thread(_page, run, delivery)


def _page(run: str, delivery: str) -> Component:
    studio = current_studio()
    runs = studio.runs.all()
    if not runs:
        return deliveries.empty()
    chosen = next((one for one in runs if str(one.id) == run), None)
    view = _view(runs, chosen or _default(runs))
    found = _package(delivery) or _package(str(_newest(view) or ""))
    note = f"There is no run {run[:20]}." if run and chosen is None else ""
    return deliveries.page(view, found, studio.clock.now(), note=note)


def _view(runs: list[Run], run: Run) -> deliveries.View:
    studio = current_studio()
    return deliveries.View(
        runs, run, studio.overview.of(run.id), studio.packages.readiness(run.id), studio.packages.made(_HISTORY)
    )


def _default(runs: list[Run]) -> Run:
    """The newest run that is under way, else the newest."""
    return next((run for run in runs if run.status in (RunStatus.RUNNING, RunStatus.PAUSED)), runs[0])


def _package(delivery: str) -> Package | None:
    if not delivery.isdecimal() or len(delivery) > 18:
        return None
    try:
        return current_studio().packages.look_into(int(delivery))
    except NotFound:
        return None


def _newest(view: deliveries.View) -> int | None:
    """The newest sealed delivery of the run, else of all."""
    sealed = [one for one in view.made if one.delivery.status is DeliveryStatus.SEALED]
    mine = [one for one in sealed if one.run.id == view.run.id]
    return next((one.delivery.id for one in (*mine, *sealed)), None)


@callback(
    Output(deliveries.HEAD, "children"),
    Output(deliveries.READY, "children"),
    Output(deliveries.HISTORY, "children"),
    Output(deliveries.PACKAGE, "children"),
    Output(deliveries.CHOSEN, "data"),
    Input(ids.TICK, "data"),
    State(deliveries.CHOSEN, "data"),
    State(ids.URL, "search"),
    prevent_initial_call=True,
)
async def follow(_: object, chosen: dict[str, int | None], search: str) -> tuple[object, ...]:
    """The page, some time later. A package is drawn again only when it is another one."""
    is_fixed = "delivery=" in (search or "")
    return await asyncio.to_thread(_follow, chosen, is_fixed)


def _follow(chosen: dict[str, int | None], is_fixed: bool) -> tuple[object, ...]:
    studio = current_studio()
    run = studio.runs.find(chosen["run"])
    view, now, shown = _view([], run), studio.clock.now(), chosen["delivery"]
    newest = shown if is_fixed else _newest(view)
    parts = deliveries.summary(view.made), deliveries.ready(view, now), deliveries.history(view.made, newest, now)
    if newest == shown:
        return *parts, no_update, no_update
    return *parts, package.card(_package(str(newest or "")), now), {**chosen, "delivery": newest}


@callback(
    Output(package.CHECKS, "children"),
    Input(package.VERIFY, "n_clicks"),
    State(deliveries.CHOSEN, "data"),
    running=[
        (Output(package.VERIFY, "disabled"), True, False),
        (Output(package.VERIFY, "children"), "Verifying …", "Verify again"),
    ],
    prevent_initial_call=True,
)
async def verify(pressed: int | None, chosen: dict[str, int | None]) -> list[Component]:
    """Read the package back from the disk and check all of it."""
    if not pressed:
        raise PreventUpdate
    return await asyncio.to_thread(_verify, chosen["delivery"] or 0)


def _verify(delivery_id: int) -> list[Component]:
    studio = current_studio()
    found = studio.packages.look_into(delivery_id)
    report = wiring.verify_delivery(studio.media.stored(found.made.delivery.package_sha256 or ""))
    now = studio.clock.now()
    return package.verified(report, now, now)
