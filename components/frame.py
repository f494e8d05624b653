"""The frame round every page: top bar, navigation rail, dialogs, toasts. What the parts hold comes from their own modules."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html, page_container
from dash.development.base_component import Component

from components import commands, ids, notices, tray, words
from components.icons import icon as icon
from pipeline.domain.records import Run

RAIL = (
    ("Pulse", "/", "pulse"),
    ("Board", "/", "board"),
    ("Triggers", "/triggers", "triggers"),
    ("Fleet", "/fleet", "fleet"),
    ("Budgets", "/budgets", "budgets"),
    ("Workflows", "/workflows", "workflows"),
    ("Deliveries", "/deliveries", "deliveries"),
)
"""What the rail shows: word, address, icon (a file in assets/icons). The board is the one looked at last."""

_MOST_RUNS = 12


def frame(person: str = "") -> Component:
    """Everything that stays while pages come and go. `person` is who acts here."""
    return html.Div(
        className="app",
        children=[
            html.A("Skip to the page", href="#main", className="skip"),
            _top(person),
            html.Nav(id="rail", className="rail", children=_rail(), **{"aria-label": "Pages"}),
            html.Main(page_container, id="main", className="main", tabIndex=-1),
            dcc.Store(id=ids.FEED),
            dcc.Store(id=ids.FEED_RUN),
            dcc.Store(id=ids.TICK),
            commands.dialog(),
            _keys_dialog(),
            *tray.drawer(),
            notices.drawer(),
            html.Div(id=ids.TOASTS, className="toasts", role="status", **{"aria-live": "polite"}),
        ],
    )


def _top(person: str) -> Component:
    return html.Header(
        className="top",
        children=[
            dcc.Link([_mark(), html.Span("Stripboard", className="brand-name")], href="/", className="brand", title="Pulse"),
            html.Nav(id=ids.CRUMBS, className="crumb", **{"aria-label": "Where you are"}),
            commands.opener(),
            html.Span("connecting", id=ids.LIVE, className="live", role="status", **{"data-state": "away"}),
            tray.pill(),
            notices.bell(),
            html.Button(id="theme-switch", className="btn ghost sm square", title="Dark or light", children=icon("theme"),
                        **{"aria-label": "Dark or light"}),
            html.Span(words.initials(person), className="avatar", title=f"You are {person}.", role="img",
                      **{"aria-label": f"You are {person}"}) if person else None,
        ],
    )  # fmt: skip


def _mark() -> Component:
    return html.I([html.B() for _ in range(9)], className="brand-mark", **{"aria-hidden": "true"})


def _rail() -> list[Component]:
    links = [
        dcc.Link([icon(name), html.Span(word, className="visually-hidden")], id=f"rail-{name}", href=href, title=word)
        for word, href, name in RAIL
    ]
    keys = html.Button("?", id="keys-open", className="rail-keys", title="The keys of this page (?)", **{"aria-label": "Keys"})
    return [*links, html.Span(className="spread"), keys]


def crumbs(*steps: tuple[str, str | None], more: Component | None = None) -> list[Component]:
    """A path of (text, address); the last has no address. `more` is a menu in its place."""
    parts: list[Component] = []
    for number, (text, href) in enumerate(steps):
        if number:
            parts.append(html.Span("▸", className="faint", **{"aria-hidden": "true"}))
        name = html.Span(text, className="middle", title=text)
        parts.append(dcc.Link(name, href=href) if href else html.B(name, **{"aria-current": "page"}))
    if more is not None:
        parts += [html.Span("▸", className="faint", **{"aria-hidden": "true"}), more]
    return parts


def run_menu(run: Run, runs: Sequence[Run]) -> Component:
    """`Run 3 ▾`: the other runs, those of the same production first."""
    others = [other for other in runs if other.id != run.id]
    same = [other for other in others if other.project_id == run.project_id]
    rest = [other for other in others if other.project_id != run.project_id]
    shown = [*same, *rest][:_MOST_RUNS]
    lines: list[Component] = [
        dbc.DropdownMenuItem(
            [
                html.Span(f"Run {other.number}" if other in same else other.title, className="middle", title=other.title),
                html.Span(other.status.value if other in same else f"Run {other.number}", className="faint"),
            ],
            href=f"/runs/{other.id}",
        )
        for other in shown
    ]
    if len(others) > len(shown):
        lines.append(dbc.DropdownMenuItem(f"All {len(runs):,} runs", href="/"))
    if not lines:
        return html.B(f"Run {run.number}", **{"aria-current": "page"})
    return dbc.DropdownMenu(lines, label=f"Run {run.number}", id="run-menu", className="run-menu", caret=True, toggle_style={})


def keys_of(*keys: tuple[str, str]) -> Component:
    """The keys of a page as (key, what it does), for the dialog that `?` opens. Put it anywhere in the page; it is not seen."""
    return html.Div(_keys(keys), className="page-keys", hidden=True)


_KEYS_EVERYWHERE = (
    ("Ctrl K", "search, go somewhere or do something"),
    ("g p", "go to Pulse"),
    ("g b", "go to the board"),
    ("g r", "go to what waits for review"),
    ("g t", "go to the triggers"),
    ("g f", "go to the fleet"),
    ("g m", "go to the budgets"),
    ("g w", "go to the workflows"),
    ("g d", "go to the deliveries"),
    ("j", "show the jobs"),
    ("n", "show what is new"),
    ("?", "show these keys"),
    ("Esc", "close, clear"),
)


def _keys(keys: Sequence[tuple[str, str]]) -> Component:
    rows = [
        html.Div(
            [html.Dt([html.Kbd(part, className="kbd") for part in key.split()]), html.Dd(what)],
            className="key-row",
        )
        for key, what in keys
    ]
    return html.Dl(rows, className="keys")


def _keys_dialog() -> Component:
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Keys", id="keys-title")),
            dbc.ModalBody([html.Div(id="keys-here"), html.H3("Everywhere", className="h2"), _keys(_KEYS_EVERYWHERE)]),
        ],
        id=ids.KEYS,
        labelledby="keys-title",
        scrollable=True,
        fade=False,
    )


def toast(text: str, *, kind: str = "done", action: Component | None = None) -> Component:
    """A short message that goes by itself; `kind` is `done` or `refused`. `action` may be an Undo button."""
    return dbc.Toast(
        [html.Span(text), *([action] if action is not None else [])],
        className=f"toast-{kind}",
        duration=12_000 if action is not None or kind == "refused" else 5_000,
        dismissable=True,
        is_open=True,
        header="Refused" if kind == "refused" else None,
    )


def empty(title: str, text: str, *, action: Sequence[Component] = ()) -> Component:
    """A page without content: what it is for, and what starts it."""
    return html.Div([html.H1(title), html.P(text), *action], className="empty")
