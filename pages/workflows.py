"""Workflows: graphs under names, what goes in where, who can run them, and what a test shot has shown."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, ctx, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import frame, ids, workflow_bindings, workflow_parts, workflow_shots, workflows
from pipeline import wiring_workflows
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.workflows.findings import errors_in
from pipeline.domain.workflows.library import Judgement
from pipeline.domain.workflows.shots import Wishes
from pipeline.domain.workflows.views import VersionPage, WorkflowView
from pipeline.wiring_serving import current_studio, local_actor

_VERSION_TITLE = "Which version is shown"

dash.register_page(__name__, path="/workflows", title="Workflows – Stripboard", name="Workflows")


async def layout(workflow: str = "", version: str = "", against: str = "", archived: str = "", **_: str) -> Component:
    """The page as it is now; what is open is in the address."""
    return workflows.page(await asyncio.to_thread(_view, workflow, version, against, archived))


def _view(workflow: str, version: str = "", against: str = "", archived: str = "") -> workflows.View:
    studio = current_studio()
    found = studio.workflows.all(with_archived=True)
    shown = [one for one in found if archived or one.workflow.archived_at is None or str(one.workflow.id) == workflow]
    opened, other, difference, note = None, _number(against), None, ""
    chosen = next((one for one in shown if str(one.workflow.id) == workflow), None)
    if workflow and chosen is None:
        note = f"There is no workflow {workflow[:20]}."
    if chosen or shown:
        try:
            opened = _opened(chosen or shown[0], _number(version))
            if other is not None and other != opened.shown.version.number:
                old = studio.workflows.version(opened.view.workflow, other)
                difference = studio.workflows.compare(old, opened.shown.version)
        except NotFound as error:
            note = str(error)
            opened = opened or _opened(chosen or shown[0], None)
    return workflows.View(
        shown, opened, other if difference else None, difference, studio.clock.now(), note, len(found) - len(shown)
    )


def _opened(view: WorkflowView, number: int | None) -> VersionPage:
    return current_studio().workflows.page(view.workflow, number)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None


def _go(workflow_id: int, version: int | None = None, against: int | None = None) -> None:
    """Open something else: the address says what, and the page follows it."""
    set_props(ids.URL, {"search": workflows.address(workflow_id, version, against).removeprefix("/workflows")})


async def _again(chosen: dict[str, int]) -> None:
    """Draw everything once more, after something was done."""
    view = await asyncio.to_thread(_view, str(chosen["workflow"]), str(chosen["version"]))
    set_props(workflows.BODY, {"children": workflows.body(view)})
    set_props(workflows.CLOCK, {"disabled": not workflows.is_busy(view)})


def _tell(text: str) -> None:
    set_props(ids.TOASTS, {"children": frame.toast(text)})


def _content(sent: str) -> bytes:
    """The bytes that a browser has put into a text."""
    try:
        return base64.b64decode(sent.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("The file did not arrive whole. Drop it once more.") from error


# Importing and going round --------------------------------------------------------------------------------------


@callback(
    Output(workflows.UPLOAD, "contents"),
    Input(workflows.UPLOAD, "contents"),
    State(workflows.UPLOAD, "filename"),
    State(workflows.NAME, "value"),
    prevent_initial_call=True,
)
async def take(sent: str | None, filename: str | None, name: str | None) -> None:
    """Import what was dropped, and open it."""
    if not sent:
        raise PreventUpdate
    found = await asyncio.to_thread(
        lambda: wiring_workflows.import_content(
            current_studio(), _content(sent), local_actor(), name=(name or "").strip(), origin=filename or ""
        )
    )
    words = found.version.words
    _tell(f"{words} is kept." if found.is_new else f"Nothing is new: {words} does the same.")
    _go(found.version.workflow_id, found.version.number)


@callback(
    Output(workflows.VERSION, "title"),
    Input(workflows.VERSION, "value"),
    Input(workflows.AGAINST, "value"),
    State(workflows.CHOSEN, "data"),
    State(ids.URL, "search"),
    prevent_initial_call=True,
)
async def choose(version: str | None, against: str | None, chosen: dict[str, int] | None, search: str | None) -> str:
    """Open another version, or hold it against another."""
    if not chosen or not version:
        raise PreventUpdate
    other = _number(against or "")
    shown = re.search(r"[?&]against=(\d+)", search or "")
    if (int(version), other) != (chosen["version"], int(shown[1]) if shown else None):
        _go(chosen["workflow"], int(version), other)
    return _VERSION_TITLE


@callback(
    Output(workflows.LIST, "children"),
    Output(workflows.STATE, "children"),
    Output(workflows.WORKERS, "children"),
    Input(ids.TICK, "data"),
    State(workflows.CHOSEN, "data"),
    State(ids.URL, "search"),
    prevent_initial_call=True,
)
async def follow(_: object, chosen: dict[str, int] | None, search: str | None) -> tuple[object, ...]:
    """The list, the state of what is open and its workers, some time later."""
    if not chosen:
        raise PreventUpdate
    archived = "yes" if "archived=" in (search or "") else ""
    view = await asyncio.to_thread(_view, str(chosen["workflow"]), str(chosen["version"]), "", archived)
    if view.open is None:
        return workflows.items(view), no_update, no_update
    return workflows.items(view), workflows.state(view.open), workflow_parts.workers(view.open.shown.fits)


# Bindings -------------------------------------------------------------------------------------------------------


@callback(
    Output(workflow_bindings.DRAFT, "data"),
    Output(workflow_bindings.ROWS, "children"),
    Output(workflow_bindings.CHECK, "children"),
    Output(workflow_bindings.SAVE, "disabled"),
    Output(workflow_bindings.FREE, "options"),
    Output(workflow_bindings.FREE, "value"),
    Input({"type": workflow_bindings.SLOT, "at": ALL}, "value"),
    Input({"type": workflow_bindings.DROP, "at": ALL}, "n_clicks"),
    Input(workflow_bindings.BIND, "n_clicks"),
    Input(workflow_bindings.RESULT, "value"),
    Input(workflow_bindings.KIND, "value"),
    State(workflow_bindings.FREE, "value"),
    State(workflow_bindings.DRAFT, "data"),
    prevent_initial_call=True,
)
async def edit(
    slots: list[str], drops: list[int | None], _: int | None, result: str, kind: str, free: str | None, data: dict[str, Any]
) -> tuple[object, ...]:
    """Take a correction into the draft, and say at once what is wrong with it."""
    return await asyncio.to_thread(_edit, slots, drops, result=result, kind=kind, free=free, data=data)


def _edit(
    slots: list[str], drops: list[int | None], *, result: str, kind: str, free: str | None, data: dict[str, Any]
) -> tuple[object, ...]:
    places = [[slot, *old[1:]] for slot, old in zip(slots, data["places"], strict=False)] + data["places"][len(slots) :]
    pressed = ctx.triggered_id
    page = _page_of(data)
    graph = page.workflow.graph
    is_redrawn = False
    if isinstance(pressed, dict) and pressed.get("type") == workflow_bindings.DROP and any(drops):
        places.pop(int(pressed["at"]))
        is_redrawn = True
    elif pressed == workflow_bindings.BIND and "\n" in (free or ""):
        node, _, name = str(free).partition("\n")
        places.append([workflow_bindings.first_slot(graph, node, name, workflow_bindings.places_in(data)), node, name])
        is_redrawn = True
    new = {**data, "places": places, "output": result or data["output"], "kind": kind or data["kind"]}
    if new == data:
        raise PreventUpdate
    wanted = workflow_bindings.places_in(new)
    findings = current_studio().workflows.examine(
        page.shown.version, wanted, outputs=[new["output"]] if new["output"] else [], kind=workflow_bindings.kind_in(new)
    )
    is_changed = new != workflow_bindings.draft(page)
    options = workflow_bindings.free_options(graph, wanted)
    rows = workflow_bindings.rows(graph, wanted) if is_redrawn else no_update
    may_save = is_changed and not errors_in(findings)
    return new, rows, workflow_bindings.check(findings), not may_save, options, workflow_bindings.NONE


def _page_of(data: dict[str, Any]) -> VersionPage:
    studio = current_studio()
    return studio.workflows.page(studio.workflows.by_id(int(data["workflow"])), int(data["base"]))


@callback(
    Output(workflow_bindings.SAVE, "title"),
    Input(workflow_bindings.SAVE, "n_clicks"),
    State(workflow_bindings.DRAFT, "data"),
    State(workflow_bindings.NOTE, "value"),
    prevent_initial_call=True,
)
async def save(pressed: int | None, data: dict[str, Any], note: str | None) -> str:
    """Keep the corrected bindings as the next version, and open that."""
    if not pressed:
        raise PreventUpdate
    version = await asyncio.to_thread(_save, data, note or "")
    _go(int(data["workflow"]), version, int(data["base"]))
    return workflow_bindings.SAVE_TITLE


def _save(data: dict[str, Any], note: str) -> int:
    page = _page_of(data)
    found = current_studio().workflows.correct(
        page.shown.version, workflow_bindings.places_in(data), local_actor(), outputs=[data["output"]],
        kind=workflow_bindings.kind_in(data), note=note,
    )  # fmt: skip
    _tell(f"{found.version.words} is kept." if found.is_new else f"Nothing is new: {found.version.words} does the same.")
    return found.version.number


# Test shots and verbs -------------------------------------------------------------------------------------------


@callback(
    Output(workflow_shots.SOURCE_DATA, "data"),
    Output(workflow_shots.SOURCE_NAME, "children"),
    Input(workflow_shots.SOURCE, "contents"),
    State(workflow_shots.SOURCE, "filename"),
    prevent_initial_call=True,
)
async def take_source(sent: str | None, filename: str | None) -> tuple[str, str]:
    """Keep the picture that a test shot is to start from."""
    if not sent:
        raise PreventUpdate
    file = await asyncio.to_thread(lambda: wiring_workflows.take_content(current_studio(), _content(sent)))
    return file.sha256, f"starts from {(filename or 'the picture')[:40]}"


@callback(
    Output(workflow_shots.SHOTS, "children"),
    Output(workflows.CLOCK, "disabled"),
    Input(workflow_shots.ASK, "n_clicks"),
    State(workflow_shots.WORKER, "value"),
    State(workflow_shots.PROMPT, "value"),
    State(workflow_shots.SEED, "value"),
    State(workflow_shots.SHARE, "value"),
    State(workflow_shots.SOURCE_DATA, "data"),
    State(workflows.CHOSEN, "data"),
    running=[(Output(workflow_shots.ASK, "disabled"), True, False)],
    prevent_initial_call=True,
)
async def shoot(
    pressed: int | None, worker: str | None, prompt: str | None, seed: float | None, share: str, source: str | None,
    chosen: dict[str, int],
) -> tuple[object, bool]:  # fmt: skip
    """Ask for a test shot of the version that is open."""
    if not pressed:
        raise PreventUpdate
    worker = None if worker in (None, workflow_shots.ANY) else worker
    wishes = Wishes(prompt=prompt or None, seed=None if seed is None else int(seed), share=float(share or 0.25))
    return await asyncio.to_thread(_shoot, chosen, wishes, worker, source)


def _shoot(chosen: dict[str, int], wishes: Wishes, worker: str | None, source: str | None) -> tuple[object, bool]:
    studio = current_studio()
    version = studio.workflows.version(studio.workflows.by_id(chosen["workflow"]), chosen["version"])
    picture = wiring_workflows.stored_picture(studio, source) if source else None
    shot = studio.test_shots.ask(version, local_actor(), wishes=wishes, source=picture, worker=worker)
    _tell(f"A test shot of {version.words} is asked for at {shot.worker}.")
    return _shots(chosen), False


def _shots(chosen: dict[str, int]) -> list[Component]:
    studio = current_studio()
    page = studio.workflows.page(studio.workflows.by_id(chosen["workflow"]), chosen["version"])
    return workflow_shots.content(page, studio.clock.now())


@callback(
    Output(workflow_shots.SHOTS, "children", allow_duplicate=True),
    Output(workflows.CLOCK, "disabled", allow_duplicate=True),
    Input(workflows.CLOCK, "n_intervals"),
    State(workflows.CHOSEN, "data"),
    prevent_initial_call=True,
)
async def follow_shots(_: object, chosen: dict[str, int] | None) -> tuple[object, bool]:
    """The test shots, some time later."""
    if not chosen:
        raise PreventUpdate
    view = await asyncio.to_thread(_view, str(chosen["workflow"]), str(chosen["version"]))
    if view.open is None:
        raise PreventUpdate
    return workflow_shots.content(view.open, view.now), not workflows.is_busy(view)


@callback(
    Output(workflows.PRESS, "storage_type"),
    Input(workflows.PRESS, "data"),
    State(workflows.CHOSEN, "data"),
    prevent_initial_call=True,
)
async def do(pressed: dict[str, Any] | None, chosen: dict[str, int] | None) -> str:
    """Do what was pressed, and draw what has come of it."""
    if not pressed or not chosen:
        raise PreventUpdate
    told, is_gone = await asyncio.to_thread(_do, str(pressed["verb"]), int(pressed["shot"]), chosen)
    _tell(told)
    if is_gone:
        set_props(ids.URL, {"search": f"?at={pressed['at']}"})
    else:
        await _again(chosen)
    return "memory"


def _do(verb: str, shot: int, chosen: dict[str, int]) -> tuple[str, bool]:
    """Carry it out; the answer says what has come of it, and whether the workflow is out of sight now."""
    studio, actor = current_studio(), local_actor()
    workflow = studio.workflows.by_id(chosen["workflow"])
    version = studio.workflows.version(workflow, chosen["version"])
    if verb in ("good", "bad"):
        studio.workflows.judge(version, Judgement(verb), actor)
        default = studio.workflows.version(workflow)
        return f"The default of {workflow.name} is version {default.number}.", False
    if verb == "cancel":
        studio.test_shots.cancel(shot, actor)
        return "The test shot is given up.", False
    if verb == "remove":
        studio.workflows.remove(workflow, actor)
        return f"{workflow.name} is removed.", True
    studio.workflows.archive(workflow, actor, is_archived=verb == "archive")
    return f"{workflow.name} is {'archived' if verb == 'archive' else 'back'}.", verb == "archive"
