"""One cell: player, takes, decisions, measures, story, jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, clientside_callback, ctx, html, no_update, set_props
from dash.development.base_component import Component

from components import cell, frame, ids
from pipeline.domain.cell_page import CellPage
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.matrix import Selection
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path_template="/cells/<cell_id>", title="Scene – Stripboard", name="Scene")

_MOST_DIGITS = 15
_LONGEST_PROMPT = 4000


async def layout(cell_id: str = "", take: str = "", **_: str) -> Component:
    """The page as it is now; a clear word when there is no such cell."""
    try:
        view = await _view(_number(cell_id))
    except NotFound as error:
        return cell.missing(str(error))
    return cell.page(view, {"take": int(take) if take.isdigit() and len(take) < 6 else None, "mode": "single"})


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise NotFound(f"“{text[:40]}” is not the number of a scene. Open one from the board of its run.")
    return int(text)


async def _view(cell_id: int) -> CellPage:
    return await asyncio.to_thread(current_studio().cells.page, cell_id)


clientside_callback(ClientsideFunction("cell", "show"), Output("cell-shown", "data"), Input("cell-state", "data"))
clientside_callback(ClientsideFunction("cell", "settled"), Output("cell-settled", "data"), Input("cell-refresh", "data"))


@dash.callback(
    *(Output(f"cell-{name}", "children") for name in cell.PANELS),
    Output("cell-state", "data"),
    Input("cell-refresh", "data"),
    Input("cell-choice", "data"),
    State("cell-state", "data"),
    prevent_initial_call=True,
)
async def refresh(wanted: Any, choice: dict[str, Any], state: dict[str, Any]) -> list[Any]:
    """What changed, and what is looked at now."""
    view = await _view(state["cell"])
    choice = {**choice, "take": choice.get("take") or (wanted or {}).get("playing")}
    parts = cell.panels(view, choice)
    forms = ("reasons", "origins")
    keeps = state["version"] == view.cell.version
    drawn = [no_update if keeps and name in forms else parts[name] for name in cell.PANELS]
    return [*drawn, cell.state(view, choice)]


@dash.callback(
    Output(ids.CRUMBS, "children", allow_duplicate=True),
    Output(ids.FEED_RUN, "data", allow_duplicate=True),
    Input("cell-page", "id"),
    State("cell-state", "data"),
    prevent_initial_call="initial_duplicate",
)
async def place(page: str, state: dict[str, Any]) -> tuple[Any, Any]:
    """Where the page is, and whose events it wants."""
    return cell.crumbs(state), state["run"]


@dash.callback(
    Output("cell-refresh", "data"),
    Input("cell-verb", "data"),
    State("reject-note", "value"),
    State("retake-seed", "value"),
    State("retake-prompt", "value"),
    prevent_initial_call=True,
    running=[(Output("cell-buttons", "className"), "cell-buttons busy", "cell-buttons")],
)
async def act(verb: dict[str, Any], note: str | None, seed: str | None, prompt: str | None) -> Any:
    """Carry out what was asked for on the screen as it was then."""
    said = await asyncio.to_thread(_carry_out, verb, (note or "").strip(), (seed or "").strip(), prompt or "")
    set_props(ids.TOASTS, {"children": frame.toast(said, action=_undo(verb))})
    if verb["verb"] == "reject-send":
        set_props("reject-note", {"value": ""})
    if verb["verb"] == "retake-send":
        set_props("retake-seed", {"value": ""})
    return {"after": verb["at"], "done": verb["verb"].replace("-send", "-form")}


def _carry_out(verb: dict[str, Any], note: str, seed: str, prompt: str) -> str:
    studio, actor = current_studio(), local_actor()
    run, found = studio.cells.find(verb["cell"])
    key, what = found.plan.key, verb["verb"]
    only, expected = Selection(keys=(key,)), {key: verb["version"]}
    if what == "approve":
        studio.review.approve(run, only, actor, expected=expected)
        return f"Approved take {found.take} of {key}."
    if what == "reject-send":
        reason = verb.get("reason") or note
        if not reason:
            raise Invalid("Choose why it is refused, or write a note: whoever makes the next take needs to know.")
        studio.review.reject(run, only, actor, reason=reason, note=note, expected=expected)
        return f"Rejected take {found.take} of {key}: {reason}."
    if what == "retake-send":
        wishes = {"from_segment": int(verb.get("segment") or 1), "seed": _seed(seed), "prompt": prompt[:_LONGEST_PROMPT]}
        take = studio.retakes.again(run, key, actor, **wishes, expected=verb["version"])
        return f"Take {take} of {key} is queued."
    if what in ("submit", "retry"):
        receipt = studio.submission.submit(run, only, Mode.FAILED if what == "retry" else Mode.MISSING, actor)
        return f"{'; '.join([f'{key} is queued', *receipt.pictures])}."
    if what == "rollback":
        studio.review.rollback(run, only, actor)
        return f"{key} is back at its approved take."
    if what == "retry-still":
        names = studio.review.retry(run, Selection(keys=(verb["still"],)), actor)
        return f"Asked again for {'; '.join(names)}." if names else "There is nothing to ask for again."
    if what == "cancel-send":
        studio.submission.cancel(run, only, actor)
        return f"{key} was taken out."
    if what == "variant":
        still = verb["still"]
        studio.review.approve_variant(run, still, actor, candidate=int(verb["part"]), expected={still: verb["stillTake"]})
        return f"Candidate {verb['part']} of {verb['still']} is approved; what waited for it starts."
    raise Invalid("The page asked for something that is not known here. Reload it.")


def _seed(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**31:
        raise Invalid(f"A seed is a whole number from 0 to {2**31 - 1:,}. Correct it, or leave it empty for a new one.")
    return int(text)


def _undo(verb: dict[str, Any]) -> Component | None:
    if verb["verb"] not in ("approve", "reject-send") or verb.get("status") != "review":
        return None
    return html.Button(
        "Undo", className="btn sm", id={"type": "cell-undo", "cell": verb["cell"], "at": str(verb["at"])}, **{"data-undo": "cell"}
    )


@dash.callback(
    Output("cell-refresh", "data", allow_duplicate=True),
    Input({"type": "cell-undo", "cell": dash.ALL, "at": dash.ALL}, "n_clicks"),
    prevent_initial_call=True,
)
async def undo(clicks: list[int | None]) -> Any:
    """Take the decision back while nothing has started from it."""
    if not any(clicks):
        return no_update
    pressed = ctx.triggered_id
    said = await asyncio.to_thread(_take_back, int(pressed["cell"]))
    set_props(ids.TOASTS, {"children": frame.toast(said)})
    return {"after": pressed["at"], "undone": True}


def _take_back(cell_id: int) -> str:
    studio = current_studio()
    run, found = studio.cells.find(cell_id)
    studio.review.undo(run, (found.plan.key,), local_actor())
    return f"{found.plan.key} is back in review."


@dash.callback(
    Output("log-text", "children"),
    Output("log-title", "children"),
    Output("log-dialog", "is_open"),
    Input("cell-log", "data"),
    prevent_initial_call=True,
)
async def show_log(asked: dict[str, Any]) -> tuple[str, str, bool]:
    """What a job has said."""
    text = await asyncio.to_thread(current_studio().activity.log, int(asked["job"]))
    return text or "It has said nothing.", asked.get("name") or f"Job {asked['job']}", True
