"""Adding workers: one by name and address, or many by looking at addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import ids, words
from pipeline.domain.errors import Invalid
from pipeline.domain.fleet.workers import DEFAULT_PLACES
from pipeline.domain.workers import MOST_PLACES, Health, Worker, checked, checked_url

NAME, URL, PRICE, TAGS = "fleet-add-name", "fleet-add-url", "fleet-add-price", "fleet-add-tags"
PLACES = "fleet-add-places"
URLS = "fleet-add-urls"
DO = "fleet-add-do"
TOLD = "fleet-add-told"
FIELDS = (NAME, URL, PRICE, TAGS, PLACES, URLS)
_ANYWHERE = "http://localhost"


def error_of(field: str) -> str:
    """The id of the place below a field that says what is wrong with it."""
    return f"{field}-error"


def dialog() -> Component:
    """The dialog, closed."""
    one = [
        name_field(NAME),
        field(
            URL,
            "Address",
            "http://192.168.1.20:8188",
            "Of its ComfyUI server. It must be reachable from this machine.",
            max_length=300,
        ),
        html.Div([price_field(PRICE), tags_field(TAGS)], className="fl-fields"),
        places_field(PLACES, DEFAULT_PLACES),
    ]
    many = [
        html.Label("Addresses", htmlFor=URLS, className="fl-label-of"),
        dbc.Textarea(id=URLS, rows=6, placeholder="192.168.1.20:8188\n192.168.1.21:8188", maxLength=20_000),
        html.Div("One a line. Every server that answers and is not known yet becomes a worker.", className="faint small"),
        _error(URLS),
    ]  # fmt: skip
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Add workers", id="fleet-add-title")),
            dbc.ModalBody(
                [
                    html.Div(one, className="fl-form"),
                    html.Details(
                        [html.Summary("Or look at a list of addresses"), html.Div(many, className="fl-form")], className="fl-many"
                    ),
                    html.Div(id=TOLD, className="fl-told-add", role="status"),
                ]
            ),
            dbc.ModalFooter(
                html.Button(
                    "Add and look at it", id=DO, className="btn primary", title="Register it, and see whether it answers"
                ),
            ),
        ],
        id=ids.FLEET_ADD,
        labelledby="fleet-add-title",
        fade=False,
        is_open=False,
        centered=True,
        className="fl-dialog",
    )


def field(key: str, name: str, example: str, hint: str, *, max_length: int, value: str = "") -> Component:
    """A line to write in, with what it means and room for what is wrong with it."""
    return html.Div(
        [
            html.Label(name, htmlFor=key, className="fl-label-of"),
            dbc.Input(id=key, type="text", placeholder=example, maxLength=max_length, value=value, autocomplete="off"),
            html.Div(hint, className="faint small"),
            _error(key),
        ]
    )  # fmt: skip


def name_field(key: str, value: str = "", hint: str = "What people will call it.") -> Component:
    """How people tell it from the others."""
    return field(key, "Name", "gpu-1", hint, max_length=80, value=value)


def price_field(key: str, value: float | None = None) -> Component:
    """What an hour of it costs."""
    return html.Div(
        [
            html.Label("Price an hour", htmlFor=key, className="fl-label-of"),
            dbc.Input(id=key, type="number", step="any", placeholder="0", value=value),
            html.Div("Counts against budgets. Leave it out for your own machines.", className="faint small"),
            _error(key),
        ]
    )  # fmt: skip


def places_field(key: str, value: int) -> Component:
    """How many jobs it may have at once."""
    return html.Div(
        [
            html.Label("Jobs at once", htmlFor=key, className="fl-label-of"),
            dbc.Input(id=key, type="number", step="any", value=value),
            html.Div(
                f"One runs, the others wait at its server. 1 to {MOST_PLACES}; {DEFAULT_PLACES} is right for most.",
                className="faint small",
            ),
            _error(key),
        ]
    )  # fmt: skip


def tags_field(key: str, value: str = "") -> Component:
    """Words to choose workers by."""
    return field(key, "Tags", "48gb, rented", "Words to choose workers by, with commas between.", max_length=900, value=value)


def _error(key: str) -> Component:
    return html.Div(id=error_of(key), className="fl-error", role="alert")


def wrong(name: str, url: str, *, price: float | None, tags: str | None, places: float | None) -> dict[str, str]:
    """What of a worker cannot be used, by the field of the dialog."""
    tries: dict[str, Callable[[], object]] = {
        NAME: lambda: checked(name, _ANYWHERE),
        URL: lambda: checked_url(url),
        PRICE: lambda: checked("the worker", _ANYWHERE, cost_per_hour=price or 0.0),
        TAGS: lambda: checked("the worker", _ANYWHERE, tags=split(tags)),
        PLACES: lambda: checked("The worker", _ANYWHERE, places=places_of(places)),
    }
    found = {}
    for field, attempt in tries.items():
        try:
            attempt()
        except Invalid as error:
            found[field] = str(error)
    return found


def wrong_settings(name: str, *, price: float | None, tags: str | None, places: float | None) -> dict[str, str]:
    """The same of what may be changed of a worker that is there."""
    return wrong(name, _ANYWHERE, price=price, tags=tags, places=places)


def looked(found: Sequence[Worker]) -> str:
    """What a look at these workers has found, in words."""
    well = [worker.name for worker in found if worker.health is Health.WELL]
    if len(found) == 1:
        worker = found[0]
        return f"{worker.name} is {worker.health.value}" + (f": {worker.health_reason}" if worker.health_reason else ".")
    return f"{words.counted(len(found), 'worker')} looked at, {len(well):,} well."


def places_of(value: float | None) -> float:
    """What an empty field stands for is what most workers have."""
    return DEFAULT_PLACES if value is None else value


def split(text: str | None) -> list[str]:
    """Words or addresses between commas, spaces and line ends."""
    return [part for part in re.split(r"[\s,;]+", text or "") if part]


def left_out(reasons: Mapping[str, str]) -> list[Component]:
    """What a scan did not take, each with the reason."""
    if not reasons:
        return []
    lines = [html.Li([html.B(url, className="fl-url"), f": {reason}"]) for url, reason in reasons.items()]
    return [html.H3("Left out", className="h2"), html.Ul(lines, className="fl-left-out")]
