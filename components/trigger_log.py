"""The log of rules: every event that some rule had a say in, what each made of it, what was done and what followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import drawn, frame, palette, rule_why, trigger_halt, trigger_tree, words
from pipeline.domain.rules.aftermath import Aftermath, Traces
from pipeline.domain.rules.pages import Entry, Line
from pipeline.domain.rules.planning import Outcome
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.vocabulary import EVENTS

LINES, SIDE, HEAD = "trigger-log-lines", "trigger-log-side", "trigger-log-head"
TEXT, RULE, EVENT, SHOWN = "trigger-log-text", "trigger-log-rule", "trigger-log-event", "trigger-log-shown"
OF, OPEN, ASKED = "trigger-log-of", "trigger-log-open", "trigger-log-asked"
"""A press of one of the hundreds of buttons is told by assets/triggers.js."""
GROUPS = {
    "": "everything",
    "fired": "fired",
    "not": "did not match",
    "refused": "refused",
    "waits": "waits",
}
_OF = {
    Outcome.MATCHED: "fired", Outcome.TOO_DEEP: "refused", Outcome.OUT_OF_FUEL: "refused", Outcome.WAITS_FOR_APPROVAL: "waits",
    Outcome.DEBOUNCED: "waits",
}  # fmt: skip
_EMPTY = (
    "As soon as something happens that a rule listens to, it is written down here: what happened, what each rule made of it, "
    "what was done and what followed. For every rule that did not fire there is the condition that failed, with its value."
)


@dataclass(frozen=True)
class View:
    """What the log shows. `counts` are those of its verdicts by the keys of GROUPS; `rules` are (id, name) of all.

    `of` is what the address narrows it to (`cell`, `event`), `name` says so in words. `planned` is what firings set out to do,
    by event and rule, `left` what came of that until now, `roots` the event that began the chain of another one. `open` is the
    event whose `tree` is shown.
    """

    entries: Sequence[Entry]
    now: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    rules: Sequence[tuple[str, str]] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    halt: trigger_halt.Halt = trigger_halt.RUNNING
    why: rule_why.Why | None = None
    of: Mapping[str, int | None] = field(default_factory=dict)
    name: str = ""
    planned: Mapping[tuple[int, str], Cost] = field(default_factory=dict)
    left: Mapping[tuple[int, str], Traces] = field(default_factory=dict)
    roots: Mapping[int, int] = field(default_factory=dict)
    open: int | None = None
    tree: Sequence[Aftermath] = ()


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to see: filters by their names, what the address narrows it to, and the event that is opened."""

    chosen: Mapping[str, str]
    of: Mapping[str, int | None] = field(default_factory=dict)
    open: int | None = None


def group_of(outcome: Outcome) -> str:
    """Under which key of GROUPS a verdict is shown."""
    return _OF.get(outcome, "not")


def is_wanted(entry: Entry, chosen: Mapping[str, str]) -> bool:
    """Whether an event passes the filters: text in what it is about or in a rule's name, its type, and a kind of verdict."""
    text = chosen.get("text", "").casefold()
    named = " ".join([entry.about, entry.by, *(line.rule for line in entry.lines)]).casefold()
    shown, event = chosen.get("shown", ""), chosen.get("event", "")
    is_shown = not shown or any(group_of(line.outcome) == shown for line in entry.lines)
    return text in named and event in ("", entry.event) and is_shown


def page(view: View) -> Component:
    """The page as it is now."""
    return html.Div(
        [
            dcc.Location(id=trigger_halt.GO, refresh="callback-nav"),
            html.Div(
                [
                    html.H1("Trigger log", className="h1"),
                    html.Span(head(view), id=HEAD, className="muted num"),
                    html.Span(className="spread"),
                    dcc.Link("Messages", href="/triggers/messages", className="btn ghost"),
                    dcc.Link("Test console", href="/triggers/test", className="btn ghost"),
                    dcc.Link("Rules", href="/triggers", className="btn ghost"),
                    html.Span(className="tr-sep"),
                    trigger_halt.button(view.halt),
                ],
                className="page-head tr-head",
            ),
            html.Div(_filters(view), className="tl-filters"),
            html.Div(
                [
                    html.Div(drawn.place(LINES, lines(view)), className="tl-lines", tabIndex=0),
                    html.Div(side(view), id=SIDE, className="rule-side"),
                ],
                className="rule-cols",
            ),
            trigger_halt.dialog(view.halt),
            dcc.Store(id=OF, data=dict(view.of)),
            dcc.Store(id=ASKED, data=0),
            dcc.Store(id=OPEN, data=view.open or 0),  # without anything in it, it would be taken for a change
            frame.keys_of(),
        ],
        className="page rule triggers-log",
    )  # fmt: skip


def head(view: View) -> str:
    """What is listed, in a line."""
    if not view.counts:
        return ""
    fired, refused = view.counts.get("fired", 0), view.counts.get("refused", 0)
    return f"{words.counted(fired, 'firing')}, {refused:,} refused · newest first"


def _filters(view: View) -> list[Component]:
    chosen = view.chosen
    events = dict.fromkeys(entry.event for entry in view.entries)
    only = dcc.Link(
        ["only ", html.B(view.name, className="middle"), " ×"], href="/triggers/log", className="chip tl-only",
        title=f"Only {view.name}; press to see everything",
    )  # fmt: skip
    return [
        *([only] if view.name else []),
        _labelled(
            "Character, scene or rule",
            dbc.Input(
                id=TEXT,
                value=chosen.get("text", ""),
                placeholder="Character, scene, rule",
                debounce=True,
                maxLength=200,
                class_name="rf-text",
            ),
        ),
        _labelled(
            "Rule",
            dbc.Select(
                id=RULE,
                options=[{"value": "*", "label": "all rules"}, *({"value": key, "label": name} for key, name in view.rules)],
                value=chosen.get("rule") or "*",
                class_name="rf-pick",
            ),
        ),
        _labelled(
            "Event",
            dbc.Select(
                id=EVENT,
                options=[
                    {"value": "*", "label": "all events"},
                    *({"value": name, "label": EVENTS[name].words} for name in events if name in EVENTS),
                ],
                value=chosen.get("event") or "*",
                class_name="rf-pick",
            ),
        ),
        html.Div(
            [_chip(key, word, view) for key, word in GROUPS.items()],
            className="tl-chips",
            role="group",
            **{"aria-label": "What is shown"},
        ),
    ]


def _labelled(label: str, part: Component) -> Component:
    return html.Label([html.Span(label, className="visually-hidden"), part], className="rf-field")


def _chip(key: str, word: str, view: View) -> Component:
    count = [html.B(f"{view.counts[key]:,}", className="num")] if key in view.counts else []
    pressed = str(view.chosen.get("shown", "") == key).lower()
    return html.Button([f"{word} ", *count], id={"type": SHOWN, "index": key}, className="chip", **{"aria-pressed": pressed})


def lines(view: View) -> list[Component]:
    """Every event with its verdicts, the newest first, what followed below what it followed from."""
    if not view.entries:
        return [_nothing(view)]
    heads = html.Div([html.Span(word) for word in _HEADS], className="tl-row tl-heads")
    return [heads, *(_entry(entry, view) for entry in view.entries)]


_HEADS = ("Time", "Cause and what followed", "Action", "Result", "Planned, and done")


def _nothing(view: View) -> Component:
    """Why the log is empty, and where to go from here."""
    if not view.name:
        is_narrow = any(view.chosen.values())
        told = "Nothing of this kind is in the log. Choose something else above." if is_narrow else _EMPTY
        return html.Div(
            [html.H2("Nothing here" if is_narrow else "Nothing yet", className="h1"), html.P(told)], className="tr-empty"
        )
    cell, event = view.of.get("cell"), view.of.get("event")
    told = f"No rule had a say in anything that happened to {view.name}: none listens to it, or none was there when it happened."
    try_it = f"/triggers/test?cell={cell}" if cell is not None else f"/triggers/test?event={event}"
    link = dcc.Link("Try it in the test console", href=try_it, className="btn primary")
    return html.Div(
        [html.H2("No rule had a say", className="h1"), html.P(told), link], className="tr-empty", id="trigger-log-none"
    )


def _entry(entry: Entry, view: View) -> Component:
    kind = EVENTS.get(entry.event)
    status = entry.event.partition(".")[2]
    shown = status if status in palette.GLYPHS else "queued"
    told = [
        html.B(kind.words if kind else entry.event),
        f", {entry.about}" if entry.about else "",
        f", by {entry.by}" if entry.by else "",
    ]
    fired = sum(line.outcome is Outcome.MATCHED for line in entry.lines)
    top = html.Div(
        [
            html.Span(words.clock(entry.at, view.now), className="num muted", title=words.exactly(entry.at)),
            html.Span(
                [palette.badge(shown, kind.words if kind else entry.event), html.Span(told, className="cut")],
                className="tl-cause",
            ),
            html.Span(_chain(entry, view), className="muted"),
            html.Span(f"{words.counted(fired, 'firing')}, {len(entry.lines) - fired} not", className="muted"),
            _followed(entry, view) if fired else html.Span(""),
        ],
        className="tl-row tl-event",
    )
    followed = [html.Div(trigger_tree.tree(view.tree), className="tl-tree")] if view.open == entry.seq else []
    return html.Div([top, *(_line(line, entry, view) for line in entry.lines), *followed], className="tl-entry")


def _chain(entry: Entry, view: View) -> Component | str:
    """How deep in a chain an event is, and the way to where that began."""
    root = view.roots.get(entry.seq)
    if not entry.depth or root is None:
        return ""
    return dcc.Link(f"depth {entry.depth} of a chain", href=f"/triggers/log?event={root}", title=f"It began with event {root}")


def _followed(entry: Entry, view: View) -> Component:
    is_open = view.open == entry.seq
    return html.Button(
        ["What followed ", html.Span("▾" if is_open else "▸", **{"aria-hidden": "true"})],
        className="btn sm ghost tl-followed",
        **{"aria-expanded": str(is_open).lower(), "data-event": str(entry.seq)},
    )


def _line(line: Line, entry: Entry, view: View) -> Component:
    is_fired = line.outcome is Outcome.MATCHED
    results = [
        html.Span(
            [
                html.Span(
                    {"done": "✓ ", "failed": "✕ ", "refused": "✕ "}.get(kind, ""),
                    className="tr-good" if kind == "done" else "tr-bad",
                ),
                text,
            ]
        )
        for kind, text in line.results
    ]
    if line.told_at is not None:
        link = dcc.Link(f"event {line.told_at}", href=f"/triggers/log?event={line.told_at}")
        results = [html.Span([f"gathered with {words.counted(line.gathered - 1, 'other')}: see ", link])]
    elif line.gathered:
        results.append(html.Span(f"for {line.gathered:,} events that it had gathered", className="muted"))
    if not is_fired:
        results = [html.Span([rule_why.mark(line.outcome), f" {line.reason or rule_why.OUTCOMES[line.outcome]}"])]
    named = html.Span(
        [html.B(line.rule), f" v{line.version} ", html.Span(rule_why.OUTCOMES[line.outcome], className="muted")], className="cut"
    )
    button = html.Button(
        [html.Span("↯", className="rp-rule" if is_fired else "rp-rule not"), named],
        className="tl-why", title="Why?", **{"data-event": str(entry.seq), "data-rule": line.rule_id},
    )  # fmt: skip
    return html.Div(
        [
            html.Span(""),
            html.Span(button, className="tl-cause tl-under"),
            html.Span(", ".join(line.actions), className="cut"),
            html.Span(results, className="tl-results"),
            html.Span(_cost(view, entry.seq, line) if is_fired else None, className="muted num tl-cost"),
        ],
        className="tl-row" if is_fired else "tl-row tl-not",
    )


def _cost(view: View, seq: int, line: Line) -> list[Component]:
    """What a firing set out to do by the estimates of then, and below it what its jobs that have ended took."""
    planned, left = view.planned.get((seq, line.rule_id)), view.left.get((seq, line.rule_id))
    if planned is None or not planned.jobs:
        return []
    parts = [html.Span(f"{_work(planned)} planned", title="What it set out to do, by the estimates of that moment")]
    if left is not None:
        still_open = f", {left.open_jobs:,} open" if left.open_jobs else ""
        done = _work(left.cost) if left.cost.jobs else "none"
        title = (
            "What its jobs that have ended took; jobs that another rule asked for since count there, pictures it waits for here"
        )
        parts.append(html.Span(f"{done} done{still_open}", title=title))
    return parts


def _work(cost: Cost) -> str:
    time = f", {words.duration(cost.gpu_seconds)} GPU" if cost.gpu_seconds >= 1 else ""
    return f"{words.counted(cost.jobs, 'job')}{time}"


def side(view: View) -> list[Component | None]:
    """Why the chosen rule did or did not fire, and the receipt of the last halt."""
    parts: list[Component | None] = list(rule_why.panel(view.why)) if view.why else [_ask()]
    if view.halt.receipt:
        since = words.since(view.halt.since, view.now) if view.halt.since else ""
        told = [
            html.Div(
                [html.H2("Receipt of the last halt", className="card-title"), html.Span(since, className="faint end")],
                className="card-head",
            )
        ]
        parts.append(
            html.Section(
                [
                    *told,
                    html.P(f"{view.halt.by}: “{view.halt.reason}”" if view.halt.reason else view.halt.by, className="muted"),
                    trigger_halt.receipt(view.halt.receipt),
                ]
            )
        )
    return parts


def _ask() -> Component:
    text = "Press a rule on the left: here is the condition that decided, with its value, and what would make it fire."
    return html.Section([html.H2("Why did it not fire?", className="card-title"), html.P(text, className="muted")])
