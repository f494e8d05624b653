"""What was measured of a take, against its limits: the worst first, beside another take."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from pipeline.domain.cell_page import TakeView
from pipeline.domain.quality import Judged

NAMES = {
    "boundary_jump": "jump",
    "boundary_ssim": "seam likeness",
    "boundary_color_shift": "colour shift",
    "flicker": "flicker",
    "sharpness": "sharpness",
    "black_frames": "black frames",
    "frozen_frames": "frozen frames",
    "frame_count_error": "frame count",
    "fps_error": "frame rate",
    "size_error": "picture size",
    "likeness": "identity",
}
"""What measures are called on the screen."""

_EXACT = ("frame_count_error", "fps_error", "size_error")
_LIMIT_AT = {"max": 2 / 3, "min": 1 / 3}
"""Where the limit's mark lies on the bar."""


def measures(main: TakeView | None, other: TakeView | None) -> list[Component]:
    """A line a measure: name, bar with the limit's mark, value, limit, and the value of the other take."""
    title = html.H2("QA against limits", className="h2")
    if main is None or main.verdict is None:
        return [title, html.P("Measured when all segments of a take are there.", className="muted")]
    ours, theirs = worst(main.verdict.judged), worst(other.verdict.judged if other and other.verdict else ())
    ordered = sorted(ours.values(), key=_order)
    return [
        title,
        html.Div(
            [
                html.Div(
                    [
                        html.Span(),
                        html.Span(),
                        html.B(f"{'B ' if other else ''}take {main.number}", className="n"),
                        html.Span("limit", className="n faint"),
                        html.Span(f"A take {other.number}" if other else "", className="n faint"),
                    ],
                    className="measure measure-head",
                ),
                *(_line(judged, theirs.get(name), main) for name, judged in ((one.measurement.name, one) for one in ordered)),
            ],
            className="measures" if other else "measures alone",
        ),
    ]


def worst(judged: Sequence[Judged]) -> dict[str, Judged]:
    """Of each measure the one nearest to its limit, or farthest beyond it."""
    found: dict[str, Judged] = {}
    for one in judged:
        name = one.measurement.name
        if name not in found or one.excess > found[name].excess:
            found[name] = one
    return found


def _order(one: Judged) -> tuple[int, bool, float]:
    return ({"fail": 0, "flag": 1}.get(one.verdict, 2), one.measurement.name in _EXACT, -one.excess)


def _line(one: Judged, other: Judged | None, take: TakeView) -> Component:
    is_outside = one.verdict != "pass"
    name = NAMES.get(one.measurement.name, one.measurement.name.replace("_", " "))
    return html.Div(
        [
            html.Span(
                [name, html.Span(f" {_where(one)}", className="faint") if _where(one) else None], className="muted measure-name"
            ),
            _bar(one, other),
            html.B(
                [html.Span("▲ ", className="bad") if is_outside else None, _short(one.measurement.value)],
                className="n bad" if is_outside else "n",
            ),
            html.Span(f"{'≤' if one.kind == 'max' else '≥'} {_short(one.limit)}", className="n faint"),
            _other(other),
        ],
        className="measure outside" if is_outside else "measure",
        title=_hover(one, take),
        **{"data-measure": one.measurement.name},
    )


def _other(other: Judged | None) -> Component:
    if other is None:
        return html.Span()
    if other.verdict != "pass":
        return html.Span(f"▲ {_short(other.measurement.value)}", className="n bad")
    return html.Span(_short(other.measurement.value), className="n faint")


def _bar(one: Judged, other: Judged | None) -> Component:
    at = _LIMIT_AT[one.kind] if one.limit else 0.0
    start, end = (0.0, at) if one.kind == "max" else (at, 1.0)
    parts: list[Component] = [
        html.I(className="bar-within", style={"left": _percent(start), "width": _percent(end - start)}),
        html.I(className="bar-limit", style={"left": _percent(at)}),
    ]
    if other is not None:
        state = " outside" if other.verdict != "pass" else ""
        parts.append(html.I(className=f"bar-other{state}", style={"left": _percent(_place(other))}))
    parts.append(html.I(className="bar-value", style={"left": _percent(_place(one))}))
    return html.Span(parts, className="measure-bar", **{"aria-hidden": "true"})


def _place(one: Judged) -> float:
    """Where a value lies on its bar, so that all limits of a kind stand in line."""
    value = one.measurement.value
    if value != value:
        return 1.0 if one.kind == "max" else 0.0
    if not one.limit:
        return 0.0 if value <= 0 else 1.0
    return min(1.0, max(0.0, value / one.limit * _LIMIT_AT[one.kind]))


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%"


def _where(one: Judged) -> str:
    """Where it was measured, when that says something: a boundary or a segment that is outside."""
    subject = one.measurement.subject
    if one.verdict == "pass" or not subject.startswith(("boundary ", "segment ")):
        return ""
    kind, _, number = subject.partition(" ")
    return number.replace("-", "▸") if kind == "boundary" else f"seg {number}"


def _hover(one: Judged, take: TakeView) -> str:
    """Every place where it was measured."""
    judged = take.verdict.judged if take.verdict else ()
    same = [other for other in judged if other.measurement.name == one.measurement.name]
    return "\n".join(other.sentence for other in same[:24])


def _short(value: float) -> str:
    if value != value:
        return "none"
    if value and abs(value) < 0.001:
        return f"{value:.1g}" if abs(value) >= 0.0001 else "0.000"
    if value == round(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.095 else f"{value:.3f}"
