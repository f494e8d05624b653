"""The page of budgets as elements: every limit as a bar with its levels, one of them over time, what a run has cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from components import budget_chart, budget_costs, budget_dialog, drawn, frame, words
from components.icons import icon
from pipeline.domain.budget import Action, Budget, Quantity, Scope, Threshold
from pipeline.domain.costs import BurnDown, By
from pipeline.domain.records import Run

LIST = "budgets-list"
CHART = "budgets-chart"
COSTS = "budgets-costs"
HEAD = "budgets-head"
CHOSEN = "budgets-chosen"
CLOCK = "budgets-clock"
GO = "budgets-go"
_CLOCK_MS = 5000
_SCOPES = {Scope.PROJECT: "production", Scope.USER: "user", Scope.RUN: "run"}
QUANTITIES = {Quantity.GPU_SECONDS: "GPU-hours", Quantity.MONEY: "money", Quantity.DISK_BYTES: "disk"}
_EMPTY = (
    "A budget is a limit of GPU-hours, money or disk that is never exceeded, however many machines work: of a production, "
    "of everything that somebody runs, or of one run. At up to ten levels of it people are told, new work stops, or what runs is "
    "stopped too."
)


@dataclass(frozen=True)
class View:
    """Everything the page shows. `burn` is that of the `chosen` budget; there are `costs` where there is a run."""

    budgets: Sequence[Budget]
    chosen: Budget | None
    burn: BurnDown | None
    costs: budget_costs.Costs | None
    runs: Sequence[Run]
    titles: Sequence[str]
    person: str
    now: datetime


def key_of(budget: Budget) -> str:
    """How an address names a budget."""
    return f"{budget.scope.value}:{budget.quantity.value}:{budget.subject}"


def address(view: View, *, budget: Budget | None = None, run: Run | None = None, by: By | None = None) -> str:
    """The page with another budget, run or question; the rest stays, but that a budget of a run brings the costs of that run."""
    chosen, costs = budget or view.chosen, view.costs
    parts = {"budget": key_of(chosen)} if chosen else {}
    if costs is not None:
        of = run_of(budget) or str((run or costs.run).id)
        parts |= {"run": of, "by": (by or costs.by).value}
    return at(parts)


def run_of(budget: Budget | None) -> str:
    """The number of the run that a budget is of; nothing where it is not of a run."""
    return budget.subject if budget is not None and budget.scope is Scope.RUN else ""


def at(parts: Mapping[str, str]) -> str:
    """The address of the page with these choices."""
    return f"/budgets?{urlencode(parts)}" if parts else "/budgets"


def page(view: View) -> Component:
    """The page as it is now."""
    low = html.Section(budget_costs.content(view.costs, *links(view)), id=COSTS, className="card", **{"aria-label": "Costs"})
    return html.Div(
        [
            dcc.Store(id=CHOSEN, data=_chosen(view)),
            dcc.Interval(id=CLOCK, interval=_CLOCK_MS),
            dcc.Location(id=GO, refresh="callback-nav"),
            html.Div(
                [
                    html.H1("Budgets", className="h1"),
                    html.Span(head(view), id=HEAD, className="muted num"),
                    html.Span(className="spread"),
                    _change(view),
                    html.Button([icon("plus"), "Set a budget"], id=budget_dialog.NEW, className="btn primary"),
                ],
                className="page-head",
            ),
            _upper(view),
            low if view.costs else None,
            budget_dialog.dialog(view.titles, [run.name for run in view.runs], view.person, view.chosen),
            frame.keys_of(),
        ],
        className="page budgets",
    )


def _chosen(view: View) -> dict[str, str]:
    costs = view.costs
    return {
        "budget": key_of(view.chosen) if view.chosen else "",
        "run": str(costs.run.id) if costs else "",
        "by": costs.by.value if costs else "",
    }


def _change(view: View) -> Component:
    return html.Button(
        "Change this one", id=budget_dialog.CHANGE, className="btn", hidden=view.chosen is None,
        title="Another limit or other levels of the budget that is shown",
    )  # fmt: skip


def _upper(view: View) -> Component:
    if not view.budgets:
        teach = html.Div([html.H2("No budget yet", className="h1"), html.P(_EMPTY), _ghost()], className="bu-empty")
        return html.Div(
            [
                *drawn.place(LIST, [teach], element=html.Section, className="card"),
                html.Section(id=CHART, className="card", hidden=True),
            ],
            className="bu-cols alone",
        )
    return html.Div(
        [
            *drawn.place(LIST, rows(view), element=html.Section, className="card bu-list", **{"aria-label": "All budgets"}),
            html.Section(chart(view), id=CHART, className="card bu-over-time", **{"aria-label": "Over time"}),
        ],
        className="bu-cols",
    )


def head(view: View) -> str:
    """How many, and how many have stopped something."""
    stopped = sum(budget.stops is not None for budget in view.budgets)
    parts = [words.counted(len(view.budgets), "limit")] if view.budgets else []
    return " · ".join([*parts, *([f"{stopped} {'has' if stopped == 1 else 'have'} stopped new work"] if stopped else [])])


def rows(view: View) -> list[Component]:
    """Every budget as a line."""
    top = html.Div(
        [html.H2("Limits", className="card-title"), html.Span("▰ spent  ▨ reserved  ▏level", className="faint end")],
        className="card-head",
    )
    return [top, html.Div([_row(budget, view) for budget in view.budgets], className="bu-rows")]


def _row(budget: Budget, view: View) -> Component:
    is_on = view.chosen is not None and key_of(view.chosen) == key_of(budget)
    marks = [
        html.Span(className="bu-mark", style={"left": f"{level.at_percent:.1f}%"}, title=_level(level.at_percent, level.action))
        for level in budget.thresholds
    ]
    bar = html.Div(
        [
            *filled(budget),
            *marks,
        ],
        className="bu-bar",
    )
    spent_of = [html.B(amount(budget.quantity, budget.spent)), html.Span(f" of {amount(budget.quantity, budget.limit or 0.0)}")]
    return dcc.Link(
        [
            html.Span(words.both_ends(budget.name), className="strong ends", title=budget.name),
            html.Span(f"{QUANTITIES[budget.quantity]} of a {_SCOPES[budget.scope]}", className="muted bu-small bu-what"),
            html.Span(spent_of, className="num bu-told"),
            bar,
            _under(budget),
            html.Span(f"{words.share(budget.spent, budget.limit or 0.0)} %", className="faint num bu-small bu-told"),
        ],
        href=address(view, budget=budget),
        className="bu-row on" if is_on else "bu-row",
        title="shown over time" if is_on else "",
    )


def _under(budget: Budget) -> Component:
    stop = budget.stops
    if stop is not None:
        return html.Div(f"▲ {stopped(stop)}", className="bu-small bu-stop bu-under")
    following = budget.thresholds[budget.fired : budget.fired + 1]
    if following:
        return html.Div(
            f"next level: {_level(following[0].at_percent, following[0].action)}", className="bu-small faint bu-under"
        )
    told = "its last level is reached" if budget.thresholds else "no levels: work stops at the limit"
    return html.Div(told, className="bu-small faint bu-under")


def filled(budget: Budget) -> list[Component]:
    """What of the bar of a limit is spent, and what beside it is reserved."""
    spent = 100 * min(1.0, budget.share)
    held = min(100 - spent, 100 * budget.reserved / budget.limit) if budget.limit else 0.0
    return [
        html.I(style={"width": f"{spent:.2f}%"}),
        html.I(className="reserved", style={"width": f"{held:.2f}%"}),
    ]


def stopped(by: Threshold) -> str:
    """What a level that was reached has stopped."""
    what = "what ran was stopped" if by.action is Action.CANCEL else "no new generation starts"
    return f"{by.at_percent:g} % reached: {what}"


def _level(at_percent: float, action: Action) -> str:
    return f"{at_percent:g} % {budget_dialog.ACTIONS[action]}"


def amount(quantity: Quantity, value: float) -> str:
    """So much of it, with its unit."""
    if quantity is Quantity.DISK_BYTES:
        return words.size(value)
    return words.hours(value) if quantity is Quantity.GPU_SECONDS else words.money(value)


def chart(view: View) -> list[Component]:
    """The chosen budget over time."""
    if view.chosen is None or view.burn is None:
        return []
    return budget_chart.content(view.chosen, view.burn, view.now)


def links(view: View) -> tuple[list[tuple[str, str, bool]], list[tuple[str, str]]]:
    """(word, address, is it this one) of every question, and (name, address) of every run."""
    if view.costs is None:
        return [], []
    now = view.costs.by
    questions = [(budget_costs.WORDS[by], address(view, by=by), by is now) for by in By]
    return questions, [(run.name, address(view, run=run)) for run in view.runs]


def _ghost() -> Component:
    lines = [html.Div([html.I(style={"width": f"{share}%"})], className="bu-bar") for share in (64, 38, 82)]
    return html.Div(lines, className="bu-ghost", **{"aria-hidden": "true"})
