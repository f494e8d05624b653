"""Our icons: files in assets/icons, drawn in the colour of the text."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component


def icon(name: str) -> Component:
    """One of our icons, in the colour of the text; its meaning is said by what it stands in."""
    return html.Span(className="icon", style={"--icon": f"url(/assets/icons/{name}.svg)"}, **{"aria-hidden": "true"})
