"""What an address leads to that nothing has: where one can go instead."""

from __future__ import annotations

import dash
from dash import dcc, html
from dash.development.base_component import Component

from components import frame

dash.register_page(__name__, title="Not found – Stripboard")


def layout(**_: str) -> Component:
    """The page."""
    return html.Div(
        frame.empty(
            "There is nothing at this address",
            "It may have been typed wrong, or belong to another installation. Pulse lists every run; Ctrl K finds runs, "
            "characters and scenes by name.",
            action=[dcc.Link("Go to Pulse", href="/", className="btn primary")],
        ),
        className="page",
    )
