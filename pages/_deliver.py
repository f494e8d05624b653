"""Delivering from any page that has the slot: start, follow, cancel. The work itself is a durable job."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

from dash import Dash, Input, Output, State, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import deliver, frame, ids
from pipeline.domain.statuses import DeliveryStatus
from pipeline.wiring_serving import another_studio, current_studio, local_actor

_LOOK_EVERY_S = 0.3
_GIVES_UP_S = 6 * 3600
_SLOT = (State(deliver.SLOT, "data-run"), State(deliver.SLOT, "data-look"))


def register(app: Dash) -> None:
    """The callbacks of delivering."""
    app.callback(
        Output(deliver.SLOT, "children"),
        Output(deliver.SLOT, "data-state"),
        Input(ids.TICK, "data"),
        State(deliver.SLOT, "data-state"),
        *_SLOT,
    )(fill)
    app.callback(
        Output(deliver.SLOT, "children", allow_duplicate=True),
        Output(deliver.SLOT, "data-state", allow_duplicate=True),
        Input(deliver.BUTTON, "n_clicks"),
        *_SLOT,
        prevent_initial_call=True,
    )(start)
    app.callback(
        Output(ids.TICK, "data", allow_duplicate=True),
        Input(deliver.CANCEL, "n_clicks"),
        State(deliver.SLOT, "data-run"),
        prevent_initial_call=True,
    )(cancel)
    app.callback(
        Output(deliver.FOLLOW, "children"),
        Input(deliver.CLOCK, "n_intervals"),
        *_SLOT,
        prevent_initial_call=True,
    )(look_on)
    app.callback(
        Output(ids.TICK, "data", allow_duplicate=True),
        Input(deliver.WATCH, "data"),
        background=True,
        progress=[Output(deliver.FOLLOW, "children", allow_duplicate=True), Output(deliver.CLOCK, "disabled")],
        cancel=Input(deliver.CANCEL, "n_clicks"),
        interval=400,
        prevent_initial_call="initial_duplicate",
    )(follow)


async def fill(_: object, known: str, run_id: str, look: str) -> tuple[list[Component], str]:
    """The slot's content, when it is another one than is shown."""
    if not run_id:
        raise PreventUpdate
    return await asyncio.to_thread(_fill, known, int(run_id), look)


def _fill(known: str, run_id: int, look: str) -> tuple[list[Component], str]:
    studio = current_studio()
    run = studio.runs.find(run_id)
    overview, progress = studio.overview.of(run.id), studio.deliveries.progress(run)
    state = deliver.state(run, overview, progress)
    if state == known:
        raise PreventUpdate
    return deliver.content(run, overview, progress, look), state


async def start(pressed: int | None, run_id: str, look: str) -> tuple[list[Component], str]:
    """Start the packaging; this tab follows it."""
    if not pressed:
        raise PreventUpdate
    return await asyncio.to_thread(_start, int(run_id), look)


def _start(run_id: int, look: str) -> tuple[list[Component], str]:
    studio, actor = current_studio(), local_actor()
    studio.deliveries.deliver(studio.runs.find(run_id), actor)
    run, overview = studio.runs.find(run_id), studio.overview.of(run_id)
    progress = studio.deliveries.progress(run)
    if progress is None:
        raise PreventUpdate
    state = deliver.state(run, overview, progress)
    if progress.delivery.status is not DeliveryStatus.PACKAGING:  # just this is sealed already
        return deliver.content(run, overview, progress, look), state
    watch = {"run": run_id, "look": look, "tab": uuid.uuid4().hex}
    return deliver.packaging(progress, look, watch=watch), state


async def cancel(pressed: int | None, run_id: str) -> str:
    """Stop the packaging for good; ending the callback that follows it would not."""
    if not pressed:
        raise PreventUpdate
    studio = current_studio()
    run = await asyncio.to_thread(studio.runs.find, int(run_id))
    delivery = await asyncio.to_thread(studio.deliveries.cancel, run, local_actor())
    set_props(ids.TOASTS, {"children": frame.toast(f"Delivery {delivery.number} is cancelled. Nothing approved is lost.")})
    return uuid.uuid4().hex


async def look_on(_: object, run_id: str, look: str) -> list[Component]:
    """How far a packaging is that this tab has not started."""
    studio = current_studio()
    run = await asyncio.to_thread(studio.runs.find, int(run_id))
    progress = await asyncio.to_thread(studio.deliveries.progress, run)
    if progress is None:
        raise PreventUpdate
    return deliver.following(progress, look)


def follow(tell: Callable[[Any], None], watch: dict[str, Any] | None) -> str:
    """Tell how far the packaging is until it has ended. Runs in a process of its own, reads, and does nothing else."""
    if not watch:
        raise PreventUpdate
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    studio, until = another_studio(), time.monotonic() + _GIVES_UP_S
    try:
        run, told = studio.runs.find(watch["run"]), None
        while time.monotonic() < until:
            progress = studio.deliveries.progress(run)
            if progress is None or progress.delivery.status is not DeliveryStatus.PACKAGING:
                break
            if progress != told:
                told = progress
                tell((deliver.following(progress, watch["look"]), True))
            time.sleep(_LOOK_EVERY_S)
    finally:
        studio.close()
    return uuid.uuid4().hex
