"""The panels of Pulse beside its runs: what waits for people, spend, failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components import budgets, notices, palette, tray, words
from pipeline.domain.activity import JobRow, Notice
from pipeline.domain.budget import Budget, Quantity, Scope
from pipeline.domain.causes import Cause
from pipeline.domain.fleet.rules import BUDGET, ENGINE
from pipeline.domain.overview import RunOverview
from pipeline.domain.records import Run
from pipeline.domain.statuses import JobStatus

_MOST_WAITING = 12
_MOST_SPEND = 6
_MOST_LATELY = 24


@dataclass(frozen=True)
class RunLine:
    """A run and where it stands; it has a picture when it has a character."""

    run: Run
    overview: RunOverview
    has_picture: bool = False


def waiting_for_people(going: Sequence[RunLine], found: Sequence[Notice]) -> int:
    """How many matters only people can change: what keeps runs from going on, decisions, and workers that need somebody."""
    return sum(notice.count for notice in found if notice.kind in notices.CALLING) + sum(len(_stopped(line)) for line in going)


def waits(going: Sequence[RunLine], found: Sequence[Notice], now: datetime) -> list[Component]:
    """What keeps runs from going on and only people can change; then decisions, those that free most first, and workers that
    somebody must see to."""
    waiting = [notice for notice in found if notice.kind in notices.CALLING]
    stopped = [part for line in going for part in _stopped(line)]
    head = html.Div(
        [
            html.H2("Waits for people", className="card-title"),
            html.Span(f"{waiting_for_people(going, found):,}", className="muted num end"),
        ],
        className="card-head",
    )
    hints = [line for line in going if line.overview.hint and line.overview.hint.kind != "fleet"]
    hints.sort(key=lambda line: -(line.overview.hint.frees if line.overview.hint else 0))
    parts: list[Component] = [head, *stopped]
    if hints or any(notice.kind == "waiting" for notice in waiting):
        parts.append(
            html.Div(
                [html.Span("what a decision frees comes first"), html.Span("frees", className="end")], className="waits-sub faint"
            )
        )
    parts += [_hint(line, is_first=not number) for number, line in enumerate(hints)]
    parts += [_waiting(notice, now) for notice in waiting[:_MOST_WAITING]]
    if not hints and not waiting and not stopped:
        parts.append(html.P("Nobody is waited for. Decisions that somebody has to make are listed here.", className="card-note"))
    return parts


def _stopped(line: RunLine) -> list[Component]:
    """That no worker can do what waits of a run, or no budget pays for it; each leads to where that is changed."""
    overview = line.overview
    hint = overview.hint
    unpaid = next((hold for hold in overview.held if hold.cause == BUDGET), None)
    unattended = next((hold for hold in overview.held if hold.cause == ENGINE), None)
    found = [(hint.text, "/fleet")] if hint and hint.kind == "fleet" else []
    found += [(unpaid.words, "/budgets")] if unpaid else []
    if unattended is not None:
        found.append((f"{unattended.words}. Start {unattended.remedy.replace('`', '')}", f"/runs/{overview.run_id}"))
    return [
        dcc.Link(
            [
                html.Span(palette.badge("blocked"), className="wait-mark"),
                html.Div([html.Div(text[:1].upper() + text[1:], className="strong"), html.Div(line.run.name, className="muted")]),
                html.Span("→", className="faint", **{"aria-hidden": "true"}),
            ],
            href=address,
            className="wait",
        )
        for text, address in found
    ]


def _hint(line: RunLine, *, is_first: bool) -> Component:
    hint, run = line.overview.hint, line.run
    if hint is None:
        return html.Div()
    what = "variant" if hint.kind == "variant" else "scene"
    address = f"/cells/{hint.cell_id}" if hint.cell_id is not None else f"/runs/{run.id}?needs={hint.still_id}"
    source = (
        f"/media/stills/{hint.still_id}/1.jpg?h=180"
        if hint.still_id is not None
        else f"/media/cells/{hint.cell_id}/poster.jpg?h=180"
    )
    scenes = words.counted(hint.frees or hint.waiting, "scene")
    review = html.Span(["Review it ", html.Kbd("g r", className="kbd")], className="btn primary sm") if is_first else None
    return dcc.Link(
        [
            html.Img(src=source, alt="", className="wait-picture"),
            html.Div(
                [
                    html.Div(hint.key, className="strong cut", title=hint.key),
                    html.Div(f"{what} · {run.title}", className="muted cut"),
                ],
                className="cut",
            ),
            html.Div(
                [
                    html.Div(scenes, className="strong num"),
                    html.Div(
                        f"{words.duration(hint.seconds)} of work" if hint.seconds >= 1 else "to start", className="muted num"
                    ),
                ],
                className="frees",
            ),
            review,
        ],
        href=address,
        className="wait first" if is_first else "wait",
    )


def _waiting(notice: Notice, now: datetime) -> Component:
    text = notice.text[:1].upper() + notice.text[1:]
    return dcc.Link(
        [
            html.Span(palette.badge(notices.SHOWN_AS[notice.kind]), className="wait-mark"),
            html.Div(
                [
                    html.Div(text, className="cut", title=text),
                    html.Div([f"{notice.run_name} · ", words.since(notice.at, now)], className="muted cut"),
                ],
                className="cut",
            ),
            html.Span("→", className="faint", **{"aria-hidden": "true"}),
        ],
        href=notices.address(notice),
        className="wait",
    )


def spend(lines: Sequence[RunLine], limits: Sequence[Budget]) -> list[Component]:
    """The limits that press most, of productions, users and these runs; then what runs without a limit of time have taken."""
    spent = sum(line.overview.spent_seconds for line in lines)
    runs = {str(line.run.id) for line in lines}
    pressing = [one for one in limits if one.limit is not None and (one.scope is not Scope.RUN or one.subject in runs)]
    pressing.sort(key=lambda one: one.pressure, reverse=True)
    bounded = {one.subject for one in pressing if one.scope is Scope.RUN and one.quantity is Quantity.GPU_SECONDS}
    free = [line for line in lines if str(line.run.id) not in bounded]
    free.sort(key=lambda line: line.overview.spent_seconds, reverse=True)
    head = html.Div(
        [
            html.H2("Spend", className="card-title"),
            html.Span(f"{words.hours(spent)} of generation", className="muted num cut"),
            dcc.Link("budgets", href="/budgets", className="end"),
        ],
        className="card-head",
    )
    rows = [*map(_limit, pressing[:_MOST_SPEND]), *map(_unlimited, free)]
    return [head, *rows[:_MOST_SPEND]]


def _limit(budget: Budget) -> Component:
    """A limit, how far it is spent and reserved, and the way to its page."""
    limit = budgets.amount(budget.quantity, budget.limit or 0.0)
    told = [html.B(budgets.amount(budget.quantity, budget.spent)), f" of {limit}"]
    stopped = f": {budgets.stopped(budget.stops)}" if budget.stops else ""
    return dcc.Link(
        [
            html.Span(words.both_ends(budget.name), className="ends"),
            html.Span(budgets.QUANTITIES[budget.quantity], className="faint"),
            html.Span(["▲ " if budget.stops else None, *told], className="num muted spend-told"),
            html.Div(budgets.filled(budget), className="budget stopped" if budget.stops else "budget"),
        ],
        href=budgets.at({"budget": budgets.key_of(budget)}),
        className="spend",
        title=f"{budgets.QUANTITIES[budget.quantity]} of {budget.name}, spent and reserved{stopped}",
    )


def _unlimited(line: RunLine) -> Component:
    return html.Div(
        [
            html.Span(words.both_ends(line.run.name), className="ends", title=line.run.name),
            html.Span("no limit", className="faint"),
            html.Span(html.B(words.hours(line.overview.spent_seconds)), className="num spend-told"),
        ],
        className="spend",
    )


def failures(causes: Sequence[Cause]) -> list[Component]:
    """Failed jobs by cause."""
    count = sum(cause.jobs for cause in causes)
    head = html.Div(
        [
            html.H2("Failures by cause", className="card-title"),
            html.Span(words.counted(count, "job") if count else "", className="muted num end"),
        ],
        className="card-head",
    )
    if not causes:
        return [head, html.P("Nothing has failed that was not mended.", className="card-note")]
    return [
        head,
        *(
            html.Div(
                [
                    html.B(f"{cause.jobs:,}", className="num"),
                    html.Div(
                        [
                            html.Div(cause.words, className="cut"),
                            html.Div(cause.example, className="muted cut", title=cause.example),
                        ],
                        className="cut",
                    ),
                    dcc.Link(f"Look at {cause.jobs:,}", href=f"/runs/{cause.run_id}?status=failed", className="btn sm"),
                ],
                className="cause",
            )
            for cause in causes
        ),
    ]


def lately(jobs: Sequence[JobRow], now: datetime) -> list[Component]:
    """What has ended last, over all runs."""
    ended = [job for job in jobs if job.status not in (JobStatus.RUNNING, JobStatus.READY)]
    head = html.Div(
        [html.H2("Lately", className="card-title"), html.Span("what was made, over all runs", className="muted")],
        className="card-head",
    )
    if not ended:
        return [head, html.P("What is made is listed here, as it gets done.", className="card-note")]
    return [head, html.Div([_ended(job, now) for job in ended[:_MOST_LATELY]], className="lately-rows")]


def _ended(job: JobRow, now: datetime) -> Component:
    line = [
        palette.badge(tray.SHOWN_AS[job.status], tray.WORDS[job.status]),
        html.Span(
            [job.words.capitalize(), html.Span(f" · {job.key}", className="muted")],
            className="cut",
            title=f"{job.words}: {job.key}",
        ),
        html.Span(words.since(job.since, now), className="faint num"),
    ]
    if job.subject == "cell":
        return dcc.Link(line, href=f"/cells/{job.subject_id}", className="lately")
    return html.Div(line, className="lately")
