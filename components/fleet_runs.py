"""The fleet by run: what is left of each, when it is likely done, and when at the latest; all on one axis of time."""

from __future__ import annotations

from datetime import datetime, timedelta

from dash import dcc, html
from dash.development.base_component import Component

from components import deadlines, fleet_press, words
from pipeline.domain.estimates import is_guess
from pipeline.domain.fleet_forecast import FleetForecast, RunEnd

_STEPS = 4
_NEAR = timedelta(minutes=10)


def choice(part: str, shown: str, *options: tuple[str, str]) -> Component:
    """Buttons that choose how a part of the page is ordered; each option has a value and a word."""
    buttons = [
        html.Button(word, **{"aria-pressed": str(value == shown).lower()}, **fleet_press.pressed(f"by:{part}:{value}"))
        for value, word in options
    ]
    return html.Div(buttons, className="seg small", role="group", **{"aria-label": f"Order of {part}"})


def lanes(forecast: FleetForecast) -> Component:
    """A line for each run: from now to where it is likely done, and on to the latest."""
    if not forecast.runs:
        return html.P("No run has work for the fleet.", className="card-note")
    last = max((run.latest_at for run in forecast.runs if run.latest_at), default=None)
    return html.Div([_axis(forecast.now, last), *(_lane(run, forecast.now, last) for run in forecast.runs)], className="fl-runs")


def _axis(now: datetime, last: datetime | None) -> Component:
    marks = []
    if last is not None:
        for step in range(_STEPS + 1):
            at = now + (last - now) * (step / _STEPS)
            told = f"now {at.astimezone():%H:%M}" if step == 0 else words.until(at, now)
            marks.append(html.Span(told, style={"left": f"{100 * step / _STEPS:.0f}%"}, className="num"))
    return html.Div([html.Span(), html.Div(marks, className="fl-runs-axis faint"), html.Span()], className="fl-run",
                    **{"aria-hidden": "true"})  # fmt: skip


def _lane(run: RunEnd, now: datetime, last: datetime | None) -> Component:
    name = dcc.Link(words.both_ends(run.name), href=f"/runs/{run.run_id}", className="strong ends fl-key", title=run.name)
    left = [f"{words.counted(run.jobs, 'job')} left"]
    left += [f"{run.waiting:,} wait"] if run.waiting else []
    left += [f"{words.counted(run.undecided, 'scene')} undecided"] if run.undecided else []
    told = ", ".join(left)
    bars: list[Component] = []
    if last is not None and run.likely_at and run.latest_at:
        whole = max(1.0, (last - now).total_seconds())
        likely, latest = (100 * (at - now).total_seconds() / whole for at in (run.likely_at, run.latest_at))
        bars = [
            html.I(className="fl-run-likely", style={"width": f"{likely:.2f}%"}),
            html.I(className="fl-run-latest", style={"left": f"{likely:.2f}%", "width": f"{max(0.0, latest - likely):.2f}%"}),
        ]
    return html.Div(
        [
            html.Div([name, html.Div(told, className="faint small cut", title=told)], className="cut"),
            html.Div(bars, className="fl-run-bar", title=ends(run, now), role="img", **{"aria-label": ends(run, now)}),
            html.Div(_done(run, now), className="r num fl-start"),
        ],
        className="fl-run",
    )


def ends(run: RunEnd, now: datetime) -> str:
    """`done at 15:10, at the latest at 16:00, due 15:30 ▲ late`."""
    due = "".join(f", {part.children}" for part in _due(run, now))
    if run.unpaid is not None:
        return f"{run.unpaid.words}{due}"
    if run.likely_at is None or run.latest_at is None:
        return f"never done: nobody can do all of it{due}" if run.jobs else "nothing is left for the fleet"
    guess = f" ({words.GUESS})" if is_guess(run.measured_share) else ""
    return f"done {moment(run.likely_at, now)}, at the latest {moment(run.latest_at, now)}{due}{guess}"


def moment(at: datetime, now: datetime) -> str:
    """`in 40 s` when it is near, else `at 15:10`."""
    return f"in {words.until(at, now)}" if at - now < _NEAR else f"at {words.clock(at, now)}"


def _done(run: RunEnd, now: datetime) -> list[Component]:
    if run.likely_at is None or run.latest_at is None:
        why = "budget used up" if run.unpaid else "not by this fleet" if run.jobs else "nothing left"
        return [html.Div("–", title=ends(run, now)), html.Div(why, className="faint small"), *_due(run, now)]
    latest = moment(run.latest_at, now).removeprefix("at ")
    guess = html.Div("a first guess", className="faint small", title=words.GUESS)
    return [
        html.Div(moment(run.likely_at, now).removeprefix("at "), title=words.exactly(run.likely_at)),
        html.Div(f"latest {latest}", className="faint small", title=words.exactly(run.latest_at)),
        *([guess] if is_guess(run.measured_share) else []),
        *_due(run, now),
    ]  # fmt: skip


def _due(run: RunEnd, now: datetime) -> list[Component]:
    if not run.jobs:
        return []
    return deadlines.due(run.due_at, likely_at=run.likely_at, latest_at=run.latest_at, now=now)
