"""The page of one cell: the skeleton that stays, and the panels that change while it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import cell_actions, cell_jobs, cell_player, cell_quality, cell_steps, cell_takes, frame
from pipeline.domain.cell_page import CellPage, TakeView

KEYS = (
    ("Space", "play or stop"),
    (",  .", "one frame back, one frame on"),
    ("w", "compare two takes by wiping"),
    ("s", "compare two takes side by side"),
    ("a", "approve the take in review"),
    ("x", "reject it, with a reason"),
    ("r", "submit it, try it again, or make a new take"),
    ("[  ]", "the scene before, the scene after"),
)

PANELS = ("head", "walk", "takes", "status", "steps", "quality", "story", "jobs", "absent", "reasons", "origins", "scene")
"""The parts that are drawn anew when something happens: each is the children of `cell-<name>`."""


def page(view: CellPage, choice: Mapping[str, Any]) -> Component:
    """The whole page as it is now."""
    parts = panels(view, choice)
    return html.Div(
        id="cell-page",
        className="cell",
        **{"data-cell": str(view.cell.id)},
        children=[
            html.Div(_left(view, parts), className="cell-left"),
            html.Aside(_right(parts, _words(view)), className="cell-right"),
            dcc.Store(id="cell-state", data=state(view, choice)),
            dcc.Store(id="cell-choice", data=dict(choice)),
            *(dcc.Store(id=f"cell-{name}") for name in ("refresh", "verb", "log", "shown", "settled")),
            dbc.Modal(
                [dbc.ModalHeader(dbc.ModalTitle("Log", id="log-title")), dbc.ModalBody(html.Pre(id="log-text", tabIndex=0))],
                id="log-dialog",
                size="lg",
                scrollable=True,
                is_open=False,
            ),
            frame.keys_of(*KEYS),
        ],
    )


def _left(view: CellPage, parts: Mapping[str, Any]) -> Component:
    """What is looked at, and the work behind it."""
    head = [html.Div(parts["head"], id="cell-head"), html.Div(parts["walk"], id="cell-walk"), cell_player.modes()]
    stage = html.Div([cell_player.stage(), html.Div(parts["absent"], id="cell-absent")], className="cell-stage-box")
    takes = html.Div(parts["takes"], id="cell-takes", className="takes")
    return html.Div(
        [
            html.Header(head, className="cell-top"),
            html.Div([stage, takes], className="cell-media"),
            cell_player.controls(),
            html.Section(parts["jobs"], id="cell-jobs", className="cell-jobs", **{"aria-label": "Jobs"}),
        ],
        className="cell-rows",
        style={"--ratio": f"{view.scene.width / view.scene.height:.4f}"},
    )


def _right(parts: Mapping[str, Any], words: str) -> list[Component]:
    """Where it stands, what to do, and why."""
    return [
        html.Section(parts["status"], id="cell-status", className="cell-part", **{"aria-live": "polite"}),
        cell_actions.reject_form(parts["reasons"]),
        cell_actions.retake_form(parts["origins"], words),
        cell_actions.cancel_form(),
        *(html.Section(parts[name], id=f"cell-{name}", className="cell-part") for name in ("steps", "quality", "story", "scene")),
    ]


def panels(view: CellPage, choice: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of PANELS for what is looked at."""
    main, other = chosen(view, choice)
    return {
        "head": _head(view),
        "walk": _walk(view),
        "takes": cell_takes.cards(view, main, other),
        "status": cell_actions.status(view),
        "steps": cell_steps.steps(view),
        "quality": cell_quality.measures(main, other),
        "story": cell_steps.story(view),
        "jobs": cell_jobs.table(view),
        "absent": cell_takes.absent(view, main),
        "reasons": cell_actions.reasons(view),
        "origins": cell_actions.origins(view),
        "scene": _prompt(view),
    }


def chosen(view: CellPage, choice: Mapping[str, Any]) -> tuple[TakeView | None, TakeView | None]:
    """The take that is looked at and the one it is compared with, if any."""
    main = view.take(choice.get("take"))
    if choice.get("mode", "single") == "single" or main is None:
        return main, None
    rest = [take for take in view.takes if take.scene and take.number != main.number]
    named = next((take for take in rest if take.number == choice.get("other")), None)
    return main, named or (rest[0] if rest else None)


def state(view: CellPage, choice: Mapping[str, Any]) -> dict[str, Any]:
    """What the browser needs to play, compare, decide and listen."""
    main, other = chosen(view, choice)
    return {
        "cell": view.cell.id,
        "run": view.run.id,
        "title": view.run.title,
        "number": view.run.number,
        "key": view.cell.plan.key,
        "version": view.cell.version,
        "status": view.cell.status.value,
        "take": view.cell.take,
        "seq": view.seq,
        "watched": [f"{kind} {key}" for kind, key in sorted(view.watched)],
        "before": view.before_id,
        "after": view.after_id,
        "mode": choice.get("mode", "single") if other else "single",
        "comparable": sum(1 for take in view.takes if take.scene) > 1,
        "fps": view.scene.fps,
        "width": view.scene.width,
        "height": view.scene.height,
        "frames": view.scene.frames,
        "main": cell_player.clip(view, main) if main else None,
        "other": cell_player.clip(view, other) if other else None,
    }


def crumbs(shown: Mapping[str, Any]) -> list[Component]:
    """Where the page is: production, run, cell; `shown` is its `state`."""
    return frame.crumbs((shown["title"], "/"), (f"Run {shown['number']}", f"/runs/{shown['run']}"), (shown["key"], None))


def missing(text: str) -> Component:
    """There is no such cell: what to do instead."""
    return html.Div(
        frame.empty("No such scene", text, action=[dcc.Link("See all runs", href="/", className="btn primary")]),
        className="page",
        id="cell-missing",
    )


def _file_name(view: CellPage, take: TakeView) -> str:
    return f"{view.run.title} {view.cell.plan.key.replace(' / ', ' ')} take {take.number}.mp4"


def _head(view: CellPage) -> list[Component]:
    scene, plan = view.scene, view.cell.plan
    count = len(scene.segment_frames)
    facts = (
        f"{scene.duration_s:g} s · {count} segment{'' if count == 1 else 's'} · {scene.width}×{scene.height} · {scene.fps} fps"
    )
    return [
        html.H1(plan.key, className="h1 cell-title", title=plan.key),
        html.Span(facts, className="muted cell-facts"),
    ]


def _walk(view: CellPage) -> list[Component]:
    """To the neighbours, and where among them this one is."""
    return [
        _step("‹", view.before_id, "cell-before", "The scene before ( [ )"),
        html.Span(f"{view.position + 1} of {view.total:,}", className="faint num"),
        _step("›", view.after_id, "cell-after", "The scene after ( ] )"),
    ]


def _step(sign: str, cell_id: int | None, name: str, title: str) -> Component:
    if cell_id is None:
        return html.Span(sign, className="btn ghost sm", id=name, **{"aria-disabled": "true"})
    return dcc.Link(sign, href=f"/cells/{cell_id}", className="btn ghost sm", id=name, title=title)


def _words(view: CellPage) -> str:
    """The prompt of the newest take: its own, or that of the production."""
    return (view.newest.take.prompt if view.newest else "") or view.cell.plan.prompt


def _prompt(view: CellPage) -> list[Component]:
    plan = view.cell.plan
    files = [
        html.A(
            f"take {take.number}",
            href=f"/media/files/{take.scene.sha256}?download={quote(_file_name(view, take))}",
            className="link",
        )
        for take in view.takes
        if take.scene
    ]
    rows: list[tuple[str, Any]] = [
        ("prompt", _words(view) or html.Span("none is given", className="faint")),
        ("place", plan.location),
        ("shot", plan.shot),
        ("files", [part for file in files for part in (file, html.Span(" "))]),
    ]
    return [
        html.H2("What is asked for", className="h2"),
        html.Dl([part for word, text in rows if text for part in (html.Dt(word), html.Dd(text))], className="facts"),
    ]
