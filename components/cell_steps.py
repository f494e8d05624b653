"""What a cell needs and what it frees, step by step; and its story."""

from __future__ import annotations

from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components import palette, words
from components.cell_jobs import seconds
from components.cell_takes import links
from pipeline.domain.cell_page import CellPage, StillView, TakeView
from pipeline.domain.statuses import CellStatus, StillKind
from pipeline.domain.stories import Line

_SHOWN_WAITERS = 3


def steps(view: CellPage) -> list[Component]:
    """The chain from the source image to what waits for this cell."""
    rows = [_still(view, found) for found in view.stills]
    rows += [_row(cell.status.value, dcc.Link(cell.plan.key, href=f"/cells/{cell.id}"), cell.status.value) for cell in view.after]
    take = view.told
    if take is not None:
        rows += _work(view, take)
    rows.append(_row(_gate_status(view), html.B("scene approval"), _gate_note(view), is_now=view.shown == "review"))
    if view.waiters:
        rows.append(_waiters(view))
    return [
        html.H2("Needs and frees", className="h2"),
        html.Ol(rows, className="cell-steps"),
    ]


def _row(status: str, text: Component | str, note: Component | str | list[Component | str], *, is_now: bool = False) -> Component:
    return html.Li(
        [palette.badge(status), html.Span(text, className="cell-step-text"), html.Span(note, className="cell-step-note faint")],
        className="cell-step now" if is_now else "cell-step",
    )


def _still(view: CellPage, found: StillView) -> Component:
    still = found.still
    name = {
        StillKind.SOURCE: ["source image ", html.B(still.key)],
        StillKind.VARIANT: ["variant image ", html.B(still.key)],
        StillKind.PLATE: ["plate ", html.B(still.key)],
    }[still.kind]
    status = still.status.value
    picture = html.Img(src=f"/media/stills/{still.id}/0.jpg?h=90&take={still.take}", alt="", className="cell-step-picture")
    has_picture = bool(found.candidates) and (still.kind is StillKind.SOURCE or status in ("review", "approved", "rejected"))
    text = html.Span([picture if has_picture else None, html.Span(name)], className="cell-step-name", title=still.key)
    return _row(status, text, _still_note(view, found), is_now=status == "review")


def _still_note(view: CellPage, found: StillView) -> str:
    still = found.still
    if still.status is CellStatus.APPROVED:
        if still.kind is StillKind.VARIANT:
            return f"approved by {found.decided_by}" if found.decided_by and found.decided_by != "the gate" else "approved"
        measured = next((one for one in (still.verdict or {}).get("judged", ()) if one["measure"] == "sharpness"), None)
        return f"sharpness {measured['value']:.0f}" if measured and measured["value"] is not None else "approved"
    if still.status is CellStatus.REVIEW:
        return "waits for you" if still.kind is StillKind.VARIANT else "in review"
    return still.reason or palette.WORDS[still.status.value]


def _work(view: CellPage, take: TakeView) -> list[Component]:
    made = sum(1 for segment in take.segments if segment.file)
    count = len(take.segments)
    kept = [job for job in view.jobs if job.job.take == take.number and job.is_generation and job.is_reused]
    note = seconds(take.generation_s) if made == count else f"{made} of {count}"
    if kept:
        note += f", {len(kept)} reused"
    is_failed = take.shown == "failed"
    state = (
        "approved"
        if made == count
        else "failed"
        if is_failed
        else "cancelled"
        if take.shown == "cancelled"
        else _going(view, take)
    )
    rows = [_row(state, f"take {take.number}, {words.counted(count, 'segment')}", note, is_now=state == "generating")]
    if take.verdict is not None:
        findings = len(take.verdict.findings)
        judged = len(take.verdict.judged)
        found = html.Span(f"▲ {findings} of {judged} outside", className="bad")
        rows.append(_row("approved", "quality check", found if findings else f"passed {judged} of {judged}"))
    if take.scene is not None:
        rows.append(_row("approved", "assembly", f"{view.scene.frames} frames"))
    return rows


def _going(view: CellPage, take: TakeView) -> str:
    if any(segment.shown == "generating" for segment in take.segments) or any(segment.file for segment in take.segments):
        return "generating"
    return view.shown if view.shown in ("blocked", "queued") else "queued"


def _gate_status(view: CellPage) -> str:
    return view.shown if view.shown in ("review", "approved", "rejected", "cancelled") else "not_started"


def _gate_note(view: CellPage) -> Component | str:
    if view.shown in ("review", "approved", "rejected"):
        return words.since(view.cell.status_at, view.now)
    return "people decide" if view.scene.gate == "human" else "the checks decide"


def _waiters(view: CellPage) -> Component:
    shown = links([(waiter.cell.id, waiter.cell.plan.key) for waiter in view.waiters[:_SHOWN_WAITERS]])
    rest = len(view.waiters) - _SHOWN_WAITERS
    if rest > 0:
        shown.append(html.Span(f" and {rest} more"))
    return _row("blocked", html.Span(shown), "wait for this" if len(view.waiters) > 1 else "waits for this")


def story(view: CellPage) -> list[Component]:
    """What happened, newest first, each with its cause."""
    if not view.story:
        return [html.H2("Story", className="h2"), html.P(_NOT_BEGUN, className="muted"), _try_it(view)]
    asked = dcc.Link("Why did a rule not fire?", href=f"/triggers/log?cell={view.cell.id}", className="link", id="cell-rules")
    head = html.H2(["Story", html.Span(className="spread"), asked], className="h2 split")
    lines = [
        html.Li(
            [
                html.Time(_when(line.at, view.now), title=words.exactly(line.at), className="faint num"),
                html.Span([line.text, _because(view, line)]),
            ]
        )
        for line in view.story
    ]
    return [head, html.Ol(lines, className="story", id="story")]


_NOT_BEGUN = "It begins when somebody, or a rule, submits this scene."


def _try_it(view: CellPage) -> Component:
    """What rules would make of it, where none has had a say yet."""
    return dcc.Link("What would rules do with it?", href=f"/triggers/test?cell={view.cell.id}", className="link", id="cell-try")


def _because(view: CellPage, line: Line) -> Component | None:
    """What led to it; where a rule did, the rule and the event that had woken it."""
    by = view.by_rules.get(line.seq)
    if by is None:
        return html.Span(f"↳ {line.because}", className="because") if line.because else None
    named = html.B(by.rule) if by.rule_id is None else dcc.Link(by.rule, href=f"/triggers/rule/{by.rule_id}", className="strong")
    event = dcc.Link(f"{by.event}{f', {by.about}' if by.about else ''}", href=f"/triggers/log?event={by.event_seq}")
    told: list[Component | str] = ["↳ rule ", named, " fired on ", event]
    return html.Span([*told, f": {by.reason}" if by.reason else ""], className="because")


def _when(at: datetime, now: datetime) -> str:
    return words.clock(at, now)
