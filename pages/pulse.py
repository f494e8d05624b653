"""Pulse: every run with its strip, newest first."""

from __future__ import annotations

import asyncio

import dash
from dash.development.base_component import Component

from components import pulse
from pipeline.wiring_serving import current_studio

dash.register_page(__name__, path="/", title="Pulse – Stripboard", name="Pulse")


async def layout(**_: str) -> Component:
    """The page as it is now."""
    return pulse.page(await asyncio.to_thread(_runs))


def _runs() -> list[pulse.RunStrip]:
    studio = current_studio()
    return [pulse.RunStrip(run, studio.reports.progress(run.id)) for run in studio.runs.all()]
