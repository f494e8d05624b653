"""Messages of rules: what was told to whom, what could not be delivered, and sending it again."""

from __future__ import annotations

import asyncio
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, ctx, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import drawn, frame, ids, trigger_messages
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path="/triggers/messages", title="Messages – Stripboard", name="Messages")

_MOST = 60
_COUNTED = 1_000
_NOW = f"{trigger_messages.SHOWN}-now"


async def layout(state: str = "", **_: str) -> Component:
    """The newest messages; of one state when the address names it."""
    return trigger_messages.page(await asyncio.to_thread(_view, state if state in trigger_messages.GROUPS else ""))


def _view(shown: str) -> trigger_messages.View:
    studio = current_studio()
    found = studio.messages.latest(_MOST, states=(shown,) if shown else ())
    dead = len(studio.messages.latest(_COUNTED, states=("dead",)))
    return trigger_messages.View(found, studio.trigger_console.now(), shown, dead)


def _parts(shown: str) -> tuple[object, ...]:
    view = _view(shown)
    rows = drawn.drawing(trigger_messages.LIST, trigger_messages.rows(view))
    return trigger_messages.head(view), trigger_messages.chips(view), rows, shown


@callback(
    Output(trigger_messages.HEAD, "children"),
    Output(trigger_messages.SHOWN, "children"),
    Output(drawn.data_id(trigger_messages.LIST), "data"),
    Output(_NOW, "data"),
    Input(ids.TICK, "data"),
    Input({"type": trigger_messages.SHOWN, "index": ALL}, "n_clicks"),
    State(_NOW, "data"),
    prevent_initial_call=True,
)
async def follow(_: object, __: object, shown: str) -> tuple[object, ...]:
    """The messages some time later, or those of another state."""
    at = ctx.triggered_id
    if isinstance(at, dict):
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            raise PreventUpdate
        shown = at["index"]
    return await asyncio.to_thread(_parts, shown)


@callback(
    Output(trigger_messages.HEAD, "children", allow_duplicate=True),
    Output(trigger_messages.SHOWN, "children", allow_duplicate=True),
    Output(drawn.data_id(trigger_messages.LIST), "data", allow_duplicate=True),
    Input(trigger_messages.AGAIN, "data"),
    State(_NOW, "data"),
    prevent_initial_call=True,
)
async def send_again(asked: Any, shown: str) -> tuple[object, ...]:
    """What was given up is tried once more, from the beginning."""
    if not asked:
        raise PreventUpdate
    number = int(asked["message"])
    await asyncio.to_thread(current_studio().messages.redeliver, number, local_actor())
    set_props(ids.TOASTS, {"children": frame.toast(f"Message {number} is due again. A running engine sends it.")})
    return (await asyncio.to_thread(_parts, shown))[:3]


drawn.register(trigger_messages.LIST)
