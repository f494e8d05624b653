"""Why did it not fire? A condition as it was judged for one event: only what decided is marked, and the cure comes last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from pipeline.domain.rules.evaluation import Judged
from pipeline.domain.rules.model import AllOf, AnyOf, Comparison
from pipeline.domain.rules.planning import Outcome, Verdict
from pipeline.domain.rules.wording import comparison_in_words

OUTCOMES = {
    Outcome.MATCHED: "matched",
    Outcome.CONDITION_FAILED: "did not match",
    Outcome.TOO_FEW_MEASURED: "too few measured",
    Outcome.OUT_OF_SCOPE: "is not about it",
    Outcome.NOT_LISTENING: "does not listen to it",
    Outcome.DISABLED: "is switched off",
    Outcome.HALTED: "all rules are halted",
    Outcome.WAITS_FOR_APPROVAL: "waits for an admin",
    Outcome.TOO_DEEP: "refused: too deep",
    Outcome.OUT_OF_FUEL: "refused: out of fuel",
    Outcome.FIRED_IN_CHAIN: "fired for it in this chain",
    Outcome.FIRED_ALREADY: "fired for it before",
    Outcome.DEBOUNCED: "waits for more of the same",
}
REFUSED = frozenset({Outcome.TOO_DEEP, Outcome.OUT_OF_FUEL})
_CURES = {
    Outcome.DISABLED: ("Switch it on and it fires the next time.", "Open the rule"),
    Outcome.WAITS_FOR_APPROVAL: ("An admin has to approve this version.", "Review the change"),
    Outcome.TOO_DEEP: ("Allow a deeper chain, or begin a new one.", "Open the rule"),
    Outcome.OUT_OF_FUEL: ("Give it more fuel, or let it do less at once.", "Open the rule"),
    Outcome.NOT_LISTENING: ("Let it listen to this event, too.", "Open the rule"),
    Outcome.OUT_OF_SCOPE: ("Widen its scope.", "Open the rule"),
}


@dataclass(frozen=True)
class Why:
    """A verdict with what it is about in words, and the scenes that still keep it from firing as (id, name).

    `seq` is the number of the event, so that it can be tried again.
    """

    verdict: Verdict
    about: str
    event: str
    missing: Sequence[tuple[int, str]] = ()
    seq: int | None = None


def panel(why: Why) -> list[Component | None]:
    """The verdict in full."""
    verdict = why.verdict
    title = "Why did it fire?" if verdict.outcome is Outcome.MATCHED else "Why did it not fire?"
    named = [html.B(verdict.rule.name), f" v{verdict.rule.version}, for ", html.B(why.about), f", at “{why.event}”"]
    parts: list[Component | None] = [html.H2(title, className="card-title"), html.P(named, className="rw-of"), _told(verdict)]
    if verdict.judged is not None and verdict.judged.condition != AllOf():
        marked = verdict.judged.deciding if verdict.outcome is Outcome.CONDITION_FAILED else None
        parts.append(html.Table(html.Tbody(_lines(verdict.judged, 0, marked)), className="rw-tree"))
    if verdict.branch is not None:
        parts.append(html.Table(html.Tbody(_lines(verdict.branch, 0, verdict.branch)), className="rw-tree"))
    return [html.Section([*parts, _cure(why), _again(why)])]


def _again(why: Why) -> Component | None:
    if why.seq is None:
        return None
    href = f"/triggers/test?event={why.seq}&rule={why.verdict.rule.id}"
    return dcc.Link("Try this event again in the test console", href=href, className="rw-again")


def _told(verdict: Verdict) -> Component:
    """What became of it; where the board has changed since, so that its condition would hold now, what decided then as well."""
    if verdict.outcome is Outcome.CONDITION_FAILED and verdict.judged is not None and verdict.judged.truth is True:
        since = [f" did not match. Then: {verdict.reason}. ", html.B("On today's board it holds"), ":"]
        return html.P([mark(verdict.outcome), *since], className="muted")
    reason = f": {verdict.reason}" if verdict.reason and verdict.outcome is not Outcome.CONDITION_FAILED else ""
    return html.P([mark(verdict.outcome), f" {OUTCOMES[verdict.outcome]}{reason}."], className="muted")


def mark(outcome: Outcome) -> Component:
    """A glyph for what became of a rule."""
    if outcome is Outcome.MATCHED:
        return html.Span("✓", className="tr-good")
    if outcome in REFUSED:
        return html.Span("✕", className="tr-bad")
    if outcome in (Outcome.WAITS_FOR_APPROVAL, Outcome.DEBOUNCED):
        return html.Span("◉", className="tr-ask")
    return html.Span("·", className="faint")


def _lines(judged: Judged, depth: int, marked: Judged | None) -> list[Component]:
    condition = judged.condition
    if isinstance(condition, Comparison):
        words: list[Component | str] = [comparison_in_words(condition)]
    elif isinstance(condition, AllOf | AnyOf):
        words = [html.B("all" if isinstance(condition, AllOf) else "any"), " of"]
    else:
        words = [html.B("not")]
    truth = {True: ("✓", "true"), False: ("✕", "false"), None: ("?", "not known")}[judged.truth]
    decides = judged is marked
    value = judged.value if isinstance(condition, Comparison) else ""
    row = html.Tr(
        [
            html.Td(words, style={"paddingLeft": f"{1.3 * depth:.1f}rem"}),
            html.Td(value, className="r num muted"),
            html.Td(
                [html.Span(truth[0], className="tr-bad" if decides and judged.truth is not True else "faint"), f" {truth[1]}"]
            ),
        ],
        className="decides" if decides else "",
    )
    return [row, *(line for part in judged.parts for line in _lines(part, depth + 1, marked))]


def _cure(why: Why) -> Component | None:
    if why.missing:
        cell_id, name = why.missing[0]
        more = f" and {len(why.missing) - 1:,} more" if len(why.missing) > 1 else ""
        told: list[Component | str] = ["Approve ", html.B(name), f"{more}, and it fires."]
        return _ask(told, dcc.Link("Review it", href=f"/cells/{cell_id}", className="btn sm"))
    cure = _CURES.get(why.verdict.outcome)
    if cure is None:
        return None
    return _ask([cure[0]], dcc.Link(cure[1], href=f"/triggers/rule/{why.verdict.rule.id}", className="btn sm"))


def _ask(told: Sequence[Component | str], link: Component) -> Component:
    parts = [html.Span("◉", className="tr-ask"), html.Span(list(told)), html.Span(className="spread"), link]
    return html.Div(parts, className="tr-next rw-cure")
