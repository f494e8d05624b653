"""What all pages share: the document, the frame, where the browser is, and how errors are told."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State, set_props
from dash.exceptions import PreventUpdate

from components import frame as frames
from components import ids
from components.frame import frame as frame
from pipeline.domain.errors import StripboardError

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>{%title%}</title>
<script src="/assets/theme.js"></script>
<link rel="icon" href="/assets/icons/mark.svg" type="image/svg+xml">
{%css%}
</head>
<body>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


def register(app: Dash) -> None:
    """The callbacks of the frame."""
    app.clientside_callback(
        ClientsideFunction("frame", "mark"),
        Output("rail", "data-path"),
        Input(ids.URL, "pathname"),
    )
    app.clientside_callback(
        ClientsideFunction("feed", "listen"),
        Output(ids.LIVE, "title"),
        Input(ids.FEED_RUN, "data"),
        State(ids.FEED, "data"),
    )


def tell_error(error: Exception) -> None:
    """An error in a callback becomes a toast: its own words when it was raised on purpose."""
    if not isinstance(error, StripboardError):
        raise error
    set_props(ids.TOASTS, {"children": frames.toast(str(error), kind="refused")})
    raise PreventUpdate
