"""What the board asks before it acts: submissions with their price, rejections with a reason, and what cannot be undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import words
from components.cell_actions import REASONS
from pipeline.domain.choices import Mode, Preview

_SHOWN = 200
_MOST_SPREADS = 5
_TITLES = {
    Mode.MISSING: "Submit what is missing",
    Mode.FAILED: "Retry what failed or was rejected",
    Mode.ALL: "Make new takes",
}


def submission(preview: Preview, mode: Mode, extra: str = "") -> list[Component]:
    """How many scenes, what they cost, and why each other one is left out. `extra` is what else will be tried again."""
    count = len(preview.accepted)
    body: list[Component] = []
    if preview.refusal:
        body.append(html.Div(preview.refusal, className="bx-refusal", role="alert"))
    if count:
        body.append(_price(preview))
    elif not extra:
        body.append(html.P("There is nothing to do: none of these scenes is in a state that this asks for.", className="muted"))
    if extra:
        body.append(html.P(extra, className="muted"))
    if preview.skipped:
        body.append(_skipped(preview.skipped))
    can = bool(count or extra) and not preview.refusal
    verb = {Mode.MISSING: "Submit", Mode.FAILED: "Retry", Mode.ALL: "Re-run"}[mode]
    button = f"{verb} {words.counted(count, 'scene')}" if count else "Retry" if extra else verb
    return dialog(_TITLES[mode], body, button, is_able=can)


def _price(preview: Preview) -> Component:
    estimate = preview.estimate
    pairs = (
        ("scenes", f"{len(preview.accepted):,}"),
        ("generation time", words.duration(estimate.generation_seconds)),
        *([("at most, P90", words.duration(estimate.late_seconds))] if estimate.late_seconds is not None else []),
        ("disk", words.size(estimate.disk_bytes)),
        *([("money, from", words.money(preview.cost))] if preview.cost else []),
        ("frames", f"{estimate.frames:,}"),
    )
    cells = [part for name, value in pairs for part in (html.Span(name, className="muted"), html.B(value, className="num"))]
    measured: list[Component] = [html.Div(spread.words) for spread in estimate.spreads[:_MOST_SPREADS]]
    more = len(estimate.spreads) - len(measured)
    measured += [html.Div(f"and {words.counted(more, 'scene type')} more")] if more else []
    told = html.Div([html.Div(f"Times are {estimate.basis}."), *measured], className="faint bx-spreads")
    return html.Div([html.Div(cells, className="bx-pairs"), told])


def _skipped(skipped: Mapping[str, str]) -> Component:
    """Left out, by reason; the scenes themselves on demand."""
    reasons = Counter(skipped.values())
    lines: list[Component] = [
        html.Li([html.B(f"{count:,} ", className="num"), _short(reason)]) for reason, count in reasons.most_common(6)
    ]
    each = [html.Li([html.B(key), f": {why}"]) for key, why in list(skipped.items())[:_SHOWN]]
    more = [html.Li(f"and {len(skipped) - _SHOWN:,} more")] if len(skipped) > _SHOWN else []
    return html.Div(
        [
            html.H3(f"{words.counted(len(skipped), 'scene')} left out", className="h2"),
            html.Ul(lines, className="bx-reasons"),
            html.Details([html.Summary("Scene by scene"), html.Ul([*each, *more], className="bx-each")]),
        ]
    )


def _short(reason: str) -> str:
    """`approved` for `it is approved; mode failed leaves it as it is`."""
    return reason.removeprefix("it is ").split("; mode ")[0]


def rejection(what: str, *, is_withdrawal: bool = False) -> list[Component]:
    """Why it is refused: a reason to choose, and room for a note."""
    choices = [
        html.Button(
            [html.Kbd(str(number), className="kbd"), reason],
            className="btn sm",
            role="radio",
            **{"data-reason": reason, "aria-checked": "true" if number == 1 else "false"},
        )
        for number, reason in enumerate(REASONS, 1)
    ]
    return dialog(
        f"{'Withdraw the approval of' if is_withdrawal else 'Reject'} {what}",
        [
            html.P("Whoever makes the next take reads this.", className="muted"),
            html.Div(choices, className="bx-choices", role="radiogroup", **{"aria-label": "Reason"}),
            html.Textarea(id="reject-words", placeholder="In your own words (optional)", maxLength=500, rows=2,
                          className="form-control", **{"aria-label": "Note"}),
        ],
        "Reject",
        is_bad=True,
    )  # fmt: skip


def question(title: str, text: str, verb: str) -> list[Component]:
    """A plain question before something that cannot be taken back."""
    return dialog(title, [html.P(text, className="muted")], verb, is_bad=True)


def dialog(title: str, body: list[Component], verb: str, *, is_able: bool = True, is_bad: bool = False) -> list[Component]:
    """Title, content, and two buttons; the first thing that Enter would press is the safe one when it is a bad one."""
    return [
        dbc.ModalHeader(dbc.ModalTitle(title, id="confirm-title"), close_button=True),
        dbc.ModalBody(body),
        dbc.ModalFooter(
            [
                html.Button("Cancel", id="confirm-no", className="btn", **{"data-confirm": "no"}),
                html.Button(verb, id="confirm-yes", className="btn danger" if is_bad else "btn primary", disabled=not is_able,
                            **{"data-confirm": "yes"}),
            ]
        ),
    ]  # fmt: skip
