"""The job tray: what runs, what waits, what ended lately; how far each is, its log, and a way to cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import ids, palette, words
from pipeline.domain.activity import JobRow
from pipeline.domain.statuses import JobStatus

COUNT = "jobs-count"
LIST = "job-list"
CLOCK = "tray-clock"
LOG = "job-log"
LOG_TEXT = "job-log-text"
LOG_TITLE = "job-log-title"
SHOW_LOG = "job-log-of"
CANCEL = "job-cancel-of"

SHOWN_AS = {
    JobStatus.READY: "queued",
    JobStatus.RUNNING: "generating",
    JobStatus.DONE: "approved",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
"""Where a job stands, in the colours of cells."""

WORDS = {
    JobStatus.READY: "waits",
    JobStatus.RUNNING: "runs",
    JobStatus.DONE: "done",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}


def pill() -> Component:
    """`jobs 12` in the top bar."""
    return html.Button(
        ["jobs", html.B("0", id=COUNT, className="num")], id=ids.JOBS, className="pill", title="Running and recent jobs (j)"
    )


def drawer() -> list[Component]:
    """The tray, the log of a job, and the clock that reads on while the tray or the bell's list is open."""
    log = html.Pre(id=LOG_TEXT, className="log", tabIndex=0)
    return [
        dbc.Offcanvas(
            html.Div(id=LIST),
            id=ids.TRAY,
            title=html.Span("Jobs", id="jobs-title"),
            labelledby="jobs-title",
            placement="end",
            className="drawer",
            is_open=False,
        ),
        dbc.Modal(
            [dbc.ModalHeader(dbc.ModalTitle("Log", id=LOG_TITLE)), dbc.ModalBody(log)],
            id=LOG,
            labelledby=LOG_TITLE,
            size="lg",
            scrollable=True,
            fade=False,
        ),
        dcc.Interval(id=CLOCK, interval=1_000, disabled=True),
    ]


def rows(jobs: Sequence[JobRow], counts: Mapping[JobStatus, int], now: datetime) -> list[Component]:
    """The tray's content: running jobs, then the next ones, then what ended lately."""
    running = [job for job in jobs if job.status is JobStatus.RUNNING]
    waiting = [job for job in jobs if job.status is JobStatus.READY]
    ended = [job for job in jobs if job not in running and job not in waiting]
    waits = counts.get(JobStatus.READY, 0)
    if not jobs:
        text = "Submit scenes on a board, and what is made for them is listed here, with how far it is and its log."
        return [html.Div([html.B("No jobs yet"), html.P(text)], className="drawer-empty")]
    return [
        _group("Running", f"{len(running):,}", running, now, "Nothing runs just now."),
        _group("Waiting", f"{waits:,}", waiting, now, _waits(waits)),
        _group("Lately", "", ended, now, "Nothing has ended yet."),
    ]


def _waits(count: int) -> str:
    return f"{words.counted(count, 'job')} will start by themselves, as slots get free." if count else "Nothing waits."


def _group(title: str, count: str, jobs: Sequence[JobRow], now: datetime, otherwise: str) -> Component:
    head = html.H3([title, html.Span(count, className="faint num")], className="drawer-head")
    return html.Section([head, *([_row(job, now) for job in jobs] or [html.P(otherwise, className="drawer-none")])])


def _row(job: JobRow, now: datetime) -> Component:
    head = html.Div(
        [
            palette.badge(SHOWN_AS[job.status], WORDS[job.status]),
            html.Span([html.Span(job.words.capitalize()), html.Span(f" · {job.key}", className="muted")], className="job-name",
                      title=f"{job.words}: {job.key}"),
            html.Span(_standing(job, now), className="job-since num muted"),
        ],
        className="job-line",
    )  # fmt: skip
    return html.Div([head, _bar(job), _below(job, now)], className=f"job job-{job.status.value}")


def _standing(job: JobRow, now: datetime) -> Component | str:
    if job.status is JobStatus.RUNNING:
        return f"{round(100 * job.progress)} % · {words.duration((now - job.since).total_seconds())}"
    return words.since(job.since, now)


def _bar(job: JobRow) -> Component | None:
    if job.status is not JobStatus.RUNNING:
        return None
    share = round(100 * job.progress)
    return html.Div(
        html.I(style={"width": f"{share}%"}),
        className="bar job-bar",
        role="progressbar",
        **{"aria-valuenow": str(share), "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": f"{job.words}: {job.key}"},
    )


def _below(job: JobRow, now: datetime) -> Component:
    tries = f"try {job.attempt}" if job.attempt > 1 else ""
    told = " · ".join(part for part in (job.run_name, job.step, job.worker, _cost(job, now), tries, job.reason) if part)
    name = {"cell": f"the scene {job.key}", "delivery": job.key}.get(job.subject, "")
    parts: list[Component] = [
        html.Span(told, className="job-told faint", title=told),
        html.Button("Log", id={"type": SHOW_LOG, "index": job.job_id}, className="btn ghost sm"),
    ]
    if job.status in (JobStatus.RUNNING, JobStatus.READY) and name:
        parts.append(
            html.Button("Cancel", id={"type": CANCEL, "index": job.job_id}, className="btn ghost sm", title=f"Cancel {name}")
        )
    return html.Div(parts, className="job-line")


def _cost(job: JobRow, now: datetime) -> str:
    """What the time of its worker has cost, so far where it runs; nothing where time is free."""
    spent = job.price * max(0.0, (now - job.since).total_seconds()) / 3600 if job.status is JobStatus.RUNNING else job.cost
    return f"cost {words.money(spent)}" if spent else ""
