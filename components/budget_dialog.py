"""Setting a budget: whose it is, of what, how much, and what happens at its levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from pipeline.domain.budget import Action, Budget, Quantity, Scope

NEW, CHANGE, DO, REMOVE = "budgets-new", "budgets-change", "budgets-do", "budgets-remove"
DIALOG = "budgets-dialog"
SCOPE, OF, QUANTITY, LIMIT, LEVELS = "budgets-scope", "budgets-of", "budgets-quantity", "budgets-limit", "budgets-levels"
TITLE = "budgets-dialog-title"
FIELDS = (SCOPE, OF, QUANTITY, LIMIT, LEVELS)
ERRORS = (OF, LIMIT, LEVELS)
KNOWN = "budgets-known"
ACTIONS = {Action.NOTIFY: "tells people", Action.FINISH: "starts no new generation", Action.CANCEL: "stops what runs"}
UNITS = {Quantity.GPU_SECONDS: 3600.0, Quantity.MONEY: 1.0, Quantity.DISK_BYTES: 1e9}
_HINT = (
    "Percent of the limit, ten at most. 80 tells people, 95:finish starts no new generation, 100:cancel stops what runs as well."
)
_SCOPES = {Scope.PROJECT: "a production", Scope.USER: "a user", Scope.RUN: "a run"}
_QUANTITIES = {Quantity.GPU_SECONDS: "GPU-hours", Quantity.MONEY: "money", Quantity.DISK_BYTES: "GB of disk"}


def dialog(titles: Sequence[str], runs: Sequence[str], person: str, chosen: Budget | None) -> Component:
    """The dialog, closed. `titles`, `runs` and `person` are offered as whose budget it may be."""
    scope, of, quantity, limit, levels = values(chosen) if chosen else fresh(titles, person)
    known = list(dict.fromkeys(name for name in (*titles, *runs, person) if name))
    body = [
        html.Div([_select(SCOPE, "Limit of", _SCOPES, scope), _which(of, known)], className="bu-fields"),
        html.Div([_much(limit), _select(QUANTITY, "Of what", _QUANTITIES, quantity)], className="bu-fields"),
        _levels(levels),
    ]
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Set a budget", id=TITLE)),
            dbc.ModalBody(html.Div(body, className="bu-form")),
            dbc.ModalFooter(
                [
                    html.Button("Remove this limit", id=REMOVE, className="btn danger bu-remove", hidden=chosen is None),
                    html.Button("Set the limit", id=DO, className="btn primary"),
                ]
            ),
        ],
        id=DIALOG,
        labelledby=TITLE,
        fade=False,
        is_open=False,
        centered=True,
        className="bu-dialog",
    )


def _select(key: str, name: str, options: Mapping[Scope, str] | Mapping[Quantity, str], value: str) -> Component:
    offered = [{"value": str(option), "label": word} for option, word in options.items()]
    return html.Div([html.Label(name, htmlFor=key, className="bu-label"), dbc.Select(id=key, options=offered, value=value)])


def _which(value: str, known: Sequence[str]) -> Component:
    return html.Div(
        [
            html.Label("Which one", htmlFor=OF, className="bu-label"),
            dbc.Input(id=OF, type="text", value=value, list=KNOWN, maxLength=500, autocomplete="off"),
            html.Datalist([html.Option(value=name) for name in known], id=KNOWN),
            _error(OF),
        ]
    )


def _much(value: float | None) -> Component:
    return html.Div(
        [
            html.Label("How much", htmlFor=LIMIT, className="bu-label"),
            dbc.Input(id=LIMIT, type="number", step="any", value=value),
            _error(LIMIT),
        ]
    )


def _levels(value: str) -> Component:
    return html.Div(
        [
            html.Label("Levels", htmlFor=LEVELS, className="bu-label"),
            dbc.Input(id=LEVELS, type="text", value=value, placeholder="80, 95:finish", maxLength=500, autocomplete="off"),
            html.Div(_HINT, className="faint bu-small"),
            _error(LEVELS),
        ]
    )


def fresh(titles: Sequence[str], person: str) -> tuple[str, str, str, float | None, str]:
    """What the fields hold for a new budget."""
    scope = Scope.PROJECT if titles else Scope.USER
    return scope.value, titles[0] if titles else person, Quantity.GPU_SECONDS.value, None, "80, 95:finish"


def values(budget: Budget) -> tuple[str, str, str, float | None, str]:
    """What the fields hold for this budget."""
    limit = None if budget.limit is None else round(budget.limit / UNITS[budget.quantity], 6)
    levels = ", ".join(
        f"{level.at_percent:g}" if level.action is Action.NOTIFY else f"{level.at_percent:g}:{level.action.value}"
        for level in budget.thresholds
    )
    return budget.scope.value, budget.name, budget.quantity.value, limit, levels


def error_of(field: str) -> str:
    """The id of the place below a field that says what is wrong with it."""
    return f"{field}-error"


def _error(key: str) -> Component:
    return html.Div(id=error_of(key), className="bu-error", role="alert")
