"""The test console: an event made up or taken from the log, and its chain step by step; and a past period run again."""

from __future__ import annotations

import asyncio
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import drawn, trigger_console, trigger_replay, trigger_steps
from components.trigger_console import Choice
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.records import Run
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.periods import Span
from pipeline.domain.rules.stored import StoredRule
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.statuses import RunStatus
from pipeline.wiring_serving import current_studio
from pipeline.wiring_triggers import Asked

dash.register_page(__name__, path="/triggers/test", title="Test console – Stripboard", name="Test console")

_MOST_RUNS = 50
_ACTIVE = (RunStatus.RUNNING, RunStatus.PAUSED)
_MOST_DIGITS = 15


async def layout(run: str = "", event: str = "", cell: str = "", rule: str = "", **_: str) -> Component:
    """The page as it is now; what the address names is filled in, and an event that it names is tried at once."""
    return trigger_console.page(await asyncio.to_thread(_view, run, event, cell, rule))


def _view(run: str, event: str, cell: str, rule: str) -> trigger_console.View:
    studio = current_studio()
    runs, stored = studio.runs.all(), studio.triggers.all()
    now = studio.trigger_console.now()
    choice = _choice(runs, stored, run=_number(run), event=_number(event), cell=_number(cell), rule=_number(rule))
    if choice.run is None:
        return trigger_console.View(choice, now)
    known = studio.trigger_console.names(choice.run, choice.type)
    tried = _try(choice) if choice.event is not None or choice.about else None
    return trigger_console.View(
        choice,
        now,
        runs[:_MOST_RUNS] + [one for one in runs[_MOST_RUNS:] if one.id == choice.run],
        [(str(one.id), one.name) for one in stored],
        [name for one in stored for name in one.rule.events],
        known,
        _stored(choice.run, choice.event),
        tried,
        _replay(choice.run, choice.rule, Span.WEEK),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _choice(
    runs: list[Run], stored: list[StoredRule], *, run: int | None, event: int | None, cell: int | None, rule: int | None
) -> Choice:
    """What the address asks for; without anything the newest run, and an event that some rule listens to."""
    studio = current_studio()
    console = studio.trigger_console
    wanted = next((one for one in stored if one.id == rule), None)
    scene = console.scene(cell) if cell is not None else None
    at = run or (scene[0] if scene else None) or (console.run_of(event) if event is not None else None)
    ours = [one for one in runs if wanted is None or wanted.project in (None, one.title)]
    usual = next((one.id for one in ours if one.status in _ACTIVE), ours[0].id if ours else None)
    at = at if any(one.id == at for one in runs) else usual or (runs[0].id if runs else None)
    events = [name for one in ([wanted] if wanted else stored) for name in one.rule.events]
    named = "cell.approved" if scene is not None or not events or "cell.approved" in events else events[0]
    return Choice(
        at, str(wanted.id) if wanted else trigger_console.NO_RULE, named, scene[1] if scene else "",
        event if event is not None and console.run_of(event) == at else None,
    )  # fmt: skip


def _stored(run_id: int, event: int | None) -> list[trigger_console.Stored]:
    found = current_studio().trigger_console.events(run_id, seq=event)
    return [trigger_console.Stored(one.seq, one.words, one.about, one.at) for one in found]


def _rule(key: str | None) -> Rule | None:
    return current_studio().triggers.find(int(key)).rule if key and key.isdigit() else None


def _try(choice: Choice) -> trigger_steps.Result:
    if choice.run is None:
        raise PreventUpdate
    try:
        asked = Asked(choice.run, choice.event, choice.type, choice.about.strip(), _rule(choice.rule), choice.assumption)
        made = current_studio().trigger_console.follow(asked)
    except (Invalid, NotFound) as error:
        return trigger_steps.Result(problem=str(error))
    return trigger_steps.Result(made.walk, EVENTS[made.event.type].words, made.about, made.left)


def _replay(run_id: int, rule: str | None, span: Span) -> list[Component]:
    studio = current_studio()
    try:
        chosen = _rule(rule)
    except NotFound as error:
        return trigger_replay.section(trigger_console.REPLAY, trigger_replay.View(span), problem=str(error))
    made = studio.trigger_console.replay([chosen] if chosen else studio.trigger_console.rules_in_force(), span, run_id=run_id)
    view = trigger_replay.View(span, made.run, made.period, made.is_cut) if made else trigger_replay.View(span)
    return trigger_replay.section(trigger_console.REPLAY, view)


@callback(
    Output(drawn.data_id(trigger_console.SIDE), "data"),
    Output(drawn.data_id(trigger_console.STEPS), "data"),
    Input(trigger_console.DO, "n_clicks"),
    Input(trigger_console.ABOUT, "n_submit"),
    State(trigger_console.RUN, "value"),
    State(trigger_console.RULE, "value"),
    State({"type": trigger_console.SOURCE, "index": ALL}, "aria-pressed"),
    State(trigger_console.TYPE, "value"),
    State(trigger_console.ABOUT, "value"),
    State(trigger_console.EVENT, "value"),
    State(trigger_console.GOES, "value"),
    State(trigger_console.QA, "value"),
    prevent_initial_call=True,
    running=[(Output(trigger_console.DO, "disabled"), True, False)],
)
async def follow(
    pressed: int | None,
    entered: int | None,
    run: str,
    rule: str,
    pressed_: list[str],
    type: str,
    about: str | None,
    event: str,
    goes: str,
    qa: str,
) -> tuple[Any, ...]:
    """Follow the event that is filled in to its end."""
    if not pressed and not entered:
        raise PreventUpdate
    is_stored = pressed_[1:] == ["true"]
    seq = _number(str(event)) if is_stored else None
    if is_stored and seq is None:
        result = trigger_steps.Result(problem="Nothing has happened in this run yet. Make up an event instead.")
    else:
        choice = Choice(_number(str(run)), rule, type, about or "", seq, goes, qa)
        result = await asyncio.to_thread(_try, choice)
    side = drawn.drawing(trigger_console.SIDE, trigger_steps.details(result))
    return side, drawn.drawing(trigger_console.STEPS, trigger_steps.chain(result))


@callback(
    Output(trigger_console.KNOWN, "children"),
    Output(trigger_console.ABOUT, "disabled"),
    Output(trigger_console.ABOUT, "placeholder"),
    Input(trigger_console.RUN, "value"),
    Input(trigger_console.TYPE, "value"),
    Input(trigger_console.ABOUT, "value"),
    prevent_initial_call=True,
)
async def look_up(run: str, type: str, about: str | None) -> tuple[Any, ...]:
    """The names that what is typed may mean."""
    known = await asyncio.to_thread(current_studio().trigger_console.names, int(run), type, about or "")
    shown = trigger_console.about_of(type)
    return trigger_console.options(known), not shown.is_asked, shown.hint


@callback(
    Output(trigger_console.EVENT, "options"),
    Output(trigger_console.EVENT, "value"),
    Input(trigger_console.RUN, "value"),
    prevent_initial_call=True,
)
async def other_run(run: str) -> tuple[Any, ...]:
    """What has happened in the chosen run."""
    found = await asyncio.to_thread(_stored, int(run), None)
    now = current_studio().trigger_console.now()
    offered = trigger_console.stored_options(found, now)
    return offered, offered[0]["value"]


@callback(
    Output(trigger_console.REPLAY, "children"),
    Input({"type": trigger_replay.SPAN, "place": trigger_console.REPLAY, "span": ALL}, "n_clicks"),
    Input(trigger_console.RUN, "value"),
    Input(trigger_console.RULE, "value"),
    State({"type": trigger_replay.SPAN, "place": trigger_console.REPLAY, "span": ALL}, "aria-pressed"),
    prevent_initial_call=True,
)
async def replay(_: object, run: str, rule: str, marks: list[str]) -> list[Component]:
    """The period that is chosen, through the rules that are chosen."""
    if not ctx.triggered or ctx.triggered[0]["value"] is None:
        raise PreventUpdate
    at = ctx.triggered_id
    shown = next((span for span, mark in zip(Span, marks, strict=False) if mark == "true"), Span.WEEK)
    span = Span(at["span"]) if isinstance(at, dict) else shown
    return await asyncio.to_thread(_replay, int(run), rule, span)


clientside_callback(
    ClientsideFunction("console", "choose"),
    Output(trigger_console.MADE_UP, "hidden"),
    Output(trigger_console.STORED, "hidden"),
    Output({"type": trigger_console.SOURCE, "index": ALL}, "aria-pressed"),
    Input({"type": trigger_console.SOURCE, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
drawn.register(trigger_console.STEPS, trigger_console.SIDE)
