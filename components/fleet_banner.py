"""What stands in the way of the fleet: workers that are away, stuck or set aside, with the cure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dash import html
from dash.development.base_component import Component

from components import fleet_press, palette, words
from pipeline.domain.cost_keys import work_words
from pipeline.domain.fleet_page import FleetPage, WorkerView
from pipeline.domain.workers import Health

_NAMED = 3


def lines(view: FleetPage) -> list[Component]:
    """A line for each kind of trouble, the worst first; the first cure is the page's one primary button."""
    found: list[Component] = [] if view.is_attended else [_unattended()]
    for is_so, told in _KINDS:
        troubled = [one for one in view.workers if is_so(one)]
        if troubled:
            found.append(_line(*told(troubled, view), is_first=not found))
    return found


def _unattended() -> Component:
    """That nobody looks after the workers: what is shown of them is as it was left."""
    told = ["No engine is at work: nothing goes on, and workers are shown as they were last seen. Start "]
    commands = [html.Code("./stripboard up"), " or ", html.Code("./stripboard engine"), "."]
    text = html.Div([*told, *commands], className="fl-told")
    return html.Div([palette.badge("failed", "needs a person"), text], className="fl-trouble", role="status")


def _line(text: list[Component | str], verb: str, cure: str, worker_id: int, title: str, *, is_first: bool) -> Component:
    press = fleet_press.pressed(verb, worker=worker_id, place="banner")
    look = "btn sm primary" if is_first else "btn sm"
    return html.Div(
        [
            palette.badge("failed", "needs a person"),
            html.Div(text, className="fl-told"),
            html.Button(cure, className=look, title=title, **{"data-command": cure, **press}),
        ],
        className="fl-trouble",
        role="status",
    )


_Told = tuple[list[Component | str], str, str, int, str]


def _away(troubled: Sequence[WorkerView], view: FleetPage) -> _Told:
    first = troubled[0].worker
    text = [*_names(troubled), _do(troubled, " does", " do"), " not answer", *_since(troubled, view)]
    text += [
        f": {first.health_reason.rstrip('.')}. " if first.health_reason else ". ",
        "Start the server there. What it had is tried elsewhere.",
    ]
    return text, *_look(troubled)


def _wedged(troubled: Sequence[WorkerView], view: FleetPage) -> _Told:
    text = [*_names(troubled), _do(troubled, " answers and works", " answer and work"), " on nothing", *_since(troubled, view)]
    return [*text, ". Only a restart of its process helps."], *_look(troubled)


def _occupied(troubled: Sequence[WorkerView], view: FleetPage) -> _Told:
    text = [*_names(troubled), _do(troubled, " works", " work"), " for somebody else", *_since(troubled, view)]
    return [*text, ". What waited there goes elsewhere; it gets work again when it is through with that."], *_look(troubled)


def _strange(troubled: Sequence[WorkerView], view: FleetPage) -> _Told:
    reason = troubled[0].worker.health_reason.rstrip(".")
    text = [*_names(troubled), _do(troubled, " answers", " answer"), " as no ComfyUI server does", *_since(troubled, view)]
    return [*text, f": {reason}. See that the address is right." if reason else ". See that the address is right."], *_look(
        troubled
    )


def _paused(troubled: Sequence[WorkerView], view: FleetPage) -> _Told:
    one = troubled[0].worker
    text = [
        html.B(one.name),
        f" has been paused by its card: {one.pause_reason}. It takes work again by itself once that is over.",
    ]
    others = len(troubled) - 1
    text.append(f" {words.counted(others, 'other worker')} {'is' if others == 1 else 'are'} paused so, too." if others else "")
    title = f"{one.name} gets work at once, however its card is"
    return text, "enable", f"Let {one.name} take work", one.id, title


def _aside(troubled: Sequence[WorkerView], view: FleetPage) -> _Told:
    one = troubled[0]
    record = one.aside[0]
    since = [" since ", words.clock(record.aside_since, view.now)] if record.aside_since else []
    text: list[Component | str] = [html.B(one.worker.name), f" is set aside for {work_words(record.work)}", *since]
    text.append(f": {record.reason}" if record.reason else "")
    others = len(troubled) - 1
    text.append(f" {words.counted(others, 'other worker')} {'is' if others == 1 else 'are'} set aside, too." if others else "")
    title = f"{one.worker.name} gets {work_words(record.work)} again at once; better mend what is wrong first."
    return text, "take_back", f"Take {one.worker.name} back", one.worker.id, title


def _look(troubled: Sequence[WorkerView]) -> tuple[str, str, int, str]:
    return "look", "Look again", troubled[0].worker.id if len(troubled) == 1 else 0, "Ask the server now how it is"


def _names(troubled: Sequence[WorkerView]) -> list[Component | str]:
    names = [one.worker.name for one in troubled]
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more workers"]
    parts: list[Component | str] = []
    for place, name in enumerate(names):
        joint = "" if not place else " and " if place == len(names) - 1 else ", "
        parts += [joint, html.B(name)] if joint else [html.B(name)]
    return parts


def _do(troubled: Sequence[WorkerView], one: str, several: str) -> str:
    return one if len(troubled) == 1 else several


def _since(troubled: Sequence[WorkerView], view: FleetPage) -> list[Component | str]:
    at = troubled[0].worker.health_at
    if at is None or len(troubled) > 1:
        return []
    return [" since ", html.Span(words.clock(at, view.now), title=words.exactly(at), className="num")]


_KINDS: tuple[tuple[Callable[[WorkerView], bool], Callable[[Sequence[WorkerView], FleetPage], _Told]], ...] = (
    (lambda one: one.worker.health is Health.WEDGED, _wedged),
    (lambda one: one.worker.health is Health.AWAY, _away),
    (lambda one: one.worker.health is Health.STRANGE, _strange),
    (lambda one: one.worker.health is Health.OCCUPIED, _occupied),
    (lambda one: bool(one.worker.pause_reason), _paused),
    (lambda one: bool(one.aside) and one.worker.health is Health.WELL, _aside),
)
