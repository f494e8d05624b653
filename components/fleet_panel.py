"""All about one worker, at the side: what it is, what it has shown, and everything that can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import fleet_add, fleet_press, ids, palette, words
from pipeline.domain.cost_keys import told_apart
from pipeline.domain.fleet.workers import DEFAULT_PLACES
from pipeline.domain.fleet_page import WorkerView
from pipeline.domain.graphics_memory import in_words
from pipeline.domain.workers import Health, WorkerState, WorkRecord

BODY = "fleet-panel-body"
TITLE = "fleet-panel-title"
WHICH = "fleet-panel-worker"
NAME, PRICE, TAGS, PLACES = "fleet-edit-name", "fleet-edit-price", "fleet-edit-tags", "fleet-edit-places"
FIELDS = (NAME, PRICE, TAGS, PLACES)
SAVE = "fleet-edit-save"
CHARTS = "fleet-panel-charts"
_SAVING = "The price counts for attempts that end from now on. Fewer jobs at once stop nothing that it has"
_NAMING = "What people call it. An agent on its machine has to be started with the new name."
SPAN = "fleet-panel-span"
"""How far back the charts look, one of `fleet_charts.SPANS`."""


def drawer() -> Component:
    """The panel, closed. The fields of its form are there from the start."""
    return html.Div(
        [
            dcc.Store(id=WHICH),
            dcc.Store(id=SPAN, data="hour"),
            dbc.Offcanvas(
                html.Div([html.Div(id=CHARTS), *form(None)], id=BODY),
                id=ids.FLEET_PANEL,
                title=html.Span("Worker", id=TITLE),
                labelledby=TITLE,
                placement="end",
                className="drawer",
                is_open=False,
            ),
        ]
    )


def content(view: WorkerView, now: datetime, charts: Sequence[Component] = ()) -> list[Component]:
    """What the panel shows of a worker; `charts` are those of its cards."""
    drawn = html.Section(list(charts), id=CHARTS, className="fl-part", **{"aria-label": "Telemetry"})
    return [_standing(view, now), _verbs(view), *_aside(view, now), drawn, _facts(view, now), *_speeds(view), *form(view)]


def _standing(view: WorkerView, now: datetime) -> Component:
    worker = view.worker
    told = worker.health_reason if worker.health is not Health.WELL else worker.why_not
    at = [" ", words.since(worker.health_at, now)] if worker.health_at and worker.health is not Health.WELL else []
    line = [palette.badge(view.shown, view.word), html.B(view.word), html.Span(at, className="muted")]
    return html.Div(
        [html.Div(line, className="fl-panel-line"), html.P(told, className="muted") if told else None], className="fl-part"
    )


def _verbs(view: WorkerView) -> Component:
    state = view.worker.state
    verbs = [
        ("enable", "Take work again", "Give it work again") if state is not WorkerState.ENABLED else None,
        ("pause", "Pause", "No new work until it is told to go on; what runs goes on")
        if state is not WorkerState.PAUSED
        else None,
        ("drain", "Drain", "Finish what it has and take nothing new, to be switched off")
        if state is not WorkerState.DRAINING
        else None,
        ("look", "Look again", "Ask its server now how it is"),
        ("test", "Test", "Let it do something tiny from end to end"),
    ]
    buttons = [_button(view, *verb) for verb in verbs if verb is not None]
    why = "It has work. Drain it first." if view.doing else "Forget it; what it has made stays"
    remove = html.Button(
        "Remove",
        className="btn sm danger",
        title=why,
        disabled=bool(view.doing),
        **fleet_press.pressed("remove", worker=view.worker.id, place="panel"),
    )
    return html.Div([*buttons, remove], className="fl-part fl-buttons")


def _button(view: WorkerView, verb: str, text: str, title: str) -> Component:
    press = fleet_press.pressed(verb, worker=view.worker.id, place="panel")
    return html.Button(text, className="btn sm", title=title, **press)


def _facts(view: WorkerView, now: datetime) -> Component:
    worker = view.worker
    free = f", {in_words(worker.free_bytes)} free" if worker.memory_bytes else ""
    pairs: list[tuple[str, Component | str]] = [
        ("Address", html.Span(worker.url, className="mono fl-url")),
        ("Card", worker.gpu or "not known yet"),
        ("Memory", f"{in_words(worker.memory_bytes)}{free}" if worker.memory_bytes else "not known yet"),
        ("Jobs at once", _places(worker.places)),
        ("Model", worker.model or "none loaded, as far as we know"),
        ("Loading a model", words.duration(worker.switch_s) if worker.switch_s else "not measured yet"),
        ("ComfyUI", worker.version or "not known yet"),
        ("Looked at", words.since(worker.looked_at, now) if worker.looked_at else "not yet"),
        ("Last fault", html.Span([words.since(view.fault.at, now), f": {view.fault.key}: {view.fault.reason}"])
         if view.fault else "none in seven days"),
        ("Last hour", f"{words.share(view.used, 1.0)} % used, {words.counted(view.done, 'result')}"),
        ("Added", words.since(worker.created_at, now)),
    ]  # fmt: skip
    rows = [html.Div([html.Dt(name, className="muted"), html.Dd(value)], className="fl-fact") for name, value in pairs]
    return html.Dl(rows, className="fl-part fl-facts-list")


def _places(places: int) -> str:
    """`2: one runs, one waits at its server`."""
    if places == 1:
        return "1: the next is sent when it has ended"
    return f"{places}: one runs, {'one waits' if places == 2 else f'{places - 1} wait'} at its server"


def _aside(view: WorkerView, now: datetime) -> list[Component]:
    told = told_apart(record.work for record in view.records)
    return [_aside_line(view, record, told[record.work], now) for record in view.aside]


def _aside_line(view: WorkerView, record: WorkRecord, work: str, now: datetime) -> Component:
    since: list[Component | str] = [" since ", words.clock(record.aside_since, now)] if record.aside_since else []
    test = f" It is tested at {words.clock(record.test_at, now)}." if record.test_at else ""
    press = fleet_press.pressed(f"take_back:{record.work}", worker=view.worker.id, place="panel")
    return html.Div(
        [
            html.Div([palette.badge("failed", "set aside"), html.B(f"Set aside for {work}"), *since],
                     className="fl-panel-line"),
            html.P(f"{record.reason}.{test}" if record.reason else test, className="muted"),
            html.Button("Take back", className="btn sm", title="Give it such work again at once", **press),
        ],
        className="fl-part",
    )  # fmt: skip


def _speeds(view: WorkerView) -> list[Component]:
    measured = [record for record in view.records if record.samples]
    if not measured:
        return []
    told = told_apart(record.work for record in view.records)
    rows = [
        html.Tr(
            [
                html.Td(told[record.work]),
                html.Td(f"{record.seconds_per_frame:.2f} s", className="num r"),
                html.Td(f"{record.samples:,}", className="num r muted"),
            ]
        )
        for record in measured
    ]
    head = html.Thead(html.Tr([html.Th("Measured", scope="col"), html.Th("a frame", scope="col", className="r"),
                               html.Th("attempts", scope="col", className="r")]))  # fmt: skip
    return [html.Table([head, html.Tbody(rows)], className="fl-part fl-speeds")]


def form(view: WorkerView | None) -> list[Component]:
    """Its name, price, tags and places, to be changed."""
    name = view.worker.name if view else ""
    price = view.worker.cost_per_hour if view else None
    places = view.worker.places if view else DEFAULT_PLACES
    tags = ", ".join(view.worker.tags) if view else ""
    return [
        html.Div(
            [
                fleet_add.name_field(NAME, name, _NAMING),
                fleet_add.price_field(PRICE, price),
                fleet_add.tags_field(TAGS, tags),
                fleet_add.places_field(PLACES, places),
                html.Button("Save", id=SAVE, className="btn", title=_SAVING),
            ],
            className="fl-part fl-form",
        )
    ]
