"""Triggers: every rule with what it does and has done, which leads to which, and the emergency halt."""

from __future__ import annotations

import asyncio

import dash
from dash import ClientsideFunction, Input, Output, callback, clientside_callback
from dash.development.base_component import Component

from components import ids, rule_chain, trigger_halt, triggers
from pipeline.domain.rules.chart import draw
from pipeline.wiring_serving import current_studio

dash.register_page(__name__, path="/triggers", title="Triggers – Stripboard", name="Triggers")


async def layout(**_: str) -> Component:
    """The page as it is now."""
    return triggers.page(await asyncio.to_thread(_view))


def _view() -> triggers.View:
    now = current_studio().trigger_pages.now()
    rules = [stored.rule for stored in now.rules]
    waits = [triggers.Waits(stored.rule, stored.saved_at) for stored in now.rules if not stored.rule.approved]
    halt = trigger_halt.of(now.halt, now.is_halted)
    return triggers.View(rules, draw(rules), now.at, now.today, waits, halt)


@callback(
    Output(triggers.HEAD, "children"),
    Output(triggers.NEXT, "children"),
    Output(triggers.LIST, "children"),
    Input(ids.TICK, "data"),
    prevent_initial_call=True,
)
async def follow(_: object) -> tuple[object, ...]:
    """What rules have done since."""
    view = await asyncio.to_thread(_view)
    return triggers.head(view), triggers.coming(view), triggers.rows(view)


clientside_callback(
    ClientsideFunction("triggers", "colours"), Output(rule_chain.GRAPH, "stylesheet"), Input(rule_chain.GRAPH, "elements")
)
clientside_callback(
    ClientsideFunction("triggers", "open"),
    Output(triggers.GO, "href"),
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
