"""The fleet as elements: the page, its head, what stands in the way, and a card for each worker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components import (
    drawn,
    fleet_add,
    fleet_banner,
    fleet_gauges,
    fleet_panel,
    fleet_press,
    fleet_queue,
    fleet_runs,
    fleet_time,
    fleet_what_if,
    frame,
    ids,
    palette,
    words,
)
from pipeline.domain.cost_keys import work_words
from pipeline.domain.fleet.reasons import for_others
from pipeline.domain.fleet_forecast import FleetForecast
from pipeline.domain.fleet_page import Doing, FleetPage, WorkerView
from pipeline.domain.telemetry.limits import DEFAULTS, Threshold
from pipeline.domain.workers import Health, WorkerState

_FULL = 12
"""With more workers than this, cards show only who does what."""
_COLUMNS = {1: 3, 2: 3, 3: 3, 5: 3, 6: 3, 9: 3}
"""Columns of cards where four would leave one alone."""
_CLOCK_MS, _SLOW_CLOCK_MS = 2_000, 6_000
_WEEK_S = 7 * 86_400
_MOMENT_S = 3.0
"""A job that has taken less than this is not called longer than usual: its stated second is a rounded one."""
KEYS = (("Tab", "go through workers and jobs"), ("Enter", "open what is under the ring"))


def page(view: FleetPage, forecast: FleetForecast | None = None) -> Component:
    """The whole page; its parts are drawn again by callbacks."""
    return html.Div(
        [
            *drawn.place(ids.FLEET_HEAD, head(view, forecast), className="page-head fl-head"),
            *drawn.place(ids.FLEET_BANNER, fleet_banner.lines(view)),
            *drawn.place(ids.FLEET_CARDS, cards(view)),
            html.Div(
                [
                    *drawn.place(ids.FLEET_QUEUE, fleet_queue.content(view), element=html.Section, className="card fl-queue",
                                 **{"aria-label": "Queue"}),
                    *drawn.place(ids.FLEET_TIME, fleet_time.content(view, forecast), element=html.Section,
                                 className="card fl-time", **{"aria-label": "Time of each worker"}),
                ],
                className="fl-low",
                id="fleet-low",
                hidden=not view.workers,
            ),
            fleet_add.dialog(),
            fleet_what_if.dialog(),
            fleet_panel.drawer(),
            dcc.Store(id=ids.FLEET_PRESS),
            dcc.Store(id=ids.FLEET_BY, data={"queue": "order", "time": "worker"}),
            dcc.Interval(id=ids.FLEET_CLOCK, interval=_CLOCK_MS, disabled=not view.busy),
            dcc.Interval(id=ids.FLEET_SLOW_CLOCK, interval=_SLOW_CLOCK_MS, disabled=not view.workers),
            frame.keys_of(*KEYS),
        ],
        className="page fleet",
    )  # fmt: skip


def head(view: FleetPage, forecast: FleetForecast | None = None) -> list[Component]:
    """How many work, how well the fleet is used, how much waits, what an hour costs; and what can be done."""
    if not view.workers:
        return [html.H1("Fleet", className="h1")]
    ask = html.Button("What if…", className="btn", title="When would all be done with other workers?", **fleet_press.asking())
    add = html.Button([frame.icon("plus"), "Add worker"], className="btn", **fleet_press.adding())
    acts = html.Div([_pause_all(view), ask, add], className="fl-acts")
    return [html.H1("Fleet", className="h1"), html.Div(facts(view, forecast), className="fl-facts"), acts]


def facts(view: FleetPage, forecast: FleetForecast | None = None, queue: str = "#fleet-queue") -> list[Component]:
    """How many work, how well the fleet is used, how much waits (which leads to `queue`), and what an hour costs."""
    told = [
        _fact(f"{view.busy:,}", f" of {words.counted(len(view.workers), 'worker')} busy"),
        _fact(f"{_percent(view.used)} %", " used in the last hour", title="The share of the hour in which workers had work."),
        _queue_fact(view, forecast, queue),
    ]
    if view.price_per_hour:
        told.append(_fact(words.money(view.price_per_hour), " an hour", title="What the workers cost together that take work."))
    return told


def _fact(number: str, text: str, title: str = "") -> Component:
    return html.Span([html.B(number, className="num"), text], title=title or None)


def _queue_fact(view: FleetPage, forecast: FleetForecast | None, href: str) -> Component:
    """How much waits, and when the runs that it is of are likely done; that is not told where one of them has no end."""
    if not view.waits:
        return html.Span("nothing waits")
    parts: list[Component | str] = [
        "queue ",
        html.B(f"{view.waits:,}", className="num"),
        f" {'job' if view.waits == 1 else 'jobs'}",
    ]
    ends = [run.likely_at for run in forecast.runs if run.waiting] if forecast else []
    told = [at for at in ends if at is not None]
    if told and len(told) == len(ends):
        parts += [", done ", html.Span(fleet_runs.moment(max(told), view.now), className="num")]
    return html.A(parts, href=href, title="When the runs that wait are likely done, with all that follows in them.")


def _pause_all(view: FleetPage) -> Component:
    takes = [one for one in view.workers if one.worker.state is WorkerState.ENABLED]
    verb, text = ("pause_all", "Pause new work") if takes else ("enable_all", "Take work again")
    why = "What runs goes on; no worker is given anything new." if takes else "Every worker is given work again."
    return _button(verb, 0, text, place="head", look="btn", title=why, command=text)


# Cards ----------------------------------------------------------------------------------------------------------


def cards(view: FleetPage) -> list[Component]:
    """A card for each worker; without one, what a worker is and how the first is added."""
    if not view.workers:
        return [_nothing()]
    count = len(view.workers)
    look = f"fl-cards of-{_COLUMNS.get(count, 4)}" if count <= _FULL else "fl-cards dense"
    return [html.Div([card(one, view.now, view.thresholds, is_full=count <= _FULL) for one in view.workers], className=look)]


def card(view: WorkerView, now: datetime, thresholds: Sequence[Threshold] = DEFAULTS, *, is_full: bool = True) -> Component:
    """One worker: how it stands, what it does and how far that is, what it has; `is_full` adds gauges."""
    worker = view.worker
    now_doing = next(iter(view.doing), None)
    parts = [_title(view), _job_line(view, now_doing, now), _bar(now_doing), _step_line(view, now_doing, now)]
    if is_full:
        parts += [fleet_gauges.block(view, thresholds, now), _foot(view, now)]
    is_bad = view.shown == "failed"
    return html.Article(
        parts,
        className="card fl-card bad" if is_bad else "card fl-card",
        **{"aria-label": f"{worker.name}: {view.word}", "data-worker": worker.name, "data-word": view.word},
    )


def _title(view: WorkerView) -> Component:
    worker = view.worker
    what = short_gpu(worker.gpu)
    verb, text, why = _first_verb(view)
    return html.Div(
        [
            palette.badge(view.shown, view.word),
            html.B(words.both_ends(worker.name), className="ends fl-name", title=worker.name),
            html.Span(what, className="muted cut fl-what", title=worker.gpu or "Its card is not known yet"),
            html.Span(f"· {view.word}" if what else view.word, className="muted fl-word"),
            html.Span(
                [
                    _button(verb, worker.id, text, title=why, label=f"{text} {worker.name}"),
                    _button("panel", worker.id, frame.icon("more"), title=f"More about {worker.name}",
                            look="btn ghost sm square", label=f"More about {worker.name}"),
                ],
                className="fl-verbs",
            ),
        ],
        className="fl-title",
    )  # fmt: skip


def short_gpu(gpu: str) -> str:
    """`RTX 4090` for `cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync`: what tells it from others, without memory."""
    return re.sub(r"^(cuda:\d+ )?(NVIDIA )?(GeForce )?| \d+ ?GB( HBM\w+)?| : \w+$", "", gpu).strip()


def _first_verb(view: WorkerView) -> tuple[str, str, str]:
    if view.worker.health in (Health.AWAY, Health.WEDGED, Health.STRANGE, Health.OCCUPIED, Health.UNKNOWN):
        return "look", "Look again", "Ask its server now how it is"
    if view.worker.state is not WorkerState.ENABLED:
        return "enable", "Undo", "Let it take work again"
    if view.aside:
        return "test", "Test", "Let it do something tiny from end to end"
    return "drain", "Drain", "Let it finish what it has and take nothing new"


def _job_line(view: WorkerView, doing: Doing | None, now: datetime) -> Component:
    if doing is None:
        return html.Div(html.Span(_idle(view), className="cut muted", title=_idle(view)), className="fl-line")
    name = dcc.Link(words.both_ends(doing.key), href=address(doing.subject, doing.subject_id, doing.run_id),
                    className="strong ends fl-key", title=f"{doing.key}, {doing.run_name}")  # fmt: skip
    part = f"segment {doing.part} of {doing.parts}" if doing.parts else "picture"
    tries = f"try {doing.attempt}, " if doing.attempt > 1 else ""
    return html.Div([name, html.Span(tries + part, className="muted num fl-part")], className="fl-line")


def address(subject: str, subject_id: int, run_id: int) -> str:
    """Where a job's subject is shown: the page of its scene, for a picture the board of its run."""
    return f"/cells/{subject_id}" if subject == "cell" else f"/runs/{run_id}"


def _idle(view: WorkerView) -> str:
    worker = view.worker
    if worker.health is Health.UNKNOWN:
        return "its server is looked at soon"
    if worker.health is not Health.WELL:
        return worker.health_reason or f"it is {worker.health.value}"
    if worker.pause_reason:
        return f"nothing: {worker.pause_reason}"
    if worker.state is not WorkerState.ENABLED:
        return "nothing; it takes no new work"
    if view.aside:
        return f"nothing of {work_words(view.aside[0].work)}"
    return f"works on {for_others(worker.others)}" if worker.others else "nothing to do"


def _bar(doing: Doing | None) -> Component:
    share = round(100 * doing.progress) if doing else 0
    labels = {
        "aria-valuenow": str(share),
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        "aria-label": f"{doing.key}" if doing else "",
    }
    fill = html.I(style={"width": f"{share}%"}, className="st-generating")
    if doing is None:
        return html.Div(fill, className="fl-bar", **{"aria-hidden": "true"})
    return html.Div(fill, className="fl-bar", role="progressbar", **labels)


def _step_line(view: WorkerView, doing: Doing | None, now: datetime) -> Component:
    left: list[Component | str] = []
    right: list[Component | str] = []
    if doing is not None:
        behind = len(view.doing) - 1
        left = [doing.step or "under way"]
        left += [f" · {behind} more waits here" if behind == 1 else f" · {behind} more wait here"] if behind else []
        right = [_left(doing, now)]
        title = f"Begun {words.exactly(doing.since)}"
        return html.Div(
            [html.Span(left, className="cut", title="".join(map(str, left))), html.Span(right, className="num", title=title)],
            className="fl-line muted small",
        )
    if view.worker.health_at and view.shown == "failed" and view.worker.health is not Health.WELL:
        left = [f"{view.worker.health.value} since ", words.since(view.worker.health_at, now)]
    elif view.aside and view.aside[0].test_at:
        left, right = ["tested at ", _clock(view.aside[0].test_at, now)], [f"in {words.until(view.aside[0].test_at, now)}"]
    elif view.worker.looked_at:
        left = ["looked at ", words.since(view.worker.looked_at, now)]
    return html.Div([html.Span(left, className="cut"), html.Span(right, className="num")], className="fl-line faint small")


def _left(doing: Doing, now: datetime) -> str:
    """How long it will take yet; where nothing tells that, or it should have ended, how long it has taken."""
    taken_s = (now - doing.since).total_seconds()
    taken = f"for {words.duration(taken_s)}"
    if doing.left_s is None:
        return taken
    if doing.left_s >= 1:
        return f"{words.duration(doing.left_s)} left"
    return "done any moment" if doing.left_s or taken_s < _MOMENT_S else f"{taken}, longer than usual"


def _clock(at: datetime, now: datetime) -> Component:
    return html.Span(words.clock(at, now), title=words.exactly(at))


def _foot(view: WorkerView, now: datetime) -> Component:
    """What is wrong or was, how old its telemetry is, and the loaded model."""
    warned = fleet_gauges.warning(view)
    age = fleet_gauges.age(view, now)
    told_at: list[Component | str] = [*age, " · "] if age else []
    if warned:
        left = html.Span(
            [html.Span("▲ ", className="fl-old"), warned, *([" · ", *age] if age else [])], className="cut", title=warned
        )
    elif view.aside:
        told = f"{view.aside[0].reason} ({words.counted(view.aside[0].failures, 'time')})"
        left = html.Span(told, className="cut", title=told)
    elif view.fault is not None:
        told = f"{view.fault.key}: {view.fault.reason}"
        fault = ["fault ", words.since(view.fault.at, now), f": {view.fault.reason}"]
        left = html.Span([*told_at, *fault], className="cut muted", title=told)
    else:
        age_s = min(_WEEK_S, (now - view.worker.created_at).total_seconds())
        calm = f"no fault in {words.duration(age_s // 60 * 60)}" if age_s >= 60 else "just added"
        left = html.Span([*told_at, calm], className="cut faint")
    model = view.worker.model or "no model loaded"
    return html.Div([left, html.Span(model, className="muted cut fl-model", title=model)], className="fl-line small fl-foot")


def _percent(share: float) -> int:
    return words.share(share, 1.0)


def _button(
    verb: str, worker_id: int, text: Component | str, *, title: str, place: str = "card", look: str = "btn ghost sm",
    label: str = "", command: str = "",
) -> Component:  # fmt: skip
    more = {name: value for name, value in (("aria-label", label), ("data-command", command)) if value}
    press = fleet_press.pressed(verb, worker=worker_id, place=place)
    return html.Button(text, className=look, title=title, **more, **press)


def _nothing() -> Component:
    kinds = ("generating", "generating", "generating", "queued")
    rows = [
        html.Div([html.I(className=f"st-{kinds[(row + place) % 4]}", style={"flex": 2 + (row * 5 + place * 3) % 6})
                  for place in range(7)])
        for row in range(4)
    ]  # fmt: skip
    return html.Div(
        [
            html.Div(rows, className="fl-ghost", **{"aria-hidden": "true"}),
            html.H2("No worker yet", className="big"),
            html.P(
                "A worker is a machine with a graphics card on which a ComfyUI server runs. Productions with the backend comfyui "
                "are generated by all workers together: each job goes where it is done soonest, and moves on when a worker fails."
            ),
            html.Button("Add a worker", className="btn primary", **fleet_press.adding()),
            html.P(["To see a fleet at work without one: ", html.Code("./stripboard demo --fleet 4")], className="faint"),
        ],
        className="pulse-empty fl-empty",
    )  # fmt: skip
