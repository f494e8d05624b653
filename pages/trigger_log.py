"""The log of rules: what happened, what each rule made of it, and why one did not fire."""

from __future__ import annotations

import asyncio
from collections import Counter

import dash
from dash import ALL, Input, Output, State, callback, ctx
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import ids, rule_why, trigger_halt, trigger_log
from pipeline.wiring_serving import current_studio

dash.register_page(__name__, path="/triggers/log", title="Trigger log – Stripboard", name="Trigger log")


async def layout(rule: str = "", **_: str) -> Component:
    """The page as it is now; of one rule when the address names it."""
    return trigger_log.page(await asyncio.to_thread(_view, "", rule, "", ""))


def _view(text: str, rule: str, event: str, shown: str) -> trigger_log.View:
    studio = current_studio()
    now = studio.trigger_pages.now()
    found = studio.trigger_pages.log(trigger_id=int(rule) if rule.isdigit() else None)
    counts = Counter(trigger_log.group_of(line.outcome) for entry in found for line in entry.lines)
    chosen = {"text": text, "rule": rule, "event": event, "shown": shown}
    entries = [entry for entry in found if trigger_log.is_wanted(entry, chosen)]
    rules = [(str(one.id), one.name) for one in now.rules]
    return trigger_log.View(entries, now.at, counts, rules, chosen, trigger_halt.of(now.halt, now.is_halted))


@callback(
    Output(trigger_log.HEAD, "children"),
    Output(trigger_log.LINES, "children"),
    Output({"type": trigger_log.SHOWN, "index": ALL}, "aria-pressed"),
    Input(ids.TICK, "data"),
    Input(trigger_log.TEXT, "value"),
    Input(trigger_log.RULE, "value"),
    Input(trigger_log.EVENT, "value"),
    Input({"type": trigger_log.SHOWN, "index": ALL}, "n_clicks"),
    State({"type": trigger_log.SHOWN, "index": ALL}, "aria-pressed"),
    prevent_initial_call=True,
)
async def follow(
    _: object, text: str | None, rule: str | None, event: str | None, __: object, marks: list[str]
) -> tuple[object, ...]:
    """The log some time later, or with other filters."""
    keys = list(trigger_log.GROUPS)
    shown = next((key for key, mark in zip(keys, marks, strict=False) if mark == "true"), "")
    at = ctx.triggered_id
    if isinstance(at, dict) and at["type"] == trigger_log.SHOWN and ctx.triggered[0]["value"]:
        shown = at["index"]
    every = ("*", None)
    view = await asyncio.to_thread(
        _view, text or "", "" if rule in every else str(rule), "" if event in every else str(event), shown
    )
    return trigger_log.head(view), trigger_log.lines(view), [str(key == shown).lower() for key in keys]


@callback(
    Output(trigger_log.SIDE, "children"),
    Input({"type": trigger_log.WHY, "event": ALL, "rule": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
async def explain(_: object) -> list[Component | None]:
    """Why the pressed rule did or did not fire, on the board as it stands."""
    if not ctx.triggered or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    at = ctx.triggered_id
    found = await asyncio.to_thread(current_studio().trigger_pages.why, int(at["event"]), int(at["rule"]))
    return rule_why.panel(rule_why.Why(found.verdict, found.about, found.event, found.missing))
