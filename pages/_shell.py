"""What all pages share: the document, the frame, where the browser is, and how errors are told."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Callable
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, html, page_registry, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import commands, ids
from components import frame as frames
from pages import _activity, _deliver, _due, _fleet_forms
from pipeline.domain.errors import StripboardError
from pipeline.wiring_serving import current_studio, local_actor

log = logging.getLogger(__name__)

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


_FOUND_EACH = 8
_PAGES = {
    "/": "Pulse", "/triggers": "Triggers", "/fleet": "Fleet", "/workflows": "Workflows", "/budgets": "Budgets",
    "/deliveries": "Deliveries",
}  # fmt: skip
_RULES = {"/triggers/log": "Log", "/triggers/test": "Test console", "/triggers/messages": "Messages"}


def frame() -> Component:
    """The frame as it is sent to a new tab."""
    return frames.frame(local_actor().name)


def register(app: Dash) -> None:
    """The callbacks of the frame, and a fence round every page."""
    for page in page_registry.values():
        page["layout"] = fenced(page["layout"])
    _activity.register(app)
    _deliver.register(app)
    _due.register(app)
    _fleet_forms.register(app)
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
    app.clientside_callback(ClientsideFunction("frame", "fillKeys"), Output(ids.KEYS, "className"), Input(ids.KEYS, "is_open"))
    app.callback(
        Output(ids.CRUMBS, "children"),
        Output("rail-board", "href"),
        Input(ids.URL, "pathname"),
    )(tell_where)
    app.callback(
        Output(commands.FOUND, "children"),
        Input(commands.QUERY, "value"),
        Input(ids.PALETTE, "is_open"),
        State(ids.URL, "pathname"),
        prevent_initial_call=True,
    )(look_up)


async def tell_where(path: str) -> tuple[list[Component], str]:
    """The breadcrumbs of an address, and the board that the rail leads to from there."""
    return await asyncio.to_thread(_where, path or "/")


def _where(path: str) -> tuple[list[Component], str]:
    studio = current_studio()
    runs = studio.runs.all()
    scene = None
    run_id = runs[0].id if runs else None
    if found := re.fullmatch(r"/cells/(\d{1,18})", path):
        scene = studio.search.scene(int(found[1]))
        run_id = scene.run_id if scene else run_id
    elif found := re.fullmatch(r"/runs/(\d{1,18})", path):
        run_id = int(found[1])
    run = next((run for run in runs if run.id == run_id), None)
    board = f"/runs/{run.id}" if run else "/"
    if path.startswith("/triggers/"):
        return frames.crumbs(("Triggers", "/triggers"), (_RULES.get(path, "Rule"), None)), board
    if path in _PAGES or run is None or not re.match("/(runs|cells)/", path):
        return frames.crumbs((_PAGES.get(path, "Not found"), None)), board
    if scene is not None:
        steps = ((run.title, "/"), (f"Run {run.number}", board), (scene.text, None))
        return frames.crumbs(*steps), board
    return frames.crumbs((run.title, "/"), more=frames.run_menu(run, runs)), board


async def look_up(query: str | None, is_open: bool, path: str) -> list[Component]:
    """What the words in the palette find."""
    if not is_open:
        raise PreventUpdate
    return await asyncio.to_thread(_look_up, query or "", path or "/")


def _look_up(query: str, path: str) -> list[Component]:
    here = re.match(r"/runs/(\d{1,18})", path)
    results = current_studio().search.find(query, run_id=int(here[1]) if here else None, limit=_FOUND_EACH)
    return commands.found(results, most=_FOUND_EACH)


def fenced(layout: Callable[..., Any]) -> Callable[..., Any]:
    """A page that cannot be made says so and is logged: Dash alone would show nothing at all, and keep the reason to itself."""

    async def page(**query: str) -> Component:
        try:
            made = layout(**query)
            return await made if inspect.isawaitable(made) else made
        except StripboardError as error:
            return _unmade(str(error))
        except Exception:
            log.exception("a page could not be made")
            return _unmade("Something unexpected happened here. The log of the server has the whole story.")

    return page


def _unmade(reason: str) -> Component:
    return html.Div(frames.empty("This page could not be made", reason), className="page")


def tell_error(error: Exception) -> None:
    """An error in a callback becomes a toast: its own words when it was raised on purpose, else where the story is.

    It returns: Dash would drop the toast of a callback that prevents its update.
    """
    text = str(error)
    if not isinstance(error, StripboardError):
        log.error("a callback failed", exc_info=error)
        text = "Something unexpected happened here. The log of the server has the whole story."
    set_props(ids.TOASTS, {"children": frames.toast(text, kind="refused")})
