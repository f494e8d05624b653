"""The rules of a house: what each does and has done, what waits for an admin, which leads to which, and the halt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components import drawn, frame, rule_chain, trigger_halt, words
from components.icons import icon
from pipeline.domain.rules.chart import Chart
from pipeline.domain.rules.effects import NO_COST
from pipeline.domain.rules.model import Rule, in_order
from pipeline.domain.rules.pages import Today
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.templates import TEMPLATES
from pipeline.domain.rules.wording import sentence

HEAD, NEXT, LIST, CHAIN = "triggers-head", "triggers-next", "triggers-list", "triggers-chain"
AS_GRAPH, AS_TABLE, DRAWN, TOLD = "chain-as-graph", "chain-as-table", "chain-drawn", "chain-told"
SWITCH, APPROVE, REMOVE, TEMPLATE = "trigger-switch", "trigger-approve", "trigger-remove", "trigger-template"
_EMPTY = (
    "A rule says: when this happens, do that. When a variant is approved, submit its scenes; when all scenes of a character are "
    "approved, package it and tell people. Before a rule does anything it shows what it would do and cost, and one that makes "
    "pictures or scenes waits for an admin."
)


@dataclass(frozen=True)
class Waits:
    """A version that waits for an admin, and what it would do on the board of today; None where there is none to try it on."""

    rule: Rule
    since: datetime | None = None
    firings: int = 0
    cost: Cost | None = None


@dataclass(frozen=True)
class View:
    """Everything the page shows. `today` is by the id of a rule; `given_up` counts messages that could not be delivered."""

    rules: Sequence[Rule]
    chart: Chart
    now: datetime
    today: Mapping[str, Today] = field(default_factory=dict)
    waits: Sequence[Waits] = ()
    halt: trigger_halt.Halt = trigger_halt.RUNNING
    given_up: int = 0


def page(view: View) -> Component:
    """The page as it is now."""
    return html.Div(
        [
            dcc.Location(id=trigger_halt.GO, refresh="callback-nav"),
            html.Div(
                [
                    html.H1("Triggers", className="h1"),
                    html.Span(head(view), id=HEAD, className="muted num"),
                    html.Span(className="spread"),
                    dcc.Link(
                        ["Messages ", *_given_up(view)], href="/triggers/messages", className="btn ghost", id="triggers-messages"
                    ),
                    dcc.Link(
                        ["Test console ", html.Kbd("t", className="kbd")], href="/triggers/test", className="btn ghost key-t"
                    ),
                    dcc.Link(
                        ["Log ", html.Kbd("l", className="kbd")],
                        href="/triggers/log",
                        className="btn ghost key-l",
                        id="triggers-log",
                    ),
                    dcc.Link(
                        [icon("plus"), "New rule"], href="/triggers/rule/new", id="triggers-new", className="btn primary key-c"
                    ),
                    html.Span(className="tr-sep"),
                    trigger_halt.button(view.halt),
                ],
                className="page-head tr-head",
            ),
            html.Div(coming(view), id=NEXT),
            html.Section(drawn.place(LIST, rows(view)), className="card tr-card", **{"aria-label": "All rules"}),
            dcc.Store(id=SWITCH, data=0),
            html.Section(chain(view), id=CHAIN, className="card tr-chain", hidden=not view.rules, **{"aria-label": "Chain"}),
            trigger_halt.dialog(view.halt),
            frame.keys_of(("t", "try rules in the test console"), ("l", "show the log"), ("c", "make a rule")),
        ],
        className="page triggers",
    )


def head(view: View) -> list[Component | str]:
    """How many rules, and what they did today."""
    if not view.rules:
        return []
    found = list(view.today.values())
    cost = sum((one.caused for one in found), NO_COST)
    parts: list[Component | str] = [f"{words.counted(len(view.rules), 'rule')} · today "]
    fired = sum(one.fired for one in found)
    figures = [(f"{fired:,}", "firing" if fired == 1 else "firings")]
    figures += [(f"{cost.jobs:,}", "job" if cost.jobs == 1 else "jobs")] if cost.jobs else []
    figures += [(words.hours(cost.gpu_seconds), "GPU time")] if cost.gpu_seconds else []
    refused = sum(one.refused for one in found)
    figures += [(words.money(cost.money), "")] if cost.money else []
    figures += [(f"{refused:,}", "refused")] if refused else []
    for number, (figure, word) in enumerate(figures):
        parts += [", " if number else "", html.B(figure), f" {word}" if word else ""]
    return parts


def _given_up(view: View) -> list[Component]:
    """How many messages wait for somebody to look at them."""
    if not view.given_up:
        return []
    told = words.counted(view.given_up, "message")
    return [html.Span(["✕ ", f"{view.given_up:,}"], className="tr-given-up num", title=f"{told} could not be delivered")]


def coming(view: View) -> list[Component]:
    """What a person should do next: resume after a halt, or approve what waits."""
    if view.halt.is_halted:
        return [trigger_halt.banner(view.halt, view.now)]
    return [_waits(one, view.now) for one in view.waits[:3]]


def _waits(waits: Waits, now: datetime) -> Component:
    rule, cost = waits.rule, waits.cost
    told: list[Component | str] = [html.B(f"{rule.name} v{rule.version}"), " waits for an admin"]
    told += [", ", words.since(waits.since, now)] if waits.since else []
    told.append(". ")
    if cost is not None:
        told += [
            "On today's board it would fire ",
            html.B(words.counted(waits.firings, "time")),
            *spelled(cost, before=", queue "),
            ".",
        ]
    return html.Div(
        [
            html.Span("◉", className="tr-ask"),
            html.Span(told),
            html.Span(className="spread"),
            dcc.Link("Review the change", href=f"/triggers/rule/{rule.id}", className="btn sm"),
        ],
        className="tr-next",
    )


def spelled(cost: Cost, *, before: str = "") -> list[Component | str]:
    """`32 jobs, 2.1 GPU-hours, € 5.60`, with figures in bold."""
    if not cost.jobs:
        return []
    parts: list[Component | str] = [before, html.B(words.counted(cost.jobs, "job"))]
    parts += [", ", html.B(words.hours(cost.gpu_seconds)), " of GPU time"] if cost.gpu_seconds else []
    return parts + ([", ", html.B(words.money(cost.money))] if cost.money else [])


def rows(view: View) -> list[Component]:
    """Every rule as a line, in the order in which they come to their turn; templates where there is none yet."""
    if not view.rules:
        return [teach()]
    bad = {rule_id: loop for loop in view.chart.analysis.refused for rule_id in loop.rules}
    columns = [html.Th(_heading(text), scope="col", className=name) for text, name in _COLUMNS]
    body = [_row(rule, view, rule.id in bad) for rule in in_order(tuple(view.rules))]
    return [html.Table([html.Thead(html.Tr(columns)), html.Tbody(body)], className="tr-list")]


_COLUMNS = (
    ("On", "tr-hidden"), ("Rule", ""), ("What it does", "tr-hidden"), ("Last 12 h", "tr-wide"), ("Last fired", "tr-when"),
    ("Fired", "r"), ("Refused", "r"), ("Caused today", "r"), ("State", "tr-state"),
)  # fmt: skip


def _heading(text: str) -> Component | str:
    return html.Span(text, className="visually-hidden") if text in ("On", "What it does") else text


def _row(rule: Rule, view: View, is_bad: bool) -> Component:
    today = view.today.get(rule.id, Today())
    is_live = rule.enabled and rule.approved and not is_bad
    cells = [
        html.Td(_switch(rule, is_bad)),
        html.Th(dcc.Link(rule.name, href=f"/triggers/rule/{rule.id}", className="strong tr-name", title=rule.name), scope="row"),
        html.Td(html.Span(_says(rule), className="cut", title=sentence(rule)), className="tr-says"),
        html.Td(_spark(today.hours), className="tr-wide"),
        html.Td(words.since(today.last, view.now) if today.last else "never", className="tr-when muted num"),
        html.Td(f"{today.fired:,}", className="r num strong" if today.fired else "r num faint"),
        html.Td(f"{today.refused:,}", className="r num strong" if today.refused else "r num faint"),
        html.Td(_caused(today), className="r num muted"),
        html.Td(_state(rule, today, is_bad), className="tr-state"),
    ]
    return html.Tr(cells, className="" if is_live else "off")


def _says(rule: Rule) -> str:
    """The sentence without the scope of most rules, which would take the place of what tells them apart."""
    return sentence(rule).replace(" for all characters everywhere", "", 1)


def _switch(rule: Rule, is_bad: bool) -> Component:
    why = "Nothing bounds the loop that it is in." if is_bad else "" if rule.approved else "An admin has to approve it first."
    return html.Button(
        className="tr-switch",
        role="switch",
        disabled=bool(why),
        title=why or ("Switch it off" if rule.enabled else "Switch it on"),
        **{"aria-checked": str(rule.enabled and not why).lower(), "aria-label": rule.name, "data-rule": rule.id},
    )


def _spark(hours: Sequence[int]) -> Component | None:
    if not hours:
        return None
    most = max(hours) or 1
    tall = [max(18, round(100 * (count / most) ** 0.5)) if count else 0 for count in hours]
    bars = [html.I(className="" if share else "z", style={"height": f"{share}%"} if share else {}) for share in tall]
    return html.Span(bars, className="tr-spark", role="img", **{"aria-label": f"{sum(hours)} firings in 12 hours"})


def _caused(today: Today) -> str:
    parts = [words.counted(today.caused.jobs, "job")] if today.caused.jobs else []
    parts += [words.counted(today.messages, "message")] if today.messages else []
    return ", ".join(parts)


def _state(rule: Rule, today: Today, is_bad: bool) -> Component | None:
    if is_bad:
        mend = dcc.Link("Mend", href=f"/triggers/rule/{rule.id}", className="btn sm")
        return html.Span([html.Span("✕", className="tr-bad"), "refused: loop", mend], className="tr-stands")
    if not rule.approved:
        return html.Span(
            [html.Span("◉", className="tr-ask"), "waits for an admin", html.Span(f"v{rule.version}", className="faint")],
            className="tr-stands",
        )
    told = "off" if not rule.enabled else today.refusal or (f"nearest: {today.nearest}" if today.nearest else "")
    return html.Span(told, className="faint cut", title=told) if told else None


def chain(view: View) -> list[Component]:
    """Which rule leads to which: drawing, table and loops; nothing without rules."""
    if not view.rules:
        return []
    told = {rule_id: f"{one.fired:,} today" for rule_id, one in view.today.items() if one.fired}
    choice = html.Span(
        [
            html.Button("Graph", id=AS_GRAPH, **{"aria-pressed": "true"}),
            html.Button("Table", id=AS_TABLE, **{"aria-pressed": "false"}),
        ],
        className="seg",
    )
    return [
        html.Div(
            [html.H2("Chain", className="card-title"), choice, html.Span(className="spread"), rule_chain.legend()],
            className="card-head tr-chain-head",
        ),
        html.Div(rule_chain.graph(view.chart, view.rules, told), id=DRAWN),
        html.Div(rule_chain.table(view.chart, view.rules), id=TOLD, hidden=True),
        html.Div(rule_chain.loops(view.chart), className="tr-loops"),
    ]


def teach() -> Component:
    """What rules are for, and the usual ones to start from."""
    cards = [
        html.Div(
            [
                html.H3(one.key, className="strong"),
                html.P(one.help),
                dcc.Link("Start from this", href=f"/triggers/rule/new?template={one.key}", className="btn sm"),
            ],
            className="tr-template",
        )
        for one in TEMPLATES
    ]
    return html.Div(
        [html.H2("No rule yet", className="h1"), html.P(_EMPTY), html.Div(cards, className="tr-templates")], className="tr-empty"
    )
