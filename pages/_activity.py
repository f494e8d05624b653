"""The job tray and the bell: how many, what they are, the log of a job, cancelling it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import frame, ids, notices, tray
from pipeline.domain.activity import Notice
from pipeline.domain.errors import NotFound
from pipeline.domain.matrix import Selection
from pipeline.domain.statuses import JobStatus
from pipeline.wiring_serving import current_studio, local_actor

_SERVES_S = 0.9
_JOBS = 60
_NOTICES = 60


@dataclass
class _Known:
    """What was read last, for all tabs: many ask at the same moment, and one answer serves them."""

    at: float
    counts: Mapping[JobStatus, int]
    notices: list[Notice]


_known: dict[Path, _Known] = {}


def register(app: Dash) -> None:
    """The callbacks of tray and bell."""
    app.callback(
        Output(tray.COUNT, "children"),
        Output(notices.COUNT, "children"),
        Input(ids.TICK, "data"),
    )(tell_counts)
    app.clientside_callback(ClientsideFunction("frame", "whileOpen"), Output(tray.CLOCK, "disabled"), Input(ids.TRAY, "is_open"))
    app.callback(
        Output(tray.LIST, "children"),
        Input(tray.CLOCK, "n_intervals"),
        Input(ids.TRAY, "is_open"),
        prevent_initial_call=True,
    )(list_jobs)
    app.callback(
        Output(notices.LIST, "children"),
        Input(tray.CLOCK, "n_intervals"),
        Input(notices.DRAWER, "is_open"),
        prevent_initial_call=True,
    )(list_notices)
    app.callback(
        Output(tray.LOG, "is_open"),
        Output(tray.LOG_TEXT, "children"),
        Output(tray.LOG_TITLE, "children"),
        Input({"type": tray.SHOW_LOG, "index": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )(show_log)
    app.callback(
        Output(tray.LIST, "children", allow_duplicate=True),
        Input({"type": tray.CANCEL, "index": ALL}, "n_clicks"),
        State(ids.TRAY, "is_open"),
        prevent_initial_call=True,
    )(cancel)


async def tell_counts(_: object) -> tuple[str, str]:
    """The numbers on the pill and on the bell."""
    known = await asyncio.to_thread(_read)
    return f"{sum(known.counts.values()):,}", notices.waiting(known.notices)


async def list_jobs(_: object, is_open: bool) -> list[Component]:
    """The tray, while it is open."""
    if not is_open:
        raise PreventUpdate
    return await asyncio.to_thread(_jobs)


async def list_notices(_: object, is_open: bool) -> list[Component]:
    """The bell's list, while it is open."""
    if not is_open:
        raise PreventUpdate
    known = await asyncio.to_thread(_read)
    return notices.rows(known.notices, current_studio().clock.now())


async def show_log(_: object) -> tuple[bool, str, str]:
    """The log of the job whose button was pressed."""
    job_id = _pressed()
    return True, await asyncio.to_thread(current_studio().activity.log, job_id), f"Log of job {job_id}"


async def cancel(_: object, is_open: bool) -> list[Component]:
    """Cancel what the job belongs to: its scene, or the delivery it packages."""
    told = await asyncio.to_thread(_cancel, _pressed())
    set_props(ids.TOASTS, {"children": frame.toast(told)})
    return await list_jobs(None, is_open)


def _pressed() -> int:
    """The job whose button was pressed; a button that was only drawn has not been."""
    if not ctx.triggered or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    return int(ctx.triggered_id["index"])


def _read() -> _Known:
    now = time.monotonic()
    studio = current_studio()
    home, activity = studio.settings.home, studio.activity
    known = _known.get(home)
    if known is None or now - known.at > _SERVES_S:
        known = _known[home] = _Known(now, activity.counts(), activity.notices(_NOTICES))
    return known


def _jobs() -> list[Component]:
    studio = current_studio()
    return tray.rows(studio.activity.jobs(None, _JOBS), studio.activity.counts(), studio.clock.now())


def _cancel(job_id: int) -> str:
    studio, actor = current_studio(), local_actor()
    job = next((row for row in studio.activity.jobs(None, _JOBS) if row.job_id == job_id), None)
    if job is None:
        raise NotFound(f"Job {job_id} has ended long ago.")
    run = studio.runs.find(job.run_id)
    if job.subject == "delivery":
        delivery = studio.deliveries.cancel(run, actor)
        return f"Delivery {delivery.number} of {run.name} is cancelled. Deliver again whenever you like."
    studio.submission.cancel(run, Selection(keys=(job.key,)), actor)
    return f"{job.key} is cancelled. Submit it again to bring it back."
