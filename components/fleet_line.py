"""The fleet in one line: a tile for each worker, what is amiss, and the facts of its page."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from components import fleet, palette
from pipeline.domain.fleet_forecast import FleetForecast
from pipeline.domain.fleet_page import FleetPage, WorkerView

_MOST_TILES = 40
_WRONG = "failed"


def line(view: FleetPage, forecast: FleetForecast | None) -> Component:
    """All workers at a glance; a long fleet shows those first of which something is wrong."""
    shown = sorted(view.workers, key=lambda one: one.shown != _WRONG)[:_MOST_TILES] if _is_long(view) else view.workers
    tiles: list[Component | str] = [palette.badge(one.shown, f"{one.worker.name}: {one.word}") for one in shown]
    if _is_long(view):
        tiles.append(html.Span(f"and {len(view.workers) - _MOST_TILES:,} more", className="faint"))
    return html.Div(
        [
            dcc.Link("Fleet", href="/fleet", className="strong machine-name", title="Workers, their queue and their time"),
            html.Span(tiles, className="machine-tiles"),
            *_wrong([one for one in view.workers if one.shown == _WRONG]),
            *fleet.facts(view, forecast, queue="/fleet#fleet-queue"),
        ],
        className="card machine fleet-line",
    )


def _is_long(view: FleetPage) -> bool:
    return len(view.workers) > _MOST_TILES


def _wrong(workers: list[WorkerView]) -> list[Component]:
    """The first of those that something is wrong with, and how many more there are."""
    if not workers:
        return []
    first = workers[0]
    why = first.worker.health_reason or next((record.reason for record in first.aside), "")
    more = f", and {len(workers) - 1} more" if len(workers) > 1 else ""
    return [html.Span(f"{first.worker.name} {first.word}{more}", title=why or None)]
