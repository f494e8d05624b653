"""The board of one run: the matrix, what it says of itself, and every verb that people have for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, ctx, html, no_update, set_props
from dash.development.base_component import Component

from components import board, board_dialogs, board_hint, board_side, board_tools, frame, ids, words
from pipeline.domain.choices import Mode
from pipeline.domain.errors import NotFound
from pipeline.domain.matrix import Selection
from pipeline.domain.overview import RunOverview
from pipeline.domain.records import Run
from pipeline.wiring_serving import current_studio, local_actor

dash.register_page(__name__, path_template="/runs/<run_id>", title="Board – Stripboard", name="Board")

_MOST_DIGITS = 15
_ASKS_FIRST = 20
"""From this many scenes on even what can be undone asks first."""
_FEW = 3
"""So many things besides scenes are told by their names."""


async def layout(run_id: str = "", **_: str) -> Component:
    """The page of a run; a clear word when there is no such run."""
    try:
        run, overview, views = await asyncio.to_thread(_look, run_id)
    except NotFound as error:
        return board.missing(str(error))
    return board.page(run, overview, views, datetime.now(UTC))


def _look(run_id: str) -> tuple[Run, RunOverview, list[tuple[str, str]]]:
    if not (run_id.isascii() and run_id.isdigit()) or len(run_id) > _MOST_DIGITS:
        raise NotFound(f"“{run_id[:40]}” is not the number of a run. Choose one from Pulse.")
    studio, number = current_studio(), int(run_id)
    return studio.boards.run(number), studio.overview.of(number), studio.boards.views(number)


clientside_callback(
    ClientsideFunction("board", "mount"),
    Output("board-mounted", "data"),
    Input("board-run", "data"),
    State("board-grid-made", "data"),
)
clientside_callback(
    ClientsideFunction("board", "leave"),
    Output("board-mounted", "data", allow_duplicate=True),
    Input(ids.URL, "pathname"),
    prevent_initial_call=True,
)


# What the page says ---------------------------------------------------------------------------------------------


@dash.callback(
    Output("board-facts", "children"),
    Output("board-hint", "children"),
    Output("board-verbs", "children"),
    Output("board-subtitle", "children"),
    Input(ids.TICK, "data"),
    Input("board-status", "data"),
    State("board-run", "data"),
    prevent_initial_call=True,
)
async def tell(tick: Any, status: Any, run_id: int) -> tuple[Any, ...]:
    """Facts, hint and run buttons, at most once a second while things happen."""
    run, overview, _ = await asyncio.to_thread(_look, str(run_id))
    now = datetime.now(UTC)
    hint = board_hint.hint(overview)
    return board.facts(overview, now), hint, board.verbs(run.status.value), board.subtitle(run, overview, now)


@dash.callback(
    Output("side-one", "children"), Output("many-why", "children"), Input("board-look", "data"), prevent_initial_call=True
)
async def look(wanted: dict[str, Any]) -> tuple[Any, Any]:
    """One scene in the side panel, or what many scenes wait for together."""
    view = await asyncio.to_thread(current_studio().cells.page, wanted["cell"])
    return (no_update, board_side.shared_need(view)) if wanted["many"] else (board_side.one(view), no_update)


@dash.callback(Input("board-say", "data"), prevent_initial_call=True)
def say(told: dict[str, Any]) -> None:
    """A short word from the scripts."""
    set_props(ids.TOASTS, {"children": frame.toast(told["text"])})


# Verbs ----------------------------------------------------------------------------------------------------------


class Intent(NamedTuple):
    """What somebody wants: a verb on the scenes with these keys (none: all of them), a still, or the run."""

    verb: str
    run: Run
    selection: Selection
    count: int
    said: dict[str, Any]

    @property
    def expected(self) -> dict[str, int]:
        """The versions that were on the screen, by key."""
        return dict(zip(self.said.get("keys", ()), self.said.get("versions", ()), strict=False))

    @property
    def scenes(self) -> str:
        """`Mara / dance / casual`, or `24 scenes`."""
        keys = self.selection.keys
        return keys[0] if len(keys) == 1 else words.counted(self.count, "scene")


def _intent(said: dict[str, Any]) -> Intent:
    run = current_studio().boards.run(int(said["run"]))
    return Intent(said["verb"], run, Selection(keys=tuple(said.get("keys", ()))), int(said.get("count", 0)), said)


@dash.callback(
    Output("confirm", "children"),
    Output("confirm", "is_open"),
    Output("board-pending", "data"),
    Input("board-intent", "data"),
    prevent_initial_call=True,
)
async def act(said: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Do what needs no question; ask about the rest."""
    dialog = await asyncio.to_thread(_question, said)
    if dialog is not None:
        return dialog, True, said
    await _carry_out(said, {})
    return no_update, False, None


@dash.callback(
    Output("confirm", "is_open", allow_duplicate=True),
    Input("board-done", "data"),
    State("board-pending", "data"),
    prevent_initial_call=True,
)
async def confirmed(answer: dict[str, Any], pending: dict[str, Any] | None) -> bool:
    """Do what was asked about, when the answer was yes."""
    if answer["yes"] and pending is not None:
        set_props("confirm", {"is_open": False})
        await _carry_out(pending, answer)
    return False


async def _carry_out(said: dict[str, Any], answer: dict[str, Any]) -> None:
    text, undo = await asyncio.to_thread(_do, said, answer)
    button = None
    if undo:
        set_props("board-undo", {"data": {"run": said["run"], "keys": undo}})
        button = html.Button("Undo", id={"type": "board-undo", "at": str(said["at"])}, className="btn sm", **{"data-undo": "1"})
    set_props(ids.TOASTS, {"children": frame.toast(text, action=button)})


def _question(said: dict[str, Any]) -> list[Component] | None:
    """The dialog that stands before this verb; None for what is done at once."""
    intent, studio = _intent(said), current_studio()
    if intent.verb in ("submit", "retry"):
        mode = Mode.FAILED if intent.verb == "retry" else Mode(said["mode"])
        preview = studio.submission.preview(intent.run, intent.selection, mode)
        again = "Failed exports and pictures of these scenes are tried again too." if intent.verb == "retry" else ""
        return board_dialogs.submission(preview, mode, again)
    if intent.verb == "reject":
        return board_dialogs.rejection(intent.scenes, is_withdrawal=bool(said.get("withdraws")))
    if intent.verb == "reject-still":
        return board_dialogs.rejection(f"the variant image {said['still']}")
    if intent.verb == "cancel":
        text = "What is under way stops. What is approved stays. Submitting brings a scene back, as a new take."
        return board_dialogs.question(f"Take out {intent.scenes}?", text, "Take out")
    if intent.verb == "cancel-run":
        text = "All work on this run stops. What is approved stays, and submitting scenes opens the run again."
        return board_dialogs.question(f"Cancel {intent.run.name}?", text, "Cancel the run")
    if intent.verb == "approve" and intent.count >= _ASKS_FIRST:
        return board_dialogs.dialog(f"Approve {intent.scenes}?", [], f"Approve {intent.count:,}")
    return None


def _do(said: dict[str, Any], answer: dict[str, Any]) -> tuple[str, list[str]]:
    """Carry a verb out; the answer is what to say, and the keys that can be taken back."""
    intent, studio, actor = _intent(said), current_studio(), local_actor()
    run, chosen, reason = intent.run, intent.selection, answer.get("reason") or "other"
    still, note = said.get("still", ""), answer.get("note", "")
    taken = {still: int(said["take"])} if still and said.get("take") else None
    match intent.verb:
        case "submit":
            receipt = studio.submission.submit(run, chosen, Mode(said["mode"]), actor)
            return f"{words.counted(len(receipt.accepted), 'scene')} submitted{_besides(receipt.pictures)}.", []
        case "retry":
            receipt = studio.submission.submit(run, chosen, Mode.FAILED, actor)
            again = [*receipt.pictures, *studio.review.retry(run, chosen, actor)]
            return f"{words.counted(len(receipt.accepted), 'scene')} tried again{_besides(again)}.", []
        case "approve":
            keys = studio.review.approve(run, chosen, actor, expected=intent.expected)
            return f"{words.counted(len(keys), 'scene')} approved.", keys
        case "reject":
            keys = studio.review.reject(run, chosen, actor, reason=reason, note=note, expected=intent.expected)
            return f"{words.counted(len(keys), 'scene')} rejected: {reason}.", [] if said.get("withdraws") else keys
        case "approve-still":
            studio.review.approve_variant(run, still, actor, candidate=said.get("candidate"), expected=taken)
            return f"{still} is approved; its scenes go on.", []
        case "reject-still":
            why = f"{reason}: {note}" if note else reason
            studio.review.reject_variant(run, still, actor, reason=why, expected=taken)
            return f"{still} is rejected: {reason}. Make new ones from here when you like.", []
        case "retry-still":
            names = studio.review.retry(run, Selection(keys=(still,)), actor)
            return f"Asked again for {'; '.join(names)}." if names else "There is nothing to ask for again.", []
        case "cancel":
            return f"{words.counted(len(studio.submission.cancel(run, chosen, actor)), 'scene')} taken out.", []
        case "priority":
            keys = studio.submission.prioritise(run, chosen, int(said["priority"]), actor)
            return f"The priority of {words.counted(len(keys), 'scene')} was changed.", []
        case "pause":
            studio.runs.pause(run, actor)
            return "Paused: no new work starts, what is under way is finished.", []
        case "resume":
            studio.runs.resume(run, actor)
            return "The run goes on.", []
        case "cancel-run":
            studio.runs.cancel(run, actor)
            return f"{run.name} is cancelled.", []
    raise NotFound(f"There is nothing to do called “{intent.verb[:40]}”.")


def _besides(things: Sequence[str]) -> str:
    """What else was asked for, by name while it is little."""
    if not things:
        return ""
    return f"; also {'; '.join(things)}" if len(things) <= _FEW else f", and {words.counted(len(things), 'other thing')}"


@dash.callback(
    Input({"type": "board-undo", "at": ALL}, "n_clicks"),
    State("board-undo", "data"),
    prevent_initial_call=True,
)
async def undo(clicks: list[int | None], last: dict[str, Any] | None) -> None:
    """Take the last decision back, while nothing has started from it."""
    if not any(clicks) or last is None:
        return
    keys = await asyncio.to_thread(_take_back, last)
    set_props(ids.TOASTS, {"children": frame.toast(f"{words.counted(len(keys), 'scene')} back in review.")})


def _take_back(last: dict[str, Any]) -> list[str]:
    studio = current_studio()
    return studio.review.undo(studio.boards.run(int(last["run"])), last["keys"], local_actor())


# Views ----------------------------------------------------------------------------------------------------------


@dash.callback(
    Output("views-slot", "children"),
    Input("board-view", "data"),
    Input({"type": "view-drop", "name": ALL}, "n_clicks"),
    State("view-name", "value"),
    State("board-run", "data"),
    prevent_initial_call=True,
)
async def keep(wanted: dict[str, Any] | None, drops: list[int | None], name: str | None, run_id: int) -> Any:
    """Keep what is looked at under a name, or forget a view."""
    asked = ctx.triggered_id
    if asked == "board-view" and wanted:
        views = await asyncio.to_thread(_keep, run_id, name or "", wanted["query"])
        set_props(ids.TOASTS, {"children": frame.toast("The view is kept for everyone on this project.")})
    elif isinstance(asked, dict) and any(drops):
        views = await asyncio.to_thread(_drop, run_id, asked["name"])
    else:
        return no_update
    return board_tools.views_menu(views)


def _keep(run_id: int, name: str, query: str) -> list[tuple[str, str]]:
    boards = current_studio().boards
    boards.keep_view(run_id, name, query, local_actor())
    return boards.views(run_id)


def _drop(run_id: int, name: str) -> list[tuple[str, str]]:
    boards = current_studio().boards
    boards.drop_view(run_id, name, local_actor())
    return boards.views(run_id)
