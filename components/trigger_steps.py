"""A chain of rules to go through: one line for each step, and beside it the step in full with what has come about so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from components import palette, rule_why, words
from components.rule_preview import cost_in_words
from pipeline.domain.rules.console import SoFar, Step, Walk, Wall
from pipeline.domain.rules.effects import Effect
from pipeline.domain.rules.model import LIMITS, Kind
from pipeline.domain.rules.planning import Firing, Outcome, Verdict
from pipeline.domain.rules.snapshot import Left
from pipeline.domain.rules.wording import action_in_words, judged_in_words

MOST_STEPS = 120
_MOST_NAMES = 6
_SAID_ALREADY = (Outcome.DISABLED, Outcome.FIRED_IN_CHAIN, Outcome.FIRED_ALREADY)
"""What the word for the outcome says in full."""
_ENDS = {"paused": "It ends because the run is paused.", "cut short": "So much would follow that it was cut short."}


@dataclass(frozen=True)
class Result:
    """What came of a try: the course, what the event was about and what budgets cover; or why it could not be tried."""

    walk: Walk | None = None
    event: str = ""
    about: str = ""
    left: Left | None = None
    problem: str = ""


def chain(result: Result | None) -> list[Component]:
    """The steps as lines, with the buttons that lead through them."""
    if result is None:
        return [_ask()]
    if result.walk is None:
        return [html.Div([html.Span("✕ ", className="tr-bad"), result.problem], className="tr-next halted", role="alert")]
    walk = result.walk
    if not walk.steps:
        return [_nobody(result)]
    shown = walk.steps[:MOST_STEPS]
    lines = [_line(step) for step in shown]
    lines += [_wall_line(wall, len(shown) + 1 + number) for number, wall in enumerate(walk.walls)]
    count = len(shown) + len(walk.walls)
    rest = len(walk.steps) - len(shown)
    more = f"The first {len(shown):,} of {len(walk.steps):,} steps; the totals count all of them. " if rest else ""
    return [
        html.Div([_summary(walk), _buttons(count)], className="tc-bar"),
        html.Ol(lines, className="tc-steps", id="tc-steps", **{"data-count": str(count)}),
        html.P(f"{more}{_ended(walk)}", className="faint tc-end"),
    ]


def details(result: Result | None) -> list[Component]:
    """Every step in full; the browser shows the one that is looked at."""
    if result is None or result.walk is None or not result.walk.steps:
        return [html.Section([html.H2("Step by step", className="card-title"), html.P(_HOW, className="muted")])]
    walk = result.walk
    shown = walk.steps[:MOST_STEPS]
    parts = [_detail(step) for step in shown]
    parts += [_wall(wall, len(shown) + 1 + number, walk.total) for number, wall in enumerate(walk.walls)]
    return [html.Div(parts, className="tc-details", role="region", **{"aria-live": "polite", "aria-label": "The step"})]


_HOW = (
    "Each step is an event and what every rule makes of it: whether it fires, by which condition with which value, what it would "
    "do and cost, and what is refused. Depth and fuel are counted along."
)


def _ask() -> Component:
    told = "Choose what happens and press Try it. What would follow is shown here, step by step, to the end."
    return html.Div([html.H2("What would follow?", className="h1"), html.P(told)], className="tr-empty")


def _nobody(result: Result) -> Component:
    told = [
        "Nothing would follow: no rule that applies here listens to ",
        html.B(f"“{result.event}”"),
        *([" of ", html.B(result.about)] if result.about else []),
        ".",
    ]
    link = dcc.Link("Make a rule that does", href="/triggers/rule/new", className="btn sm")
    return html.Div([html.H2("No rule listens", className="h1"), html.P(told), link], className="tr-empty", id="tc-nobody")


def _summary(walk: Walk) -> Component:
    total = walk.total
    told: list[Component | str] = ["Would fire ", html.B(words.counted(total.firings, "time")), *cost_in_words(total.cost)]
    told += [", send ", html.B(words.counted(total.messages, "message"))] if total.messages else []
    touched = f" It touches {words.counted(walk.touched, 'scene')}, at depth {total.depth} at most." if walk.touched else ""
    return html.P([*told, ".", html.Span(touched, className="muted")], className="rp-says tc-says")


def _buttons(count: int) -> Component:
    """Clear where they lead: what is at its end is greyed out by the browser."""
    return html.Div(
        [
            html.Button(["Previous ", html.Kbd("←", className="kbd")], id="tc-previous", className="btn sm"),
            html.Button(["Next ", html.Kbd("→", className="kbd")], id="tc-next", className="btn sm"),
            html.Button("All", id="tc-all", className="btn sm ghost"),
            html.Span(f"1 of {count}", id="tc-place", className="faint num"),
        ],
        className="tc-buttons",
    )


def _ended(walk: Walk) -> str:
    if walk.ended in _ENDS:
        return _ENDS[walk.ended]
    waits = f" {words.counted(len(walk.blocked), 'scene')} would wait for something else." if walk.blocked else ""
    return f"Then all is quiet, after {words.counted(walk.events, 'event')}.{waits}"


def _line(step: Step) -> Component:
    fired = len(step.firings)
    heard = sum(count for _, count in step.verdicts)
    told = [html.B(step.words), f", {step.about}" if step.about else ""]
    does = [
        html.Span(
            [
                html.Span("↯", className="rp-rule"),
                html.Span([html.B(firing.rule.name), f" {_does(firing)}"], className="tc-does"),
            ],
            className="tc-fires",
        )
        for firing in step.firings[:4]
    ]
    more = [html.Span(f"and {len(step.firings) - 4} more", className="faint")] if len(step.firings) > 4 else []
    return html.Li(
        html.Button(
            [
                html.Span(f"{step.number}", className="tc-number num"),
                _mark(step),
                html.Span([html.Span(told, className="tc-told"), *does, *more], className="tc-what"),
                html.Span(
                    f"{fired} of {words.counted(heard, 'rule')}" if fired else "none fires", className="muted num tc-count"
                ),
            ],
            className="tc-line" if fired else "tc-line quiet",
            style={"--depth": str(min(step.event.depth, 8))},
        ),
        className="tc-step",
        hidden=step.number > 1,
        **{"data-step": str(step.number)},
    )


def _mark(step: Step) -> Component:
    status = step.event.type.partition(".")[2]
    if step.event.by == "person" and step.number > 1:
        return html.Span("◉", className="rp-person", title="a person decides")
    return palette.badge(status if status in palette.GLYPHS else "queued", step.words)


def _does(firing: Firing) -> str:
    done = [effect for effect in firing.effects if not effect.refusal]
    told = ", ".join(dict.fromkeys(action_in_words(effect.action) for effect in done))
    jobs = f" · {words.counted(firing.cost.jobs, 'job')}" if firing.cost.jobs else ""
    refused = len(firing.effects) - len(done)
    return f"{told or 'does nothing'}{jobs}{f' · {refused} refused' if refused else ''}"


def _wall_line(wall: Wall, number: int) -> Component:
    waits = "waits" if len(wall.ids) == 1 else "wait"
    told = [
        html.B(_GATES[wall.gate]),
        html.Span(f"{words.counted(len(wall.ids), wall.gate)} {waits} for a person", className="muted"),
    ]
    return html.Li(
        html.Button(
            [
                html.Span(f"{number}", className="tc-number num"),
                html.Span("◉", className="rp-person"),
                html.Span(told, className="tc-what"),
                html.Span("you", className="muted tc-count"),
            ],
            className="tc-line tc-wall",
        ),
        className="tc-step",
        hidden=True,
        **{"data-step": str(number)},
    )


_GATES = {"variant": "Variant approval stops it here.", "scene": "Scene approval stops it here."}


def _detail(step: Step) -> Component:
    cause = f"because {step.woken_by} fired" if step.woken_by else "it begins with this"
    if step.event.by == "person" and step.woken_by:
        cause = f"a person decides on what {step.woken_by} asked for"
    head = html.Div(
        [
            html.H2([_mark(step), f" {step.words}"], className="card-title"),
            html.Span(f"depth {step.event.depth}", className="faint end"),
        ],
        className="card-head",
    )
    about = [html.B(step.about), f" · {cause}"] if step.about else [cause]
    verdicts = [_verdict(verdict, count) for verdict, count in step.verdicts]
    return html.Div(
        [
            html.Section([head, html.P(about, className="rw-of")]),
            html.Section([html.H2("Rules", className="card-title"), html.Ul(verdicts, className="tc-verdicts")]),
            *([_actions(step.firings)] if step.firings else []),
            _so_far(step.so_far),
        ],
        className="tc-one",
        hidden=step.number > 1,
        **{"data-step": str(step.number)},
    )


def _verdict(verdict: Verdict, count: int) -> Component:
    times = f" for {words.counted(count, 'event')}" if count > 1 else ""
    told = [html.B(verdict.rule.name), f" v{verdict.rule.version} " if verdict.rule.version else " ",
            html.Span(f"{rule_why.OUTCOMES[verdict.outcome]}{times}", className="muted")]  # fmt: skip
    why = _deciding(verdict)
    return html.Li(
        [
            rule_why.mark(verdict.outcome),
            html.Div(
                [
                    html.Div(dcc.Link(told, href=f"/triggers/rule/{verdict.rule.id}", className="tc-rule")),
                    html.Div(why, className="muted tc-why") if why else None,
                ],
                className="tc-what",
            ),
        ]
    )


def _deciding(verdict: Verdict) -> str:
    """What decided, with its value: the condition that failed, or what a branch was chosen by."""
    if verdict.outcome is Outcome.CONDITION_FAILED and verdict.judged is not None:
        return judged_in_words(verdict.judged.deciding)
    if verdict.outcome in _SAID_ALREADY:
        return ""
    if verdict.branch is not None:
        return f"{judged_in_words(verdict.branch)}{'' if verdict.branch.truth else ': else'}"
    if verdict.reason:
        return verdict.reason
    if verdict.judged is not None and verdict.judged.parts:
        return judged_in_words(verdict.judged.deciding)
    return ""


def _actions(firings: Sequence[Firing]) -> Component:
    parts: list[Component] = [html.H2("It would", className="card-title")]
    for firing in firings:
        events = f" for {words.counted(len(firing.events), 'event')} together" if len(firing.events) > 1 else ""
        branch = " by else" if firing.branch == "else" else ""
        parts.append(
            html.P([html.Span("↯", className="rp-rule"), html.B(firing.rule.name), f"{branch}{events}"], className="tc-by")
        )
        parts.append(html.Ul([_effect(effect) for effect in firing.effects], className="tc-verdicts"))
    return html.Section(parts)


def _effect(effect: Effect) -> Component:
    about = "" if effect.action.kind in (Kind.NOTIFY, Kind.WEBHOOK) else _named(effect)
    told = [html.Div(action_in_words(effect.action)), html.Div(about, className="muted tc-why") if about else None]
    if effect.refusal:
        told.append(html.Div(["refused: ", effect.refusal], className="rp-refused"))
    mark = html.Span("✕", className="tr-bad") if effect.refusal else html.Span("✓", className="tr-good")
    cost = [] if effect.refusal or not effect.cost.jobs else _cost(effect)
    return html.Li([mark, html.Div(told, className="tc-what"), html.Span(cost, className="num muted tc-cost")])


def _named(effect: Effect) -> str:
    """The first things that it is done to, and how many are left as they are."""
    names = effect.names[:_MOST_NAMES]
    rest = len(effect.names) - len(names)
    parts = [f"{', '.join(names)}{f' and {rest:,} more' if rest > 0 else ''}"] if names else []
    left = "it is" if effect.skipped == 1 else "they are"
    parts += [f"{words.counted(effect.skipped, 'scene')} left as {left}"] if effect.skipped else []
    return " · ".join(parts)


def _cost(effect: Effect) -> list[Component | str]:
    cost = effect.cost
    parts = [words.counted(cost.jobs, "job")]
    parts += [words.duration(cost.gpu_seconds)] if cost.gpu_seconds else []
    parts += [words.money(cost.money)] if cost.money else []
    return [html.Div(part) for part in parts]


def _so_far(so_far: SoFar) -> Component:
    cost, fuel, used = so_far.cost, LIMITS.fuel, so_far.chain
    figures = [
        ("firings", f"{so_far.firings:,}"), ("jobs", f"{cost.jobs:,}"), ("GPU time", words.hours(cost.gpu_seconds)),
        ("disk", words.size(cost.disk_bytes)), ("money", words.money(cost.money)), ("messages", f"{so_far.messages:,}"),
    ]  # fmt: skip
    gauges = [
        _gauge("depth", so_far.depth, LIMITS.max_depth, f"{so_far.depth} of {LIMITS.max_depth}"),
        _gauge("fuel: firings", used.firings, fuel.firings, f"{used.firings:,} of {fuel.firings:,}"),
        _gauge("fuel: jobs", used.jobs, fuel.jobs, f"{used.jobs:,} of {fuel.jobs:,}"),
        _gauge("fuel: GPU time", used.gpu_seconds, fuel.gpu_seconds,
               f"{words.hours(used.gpu_seconds)} of {words.hours(fuel.gpu_seconds)}"),
    ]  # fmt: skip
    return html.Section(
        [
            html.H2("So far", className="card-title"),
            html.Dl(
                [html.Div([html.Dt(word), html.Dd(value, className="num")]) for word, value in figures], className="tc-totals"
            ),
            html.Div(gauges, className="tc-gauges"),
        ]
    )


def _gauge(word: str, used: float, most: float, told: str) -> Component:
    share = min(1.0, used / most) if most else 0.0
    return html.Div(
        [
            html.Span(word, className="muted"),
            html.Span(html.I(style={"width": f"{100 * share:.1f}%"}), className="tc-gauge"),
            html.Span(told, className="num"),
        ],
        className="tc-gauge-row",
    )


def _wall(wall: Wall, number: int, total: SoFar) -> Component:
    names = [
        html.Li(dcc.Link(name, href=f"/cells/{one}") if wall.gate == "scene" else name)
        for one, name in zip(wall.ids[:12], wall.names[:12], strict=True)
    ]
    rest = len(wall.ids) - len(names)
    more = [html.Li(html.Span(f"and {rest:,} more", className="faint"))] if rest > 0 else []
    told = "Nothing goes on by itself from here. Take it that each stage is approved, and see what would follow then."
    head = [html.H2(_GATES[wall.gate], className="card-title"), html.Span(f"depth {wall.depth}", className="faint end")]
    text = [
        html.Div(head, className="card-head"),
        html.P(told, className="muted"),
        html.Ul([*names, *more], className="tc-names"),
    ]
    parts = [html.Section(text, className="tc-gate"), _so_far(total)]
    return html.Div(parts, className="tc-one", hidden=True, **{"data-step": str(number)})
