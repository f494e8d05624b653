"""One budget over time: what was spent, the limit with its levels, and where that leads.

Drawn with elements and clipped areas, so that colours, sizes and themes are those of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from components import words
from pipeline.domain.budget import ACTION_WORDS, Budget, Quantity
from pipeline.domain.costs import BurnDown, Point

_HEADROOM = 1.12
_LEAST_AHEAD = 0.22
_MOST_AHEAD = 1.5
"""How much of the past's length is shown of the future, at least and at most."""
_STRIPS = 40
_NEAR = 11.0
_LABEL_HEIGHT = 8.9
"""Percent of the height that the label of a line takes, where the chart is as low as it gets."""


_OF = {Quantity.GPU_SECONDS: "GPU-hours", Quantity.MONEY: "money", Quantity.DISK_BYTES: "disk"}


@dataclass(frozen=True)
class _Frame:
    """The ends of both axes."""

    since: datetime
    until: datetime
    most: float

    def x(self, at: datetime) -> float:
        """Percent of the width."""
        return min(100.0, max(0.0, 100 * (at - self.since) / (self.until - self.since)))

    def y(self, value: float) -> float:
        """Percent of the height, from the top."""
        return 100 - min(100.0, max(0.0, 100 * value / self.most))


def content(budget: Budget, burn: BurnDown, now: datetime) -> list[Component]:
    """The card: a sentence, then the chart."""
    told = summary(budget, burn, now)
    head = html.Div(
        [
            html.H2(budget.name, className="card-title cut", title=budget.name),
            html.Span(_OF[budget.quantity], className="muted"),
            html.Span(_short(budget), className="muted num end"),
        ],
        className="card-head",
    )
    axes = _axes(budget, burn, now)
    plot = html.Div(
        [
            *_levels(budget, axes),
            _area([*_steps(burn.points, axes)], "bu-spent"),
            *_forecast(budget, burn, axes, now),
            *_limit(budget, axes),
            html.I(className="bu-now", style={"left": f"{axes.x(now):.2f}%"}),
            *_strips(budget, burn.points, axes, now),
        ],
        className="bu-plot",
        role="img",
        **{"aria-label": told},
    )
    sentence = html.P([html.Span("▲ ", className="bu-warn") if burn.empty_at else "", told], className="bu-sentence")
    return [head, sentence, html.Div([plot, _times(axes, now)], className="bu-chart")]


def summary(budget: Budget, burn: BurnDown, now: datetime) -> str:
    """Where it stands and where it leads, in words."""
    amount = _amount_of(budget.quantity)
    limit = "" if budget.limit is None else f" of {amount(budget.limit)}"
    told = f"{amount(budget.spent)}{limit} spent"
    held = amount(budget.reserved)
    told += "." if held in ("0 h", "0.00 h", "0.00", "0 bytes") else f", {held} reserved."
    if budget.quantity is Quantity.DISK_BYTES:
        return f"{told} Disk is counted when files are stored."
    if budget.stops is not None:
        return f"{told} Its level of {budget.stops.at_percent:g} % is reached: {ACTION_WORDS[budget.stops.action]}."
    told += f" Lately {amount(burn.pace)} an hour." if burn.pace and burn.left else ""
    return f"{told} {_ahead(budget, burn, now)}."


def _ahead(budget: Budget, burn: BurnDown, now: datetime) -> str:
    """Where it leads."""
    amount = _amount_of(budget.quantity)
    waits = f"{words.counted(burn.undecided, 'scene')} {'waits' if burn.undecided == 1 else 'wait'} for people"
    also = f", and {waits}" if burn.undecided else ""
    if not burn.left:
        return f"{waits[:1].upper()}{waits[1:]}; nothing else is asked for" if burn.undecided else "Nothing more is asked for"
    if burn.empty_at is not None:
        return f"Nothing is left {_at(burn.empty_at, now)}, before what is asked for is done{also}"
    if burn.ends_at is not None:
        over = "" if budget.limit is None else f", with {amount(max(0.0, budget.limit - budget.spent - burn.left))} left"
        return f"What is asked for is done {_at(burn.ends_at, now)}{over}{also}"
    why = f" ({burn.held})" if burn.held else ""
    return f"What is asked for needs {amount(burn.left)} more; when it is done cannot be told{why}{also}"


def _at(moment: datetime, now: datetime) -> str:
    said = words.clock(moment, now)
    return f"at {said}" if said[0].isdigit() and ":" in said and len(said) == 5 else said


def _short(budget: Budget) -> str:
    if budget.limit is None:
        return ""
    return f"{words.share(budget.spent, budget.limit)} % spent"


def _amount_of(quantity: Quantity) -> Callable[[float], str]:
    return {Quantity.GPU_SECONDS: words.hours, Quantity.MONEY: words.money, Quantity.DISK_BYTES: words.size}[quantity]


def _axes(budget: Budget, burn: BurnDown, now: datetime) -> _Frame:
    since = burn.points[0].at if burn.points else now - timedelta(hours=1)
    past = max(now - since, timedelta(minutes=10))
    ahead = past * _LEAST_AHEAD
    for moment in (burn.ends_at, burn.empty_at):
        if moment is not None:
            ahead = min(max(ahead, (moment - now) * 1.08), past * _MOST_AHEAD)
    most = max(budget.limit or 0.0, budget.spent + burn.left if burn.ends_at else 0.0, budget.spent, 1e-9)
    return _Frame(now - past, now + ahead, most * _HEADROOM)


def _steps(points: Sequence[Point], axes: _Frame) -> list[tuple[float, float]]:
    return [(axes.x(point.at), axes.y(point.spent)) for point in points]


def _area(line: Sequence[tuple[float, float]], look: str) -> Component:
    """What lies under a line."""
    if not line:
        return html.Span()
    corners = [(line[0][0], 100.0), *line, (line[-1][0], 100.0)]
    shape = ", ".join(f"{x:.2f}% {y:.2f}%" for x, y in corners)
    return html.I(className=look, style={"clipPath": f"polygon({shape})"})


def _forecast(budget: Budget, burn: BurnDown, axes: _Frame, now: datetime) -> list[Component]:
    goal = budget.spent + burn.left if burn.ends_at else budget.limit if burn.empty_at else None
    end = burn.ends_at or burn.empty_at
    if goal is None or end is None:
        return []
    shown = min(end, axes.until)
    share = (shown - now) / (end - now) if end > now else 1.0
    line = [(axes.x(now), axes.y(budget.spent)), (axes.x(shown), axes.y(budget.spent + share * (goal - budget.spent)))]
    parts = [_area(line, "bu-forecast")]
    if end <= axes.until:
        look = "bu-end bu-end-empty" if burn.empty_at else "bu-end"
        parts.append(html.I(className=look, style={"left": f"{axes.x(end):.2f}%", "top": f"{axes.y(goal):.2f}%"}))
    return parts


def _limit(budget: Budget, axes: _Frame) -> list[Component]:
    if budget.limit is None:
        return []
    label = html.Span(f"limit {_amount_of(budget.quantity)(budget.limit)}", className="bu-line-label num")
    return [html.Div(label, className="bu-limit", style={"top": f"{axes.y(budget.limit):.2f}%"})]


def _levels(budget: Budget, axes: _Frame) -> list[Component]:
    """A line a level, from the highest down, with its label on it; one that would touch another or its line is left to the
    hover."""
    tops = [axes.y((budget.limit or 0.0) * level.at_percent / 100) for level in budget.thresholds]
    found: list[Component] = []
    taken = axes.y(budget.limit or 0.0)
    for number, level in sorted(enumerate(budget.thresholds), reverse=True):
        top, following = tops[number], tops[number - 1] if number else 100.0
        text = f"{level.at_percent:g} % {level.action.value}{' ✓' if number < budget.fired else ''}"
        has_room = min(top - taken, following - top) >= _LABEL_HEIGHT / 2
        label = [html.Span(text, className="bu-line-label num")] if has_room else []
        taken = top + _LABEL_HEIGHT / 2 if has_room else top
        found.append(html.Div(label, className="bu-level", style={"top": f"{top:.2f}%"}, title=text))
    return found


def _strips(budget: Budget, points: Sequence[Point], axes: _Frame, now: datetime) -> list[Component]:
    """Upright strips that tell on hover what was spent by then."""
    amount, end = _amount_of(budget.quantity), axes.x(now)
    found = []
    for number in range(_STRIPS):
        left, right = (end * edge / _STRIPS for edge in (number, number + 1))
        at = axes.since + (axes.until - axes.since) * (right / 100)
        spent = next((point.spent for point in reversed(points) if point.at <= at), 0.0)
        style = {"left": f"{left:.2f}%", "width": f"{right - left:.2f}%"}
        found.append(html.Span(className="bu-strip", style=style, title=f"{words.clock(at, now)}: {amount(spent)}"))
    return found


def _times(axes: _Frame, now: datetime) -> Component:
    """The beginning, now and the end below the chart."""
    at = axes.x(now)
    ends = [(axes.since, 0.0, "first"), (axes.until, 100.0, "last")]
    marks = [
        html.Span(words.clock(moment, now), className=f"num bu-time-{look}", style={"left": f"{x:.2f}%"})
        for moment, x, look in ends
        if abs(x - at) > _NEAR
    ]
    return html.Div([*marks, html.Span("now", className="bu-time-now", style={"left": f"{at:.2f}%"})], className="bu-times faint")
