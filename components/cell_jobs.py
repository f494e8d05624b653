"""The jobs of a cell with their attempts, worker, time, cost and result."""

from __future__ import annotations

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from components import palette, words
from components.cell_quality import NAMES
from pipeline.domain.cell_page import CellPage, JobView, TakeView
from pipeline.domain.fleet.waits import with_cure
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import AttemptOutcome, JobStatus

_HEADS = (("Job", ""), ("Attempts", "r"), ("Worker", ""), ("Time", "r"), ("Cost", "r"), ("Result", ""), ("Log", "r"))


def table(view: CellPage) -> Component:
    """A line a job, the newest take first; or what will make some."""
    if not view.jobs:
        return html.P(
            "No work yet. The first segment is queued as soon as everything above is approved.", className="muted jobs-none"
        )
    takes = {take.number: take for take in view.takes}
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(word, className=name, scope="col") for word, name in _HEADS])),
            html.Tbody([_row(view, job, takes.get(job.job.take)) for job in view.jobs]),
        ],
        className="jobs",
        id="jobs",
    )


def _row(view: CellPage, job: JobView, take: TakeView | None) -> Component:
    result = _result(view, job, take)
    tries = len(job.attempts)
    return html.Tr(
        [
            html.Td(
                html.Span(
                    [palette.badge(job.shown), html.Span(f"{job.name}, take {job.job.take}", className="job-name")],
                    className="job-head",
                )
            ),
            html.Td("–" if job.is_reused or not tries else f"{tries}", className="r num muted", title=_tries(job)),
            html.Td(_worker(job), className="muted job-worker", title=_worker(job)),
            html.Td(_time(job), className="r num"),
            html.Td(_cost(job, view.now), className="r num", title=_cost_told(job)),
            html.Td(_marked(result), className="muted job-result", title=result),
            html.Td(
                html.Button(
                    "open",
                    className="link",
                    **{"data-verb": "log", "data-job": str(job.job.id), "aria-label": f"Log of {job.name}, take {job.job.take}"},
                ),
                className="r",
            ),
        ],
        **{"data-job": str(job.job.id)},
    )


def _marked(result: str) -> Component:
    """The mark of a measure outside its limit has the colour that it has everywhere."""
    if not result.startswith("▲"):
        return html.Span(result)
    return html.Span([html.Span("▲", className="bad"), result[1:]])


def _tries(job: JobView) -> str:
    """Every try in a line, for hovering."""
    return "\n".join(
        f"{attempt.number}: {attempt.outcome.value}, {seconds(attempt.seconds)}, {attempt.worker}"
        + (f": {attempt.reason}" if attempt.reason else "")
        for attempt in job.attempts
    )


def _worker(job: JobView) -> str:
    if not job.attempts:
        return "–"
    return "stored" if job.is_reused else job.attempts[-1].worker


def _time(job: JobView) -> str:
    if job.job.status is JobStatus.RUNNING:
        return f"{words.share(job.attempts[-1].progress, 1)} %" if job.attempts else "running"
    return seconds(job.seconds) if job.attempts and not job.is_reused else "–"


def seconds(spent: float) -> str:
    """`0.2 s`, `3 min 41 s`: tenths only where they say something."""
    return f"{spent:.1f} s" if spent < 10 else words.duration(spent)


def _cost(job: JobView, now: datetime) -> str:
    """Generation is what a budget pays for; the rest is free. On a worker with a price it is what its time has cost."""
    spent = sum(attempt.cost for attempt in job.attempts)
    began = job.attempts[-1].begun_at if job.job.status is JobStatus.RUNNING and job.attempts else None
    if began is not None:
        spent += job.job.price * max(0.0, (now - began).total_seconds()) / 3600
    return words.money(spent) if spent else _time_cost(job)


def _cost_told(job: JobView) -> str | None:
    """The price of the worker, for hovering."""
    return f"{words.money(job.job.price)} an hour" if job.job.price else None


def _time_cost(job: JobView) -> str:
    if not job.is_generation or job.is_reused or not job.seconds:
        return "–"
    return f"{job.seconds / 3600:.4f} GPU-h" if job.seconds < 360 else f"{job.seconds / 3600:.2f} GPU-h"


def _result(view: CellPage, job: JobView, take: TakeView | None) -> str:
    if job.job.status is JobStatus.FAILED or (job.job.reason and job.job.status is not JobStatus.DONE):
        return job.job.reason
    if job.job.status is not JobStatus.DONE:
        step = job.attempts[-1].step.removeprefix("step: ") if job.attempts else ""
        return {JobStatus.READY: _waits(view, job), JobStatus.RUNNING: step or "under way"}.get(job.job.status, "")
    if job.is_reused:
        number = take.take.kept[job.job.part - 1][0] if _is_kept(job, take) and take else None
        return f"kept from take {number}" if number else "reused: the same was made before"
    lost = next((attempt for attempt in job.attempts if attempt.outcome in (AttemptOutcome.FAILED, AttemptOutcome.LOST)), None)
    if lost is not None:
        return f"first {lost.outcome.value}: {lost.reason}"
    if job.job.stage is Stage.SCENE_GENERATION and take is not None:
        return f"seed {job.job.options.get('seed', take.take.seed)}"
    if job.job.stage is Stage.SCENE_QA and take is not None and take.verdict is not None:
        return _verdict(take)
    if job.job.stage is Stage.ASSEMBLY:
        return f"{view.scene.duration_s:.2f} s, {view.scene.frames} frames"
    return "done"


def _waits(view: CellPage, job: JobView) -> str:
    reason = next((wait.reason for wait in view.waits if wait.job_id == job.job.id), None)
    return with_cure(reason.words, reason) if reason else "waits for a slot"


def _is_kept(job: JobView, take: TakeView | None) -> bool:
    return take is not None and job.job.stage is Stage.SCENE_GENERATION and job.job.part <= len(take.take.kept)


def _verdict(take: TakeView) -> str:
    assert take.verdict is not None
    findings, judged = take.verdict.findings, take.verdict.judged
    if not findings:
        return f"passed {len(judged)} of {len(judged)}"
    first = findings[0].measurement
    where = first.subject.removeprefix("boundary ").replace("-", "▸")
    more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
    return f"▲ {NAMES.get(first.name, first.name)} {first.value:.3g} at {where}{more}"
