"""Pulse as elements: runs and their strips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from components import frame, palette
from pipeline.domain.progress import Progress
from pipeline.domain.records import Run


@dataclass(frozen=True)
class RunStrip:
    """A run and where it stands."""

    run: Run
    progress: Progress


def page(runs: Sequence[RunStrip]) -> Component:
    """All runs, or what to do when there is none."""
    if not runs:
        return html.Div(
            frame.empty(
                "No runs yet",
                "A run is a production on its way from source images to a sealed delivery. "
                "Start one with `./stripboard run PATH`, or see one with `./stripboard demo`.",
            ),
            className="page",
        )
    return html.Div([html.H1("Runs", className="h1"), *(_strip(row) for row in runs)], className="page pulse")


def strip(counts: dict[str, int]) -> Component:
    """The coloured bar of a run: a part for each status, as wide as its share."""
    parts = [
        html.I(className=f"st-{status}", style={"flex": counts[status]}, title=f"{palette.WORDS[status]}: {counts[status]}")
        for status in palette.GLYPHS
        if counts.get(status)
    ]
    return html.Div(parts, className="strip")


def _strip(row: RunStrip) -> Component:
    run, progress = row.run, row.progress
    counts = {status.value: count for status, count in progress.cells.items()}
    head = [
        html.B(run.title, className="middle", title=run.title),
        html.Span(f"Run {run.number}", className="muted"),
        html.Span(className="spread"),
        html.Span(f"{progress.approved} of {progress.total} approved", className="muted num"),
    ]
    return dcc.Link([html.Div(head, className="pulse-head"), strip(counts)], href=f"/runs/{run.id}", className="card pulse-run")
