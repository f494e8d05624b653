"""Triggers: every rule with what it does and has done, which leads to which, and the emergency halt."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import drawn, frame, ids, rule_chain, trigger_halt, triggers
from pipeline.domain.rules.chart import draw
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path="/triggers", title="Triggers – Stripboard", name="Triggers")


_MOST_GIVEN_UP = 1_000


async def layout(**_: str) -> Component:
    """The page as it is now."""
    return triggers.page(await asyncio.to_thread(_view))


def _view() -> triggers.View:
    pages = current_studio().trigger_pages
    now = pages.now()
    rules = [stored.rule for stored in now.rules]
    waits = [triggers.Waits(stored.rule, stored.saved_at) for stored in now.rules if not stored.rule.approved]
    halt = trigger_halt.of(now.halt, now.is_halted)
    given_up = len(current_studio().messages.latest(_MOST_GIVEN_UP, states=("dead",)))
    return triggers.View(rules, draw(rules, pages.gates()), now.at, now.today, waits, halt, given_up)


@callback(
    Output(triggers.HEAD, "children"),
    Output(triggers.NEXT, "children"),
    Output(drawn.data_id(triggers.LIST), "data"),
    Input(ids.TICK, "data"),
    prevent_initial_call=True,
)
async def follow(_: object) -> tuple[object, ...]:
    """What rules have done since."""
    view = await asyncio.to_thread(_view)
    return triggers.head(view), triggers.coming(view), drawn.drawing(triggers.LIST, triggers.rows(view))


@callback(
    Output(drawn.data_id(triggers.LIST), "data", allow_duplicate=True),
    Input(triggers.SWITCH, "data"),
    prevent_initial_call=True,
)
async def switch(asked: Any) -> dict[str, Any]:
    """One rule on or off."""
    if not asked:
        raise PreventUpdate
    told = await asyncio.to_thread(_switch, str(asked["rule"]))
    set_props(ids.TOASTS, {"children": frame.toast(told)})
    return drawn.drawing(triggers.LIST, triggers.rows(await asyncio.to_thread(_view)))


def _switch(rule_id: str) -> str:
    studio = current_studio()
    stored = studio.triggers.find(rule_id)
    found = studio.triggers.enable(stored, not stored.enabled, local_actor())
    return f"{found.name} is {'on: it hears what happens from now on' if found.enabled else 'off'}."


@callback(
    Output(trigger_halt.DIALOG, "is_open"),
    Input(trigger_halt.OPEN, "n_clicks"),
    prevent_initial_call=True,
)
def open_halt(pressed: int | None) -> bool:
    """Ask before anything is stopped, or show what was."""
    return bool(pressed)


@callback(
    Output(trigger_halt.GO, "href", allow_duplicate=True),
    Input(trigger_halt.DO, "n_clicks"),
    Input(trigger_halt.RESUME, "n_clicks"),
    State(trigger_halt.REASON, "value"),
    State(trigger_halt.WORK, "value"),
    prevent_initial_call=True,
)
async def halt(_: int | None, __: int | None, reason: str | None, work: str | None) -> str:
    """Stop all rules, with the work that they have caused as chosen; or let them go on."""
    if not ctx.triggered or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    is_halt = ctx.triggered_id == trigger_halt.DO
    told = await asyncio.to_thread(_halt, reason or "", work or "none") if is_halt else await asyncio.to_thread(_resume)
    set_props(ids.TOASTS, {"children": frame.toast(told)})
    return f"/triggers?at={uuid.uuid4().hex[:8]}"


def _halt(reason: str, work: str) -> str:
    queued, running = work in ("queued", "running"), work == "running"
    made = current_studio().triggers.halt(local_actor(), reason=reason, stop_queued=queued, stop_running=running)
    return f"All rules are halted. {made.receipt.get('rules', 0)} were on, {made.receipt.get('jobs', 0)} jobs were stopped."


def _resume() -> str:
    current_studio().triggers.resume(local_actor())
    return "Rules fire again, on what happens from now on."


drawn.register(triggers.LIST)
clientside_callback(
    ClientsideFunction("triggers", "colours"), Output(rule_chain.GRAPH, "stylesheet"), Input(rule_chain.GRAPH, "elements")
)
clientside_callback(
    ClientsideFunction("triggers", "open"),
    Output(trigger_halt.GO, "href"),
    Input(rule_chain.GRAPH, "tapNodeData"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("triggers", "choose"),
    Output(triggers.DRAWN, "hidden"),
    Output(triggers.TOLD, "hidden"),
    Output(triggers.AS_GRAPH, "aria-pressed"),
    Output(triggers.AS_TABLE, "aria-pressed"),
    Input(triggers.AS_GRAPH, "n_clicks"),
    Input(triggers.AS_TABLE, "n_clicks"),
    prevent_initial_call=True,
)
