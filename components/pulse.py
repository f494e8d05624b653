"""Pulse as elements: every run with its strip, outlook and likely end; what waits for people; spend; failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dash import dcc, html
from dash.development.base_component import Component

from components import deadlines, fleet_line, frame, palette, pulse_panels, words
from components.pulse_panels import RunLine as RunLine
from pipeline.domain.activity import JobRow, Notice
from pipeline.domain.budget import Budget
from pipeline.domain.causes import Cause
from pipeline.domain.estimates import is_guess
from pipeline.domain.fleet.rules import BUDGET, ENGINE
from pipeline.domain.fleet_forecast import FleetForecast
from pipeline.domain.fleet_page import FleetPage
from pipeline.domain.overview import RunOverview
from pipeline.domain.progress import Outlook
from pipeline.domain.records import Run
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import JobStatus, RunStatus

BODY = "pulse-body"
_COUNTED = ("approved", "review", "generating", "queued", "blocked", "failed", "rejected")
_STEPS_S = (300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000)
_MOST_TICKS = 5
_MOST_OVER = 6
_BLOCKING = {
    Outlook.PEOPLE: "waits for people",
    Outlook.WORKERS: "no worker can do what waits",
    Outlook.BUDGET: "stopped by its budget",
    Outlook.STUCK: "stuck: something failed or was rejected",
    Outlook.PAUSED: "paused",
    Outlook.NOTHING_ASKED: "nothing is submitted yet",
    Outlook.REACHED: "did all it was asked for",
}


_HERE = frozenset({"", "local", "reuse"})
"""What stands for the worker of a job that this machine does."""


@dataclass(frozen=True)
class View:
    """Everything the page shows. `slots` is how many attempts this machine makes at a time.

    Without workers there is no `fleet`; when its queue is done is told by the `forecast`.
    """

    lines: Sequence[RunLine]
    hidden: int
    notices: Sequence[Notice]
    jobs: Sequence[JobRow]
    counts: Mapping[JobStatus, int]
    causes: Sequence[Cause]
    limits: Sequence[Budget]
    slots: int
    fleet: FleetPage | None = None
    forecast: FleetForecast | None = None


def page(view: View | None, now: datetime) -> Component:
    """All runs, or what to do when there is none."""
    keys = frame.keys_of(("Tab", "go through the runs"), ("Enter", "open the board of a run"))
    if view is None:
        return html.Div([html.Div(_nothing(), id=BODY, className="pulse"), keys], className="page")
    return html.Div([html.Div(body(view, now), id=BODY, className="pulse"), keys], className="page")


def body(view: View, now: datetime) -> list[Component]:
    """Everything below the frame."""
    going = [line for line in view.lines if line.overview.outlook is not Outlook.OVER]
    over = [line for line in view.lines if line.overview.outlook is Outlook.OVER]
    waiting = pulse_panels.waiting_for_people(going, view.notices)
    told = [words.counted(len(going), "run going", "runs going"), words.counted(waiting, "matter waits", "matters wait")]
    return [
        html.Div(
            [
                html.H1("Pulse", className="h1"),
                html.Span(f"{told[0]} · {told[1]} for people", className="muted"),
                html.Span(className="spread"),
                html.Span(f"{now.astimezone():%A %H:%M}", className="muted num"),
            ],
            className="page-head",
        ),
        *([fleet_line.line(view.fleet, view.forecast)] if view.fleet else []),
        _machine(view, now),
        html.Div(
            [
                html.Section(_runs(going, over, view.hidden, now), className="card pulse-runs", **{"aria-label": "Runs"}),
                html.Section(
                    pulse_panels.waits(going, view.notices, now),
                    className="card pulse-waits",
                    **{"aria-label": "Waits for people"},
                ),
                html.Div(
                    [
                        html.Section(pulse_panels.spend(going or over, view.limits), className="card", **{"aria-label": "Spend"}),
                        html.Section(pulse_panels.failures(view.causes), className="card", **{"aria-label": "Failures by cause"}),
                        html.Section(
                            pulse_panels.lately(view.jobs, now), className="card pulse-lately", **{"aria-label": "Lately"}
                        ),
                    ],
                    className="pulse-low",
                ),
            ],
            className="pulse-cols",
        ),
    ]


def strip(counts: Mapping[str, int]) -> Component:
    """The coloured bar of a run: a part for each status, as wide as its share."""
    shown = [(status, counts[status]) for status in palette.GLYPHS if counts.get(status)]
    order = ("approved", "review", "generating", "queued", "blocked", "failed", "rejected", "not_started", "cancelled")
    shown.sort(key=lambda part: order.index(part[0]))
    label = ", ".join(f"{count:,} {palette.WORDS[status]}" for status, count in shown)
    parts = [
        html.I(className=f"st-{status}", style={"flex": count}, title=f"{palette.WORDS[status]}: {count:,}")
        for status, count in shown
    ]
    return html.Div(parts, className="strip", role="img", **{"aria-label": label or "no scenes"})


def ending(run: Run, overview: RunOverview, now: datetime) -> list[Component | str]:
    """When the run is likely done, or what keeps that from being told."""
    if overview.outlook is not Outlook.OVER and overview.approved and not overview.missing:
        is_working = overview.outlook is Outlook.WORKING
        return [f"everything is approved: {'exports and packages are being made' if is_working else 'it can be delivered'}"]
    if overview.outlook is Outlook.REACHED and run.until != Phase.FINALIZE.value:
        return [f"stopped after the phase {run.until.replace('_', ' ')}, as asked"]
    if overview.outlook is Outlook.OVER:
        return ["done"]
    if overview.likely_at and overview.latest_at:
        when = html.B(words.clock(overview.likely_at, now), className="num")
        told = ["done about ", when, f", latest {words.clock(overview.latest_at, now)}"]
        return [*told, html.Span(", a first guess", title=words.GUESS)] if is_guess(overview.measured_share) else told
    stopped = next((hold for hold in overview.held if hold.cause in (ENGINE, BUDGET)), None)
    if stopped is not None:
        return [html.Span(stopped.words, title=f"To change that: {stopped.remedy}")]
    if overview.outlook is Outlook.WORKERS and overview.held:
        return [html.Span(f"waits: {overview.held[-1].words}", title=f"To change that: {overview.held[-1].remedy}")]
    if overview.outlook in _BLOCKING:
        return [_BLOCKING[overview.outlook]]
    if overview.rests_at:
        return ["then waits for people, about ", html.B(words.clock(overview.rests_at, now), className="num")]
    return ["goes on; its end cannot be told yet"]


def _nothing() -> list[Component]:
    kinds = ("approved", "approved", "approved", "review", "generating", "queued", "queued", "not_started")
    tiles = [
        html.I(className=f"st-{kinds[min(7, (column * 5 + row * 7 + column * row) % 11 * column // 14)]}")
        for row in range(4)
        for column in range(16)
    ]
    ways = (
        (
            "See it work first",
            "A sample production, from source images to a sealed delivery. No GPU, no cost.",
            "./stripboard demo",
        ),
        ("Start your own", "A folder with a production file and your pictures, ready to be edited.", "./stripboard create NAME"),
        ("Run what you have", "Checks the file, makes the matrix and goes to work; it appears here.", "./stripboard run PATH"),
    )
    return [
        html.Div(
            [
                html.Div(tiles, className="pulse-ghost", **{"aria-hidden": "true"}),
                html.H1("Nothing is running yet", className="big"),
                html.P(
                    "Pulse shows every run, what waits for people, and when each will be done. A production is characters × "
                    "scene types × variants; each scene moves by itself from source image to sealed delivery."
                ),
                html.Div([_way(*way) for way in ways], className="ways"),
            ],
            className="pulse-empty",
        )
    ]


def _way(title: str, text: str, command: str) -> Component:
    copy = html.Button(
        [html.Code(command), frame.icon("copy")],
        className="btn way-command",
        title="Copy the command",
        **{"data-copy": command, "data-command": f"Copy {command}"},
    )
    return html.Div([html.H2(title, className="strong"), html.P(text, className="muted"), copy], className="way")


def _machine(view: View, now: datetime) -> Component:
    running = [job for job in view.jobs if job.status is JobStatus.RUNNING and job.worker in _HERE]
    slots = max(view.slots, len(running))
    tiles = [
        html.Span(
            "▸",
            className="badge-status st-generating",
            title=f"{job.words}: {job.key}, {words.duration((now - job.since).total_seconds())}",
        )
        for job in running
    ] + [html.Span("·", className="badge-status st-not_started", title="free") for _ in range(slots - len(running))]
    ready = view.counts.get(JobStatus.READY, 0)
    free = next((line.overview.free_disk_bytes for line in view.lines), 0)
    rate = sum(line.overview.rate_per_hour or 0 for line in view.lines if line.overview.outlook is Outlook.WORKING)
    away = sum(job.status is JobStatus.RUNNING for job in view.jobs) - len(running)
    busy = view.counts.get(JobStatus.RUNNING, 0) - away
    return html.Div(
        [
            html.Span("This machine", className="strong machine-name"),
            html.Span(tiles, className="machine-tiles"),
            html.Span([html.B(f"{busy:,}", className="num"), f" of {words.counted(max(slots, busy), 'slot')} busy"]),
            html.Span([html.B(f"{ready:,}", className="num"), " job waits" if ready == 1 else " jobs wait"])
            if ready
            else html.Span("nothing waits"),
            html.Span([html.B(f"{rate:,.0f}", className="num"), " scenes an hour"]) if rate else None,
            html.Span(className="spread"),
            html.Span([html.B(words.size(free), className="num"), " of disk free"]),
        ],
        className="card machine",
    )


def _runs(going: Sequence[RunLine], over: Sequence[RunLine], hidden: int, now: datetime) -> list[Component]:
    span = _span(going, now)
    keys = [html.Span([html.I(className="key-likely"), "likely end"]), html.Span([html.I(className="key-latest"), "to latest"])]
    head = html.Div(
        [html.H2("Runs", className="card-title"), html.Span(keys if span else None, className="run-keys faint")],
        className="card-head",
    )
    parts: list[Component] = [head]
    if span:
        parts.append(html.Div(_ticks(span, now), className="run-axis faint num", **{"aria-hidden": "true"}))
    parts += [_run(line, span, now) for line in sorted(going, key=lambda line: _urgency(line, now))]
    if not going:
        parts.append(html.P("Everything that was started is done.", className="card-note"))
    if over:
        done = [
            dcc.Link(
                [
                    palette.badge(_over(line.run)),
                    html.B(line.run.title, className="middle", title=line.run.title),
                    f" Run {line.run.number}: {words.counted(line.overview.total, 'scene')}",
                ],
                href=f"/runs/{line.run.id}",
                className="run-over",
            )
            for line in over[:_MOST_OVER]
        ]
        rest = hidden + max(0, len(over) - _MOST_OVER)
        more = html.Span(f"and {rest:,} more: Ctrl K finds them", className="faint") if rest else None
        parts.append(html.Div([*done, more], className="runs-over"))
    return parts


def _over(run: Run) -> str:
    return "approved" if run.status is RunStatus.COMPLETED else "cancelled"


def _urgency(line: RunLine, now: datetime) -> tuple[int, datetime]:
    """Runs that stand still come first, then those that end first."""
    return (int(line.overview.outlook is Outlook.WORKING), line.overview.likely_at or line.overview.rests_at or now)


def _run(line: RunLine, span: float, now: datetime) -> Component:
    run, overview = line.run, line.overview
    begun = f" · {overview.started_by}" if overview.started_by else ""
    who = html.Div(
        [
            _picture(line),
            html.Div(
                [
                    html.Div(run.title, className="strong cut", title=run.title),
                    html.Div(f"Run {run.number} · {words.counted(overview.total, 'scene')}{begun}", className="faint cut"),
                ],
                className="cut",
            ),
        ],
        className="run-who",
    )
    counts = [
        html.Span([palette.badge(status), f"{overview.counts[status]:,}"], className="num", title=palette.WORDS[status])
        for status in _COUNTED
        if overview.counts.get(status)
    ]
    share = html.Span(f"{words.share(overview.approved, overview.total)} %", className="num run-share")
    progress = html.Div([strip(overview.counts), html.Div([share, *counts], className="run-counts muted")], className="cut")
    due = deadlines.due(overview.due_at, likely_at=overview.soonest_at, latest_at=overview.latest_at, now=now)
    ends = html.Div(ending(run, overview, now), className="run-ends")
    end = html.Div([ends, *(html.Div(mark, className="cut") for mark in due), _line(overview, span, now)], className="cut")
    return dcc.Link([who, progress, end], href=f"/runs/{run.id}", className="run")


def _picture(line: RunLine) -> Component:
    if line.has_picture:
        return html.Img(src=f"/media/runs/{line.run.id}/characters/0.jpg?h=90", alt="", className="run-picture")
    return html.Div(words.initials(line.run.title), className="run-picture", **{"aria-hidden": "true"})


def _span(lines: Sequence[RunLine], now: datetime) -> float:
    """How many seconds the common time axis shows; 0 when no end is known."""
    ends = [(line.overview.latest_at - now).total_seconds() for line in lines if line.overview.latest_at]
    return max(ends) * 1.1 if ends and max(ends) > 0 else 0.0


def _ticks(span: float, now: datetime) -> list[Component]:
    step = next((step for step in _STEPS_S if span / step <= _MOST_TICKS), _STEPS_S[-1])
    here = now.astimezone()
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + timedelta(seconds=((here - midnight).total_seconds() // step + 1) * step)
    marks = [html.Span("now", style={"left": "0"}, className="tick-now")]
    at = first
    while (at - here).total_seconds() < span * 0.96:
        left = (at - here).total_seconds() / span
        if left > 0.1:
            marks.append(html.Span(f"{at:%H:%M}" if step < 86_400 else f"{at.day} {at:%b}", style={"left": f"{100 * left:.1f}%"}))
        at += timedelta(seconds=step)
    return [html.Div(marks, className="ticks")]


def _line(overview: RunOverview, span: float, now: datetime) -> Component | None:
    if not (span and overview.likely_at and overview.latest_at):
        return None
    likely = 100 * min(1.0, (overview.likely_at - now).total_seconds() / span)
    latest = 100 * min(1.0, (overview.latest_at - now).total_seconds() / span)
    return html.Div(
        [
            html.I(className="to-latest", style={"left": f"{likely:.2f}%", "width": f"{max(0.0, latest - likely):.2f}%"}),
            html.I(className="likely", style={"left": f"{likely:.2f}%"}),
        ],
        className="timeline",
    )
