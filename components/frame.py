"""The frame round every page: top bar, navigation rail, toasts."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html, page_container
from dash.development.base_component import Component

from components import ids

RAIL = (("Pulse", "/", "pulse"), ("Deliveries", "/deliveries", "deliveries"))
"""What the rail shows: word, address, icon (a file in assets/icons). A run's board is found through Pulse."""


def icon(name: str) -> Component:
    """One of our icons, in the colour of the text."""
    return html.Span(className="icon", style={"--icon": f"url(/assets/icons/{name}.svg)"}, **{"aria-hidden": "true"})


def frame() -> Component:
    """Everything that stays while pages come and go."""
    return html.Div(
        className="app",
        children=[
            html.A("Skip to the page", href="#main", className="skip"),
            _top(),
            html.Nav(id="rail", className="rail", children=_rail(), **{"aria-label": "Pages"}),
            html.Main(page_container, id="main", className="main", tabIndex=-1),
            dcc.Store(id=ids.FEED),
            dcc.Store(id=ids.FEED_RUN),
            html.Div(id=ids.TOASTS, className="toasts", role="status", **{"aria-live": "polite"}),
        ],
    )


def _top() -> Component:
    return html.Header(
        className="top",
        children=[
            dcc.Link([_mark(), html.Span("Stripboard")], href="/", className="brand"),
            html.Nav(id=ids.CRUMBS, className="crumb", **{"aria-label": "Where you are"}),
            html.Span(className="spread"),
            html.Span("connecting", id=ids.LIVE, className="live", **{"data-state": "away"}),
            html.Button(id="theme-switch", className="btn ghost sm", title="Dark or light", children=icon("theme"),
                        **{"aria-label": "Dark or light"}),
        ],
    )  # fmt: skip


def _mark() -> Component:
    return html.I([html.B() for _ in range(9)], className="brand-mark")


def _rail() -> list[Component]:
    return [
        dcc.Link([icon(name), html.Span(word, className="visually-hidden")], href=href, title=word) for word, href, name in RAIL
    ]


def crumbs(*steps: tuple[str, str | None]) -> list[Component]:
    """A path of (text, address); the last has no address."""
    parts: list[Component] = []
    for text, href in steps:
        parts.append(html.Span("▸", className="faint"))
        name = html.Span(text, className="middle", title=text)
        parts.append(dcc.Link(name, href=href) if href else html.B(name))
    return parts


def toast(text: str, *, kind: str = "done", action: Component | None = None) -> Component:
    """A short message that goes by itself; `kind` is `done` or `refused`."""
    return dbc.Toast(
        [html.Span(text), *([action] if action is not None else [])],
        className=f"toast-{kind}",
        duration=12_000 if action is not None or kind == "refused" else 5_000,
        dismissable=True,
        is_open=True,
        header="Refused" if kind == "refused" else None,
    )


def empty(title: str, text: str, *, action: Sequence[Component] = ()) -> Component:
    """A page or panel without content: what it is for, and what starts it."""
    return html.Div([html.H2(title), html.P(text), *action], className="empty")
