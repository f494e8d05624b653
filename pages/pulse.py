"""Pulse: every run with its strip, what waits for people, spend and failures."""

from __future__ import annotations

import asyncio

import dash
from dash import Input, Output, callback
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import ids, pulse
from pipeline.domain.stages import Lane
from pipeline.domain.statuses import RunStatus
from pipeline.wiring_serving import current_studio

dash.register_page(__name__, path="/", title="Pulse – Stripboard", name="Pulse")

_MOST_GOING = 24
_MOST_OVER = 8
_NOTICES = 60
_JOBS = 40


async def layout(**_: str) -> Component:
    """The page as it is now."""
    return pulse.page(await asyncio.to_thread(_view), current_studio().clock.now())


@callback(Output(pulse.BODY, "children"), Input(ids.TICK, "data"), prevent_initial_call=True)
async def follow(_: object) -> list[Component]:
    """The page, some time later."""
    view = await asyncio.to_thread(_view)
    if view is None:
        raise PreventUpdate
    return pulse.body(view, current_studio().clock.now())


def _view() -> pulse.View | None:
    studio = current_studio()
    runs = studio.runs.all()
    if not runs:
        return None
    fleet = studio.fleet_pages.page()
    going = [run for run in runs if run.status not in (RunStatus.COMPLETED, RunStatus.CANCELLED)][:_MOST_GOING]
    over = [run for run in runs if run.status in (RunStatus.COMPLETED, RunStatus.CANCELLED)][:_MOST_OVER]
    return pulse.View(
        lines=[
            pulse.RunLine(run, studio.overview.of(run.id), bool(studio.runs.config(run.id).production.characters))
            for run in (*going, *over)
        ],
        hidden=len(runs) - len(going) - len(over),
        notices=studio.activity.notices(_NOTICES),
        jobs=studio.activity.jobs(None, _JOBS),
        counts=studio.activity.counts(),
        causes=studio.causes.failures(),
        limits=studio.budgets.all(),
        slots=studio.settings.parallel * len(Lane),
        fleet=fleet if fleet.workers else None,
        forecast=studio.fleet_forecasts.now() if fleet.waits else None,
    )
