"""The command palette: go anywhere, find anything, do what the page can do, by keyboard alone.

Pages offer their actions by giving a button the attribute `data-command="Pause the run"`: the browser lists every enabled one.
What has to be looked up is found by the server, a limited number at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from urllib.parse import quote

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import ids
from components.icons import icon
from pipeline.domain.search import Found

QUERY = "palette-query"
FOUND = "palette-found"
_LOCAL = "palette-local"
_HEADS = {"run": "Runs", "character": "Characters", "scene": "Scenes"}


def opener() -> Component:
    """What looks like a search field in the top bar, and opens the palette."""
    return html.Button(
        [icon("search"), html.Span("Search or do anything", className="search-word"), html.Kbd("Ctrl K", className="kbd")],
        id="palette-open",
        className="search",
        title="Search or do anything (Ctrl K)",
    )


def dialog() -> Component:
    """The palette, closed."""
    return dbc.Modal(
        [
            html.H2("Search or do anything", id="palette-title", className="visually-hidden"),
            html.Div(
                [
                    icon("search"),
                    dbc.Input(
                        id=QUERY,
                        type="text",
                        placeholder="A page, a run, a character, a scene, an action",
                        debounce=120,
                        autocomplete="off",
                        maxlength=200,
                    ),
                    html.Kbd("Esc", className="kbd"),
                ],
                className="palette-head",
            ),
            html.Div(
                [
                    html.Div(id=_LOCAL),
                    html.Div(id=FOUND),
                    html.Div("Nothing is called that. Every word you type must be part of the name.", className="palette-none"),
                ],
                id="palette-list",
                className="palette-list",
                role="listbox",
                **{"aria-label": "Found"},
            ),
            html.Div(
                [_key("↑ ↓", "choose"), _key("Enter", "go"), _key("?", "keys of the page, when this is closed")],
                className="palette-foot",
            ),
        ],
        id=ids.PALETTE,
        labelledby="palette-title",
        className="palette",
        fade=False,
    )


def found(results: Sequence[Found], most: int) -> list[Component]:
    """What the server found, in groups of `most` at most; one result more says that there is more."""
    parts: list[Component] = []
    for kind, group in groupby(results, key=lambda result: result.kind):
        members = list(group)
        parts.append(html.Div(_HEADS[kind], className="palette-group", role="presentation"))
        parts += [_result(result) for result in members[:most]]
        if len(members) > most:
            parts.append(html.Div("… and more: another word narrows it down", className="palette-more", role="presentation"))
    return parts


def address(result: Found) -> str:
    """Where a found thing is."""
    if result.cell_id is not None:
        return f"/cells/{result.cell_id}"
    if result.kind == "character":
        return f"/runs/{result.run_id}?character={quote(result.text)}"
    return f"/runs/{result.run_id}"


def _result(result: Found) -> Component:
    return dcc.Link(
        [
            html.Span(result.text, className="palette-text", title=result.text),
            html.Span(result.detail, className="palette-detail", title=result.detail),
        ],
        href=address(result),
        className="palette-option",
    )


def _key(key: str, what: str) -> Component:
    return html.Span([html.Kbd(key, className="kbd"), f" {what}"])
