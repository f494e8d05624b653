"""The bell: what waits for people, what failed, what was sealed."""

from __future__ import annotations

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import ids
from components.icons import icon

COUNT = "bell-count"
LIST = "notice-list"
DRAWER = "notices"


def bell() -> Component:
    """The bell in the top bar, with how many things wait for people."""
    return html.Button(
        [icon("bell"), html.Span(id=COUNT, className="bell-count num")],
        id=ids.BELL,
        className="btn ghost sm bell",
        title="What is new (n)",
        **{"aria-label": "What is new"},
    )


def drawer() -> Component:
    """The list behind the bell."""
    return dbc.Offcanvas(html.Div(id=LIST), id=DRAWER, title="What is new", placement="end", className="drawer", is_open=False)
