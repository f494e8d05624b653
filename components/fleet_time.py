"""The time of each worker: what it has done, what it does, what it is expected to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dash import dcc, html
from dash.development.base_component import Component

from components import fleet_runs, words
from pipeline.domain.fleet_forecast import FleetForecast
from pipeline.domain.fleet_page import Block, FleetPage, WorkerView

_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60)
_MOST_TICKS = 8
_NEAR = 9.0
"""A time closer than this many percent to `now`, or the end of a run to the border, is left out or moved aside."""
_WIDE = 15.0
"""The same of the words that tell when a run is done."""
_WORDS = {
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
    "running": "running",
    "rest": "the rest, expected",
    "next": "forecast",
}
_KEYS = (("done", "done"), ("running", "running"), ("failed", "failed"), ("next", "forecast"), ("off", "takes no work"))


def content(view: FleetPage, forecast: FleetForecast | None = None, by: str = "worker") -> list[Component]:
    """The card of the time line, by worker or by run; nothing without workers."""
    if not view.workers:
        return []
    chosen = fleet_runs.choice("time", by, ("worker", "By worker"), ("run", "By run"))
    if by == "run" and forecast is not None:
        told = html.Span("likely, and at the latest", className="end muted")
        return [
            html.Div([html.H2("Time", className="card-title"), chosen, told], className="card-head"),
            fleet_runs.lanes(forecast),
        ]
    keys = [html.Span([html.I(className=f"fl-block fl-{look}"), word], className="fl-key-of") for look, word in _KEYS]
    back, ahead = (words.duration(one.total_seconds()) for one in (view.now - view.since, view.until - view.now))
    head = html.Div(
        [
            html.H2("Time", className="card-title"),
            chosen,
            html.Span(f"{back} back, {ahead} ahead", className="muted num"),
            html.Span(keys, className="end fl-keys muted"),
        ],
        className="card-head",
    )
    by_worker: dict[str, list[Block]] = {}
    for block in view.blocks:
        by_worker.setdefault(block.worker, []).append(block)
    lanes = [_lane(one, by_worker.get(one.worker.name, []), view) for one in view.workers]
    end = _end(view, forecast)
    return [
        head,
        html.Div(
            [_axis(view, end), html.Div([*lanes, _lines(view, end)], className="fl-lanes", style={"--lanes": len(lanes)})],
            className="fl-gantt",
            style={"--names": f"clamp(4rem, {max(len(one.worker.name) for one in view.workers)}ch, 11rem)"},
        ),
    ]


def place(at: datetime, view: FleetPage) -> float:
    """Where a time lies, in percent of the width."""
    return 100 * (at - view.since) / (view.until - view.since)


def ticks(view: FleetPage) -> list[datetime]:
    """Round times for the axis, eight at most."""
    minutes = (view.until - view.since).total_seconds() / 60
    step = next((step for step in _STEPS_MIN if minutes / step <= _MOST_TICKS), _STEPS_MIN[-1])
    here = view.since.astimezone()
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    first = int((here - midnight).total_seconds() / 60 // step + 1) * step
    found = []
    at = midnight + timedelta(minutes=first)
    while at < view.until:
        found.append(at)
        at += timedelta(minutes=step)
    return found


def _end(view: FleetPage, forecast: FleetForecast | None) -> tuple[str, datetime] | None:
    """The run that is likely done last of those whose end is in sight, with that end."""
    ends = [(run.name, run.likely_at) for run in forecast.runs if run.jobs and run.likely_at] if forecast else []
    return max((end for end in ends if view.now < end[1] < view.until), key=lambda end: end[1], default=None)


def _axis(view: FleetPage, last: tuple[str, datetime] | None) -> Component:
    """Round times, now, and the end of the run that is done last, each where it does not lie over another."""
    now = place(view.now, view)
    taken = [(now, _NEAR)]
    marks: list[Component] = []
    if last:
        name, at = last
        end = min(max(place(at, view), now + _WIDE), 100 - _NEAR)
        taken.append((end, _WIDE))
        told_end = {"title": f"{name} is likely done", "style": {"left": f"{end:.2f}%"}}
        marks.append(html.Span(f"done {at.astimezone():%H:%M}", className="fl-end num", **told_end))
    marks += [
        html.Span(f"{at:%H:%M}", style={"left": f"{x:.2f}%"}, className="num")
        for at in ticks(view)
        if 2 < (x := place(at, view)) < 98 and all(abs(x - middle) > width for middle, width in taken)
    ]
    told = html.Span(f"now {view.now.astimezone():%H:%M}", style={"left": f"{now:.2f}%"}, className="fl-now num")
    return html.Div([*marks, told], className="fl-axis faint", **{"aria-hidden": "true"})


def _lines(view: FleetPage, last: tuple[str, datetime] | None) -> Component:
    done = [html.Span(style={"left": f"{place(last[1], view):.2f}%"}, className="fl-end-line")] if last else []
    grid = [html.Span(style={"left": f"{place(at, view):.2f}%"}, className="fl-grid") for at in ticks(view)]
    return html.Div(
        [*grid, *done, html.Span(style={"left": f"{place(view.now, view):.2f}%"}, className="fl-now-line")],
        className="fl-over",
        **{"aria-hidden": "true"},
    )


def _lane(one: WorkerView, blocks: Sequence[Block], view: FleetPage) -> Component:
    parts = [_block(block, view) for block in blocks if block.end > view.since and block.start < view.until]
    parts += _off(one, blocks, view)
    name = html.Span(words.both_ends(one.worker.name), className="muted small ends fl-lane-name", title=one.worker.name)
    return html.Div([name, html.Div(parts, className="fl-track")], className="fl-lane")


def _block(block: Block, view: FleetPage) -> Component:
    title = told(block, view.now)
    shown = {"className": f"fl-block fl-{block.look}", "title": title, "style": _style(block.start, block.end, view)}
    text = [html.I(), html.Span(block.label, className="fl-label")] if block.label else None
    if block.subject == "cell" and block.look in ("running", "failed"):
        return dcc.Link(text or html.Span(title, className="visually-hidden"), href=f"/cells/{block.subject_id}", **shown)
    if block.subject == "cell":
        return html.A(text, href=f"/cells/{block.subject_id}", tabIndex=-1, **shown, **{"aria-label": title})
    return html.Div(text, **shown)


def _style(start: datetime, end: datetime, view: FleetPage) -> dict[str, str]:
    left, right = max(0.0, place(start, view)), min(100.0, place(end, view))
    return {"left": f"{left:.2f}%", "width": f"calc({max(0.0, right - left):.2f}% - 1px)"}


def told(block: Block, now: datetime) -> str:
    """A block in words, for hovering."""
    takes = words.duration((block.end - block.start).total_seconds())
    if block.count > 1:
        return f"{block.count:,} short jobs, {_WORDS[block.look]}, {takes}"
    begin = f"{words.clock(block.start, now)} to {words.clock(block.end, now)}, {takes}"
    return f"{block.key}: {_WORDS[block.look]}, {begin}" + (f": {block.reason}" if block.reason else "")


def _off(one: WorkerView, blocks: Sequence[Block], view: FleetPage) -> list[Component]:
    """From the end of what it has on, for a worker that takes nothing new."""
    if one.worker.may_work:
        return []
    start = max([view.now, *(block.end for block in blocks)])
    if start >= view.until:
        return []
    why = one.worker.away
    text = [html.I(), html.Span(why.split(":")[0], className="fl-label")]
    return [html.Div(text, className="fl-block fl-off", title=f"Takes no new work: {why}", style=_style(start, view.until, view))]
