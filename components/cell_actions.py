"""What a person can do with a cell now: why it stands where it does, who acts next, and the forms behind the buttons."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from components import palette, words
from components.cell_jobs import seconds
from pipeline.domain.cell_page import CellPage, TakeView
from pipeline.domain.statuses import CellStatus, JobStatus

REASONS = (
    "jump between segments",
    "flicker",
    "soft picture",
    "wrong face",
    "wrong costume",
    "wrong motion",
    "wrong light",
    "other",
)
"""Why people refuse a take."""

_REASON_OF = {
    "boundary_jump": "jump between segments",
    "boundary_ssim": "jump between segments",
    "boundary_color_shift": "jump between segments",
    "flicker": "flicker",
    "sharpness": "soft picture",
    "frozen_frames": "wrong motion",
    "black_frames": "wrong light",
}
"""The reason that fits a measure beyond its limit."""

_MAKES = (CellStatus.REVIEW, CellStatus.APPROVED, CellStatus.REJECTED, CellStatus.FAILED)


def status(view: CellPage) -> list[Component]:
    """Status with since when, why, who acts next, and the buttons."""
    return [
        html.Div(
            [
                palette.badge(view.shown),
                html.H2(palette.WORDS[view.shown].capitalize(), className="cell-status-word", id="cell-status-word"),
                html.Span(_since(view), className="muted"),
            ],
            className="cell-status-line",
        ),
        html.Div(_why(view), className="muted cell-why", id="cell-why"),
        _stale(view),
        html.Div(_buttons(view), className="cell-buttons", id="cell-buttons"),
    ]


def _since(view: CellPage) -> list[Component | str]:
    take = f"take {view.cell.told_take}" if view.cell.take and view.cell.status is not CellStatus.NOT_STARTED else ""
    word = {
        "review": " waits for a person, since ",
        "generating": " under way, since ",
        "queued": " in line, since ",
        "blocked": " asked for ",
    }
    return [take, word.get(view.shown, ", " if take else ""), words.since(view.cell.status_at, view.now)]


def _why(view: CellPage) -> list[Component | str]:
    cell, shown = view.cell, view.shown
    if shown == "review":
        return [*_gate(view), *_frees(view)]
    if shown == "blocked":
        needed = "; ".join(str(unmet) for unmet in view.blocked_by)
        return [html.B(f"{needed[:1].upper()}{needed[1:]}"), ". This scene starts by itself as soon as that is approved."]
    if shown in ("rejected", "failed"):
        note = view.newest.take.note if view.newest and shown == "rejected" else ""
        told: list[Component | str] = [html.B(cell.reason or "No reason was given"), f": “{note}” " if note else ". "]
        return [*told, "Make a new take." if shown == "rejected" else "Try it again, or make a new take."]
    if shown == "approved":
        number = cell.told_take
        take = view.take(number)
        by = take.take.decided_by.replace("system:gate", "the quality checks").replace("rule:", "the rule ") if take else ""
        note = f" “{take.take.note}”" if take and take.take.note else ""
        return [f"Take {number} was approved by ", html.B(by or "a person"), f".{note} It goes into the delivery."]
    if view.waits and not any(job.job.status is JobStatus.RUNNING for job in view.jobs):
        held = view.waits[0].sentence
        return [f"{held[:1].upper()}{held[1:]}. It goes on by itself after that."]
    return [
        {
            "not_started": "Nobody has asked for it yet.",
            "queued": "The engine takes it as soon as a slot is free.",
            "generating": "The engine works on it; it comes to review by itself.",
            "cancelled": "A person took it out. Submit it to bring it back.",
        }[shown]
    ]


def _gate(view: CellPage) -> list[Component | str]:
    found = view.newest.verdict.findings if view.newest and view.newest.verdict else ()
    if view.scene.gate == "auto" and found:
        return ["The checks flagged it, so a person decides. "]
    return ["People decide this gate. "]


def _frees(view: CellPage) -> list[Component | str]:
    freed = [waiter for waiter in view.waiters if waiter.is_freed]
    if not freed:
        return []
    seconds = sum(waiter.seconds for waiter in freed)
    return ["Approving frees ", html.B(words.counted(len(freed), "scene")), f", {words.duration(seconds)} of GPU time."]


def _stale(view: CellPage) -> Component | None:
    if not view.cell.stale:
        return None
    return html.Div(
        [html.Span("△", className="warn"), html.Span(f"Stale: {view.cell.stale}")], className="cell-stale", id="cell-stale"
    )


def _buttons(view: CellPage) -> list[Component]:
    status = view.cell.status
    parts: list[Component] = []
    if status is CellStatus.REVIEW:
        parts = [
            _button("approve", ["✓ ", f"Approve take {view.cell.take}"], "a", "primary"),
            _button("reject", "↺ Reject", "x", opens="reject-form"),
        ]
    elif status is CellStatus.APPROVED:
        parts = [_button("reject", "↺ Withdraw approval", "x", opens="reject-form")]
    elif status in (CellStatus.NOT_STARTED, CellStatus.CANCELLED):
        parts = [_button("submit", "Submit", "r", "primary")]
    elif status is CellStatus.FAILED:
        parts = [_button("retry", "Try again", "r", "primary")]
    if status in _MAKES:
        parts += [
            html.Span(className="spread"),
            _retake(view),
        ]
    earlier = _earlier(view)
    if earlier is not None:
        parts.insert(int(status is CellStatus.APPROVED), _button("rollback", f"Back to take {earlier}", ""))
    if status in (CellStatus.QUEUED, CellStatus.GENERATING):
        parts.append(_button("cancel", "Cancel", "", opens="cancel-form"))
    return parts


def _earlier(view: CellPage) -> int | None:
    """The approved take that a person may go back to: of an approved scene the one before, else the newest one."""
    cell = view.cell
    if cell.status is CellStatus.REVIEW:
        return None
    approved = [take.number for take in view.takes if take.take.decision == "approved"]
    if cell.status is CellStatus.APPROVED:
        approved = [number for number in approved if number < cell.told_take]
    return max(approved, default=None)


def _retake(view: CellPage) -> Component:
    """The next thing to do once a take was refused; else one more choice beside the others."""
    if view.cell.status is CellStatus.REJECTED:
        return _button("retake", f"Make take {view.cell.take + 1} ▾", "r", "primary", opens="retake-form")
    return _button("retake", "New take ▾", "", opens="retake-form")


def _button(verb: str, text: str | list[str], key: str, kind: str = "", opens: str = "") -> Component:
    return html.Button(
        [html.Span(text), html.Span(key, className="kbd") if key else None],
        id=verb,
        className=f"btn {kind}".strip(),
        **{"data-verb": verb, **({"data-opens": opens, "aria-controls": opens, "aria-expanded": "false"} if opens else {})},
    )


def reject_form(content: list[Component]) -> Component:
    """Reason and note; it stays while the panels round it change, so nothing written is lost."""
    return html.Section(
        id="reject-form",
        className="cell-part cell-form",
        hidden=True,
        **{"aria-label": "Reject"},
        children=[
            html.Div(content, id="cell-reasons"),
            dcc.Textarea(
                id="reject-note", placeholder="A note for whoever makes the next take", maxLength=1000, className="form-control"
            ),
            html.Div(
                [
                    html.Button("Reject", id="reject-send", className="btn danger", **{"data-verb": "reject-send"}),
                    html.Button("Not now", className="btn ghost", **{"data-closes": "reject-form"}),
                ],
                className="cell-buttons",
            ),
        ],
    )


def reasons(view: CellPage) -> list[Component]:
    """The reasons as buttons; what the checks found is chosen already."""
    chosen = suggested(view.newest)
    return [
        html.H2(f"Why is take {view.cell.take} refused?", className="h2"),
        html.Div(
            [
                html.Button(
                    reason,
                    className="chip reason",
                    **{"data-reason": reason, "aria-pressed": "true" if reason == chosen else "false"},
                )
                for reason in REASONS
            ],
            className="reasons",
            role="group",
        ),
    ]


def suggested(take: TakeView | None) -> str:
    """The reason that fits what is worst; none when all is within its limits."""
    findings = take.verdict.findings if take and take.verdict else ()
    return next((_REASON_OF[found.measurement.name] for found in findings if found.measurement.name in _REASON_OF), "")


def retake_form(content: list[Component], prompt: str) -> Component:
    """From which segment, with which words, and with which seed."""
    return html.Section(
        id="retake-form",
        className="cell-part cell-form",
        hidden=True,
        **{"aria-label": "New take"},
        children=[
            html.Div(content, id="cell-origins"),
            html.Label(
                [html.Span("Prompt"), dcc.Textarea(id="retake-prompt", value=prompt, maxLength=4000, rows=3)],
                className="cell-words",
            ),
            html.Label(
                [
                    html.Span("Seed"),
                    dcc.Input(
                        id="retake-seed", type="text", inputMode="numeric", pattern="[0-9]*", maxLength=10,
                        placeholder="a new one", className="form-control",
                    ),
                ],
                className="cell-field",
            ),
            html.Div(
                [
                    html.Button("Queue it", id="retake-send", className="btn primary", **{"data-verb": "retake-send"}),
                    html.Button("Not now", className="btn ghost", **{"data-closes": "retake-form"}),
                ],
                className="cell-buttons",
            ),
        ],
    )  # fmt: skip


def cancel_form() -> Component:
    """Sure? It costs what has been made of the take."""
    return html.Section(
        id="cancel-form",
        className="cell-part cell-form",
        hidden=True,
        **{"aria-label": "Cancel"},
        children=[
            html.H2("Stop this take?", className="h2"),
            html.P("What runs is stopped and the scene is taken out. Earlier takes stay; submitting it later begins a new one."),
            html.Div(
                [
                    html.Button("Stop it", id="cancel-send", className="btn danger", **{"data-verb": "cancel-send"}),
                    html.Button("Go on", className="btn ghost", **{"data-closes": "cancel-form"}),
                ],
                className="cell-buttons",
            ),
        ],
    )


def origins(view: CellPage) -> list[Component]:
    """Where a new take may begin: anew, or after segments of the last one that are good."""
    made = kept_at_most(view.newest)
    count = len(view.scene.segment_frames)
    names = ["All of it anew"] + [f"From segment {number}" for number in range(2, made + 2)]
    return [
        html.H2(f"Take {view.cell.take + 1}", className="h2"),
        html.Div(
            [
                html.Button(
                    [name, html.Span(seconds(view.cost_from(number)), className="num origin-cost")],
                    className="chip origin",
                    **{"data-segment": str(number), "aria-pressed": "true" if number == 1 else "false"},
                )
                for number, name in enumerate(names, 1)
                if number <= count
            ],
            className="reasons",
            role="group",
        ),
        html.P(
            "GPU time as expected. What comes before the segment is kept as it is and costs nothing."
            if made
            else "GPU time as expected. Every segment is made anew.",
            className="faint",
        ),
    ]


def kept_at_most(take: TakeView | None) -> int:
    """How many segments of this take another one may begin with: those made, without a gap, and never all of them."""
    made = 0
    for segment in take.segments[:-1] if take else ():
        if segment.file is None:
            break
        made += 1
    return made
