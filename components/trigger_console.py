"""The test console of rules: what happens to what, how it is taken to go on, and the chain to go through. Nothing is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import drawn, frame, trigger_steps, words
from pipeline.domain.records import Run
from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.vocabulary import EVENTS, Subject

if TYPE_CHECKING:
    from datetime import datetime

RUN, RULE, SOURCE, TYPE, ABOUT, KNOWN, EVENT, GOES, QA, DO = (
    f"console-{name}" for name in ("run", "rule", "source", "type", "about", "known", "event", "goes", "qa", "do")
)
STEPS, SIDE, MADE_UP, STORED = (f"console-{name}" for name in ("steps", "side", "made", "stored"))
REPLAY = "console-replay"
GOES_ON = {
    "stop": "completes, and waits for people",
    "approve": "completes, and is approved",
    "reject": "completes, and is refused",
    "fail": "fails: no scene can be made",
}
QA_SAYS = {"pass": "passes", "flag": "flags", "fail": "fails"}
NO_RULE = "*"


@dataclass(frozen=True)
class Choice:
    """What is filled in. `event` is the number of a stored event, None for one that is made up of `type` and `about`."""

    run: int | None = None
    rule: str = NO_RULE
    type: str = "cell.approved"
    about: str = ""
    event: int | None = None
    goes: str = "stop"
    qa: str = "pass"

    @property
    def assumption(self) -> Assumption:
        """How things are taken to go."""
        people = People(self.goes) if self.goes in set(People) else People.STOP
        return Assumption(people, self.goes == "fail", self.qa)


@dataclass(frozen=True)
class Stored:
    """A stored event to choose: its number, what happened to what, and when."""

    seq: int
    words: str
    about: str
    at: datetime


@dataclass(frozen=True)
class View:
    """What there is to choose from, and what came of the choice. `rules` are (id, name); `listened` are events rules wait for."""

    choice: Choice
    now: datetime
    runs: Sequence[Run] = ()
    rules: Sequence[tuple[str, str]] = ()
    listened: Sequence[str] = ()
    known: Sequence[str] = ()
    stored: Sequence[Stored] = ()
    result: trigger_steps.Result | None = None
    replay: Sequence[Component] = field(default_factory=tuple)


def page(view: View) -> Component:
    """The page as it is now."""
    if not view.runs:
        return html.Div(_no_run(), className="page", id="console-none")
    result = view.result
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Test console", className="h1"),
                    html.Span("the engine that fires rules, on a copy of the board", className="muted"),
                    html.Span(className="spread"),
                    dcc.Link("Log", href="/triggers/log", className="btn ghost"),
                    dcc.Link("Rules", href="/triggers", className="btn ghost"),
                ],
                className="page-head",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Section(_form(view), className="tc-form", **{"aria-label": "What is tried"}),
                            *drawn.place(STEPS, trigger_steps.chain(result), className="tc-chain"),
                        ],
                        className="rule-form tc-left",
                    ),
                    html.Div(
                        [
                            *drawn.place(SIDE, trigger_steps.details(result)),
                            html.Section(view.replay, id=REPLAY),
                        ],
                        className="rule-side",
                        tabIndex=0,
                    ),
                ],
                className="rule-cols",
            ),
            frame.keys_of(*KEYS),
        ],
        className="page rule triggers-console",
    )


KEYS = (
    ("→", "the next step"),
    ("←", "the step before"),
    ("Home", "the first step"),
    ("End", "the whole chain"),
)


def _no_run() -> Component:
    told = (
        "Here an event is made up, or taken from the log, and its chain is followed step by step: every rule's verdict, what it "
        "would do and cost, and where people stop it. It needs a run whose board it can be tried on."
    )
    return frame.empty("Nothing to try rules on yet", told, action=[dcc.Link("See all runs", href="/", className="btn primary")])


def _form(view: View) -> list[Component]:
    choice = view.choice
    is_stored = choice.event is not None
    source = html.Span(
        [
            html.Button("Make up an event", id={"type": SOURCE, "index": "made"}, **{"aria-pressed": str(not is_stored).lower()}),
            html.Button("From the log", id={"type": SOURCE, "index": "stored"}, **{"aria-pressed": str(is_stored).lower()}),
        ],
        className="seg",
        role="group",
        **{"aria-label": "Where the event comes from"},
    )
    return [
        html.Div([source, "in", _pick(RUN, "Run", _runs(view.runs), str(choice.run))], className="rf-line"),
        html.Div(_made_up(view), id=MADE_UP, className="rf-line", hidden=is_stored),
        html.Div(_stored(view), id=STORED, className="rf-line", hidden=not is_stored),
        html.Div(
            [
                html.B("then", className="tc-word"), "each stage",
                _pick(GOES, "How it goes on", tuple(GOES_ON.items()), choice.goes),
                html.Span(["QA", _pick(QA, "What QA makes of it", tuple(QA_SAYS.items()), choice.qa), "every take"],
                          className="tc-together"),
                html.Span(["with", _pick(RULE, "Rules", _rules(view.rules), choice.rule)], className="tc-together"),
            ],
            className="rf-line",
        ),
        html.Div(
            [
                html.P([html.Span("◇ ", className="faint"), _PROMISE], className="tc-promise"),
                html.Span(className="spread"),
                html.Button("Try it", id=DO, className="btn primary"),
            ],
            className="rf-line",
        ),
    ]  # fmt: skip


_PROMISE = "Nothing is done: no job is queued, no message goes out, nothing is written. Only what would follow is shown."


def _made_up(view: View) -> list[Component | str]:
    choice = view.choice
    return [
        html.B("When", className="tc-word"),
        _pick(TYPE, "What happens", _types(view.listened), choice.type, strong=True),
        html.Span(
            ["to", _about_field(choice.type, choice.about), html.Datalist(options(view.known), id=KNOWN)], className="tc-about"
        ),
    ]


@dataclass(frozen=True)
class About:
    """Whether an event asks for the name of what it is about, and what stands in the empty field."""

    is_asked: bool
    hint: str


def about_of(type: str) -> About:
    """What an event of this type is about: a scene, a picture, or the whole run."""
    kind = EVENTS[type].subject if type in EVENTS else Subject.RUN
    word = {Subject.CELL: "scene", Subject.STILL: "picture"}.get(kind)
    return About(True, f"type the name of a {word}") if word else About(False, "the whole run")


def _about_field(type: str, about: str) -> Component:
    shown = about_of(type)
    written = dcc.Input(
        id=ABOUT, value=about, list=KNOWN, autoComplete="off", maxLength=500, disabled=not shown.is_asked,
        placeholder=shown.hint, className="form-control rf-text wide",
    )  # fmt: skip
    return html.Label([html.Span("Scene or picture", className="visually-hidden"), written], className="rf-field wide")


def options(known: Sequence[str]) -> list[Component]:
    """Names to choose from while one is typed."""
    return [html.Option(value=name) for name in known]


def _stored(view: View) -> list[Component | str]:
    offered = [(str(one.seq), _told(one, view.now)) for one in view.stored]
    chosen = str(view.choice.event) if view.choice.event is not None else offered[0][0] if offered else ""
    return [
        html.B("When", className="tc-word"),
        _pick(EVENT, "Stored event", offered or [("", "nothing has happened in this run yet")], chosen, strong=True),
        html.Span("happened now", className="muted"),
    ]


def stored_options(stored: Sequence[Stored], now: datetime) -> list[dict[str, str]]:
    """Stored events as a list to choose from."""
    offered = [{"value": str(one.seq), "label": _told(one, now)} for one in stored]
    return offered or [{"value": "", "label": "nothing has happened in this run yet"}]


def _told(one: Stored, now: datetime) -> str:
    about = f", {one.about}" if one.about else ""
    return f"{one.words}{about} · {words.clock(one.at, now)} · #{one.seq}"


def _types(listened: Sequence[str]) -> list[tuple[str, str]]:
    """Events that rules listen to first; those of workers belong to no run, and so to no board."""
    first = [name for name in EVENTS if name in listened]
    rest = [name for name in EVENTS if name not in listened]
    offered = [name for name in (*first, *rest) if EVENTS[name].subject is not Subject.WORKER]
    return [(name, EVENTS[name].words if name in first else f"{EVENTS[name].words} (no rule listens)") for name in offered]


def _rules(rules: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(NO_RULE, "the rules as they are"), *((key, f"{name} as if it were on") for key, name in rules)]


def _runs(runs: Sequence[Run]) -> list[tuple[str, str]]:
    return [(str(run.id), f"{run.title}, run {run.number}") for run in runs]


def _pick(id: str, label: str, offered: Sequence[tuple[str, str]], value: str, *, strong: bool = False) -> Component:
    picked = dbc.Select(
        id=id, options=[{"value": key, "label": word} for key, word in offered], value=value,
        class_name="rf-pick strong" if strong else "rf-pick",
    )  # fmt: skip
    return html.Label([html.Span(label, className="visually-hidden"), picked], className="rf-field")
