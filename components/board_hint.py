"""The line above the matrix that says what to do next, with the button that leads there.

There always is one, of one height: the matrix below must not move while somebody aims at a scene.
"""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from components import palette, words
from pipeline.domain.fleet.rules import BUDGET, ENGINE, Hold
from pipeline.domain.overview import BLOCKED, Hint, RunOverview
from pipeline.domain.progress import Outlook
from pipeline.domain.statuses import CellStatus


def hint(overview: RunOverview) -> Component | None:
    """What a person can do next: raise the budget that pays for nothing more, the decision that frees most, the first submission,
    reviews, what went wrong, the delivery; else what goes on by itself. None for a run without scenes."""
    counts = overview.counts
    review = _review_button() if counts.get(CellStatus.REVIEW, 0) else None
    if any(hold.cause == ENGINE for hold in overview.held):
        return _unattended()
    unpaid = next((hold for hold in overview.held if hold.cause == BUDGET), None)
    if unpaid is not None:
        return _budget(unpaid, review)
    if overview.hint is not None and overview.hint.kind == "fleet":
        return _workers(overview.hint, review)
    if overview.hint is not None:
        return _decision(overview.hint)
    if not overview.total:
        return None
    if overview.outlook is Outlook.OVER:
        return _over(overview)
    if counts.get(CellStatus.NOT_STARTED, 0) == overview.total:
        return _submission(overview.total)
    if review is not None:
        return _reviews(overview, review)
    if _failures(overview):
        return _trouble(f"{_failures(overview)}: look at why, then try again.", "failed")
    if overview.outlook is Outlook.STUCK and counts.get(BLOCKED, 0):
        scenes = words.counted(counts[BLOCKED], "scene")
        if overview.refused:
            return _trouble(f"{scenes} cannot go on: {_refused(overview.refused)}", "blocked")
        return _trouble(
            f"{scenes} cannot go on: what they need failed, was rejected, was cancelled or was never asked for.", "blocked"
        )
    return _ready(overview) if overview.approved and not overview.missing else _calm(overview)


def _decision(found: Hint) -> Component:
    leads = {"data-still-cells": str(found.still_id)} if found.still_id else {"data-cell-link": str(found.cell_id)}
    before, key, after = found.text.partition(found.key)
    button = html.Button(
        ["Review it ", html.Kbd("g r", className="kbd")],
        id="review-it",
        className="btn sm",
        **{**leads, "data-review": found.kind, "data-hint": found.key},
    )
    return _line("review", [before, html.B(key), after], button, title=found.text)


def _unattended() -> Component:
    """That nothing goes on before somebody starts an engine."""
    start, other = html.Code("./stripboard up"), html.Code("./stripboard engine")
    told = ["Nothing goes on: no engine works on this run. Start ", start, " or ", other, "."]
    return _line("blocked", told, title="Nothing goes on: no engine works on this run.")


def _workers(found: Hint, review: Component | None) -> Component:
    """That no worker can do what waits, and what would change that."""
    button = dcc.Link("Open the fleet", href="/fleet", className="btn sm")
    return _line("blocked", [found.text], review, button, title=found.text)


def _budget(hold: Hold, review: Component | None) -> Component:
    """That no budget pays for what is ready, and where that is changed."""
    told = f"Generation {hold.words}."
    link = dcc.Link("Raise the limit", href="/budgets", className="btn sm", title=f"Or by {hold.remedy}")
    return _line("blocked", [told], review, link)


def _submission(total: int) -> Component:
    told = f"Nothing is submitted yet: {words.counted(total, 'scene')} can be."
    return _line("not_started", [told], _submit_button("Submit all", "btn sm primary"), look="plain")


def _submit_button(text: str, look: str) -> Component:
    return html.Button(
        text,
        id="submit-all",
        className=look,
        title="You see what it costs before it starts",
        **{"data-verb": "submit", "data-mode": "missing", "data-scope": "all"},
    )


def _review_button() -> Component:
    return html.Button(
        ["Review the next ", html.Kbd("g r", className="kbd")],
        id="review-it",
        className="btn sm",
        title="One after the other: a approves, x rejects",
        **{"data-review": "scenes", "data-next-review": "1"},
    )


def _reviews(overview: RunOverview, button: Component) -> Component:
    count = overview.counts[CellStatus.REVIEW]
    scenes, more = words.counted(count, "scene"), _failures(overview)
    told = f" {'waits' if count == 1 else 'wait'} for your decision.{f' {more}.' if more else ''}"
    return _line("review", [html.B(scenes), told], button, title=scenes + told)


def _failures(overview: RunOverview) -> str:
    """`9 scenes failed, 1 was rejected`; empty when neither."""
    failed, rejected = (overview.counts.get(status, 0) for status in (CellStatus.FAILED, CellStatus.REJECTED))
    parts = [f"{words.counted(failed, 'scene')} failed"] if failed else []
    if rejected:
        subject = f"{rejected:,}" if failed else words.counted(rejected, "scene")
        parts.append(f"{subject} {'was' if rejected == 1 else 'were'} rejected")
    return ", ".join(parts)


def _refused(characters: int) -> str:
    whose = words.counted(characters, "character")
    return f"the source images of {whose} were refused. Replace the files, then retry."


def _trouble(text: str, status: str) -> Component:
    button = html.Button("Select them", id="select-stuck", className="btn sm", **{"data-stuck": "1"})
    return _line(status, [text], button, look="plain")


def _ready(overview: RunOverview) -> Component:
    is_working = overview.outlook is Outlook.WORKING
    follows = "Exports and packages are being made." if is_working else "Deliver packs, verifies and seals it."
    told = f"Everything is approved, {words.counted(overview.approved, 'scene')}. {follows}"
    return _line("approved", [told], look="plain")


def _over(overview: RunOverview) -> Component:
    """Nothing more happens by itself in a run that is delivered or was cancelled."""
    link = dcc.Link("See its deliveries", href=f"/deliveries?run={overview.run_id}", className="btn sm")
    status = "cancelled" if overview.missing else "approved"
    return _line(status, ["This run is over; submitting scenes opens it again."], link, look="plain")


def _calm(overview: RunOverview) -> Component:
    """Nobody is waited for: what is under way, and what nobody has asked for yet."""
    counts = overview.counts
    moving = sum(counts.get(status, 0) for status in (CellStatus.GENERATING, CellStatus.QUEUED, BLOCKED))
    idle = counts.get(CellStatus.NOT_STARTED, 0)
    if overview.outlook is Outlook.PAUSED:
        told = "The run is paused: what was begun is finished, and nothing new starts."
    elif moving and overview.held and not counts.get(CellStatus.GENERATING):
        be = "is" if moving == 1 else "are"
        told = f"Nothing is asked of you: {words.counted(moving, 'scene')} {be} queued, and generation {overview.held[0].words}."
    elif moving:
        told = f"Nothing is asked of you: {words.counted(moving, 'scene')} {'is' if moving == 1 else 'are'} under way."
    else:
        told = "Nothing is asked of you."
    if idle:
        told += f" {words.counted(idle, 'scene')} {'is' if idle == 1 else 'are'} not submitted."
    status = CellStatus.GENERATING if moving else CellStatus.NOT_STARTED if idle else CellStatus.APPROVED
    return _line(status, [told], _submit_button("Submit the rest", "btn sm") if idle else None, look="plain")


def _line(
    status: str, told: list[Component | str], *buttons: Component | None, look: str = "", title: str | None = None
) -> Component:
    whole = title or "".join(part for part in told if isinstance(part, str))
    text = html.Span(told, className="bx-hint-text", title=whole)
    return html.Div([palette.badge(status), text, html.Span(className="spread"), *buttons], className=f"bx-hint {look}".strip())
