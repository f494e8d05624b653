"""What followed from an event: every firing with what it did and cost, indented below what led to it, and the totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from components import palette, words
from pipeline.domain.rules.aftermath import Aftermath, Shared
from pipeline.domain.rules.effects import NO_COST
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.stored import StoredEffect
from pipeline.domain.rules.vocabulary import EVENTS

_MOST_LINES = 200
_MOST_NAMES = 3
_MOST_ENDS = 4
_GLYPHS = {"done": "✓ ", "failed": "✕ ", "refused": "✕ ", "waiting": "◉ "}
_LOOKS = {"done": "tr-good", "failed": "tr-bad", "refused": "tr-bad", "waiting": "tr-ask"}


def tree(found: Sequence[Aftermath]) -> list[Component]:
    """The firings of one event with all that followed, to any depth; that nothing did where there is none."""
    if not found:
        return [html.Div("No rule fired on this event, so nothing followed from it.", className="tt-none muted")]
    levels = list(_levels(found, 0))
    lines = [line for level, one in levels[:_MOST_LINES] for line in _lines(one, level)]
    more = len(levels) - _MOST_LINES
    rest = [html.Li(f"and {more:,} more firings; the totals count them", className="tt-line faint")] if more > 0 else []
    return [html.Ol([*lines, *rest], className="tt-tree"), _total(found)]


def _levels(found: Sequence[Aftermath], level: int) -> Iterator[tuple[int, Aftermath]]:
    for one in found:
        yield level, one
        yield from _levels(one.followed, level + 1)


def _lines(one: Aftermath, level: int) -> Iterator[Component]:
    """The event below its first firing is that of the entry; deeper down each firing begins with what woke it."""
    firing = one.firing
    if level:
        kind = EVENTS.get(one.event_type)
        status = one.event_type.partition(".")[2]
        words_of = kind.words if kind else one.event_type
        told = [html.B(words_of), f", {one.about}" if one.about else ""]
        yield html.Li(
            [
                palette.badge(status if status in palette.GLYPHS else "queued", words_of),
                html.Span(told, className="tt-what"),
                dcc.Link(
                    f"event {firing.event_seq}", href=f"/triggers/log?event={firing.event_seq}", className="faint num tt-link"
                ),
            ],
            className="tt-line",
            style={"--level": str(min(level, 10) * 2 - 1)},
        )
    branch = " by else" if firing.branch == "else" else ""
    gathered = [html.Span(f" gathered {firing.gathered:,} events", className="muted")] if firing.gathered else []
    named = [dcc.Link(html.B(one.rule), href=f"/triggers/log?rule={firing.trigger_id}", className="tt-rule"),
             html.Span(f" v{firing.version}{branch}", className="muted"), *gathered]  # fmt: skip
    yield html.Li(
        [
            html.Span("↯", className="rp-rule"),
            html.Span([html.Span(named), *(_effect(effect) for effect in firing.effects), *_ends(one)], className="tt-what"),
            html.Span(_cost(one.traces.cost, one.traces.open_jobs), className="num muted tt-cost"),
        ],
        className="tt-line",
        style={"--level": str(min(level, 10) * 2)},
    )
    yield from (_elsewhere(shared, level) for shared in one.shared)


def _elsewhere(shared: Shared, level: int) -> Component:
    """A firing that has gathered an event of this branch behind others: it is told of, and counted, with the first of them."""
    where = html.Span(f" gathered {shared.gathered:,} events, one from here: see where it began", className="muted")
    first = f"/triggers/log?event={shared.event_seq}"
    return html.Li(
        [
            html.Span("↯", className="rp-rule not"),
            html.Span([html.B(shared.rule), where], className="tt-what"),
            dcc.Link(f"event {shared.event_seq}", href=first, className="faint num tt-link"),
        ],
        className="tt-line",
        style={"--level": str(min(level, 10) * 2 + 1)},
    )


def _effect(effect: StoredEffect) -> Component:
    names = ", ".join(effect.names[:_MOST_NAMES])
    more = f" and {len(effect.names) - _MOST_NAMES:,} more" if len(effect.names) > _MOST_NAMES else ""
    told = f"{effect.kind.replace('_', ' ')} {names}{more}"
    reason = f": {effect.reason}" if effect.reason else ""
    mark = html.Span(_GLYPHS.get(effect.state, ""), className=_LOOKS.get(effect.state, "faint"))
    return html.Span([mark, told, html.Span(f" {effect.state}{reason}", className="muted")], className="tt-effect")


def _ends(one: Aftermath) -> list[Component]:
    """How what it asked for has gone on, before another rule fired."""
    counts = [(EVENTS[name].words, count) for name, count in one.traces.events.items() if name in EVENTS]
    counts = [pair for pair in counts if not pair[0].startswith(("segment", "candidate", "run "))]
    if not counts:
        return []
    told = ", ".join(f"{word} {count:,} ×" if count > 1 else word for word, count in counts[:_MOST_ENDS])
    rest = f" and {len(counts) - _MOST_ENDS} more" if len(counts) > _MOST_ENDS else ""
    return [html.Span(f"led to {told}{rest}", className="faint")]


def _cost(cost: Cost, open_jobs: int) -> list[Component]:
    parts = [words.counted(cost.jobs, "job")] if cost.jobs else []
    parts += [_gpu(cost.gpu_seconds)] if cost.gpu_seconds >= 0.05 else []
    parts += [words.money(cost.money)] if cost.money else []
    parts += [f"{open_jobs:,} not done"] if open_jobs else []
    return [html.Span(part) for part in parts]


def _gpu(seconds: float) -> str:
    return f"{seconds:.1f} s GPU" if seconds < 10 else f"{words.duration(seconds)} GPU"


def _total(found: Sequence[Aftermath]) -> Component:
    cost = sum((one.total for one in found), NO_COST)
    firings = sum(one.firings + 1 for one in found)
    depth = max(one.depth for one in found)
    still_open = sum(one.open_jobs for one in found)
    told = [html.B(words.counted(firings, "firing")), f", depth {depth} at most"]
    return html.Div(
        [html.Span(["In all ", *told]), html.Span(_cost(cost, still_open), className="num tt-cost")], className="tt-total"
    )
