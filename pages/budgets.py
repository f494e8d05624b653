"""Budgets: every limit with its levels, one of them over time, what a run has cost; limits are set and raised here."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

import dash
from dash import Input, Output, State, callback, ctx, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import budget_costs, budget_dialog, budgets, drawn, frame, ids
from pipeline.domain.budget import Budget, Quantity, Scope, parse_levels
from pipeline.domain.costs import BurnDown, By
from pipeline.domain.errors import Invalid, NotFound, Refused
from pipeline.domain.statuses import RunStatus
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path="/budgets", title="Budgets – Stripboard", name="Budgets")

_UNDER_WAY = (RunStatus.RUNNING, RunStatus.PAUSED)


async def layout(budget: str = "", run: str = "", by: str = "", **_: str) -> Component:
    """The page as it is now; the address chooses the budget that is drawn, and the run and question of the table."""
    return budgets.page(await asyncio.to_thread(_view, budget, run, by))


def _view(budget: str, run: str, by: str) -> budgets.View:
    studio = current_studio()
    found, runs = studio.budgets.all(), studio.runs.all()
    pressing = max(found, key=lambda one: one.pressure, default=None)
    chosen = next((one for one in found if budgets.key_of(one) == budget), pressing)
    costs = None
    if runs:
        spent = [one for one in runs if one.spent_seconds] or runs
        default = next((one for one in spent if one.status in _UNDER_WAY), spent[0])
        of = next((one for one in runs if str(one.id) == (run or budgets.run_of(chosen))), default)
        report = studio.costs.of_run(of.id, By(by) if by in set(By) else By.SCENE_TYPE)
        costs = budget_costs.Costs(of, report.by, report.lines, report.total)
    return budgets.View(
        budgets=found,
        chosen=chosen,
        burn=_burn_down(chosen) if chosen else None,
        costs=costs,
        runs=runs,
        titles=list(dict.fromkeys(one.title for one in runs)),
        person=str(local_actor()),
        now=studio.clock.now(),
    )


def _burn_down(budget: Budget) -> BurnDown:
    """The course of one budget; its end is that of the boards of its runs."""
    studio = current_studio()
    return studio.costs.burn_down(budget, [studio.overview.of(run_id) for run_id in studio.costs.at_work(budget)])


@callback(
    Output(budgets.HEAD, "children"),
    Output(drawn.data_id(budgets.LIST), "data"),
    Output(budgets.CHART, "children"),
    Output(budgets.COSTS, "children", allow_duplicate=True),
    Input(budgets.CLOCK, "n_intervals"),
    Input(ids.TICK, "data"),
    State(budgets.CHOSEN, "data"),
    prevent_initial_call=True,
)
async def follow(_clock: object, _tick: object, chosen: dict[str, str]) -> tuple[object, ...]:
    """The page some time later; the chart and the table by their own, slower clock."""
    view = await asyncio.to_thread(_view, chosen["budget"], chosen["run"], chosen["by"])
    if not view.budgets or view.chosen is None or budgets.key_of(view.chosen) != chosen["budget"]:
        raise PreventUpdate
    head, rows = budgets.head(view), drawn.drawing(budgets.LIST, budgets.rows(view))
    if ctx.triggered_id == ids.TICK:
        return head, rows, no_update, no_update
    table = budget_costs.content(view.costs, *budgets.links(view)) if view.costs else no_update
    return head, rows, budgets.chart(view), table


drawn.register(budgets.LIST)


@callback(
    Output(budget_dialog.DIALOG, "is_open"),
    Output(budget_dialog.TITLE, "children"),
    Output(budget_dialog.REMOVE, "hidden"),
    *(Output(field, "value") for field in budget_dialog.FIELDS),
    *(Output(budget_dialog.error_of(field), "children", allow_duplicate=True) for field in budget_dialog.ERRORS),
    Input(budget_dialog.NEW, "n_clicks"),
    Input(budget_dialog.CHANGE, "n_clicks"),
    State(budgets.CHOSEN, "data"),
    prevent_initial_call=True,
)
async def open_dialog(new: int | None, change: int | None, chosen: dict[str, str]) -> tuple[object, ...]:
    """Show the dialog, for a new budget or for the one that is drawn."""
    is_new = ctx.triggered_id == budget_dialog.NEW
    if not (new if is_new else change):
        raise PreventUpdate
    view = await asyncio.to_thread(_view, chosen["budget"], chosen["run"], chosen["by"])
    nothing = ("",) * len(budget_dialog.ERRORS)
    if is_new or view.chosen is None:
        return True, "Set a budget", True, *budget_dialog.fresh(view.titles, view.person), *nothing
    return True, f"Change the budget of {view.chosen.name}", False, *budget_dialog.values(view.chosen), *nothing


@callback(
    *(Output(budget_dialog.error_of(field), "children") for field in budget_dialog.ERRORS),
    Output(budgets.GO, "href"),
    Input(budget_dialog.DO, "n_clicks"),
    *(State(field, "value") for field in budget_dialog.FIELDS),
    State(ids.URL, "search"),
    running=[(Output(budget_dialog.DO, "disabled"), True, False)],
    prevent_initial_call=True,
)
async def put(pressed: int | None, *values: Any) -> tuple[object, ...]:
    """Set what was written, or say at the field what is wrong."""
    if not pressed:
        raise PreventUpdate
    wrong, budget = await asyncio.to_thread(_put, *values[:-1])
    if budget is None:
        return *(wrong.get(field, "") for field in budget_dialog.ERRORS), no_update
    set_props(ids.TOASTS, {"children": frame.toast(f"{budget.name}: the limit is set.")})
    return "", "", "", _address(values[-1], budget)


def _put(
    scope: str, of: str | None, quantity: str, limit: float | None, levels: str | None
) -> tuple[dict[str, str], Budget | None]:
    """Set it; the answer is what is wrong, by field, or the budget."""
    studio, kind = current_studio(), Quantity(quantity)
    if limit is None or limit < 0:
        return {budget_dialog.LIMIT: "Write a number from 0 up."}, None
    try:
        thresholds = parse_levels(levels or "")
    except Invalid as error:
        return {budget_dialog.LEVELS: str(error)}, None
    try:
        subject = studio.budgets.subject(Scope(scope), of or "")
    except (NotFound, Invalid) as error:
        return {budget_dialog.OF: str(error)}, None
    try:
        amount = limit * budget_dialog.UNITS[kind]
        return {}, studio.budgets.put(subject, kind, local_actor(), limit=amount, thresholds=thresholds)
    except (Refused, Invalid) as error:
        return {budget_dialog.LIMIT: str(error)}, None


def _address(search: str | None, budget: Budget | None) -> str:
    """This page with another budget, or the most pressing one; never the address that is there, which would change nothing."""
    before = {name: found[0] for name, found in parse_qs((search or "").lstrip("?")).items()}
    kept = {name: value for name, value in before.items() if name in ("run", "by")}
    chosen = {"budget": budgets.key_of(budget)} if budget is not None else {}
    of_run = {"run": of} if (of := budgets.run_of(budget)) else {}
    return budgets.at({**chosen, "set": str(current_studio().reports.last_seq()), **kept, **of_run})


@callback(
    Output(budgets.GO, "href", allow_duplicate=True),
    Input(budget_dialog.REMOVE, "n_clicks"),
    State(budgets.CHOSEN, "data"),
    State(ids.URL, "search"),
    prevent_initial_call=True,
)
async def remove(pressed: int | None, chosen: dict[str, str], search: str | None) -> str:
    """Forget the budget that is drawn."""
    if not pressed:
        raise PreventUpdate
    name = await asyncio.to_thread(_remove, chosen["budget"])
    set_props(ids.TOASTS, {"children": frame.toast(f"{name} has no such limit any more.")})
    return _address(search, None)


def _remove(key: str) -> str:
    studio = current_studio()
    budget = next((one for one in studio.budgets.all() if budgets.key_of(one) == key), None)
    if budget is None:
        raise NotFound("This budget is there no more.")
    studio.budgets.remove(budget, local_actor())
    return budget.name
