"""The log of rules: what happened, what each rule made of it, what followed, and why one did not fire."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, ctx
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import drawn, ids, rule_why, trigger_halt, trigger_log
from pipeline.domain.errors import NotFound
from pipeline.domain.rules.pages import Entry
from pipeline.domain.rules.planning import Outcome
from pipeline.wiring_serving import current_studio
from pipeline.wiring_triggers import LogOf

dash.register_page(__name__, path="/triggers/log", title="Trigger log – Stripboard", name="Trigger log")

_MOST_DIGITS = 15


async def layout(rule: str = "", event: str = "", cell: str = "", **_: str) -> Component:
    """The page as it is now; of one rule, one event or one scene when the address names it, with why it did not fire."""
    seq = _number(event)
    wanted = trigger_log.Wanted({"text": "", "rule": rule, "event": "", "shown": ""}, {"event": seq, "cell": _number(cell)}, seq)
    return trigger_log.page(await asyncio.to_thread(_opened, wanted))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _opened(wanted: trigger_log.Wanted) -> trigger_log.View:
    """As the address has it. Where it asks about something, the newest rule that did not fire is explained at once."""
    view = _view(wanted)
    is_asked = _number(wanted.chosen["rule"]) is not None or any(one is not None for one in wanted.of.values())
    at = _first_that_did_not(view.entries, wanted.chosen["rule"]) if is_asked else None
    return replace(view, why=_why(*at)) if at else view


def _first_that_did_not(entries: Sequence[Entry], rule: str) -> tuple[int, int] | None:
    """The newest event and a rule that did not fire on it; one that fired where all did."""
    lines = [(entry.seq, line) for entry in entries for line in entry.lines if rule in ("", line.rule_id)]
    found = next((one for one in lines if one[1].outcome is not Outcome.MATCHED), lines[0] if lines else None)
    return (found[0], int(found[1].rule_id)) if found else None


def _view(wanted: trigger_log.Wanted) -> trigger_log.View:
    studio = current_studio()
    now, chosen = studio.trigger_pages.now(), wanted.chosen
    found = studio.trigger_pages.log(LogOf(_number(chosen["rule"]), wanted.of.get("event"), wanted.of.get("cell")))
    counts = Counter(trigger_log.group_of(line.outcome) for entry in found.entries for line in entry.lines)
    entries = [entry for entry in found.entries if trigger_log.is_wanted(entry, chosen)]
    is_there = any(entry.seq == wanted.open for entry in entries)
    tree = studio.trigger_views.what_followed_event(wanted.open) if is_there and wanted.open is not None else ()
    return trigger_log.View(
        entries, now.at, counts, [(str(one.id), one.name) for one in now.rules], chosen, trigger_halt.of(now.halt, now.is_halted),
        of=wanted.of, name=found.name, planned=found.planned, left=found.left, roots=found.roots, open=wanted.open, tree=tree,
    )  # fmt: skip


def _why(event_seq: int, rule_id: int) -> rule_why.Why | None:
    """None where the rule was removed meanwhile."""
    try:
        found = current_studio().trigger_pages.why(event_seq, rule_id)
    except NotFound:
        return None
    return rule_why.Why(found.verdict, found.about, found.event, found.missing, event_seq)


@callback(
    Output(trigger_log.HEAD, "children"),
    Output(drawn.data_id(trigger_log.LINES), "data"),
    Output({"type": trigger_log.SHOWN, "index": ALL}, "aria-pressed"),
    Input(ids.TICK, "data"),
    Input(trigger_log.TEXT, "value"),
    Input(trigger_log.RULE, "value"),
    Input(trigger_log.EVENT, "value"),
    Input({"type": trigger_log.SHOWN, "index": ALL}, "n_clicks"),
    Input(trigger_log.OPEN, "data"),
    State({"type": trigger_log.SHOWN, "index": ALL}, "aria-pressed"),
    State(trigger_log.OF, "data"),
    prevent_initial_call=True,
)
async def follow(
    _: object, text: str | None, rule: str | None, event: str | None, __: object, opened: int | None, marks: list[str],
    of: dict[str, Any],
) -> tuple[object, ...]:  # fmt: skip
    """The log some time later, with other filters, or with what followed from another event."""
    keys = list(trigger_log.GROUPS)
    shown = next((key for key, mark in zip(keys, marks, strict=False) if mark == "true"), "")
    at = ctx.triggered_id
    if isinstance(at, dict) and at["type"] == trigger_log.SHOWN and ctx.triggered[0]["value"]:
        shown = at["index"]
    every = ("*", None)
    chosen = {
        "text": text or "", "rule": "" if rule in every else str(rule), "event": "" if event in every else str(event),
        "shown": shown,
    }  # fmt: skip
    view = await asyncio.to_thread(_view, trigger_log.Wanted(chosen, of, opened or None))
    return (
        trigger_log.head(view),
        drawn.drawing(trigger_log.LINES, trigger_log.lines(view)),
        [str(key == shown).lower() for key in keys],
    )


@callback(Output(trigger_log.SIDE, "children"), Input(trigger_log.ASKED, "data"), prevent_initial_call=True)
async def explain(asked: Any) -> list[Component | None]:
    """Why the pressed rule did or did not fire, on the board as it stands."""
    if not asked:
        raise PreventUpdate
    seq = int(asked["event"])
    found = await asyncio.to_thread(current_studio().trigger_pages.why, seq, int(asked["rule"]))
    return rule_why.panel(rule_why.Why(found.verdict, found.about, found.event, found.missing, seq))


drawn.register(trigger_log.LINES)
