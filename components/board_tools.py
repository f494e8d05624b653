"""The tools of the board, and the holders that its scripts draw into."""

from __future__ import annotations

from collections.abc import Sequence

import dash_ag_grid
import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import frame, palette

CHIPS = ("approved", "review", "generating", "queued", "blocked", "failed", "rejected", "not_started", "cancelled")
_LAYERS = (
    ("status", "Status", "Where each scene stands"),
    ("qa", "QA", "How far the worst measure is inside its limit, in percent of the limit"),
    ("wait", "Wait", "How long it has been waiting for a slot, a need or a person"),
    ("duration", "Duration", "Working time of the newest take"),
    ("cost", "Cost", "Generation time of all takes"),
    ("attempts", "Attempts", "Tries of all jobs"),
)
_ZOOMS = (("project", "Project"), ("character", "Character"), ("type", "Scene type"))


def tools(views: Sequence[tuple[str, str]]) -> Component:
    """Layers, zooms, the filter and the status chips."""
    layers = [
        html.Button(text, title=title, **{"data-layer": name, "aria-pressed": "true" if name == "status" else "false"})
        for name, text, title in _LAYERS
    ]
    zooms = [
        html.Button(text, **{"data-zoom": name, "aria-pressed": "true" if name == "project" else "false"})
        for name, text in _ZOOMS
    ]
    return html.Div(
        className="bx-tools",
        children=[
            html.Div(layers, className="seg", role="group", **{"aria-label": "Layer"}),
            html.Div(zooms, className="seg", role="group", **{"aria-label": "Zoom"}),
            html.Select([], id="zoom-which", className="form-select bx-which", hidden=True),
            html.Span(className="spread"),
            _field("board-find", "Filter scenes by name", "Filter by name", "bx-find", kind="search"),
            html.Span(views_menu(views), id="views-slot"),
            html.Button([frame.icon("grid"), "Grid"], id="grid-toggle", className="btn ghost sm",
                        title="The same as a table, for the keyboard and screen readers", **{"aria-pressed": "false"}),
            html.Div([*(_chip(status) for status in CHIPS), _picks()], className="bx-chips", role="group", id="chips",
                     **{"aria-label": "Filter by status"}),
        ],
    )  # fmt: skip


def _field(name: str, label: str, placeholder: str, look: str, kind: str = "text") -> Component:
    field = dcc.Input(id=name, type=kind, placeholder=placeholder, maxLength=60, className="form-control", autoComplete="off")
    return html.Label([html.Span(label, className="visually-hidden"), field], className=look)


def _chip(status: str) -> Component:
    return html.Button(
        [html.Span(className=f"dot st-{status}"), palette.WORDS[status], " ", html.B("0", className="num")],
        className="chip",
        title=f"Show only {palette.WORDS[status]}; with Ctrl select them",
        **{"data-status-chip": status, "aria-pressed": "false"},
    )


def _picks() -> Component:
    return html.Span(
        [
            html.Button("Select 0", id="pick-matching", className="btn sm", hidden=True),
            html.Button("Clear filter", id="clear-filter", className="btn ghost sm", hidden=True),
        ],
        className="bx-picks",
    )


def views_menu(views: Sequence[tuple[str, str]]) -> Component:
    """The kept views by name, and how to keep this one."""
    lines: list[Component] = [
        html.Div(
            [
                html.Button(html.Span(name, className="middle", title=name), className="dropdown-item", **{"data-view": query}),
                html.Button("✕", className="btn ghost sm", title=f"Forget {name}", id={"type": "view-drop", "name": name}),
            ],
            className="bx-view",
        )
        for name, query in views
    ]
    if not lines:
        lines = [html.Div("Keep what you look at: zoom, layer, filter and selection.", className="bx-view-none muted")]
    keep = html.Div(
        [
            _field("view-name", "Name of this view", "Name of this view", "bx-view-name"),
            html.Button("Keep", id="keep-view", className="btn sm"),
        ],
        className="bx-keep",
    )  # fmt: skip
    return dbc.DropdownMenu([*lines, html.Hr(className="dropdown-divider"), keep], label="Views", id="views-menu", align_end=True,
                            toggle_class_name="btn ghost sm bx-menu", color="link")  # fmt: skip


def holders() -> Component:
    """What the scripts draw into: matrix, cards, grid, and a word when the run has no scenes."""
    matrix = html.Div(
        id="matrix",
        className="bx-matrix",
        children=[
            html.Button("", id="matrix-corner", className="bx-corner", title="Select everything in view",
                        **{"aria-label": "Select everything in view"}),
            html.Div(id="matrix-columns", className="bx-columns"),
            html.Div(id="matrix-rows", className="bx-rows"),
            html.Div(
                [
                    html.Div(id="matrix-space"),
                    html.Div(
                        [
                            dcc.Graph(id="matrix-graph", figure={"data": [], "layout": {}}, config={"staticPlot": True},
                                      responsive=False),
                            html.Canvas(id="matrix-marks", **{"aria-hidden": "true"}),
                        ],
                        className="bx-stage",
                    ),
                ],
                id="matrix-view",
                className="bx-view-port",
                tabIndex=0,
                role="application",
                **{"aria-label": "Matrix of scenes. Arrow keys move, Space selects, Enter opens. "
                                 "The Grid button shows the same as a table."},
            ),
            html.Div(id="matrix-done", className="bx-done"),
            html.Div(id="matrix-foot", className="bx-feet"),
            html.Span("done", id="matrix-done-word", className="bx-word"),
            html.Span("done", id="matrix-foot-word", className="bx-word"),
        ],
    )  # fmt: skip
    grid = dash_ag_grid.AgGrid(
        id="board-grid",
        columnDefs=[],
        rowData=[],
        getRowId="boardRowId(params)",
        dashGridOptions={"animateRows": False, "suppressCellFocus": False, "tooltipShowDelay": 500, "rowHeight": 32},
        className="ag-theme-quartz bx-grid",
    )
    nothing = frame.empty(
        "This run has no scenes",
        "Its production names no characters, scene types or shots. Add some to the production file, then start a new run of it.",
    )
    return html.Div(
        [
            html.Div(id="board-trail", className="bx-trail", hidden=True),
            matrix,
            html.Div(id="cards", className="bx-card-page", hidden=True),
            html.Div(id="grid-holder", className="bx-grid-holder", hidden=True),
            dcc.Store(id="board-grid-made", data=grid.to_plotly_json()),
            html.Div(nothing, id="board-empty", hidden=True),
        ],
        className="bx-main",
    )
