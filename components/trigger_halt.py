"""The emergency halt of all rules: the red switch, what it asks, its receipt, and the resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import words
from pipeline.domain.rules.stored import Halt as Stored

OPEN, DIALOG, DO, RESUME = "halt-open", "halt-dialog", "halt-do", "halt-resume"
REASON, WORK = "halt-reason", "halt-work"
TITLE = "halt-title"
GO = "triggers-go"
"""Where the browser goes once it is done: every page with the red switch has this place."""
WORK_CHOICES = {"none": "leave it", "queued": "take out what is queued", "running": "take out what is queued and stop what runs"}


@dataclass(frozen=True)
class Halt:
    """Whether all rules are stopped; since when, by whom and why, and the lines of its receipt as (word, count)."""

    is_halted: bool = False
    since: datetime | None = None
    by: str = ""
    reason: str = ""
    receipt: Sequence[tuple[str, str]] = ()


RUNNING = Halt()


def button(halt: Halt) -> Component:
    """The red switch; while halted it leads back."""
    if halt.is_halted:
        return html.Button("Resume…", id=OPEN, className="btn tr-halt")
    title = "Stops every rule at once; asks what to do with the work they queued"
    return html.Button([html.I(), "Emergency halt"], id=OPEN, className="btn tr-halt", title=title)


def banner(halt: Halt, now: datetime) -> Component:
    """That nothing fires, since when and why."""
    told: list[Component | str] = [html.B("All rules are halted"), f" by {halt.by}" if halt.by else ""]
    told += [", ", words.since(halt.since, now)] if halt.since else []
    told += [f": “{halt.reason}”" if halt.reason else "", ". Events are still recorded; no rule fires."]
    return html.Div([html.Span("■", className="tr-bad"), html.Span(told)], className="tr-next halted")


def dialog(halt: Halt) -> Component:
    """Halt, or the reviewed resume."""
    return dbc.Modal(
        _resuming(halt) if halt.is_halted else _halting(),
        id=DIALOG, labelledby=TITLE, fade=False, is_open=False, centered=True,
    )  # fmt: skip


def _halting() -> list[Component]:
    options = [{"value": key, "label": label[0].upper() + label[1:]} for key, label in WORK_CHOICES.items()]
    body = [
        html.P("No rule fires until somebody resumes. What people ask for goes on."),
        html.Label("The work that rules have caused", htmlFor=WORK, className="bu-label"),
        dbc.Select(id=WORK, options=options, value="none"),
        html.Label("Why", htmlFor=REASON, className="bu-label"),
        dbc.Input(id=REASON, type="text", maxLength=300, placeholder="such as: wrong workflow on dance", autocomplete="off"),
        html.Button(id=RESUME, hidden=True),
    ]
    return [
        dbc.ModalHeader(dbc.ModalTitle("Halt all rules", id=TITLE)),
        dbc.ModalBody(html.Div(body, className="bu-form")),
        dbc.ModalFooter(html.Button("Halt now", id=DO, className="btn danger")),
    ]


def _resuming(halt: Halt) -> list[Component]:
    body = [
        html.P("What the halt has stopped. Rules go on with what happens from now; what happened meanwhile stays as it is."),
        receipt(halt.receipt),
        html.Button(id=DO, hidden=True),
        dbc.Input(id=REASON, type="hidden", value=""),
        dbc.Input(id=WORK, type="hidden", value="none"),
    ]
    return [
        dbc.ModalHeader(dbc.ModalTitle("Resume", id=TITLE)),
        dbc.ModalBody(body),
        dbc.ModalFooter(html.Button("I have looked at it: resume", id=RESUME, className="btn primary")),
    ]


def receipt(lines: Sequence[tuple[str, str]]) -> Component:
    """What was stopped, line by line."""
    rows = [html.Div([html.Dt(word), html.Dd(count, className="num")]) for word, count in lines]
    return html.Dl(rows or [html.Div([html.Dt("Nothing had to be stopped."), html.Dd("")])], className="tr-receipt")


_MOST_NAMES = 6


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more}"


_LINES = {
    "rules": "rules stopped",
    "waiting": "firings ended before their action",
    "jobs": "jobs taken out or stopped",
    "messages": "messages held back",
}


def of(stored: Stored | None, is_halted: bool) -> Halt:
    """The newest halt as it is shown."""
    if stored is None:
        return RUNNING
    lines = [(word, f"{int(stored.receipt[key]):,}") for key, word in _LINES.items() if isinstance(stored.receipt.get(key), int)]
    for word, key in (("scenes", "cells"), ("pictures", "stills")):
        names = [str(name) for name in stored.receipt.get(key) or ()]
        if names:
            lines.append((word, _some(names)))
    for one in stored.receipt.get("causes") or ():
        named = _some([*one["cells"], *one["stills"]])
        lines.append((f"asked for by {one['rule']}", f"{words.counted(one['jobs'], 'job')}: {named}"))
    return Halt(is_halted, stored.at, stored.by.partition(":")[2] or stored.by, stored.reason, tuple(lines))
