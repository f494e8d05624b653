"""Test shots on the page of a workflow: asked for, watched, seen, judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import palette, words
from pipeline.domain.workflows.library import Judgement, ShotStatus, TestShot
from pipeline.domain.workflows.slots import IMAGE_SLOTS
from pipeline.domain.workflows.views import VersionPage

SHOTS = "flow-shots"
ASK, WORKER, PROMPT, SEED, SHARE = "flow-shoot", "flow-shot-worker", "flow-shot-prompt", "flow-shot-seed", "flow-shot-share"
SOURCE, SOURCE_NAME, SOURCE_DATA = "flow-source", "flow-source-name", "flow-source-data"
ANY = "-"
_CHEAPEST = "the cheapest that can"
_SHARES = (
    {"label": "a quarter of the size and length", "value": "0.25"},
    {"label": "half of the size and length", "value": "0.5"},
    {"label": "full size and length", "value": "1"},
)
_STATUSES = {
    ShotStatus.QUEUED: "queued",
    ShotStatus.RUNNING: "generating",
    ShotStatus.DONE: "approved",
    ShotStatus.FAILED: "failed",
    ShotStatus.CANCELLED: "cancelled",
}
_MOST_OLD = 8


def card(page: VersionPage, now: datetime) -> Component:
    """What a test shot is made of, and those that were made."""
    return html.Section(
        [
            html.H3("Test shot", className="h2"),
            _form(page),
            html.Div(content(page, now), id=SHOTS, className="wf-shots"),
        ],
        className="card wf-part",
        **{"aria-label": "Test shot"},
    )


def _form(page: VersionPage) -> Component:
    ready = [fit.worker.name for fit in page.shown.fits if fit.is_ready]
    options = [{"label": _CHEAPEST, "value": ANY}, *({"label": name, "value": name} for name in ready)]
    why = _why_not(page, ready)
    takes_picture = any(slot in page.workflow.slots for slot in IMAGE_SLOTS)
    return html.Div(
        [
            html.P(
                "Small and short, on one worker, apart from every run and budget: see what it does before a column is made.",
                className="faint",
            ),
            _labelled("Prompt", dbc.Textarea(id=PROMPT, rows=2, maxLength=5_000, placeholder=_own_prompt(page))),
            html.Div(
                [
                    _labelled("Worker", dbc.Select(id=WORKER, options=options, value=ANY, className="form-select")),
                    _labelled("Seed", dbc.Input(id=SEED, type="number", step=1, placeholder="1")),
                ],
                className="wf-pair",
            ),
            _labelled("Size", dbc.Select(id=SHARE, options=list(_SHARES), value="0.25", className="form-select")),
            _picture(is_shown=takes_picture),
            html.Div(
                [
                    html.Button("Make a test shot", id=ASK, className="btn", disabled=bool(why), title=why or "On one worker"),
                    html.Span(why, className="muted wf-wrap"),
                ],
                className="wf-line",
            ),
        ],
        className="wf-form",
    )


def _picture(*, is_shown: bool) -> Component:
    drop = dcc.Upload(
        html.Span("Choose or drop a picture to start from", id=SOURCE_NAME, className="wf-drop-words"),
        id=SOURCE, className="wf-drop", className_active="wf-drop over", accept="image/*", max_size=11 * 2**20,
        style={}, style_active={},
    )  # fmt: skip
    told = html.Span("Without one, a portrait is drawn.", className="faint")
    return html.Div([drop, told, dcc.Store(id=SOURCE_DATA)], className="wf-line", hidden=not is_shown)


def _labelled(text: str, field: Component) -> Component:
    return html.Label([html.Span(text, className="wf-label"), field], className="wf-field")


def _own_prompt(page: VersionPage) -> str:
    for binding in page.workflow.bindings:
        if binding.slot == "prompt":
            return str(page.workflow.graph.nodes[binding.node].inputs.get(binding.input, ""))[:200]
    return "It takes no prompt"


def _why_not(page: VersionPage, ready: list[str]) -> str:
    if not page.is_usable:
        return "Its bindings are unfinished: correct them first."
    if not page.shown.fits:
        return "There is no worker yet."
    return "" if ready else "No worker can run it now: see below what each lacks."


# What was made ----------------------------------------------------------------------------------------------------


def content(page: VersionPage, now: datetime) -> list[Component]:
    """The newest test shot large, with what there is to decide; the others as lines."""
    if not page.shots:
        return [html.P("This version has not been tried yet.", className="muted")]
    newest, *older = page.shots
    parts = [_large(newest, page, now)]
    if older:
        rows = [_small(one, now) for one in older[:_MOST_OLD]]
        parts.append(html.Details([html.Summary(f"{words.counted(len(older), 'earlier test shot')}"), *rows], className="wf-old"))
    return parts


def _large(shot: TestShot, page: VersionPage, now: datetime) -> Component:
    title = html.Div(
        [
            palette.badge(_STATUSES[shot.status], shot.status.value),
            html.B(shot.status.value),
            html.Span(f"on {shot.worker}", className="muted cut", title=shot.worker),
            html.Span(className="spread"),
            html.Span(words.since(shot.ended_at or shot.created_at, now), className="faint"),
        ],
        className="wf-line",
    )
    parts: list[Component | None] = [title]
    if shot.is_open:
        parts += [_progress(shot), _press("cancel", "Cancel", "Give it up", shot=shot.id)]
    elif shot.result is None:
        parts.append(html.P(shot.reason, className="wf-wrap"))
    else:
        parts += [_player(shot), _measured(shot), _cautioned(shot), _decision(page)]
    return html.Div(parts, className="wf-shot", **{"data-shot": str(shot.id), "data-status": shot.status.value})


def _progress(shot: TestShot) -> Component:
    told = shot.step or ("waits for its worker" if shot.status is ShotStatus.QUEUED else "works")
    percent = round(100 * min(1.0, max(0.0, shot.progress)))
    bar = html.Div(html.I(style={"width": f"{percent}%", "background": "var(--status-generating)"}), className="bar")
    return html.Div([html.Div([told, html.Span(f" {percent} %", className="num")], className="muted wf-wrap"), bar])


def _player(shot: TestShot) -> Component:
    assert shot.result is not None
    source = f"/media/files/{shot.result.sha256}"
    if shot.result.media_type.startswith("image/"):
        return html.Img(src=source, alt="The picture that was made", className="wf-player")
    poster = {"poster": f"/media/files/{shot.poster.sha256}"} if shot.poster else {}
    return html.Video(src=source, controls=True, loop=True, muted=True, preload="metadata", className="wf-player",
                      title="The clip that was made", **poster)  # fmt: skip


def _measured(shot: TestShot) -> Component:
    facts: Mapping[str, Any] = shot.facts
    lines = [("time", f"{shot.seconds:.1f} s")]
    if facts.get("width") and facts.get("height"):
        frames = f", {words.counted(int(facts['frames']), 'frame')}" if "frames" in facts else ""
        lines.insert(0, ("made", f"{facts['width']} × {facts['height']}{frames}"))
    if shot.memory_bytes:
        lines.append(("memory of the card", words.size(shot.memory_bytes)))
    if shot.cost:
        lines.append(("cost", words.money(shot.cost)))
    lines += [(one.name.replace("_", " "), f"{one.value:g}") for one in shot.measurements]
    lines.append(("seed", str(shot.parameters.get("seed", ""))))
    return html.Dl([html.Div([html.Dt(name), html.Dd(value, className="num")]) for name, value in lines], className="wf-measures")


def _cautioned(shot: TestShot) -> Component | None:
    """What it does not show: that scenes may be refused for what the graph decides."""
    if not shot.reason:
        return None
    return html.P(f"{shot.reason[0].upper()}{shot.reason[1:]}.", className="wf-wrap muted")


def _decision(page: VersionPage) -> Component:
    judgement = page.shown.version.judgement
    if judgement is Judgement.GOOD:
        told = f"{page.shown.version.judged_by} has called it good." + (" It is the default." if page.shown.is_default else "")
        return html.Div([html.Span(told, className="muted"), _press("bad", "No good after all", "It is no default any more")],
                        className="wf-line")  # fmt: skip
    told = f"{page.shown.version.judged_by} has called it no good." if judgement is Judgement.BAD else ""
    return html.Div(
        [
            _press("good", "Good: make it the default", "Productions that name no version get it", look="btn primary"),
            _press("bad", "No good", "It is kept, and not the default") if judgement is Judgement.NONE else None,
            html.Span(told, className="muted"),
        ],
        className="wf-line",
    )


def _small(shot: TestShot, now: datetime) -> Component:
    link: Component | None = None
    if shot.result is not None:
        link = html.A("see it", href=f"/media/files/{shot.result.sha256}", target="_blank")
    told = (shot.reason if shot.result is None else "") or f"{shot.seconds:.1f} s"
    return html.Div(
        [
            palette.badge(_STATUSES[shot.status], shot.status.value),
            html.Span(f"{shot.worker}: {told}", className="cut", title=told),
            html.Span(className="spread"),
            link,
            html.Span(words.since(shot.created_at, now), className="faint"),
        ],
        className="wf-line",
    )


def _press(verb: str, text: str, why: str, *, shot: int = 0, look: str = "btn sm") -> Component:
    return html.Button(text, className=look, title=why, **{"data-flow": verb, "data-shot": str(shot)})
