"""Events as sentences: what happened to a cell, and what led to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.records import Event

_MACHINES = ("system:engine", "system:gate")
_STAGES = {
    "source_qa": "the check of the source images",
    "variant_generation": "candidate",
    "variant_qa": "the check of the candidates",
    "scene_generation": "segment",
    "scene_qa": "quality check",
    "assembly": "assembly",
    "export": "export",
    "delivery": "packaging",
}
_NUMBERED = {"variant_generation", "scene_generation", "export"}
_CELL = {
    "queued": "queued",
    "generating": "begun",
    "review": "complete, now in review",
    "approved": "approved",
    "rejected": "rejected",
    "failed": "failed",
    "cancelled": "cancelled",
}


@dataclass(frozen=True)
class Line:
    """One thing that happened: `text`, and `because` of what, both for people. `status` is set when it moved the cell."""

    seq: int
    at: datetime
    text: str
    because: str = ""
    status: str = ""


def told(events: Iterable[Event], causes: Mapping[int, Event], names: Mapping[tuple[str, int], str]) -> tuple[Line, ...]:
    """The story of a cell, newest first. `causes` are events by number; `names` what the subjects of events are called.

    Steps that say nothing new are left out: that a job of it started, and its exports one by one.
    """
    lines = []
    for event in sorted(events, key=lambda event: event.seq, reverse=True):
        kind, _, what = event.type.partition(".")
        text = _cell(event, what) if kind in ("cell", "take") else _stage(event, kind, what, names)
        if text:
            because = _because(event, causes.get(event.cause or 0), names)
            lines.append(Line(event.seq, event.at, text, because, what if kind == "cell" and what in _CELL else ""))
    return tuple(lines)


def _cell(event: Event, what: str) -> str:
    take = event.data.get("take")
    if what == "rolled_back":
        return f"rolled back to take {event.data.get('to')}"
    if what == "stale":
        return "marked stale: made from something that has changed"
    if what == "fresh":
        return "no longer stale"
    if what not in _CELL:
        return what.replace("_", " ")
    if what == "queued" and event.data.get("from") == "failed":
        return f"take {take} tried again"
    return f"take {take} {_CELL[what]}" if take else _CELL[what]


def _stage(event: Event, kind: str, what: str, names: Mapping[tuple[str, int], str]) -> str:
    if kind == "job":
        name = names.get(("job", event.subject_id), "a job")
        return {
            "retried": f"{name} will be tried again",
            "cancelled": f"{name} was cancelled",
            "returned": f"{name} was given back",
            "adopted": f"{name} was taken over by another engine",
        }.get(what, "")
    if kind not in _STAGES:
        return ""
    name = f"{_STAGES[kind]} {event.data.get('part')}" if kind in _NUMBERED else _STAGES[kind]
    take = f", take {event.data['take']}" if event.data.get("take") else ""
    if what == "failed":
        return f"{name}{take} failed"
    done = "reused: nothing was made twice" if event.data.get("outcome") == "reused" else "done"
    return f"{name}{take} {done}"


def _because(event: Event, cause: Event | None, names: Mapping[tuple[str, int], str]) -> str:
    reason = str(event.data.get("reason") or "")
    who = "" if event.actor in _MACHINES else person(event.actor)
    if event.actor == "system:gate" and event.type in ("cell.approved", "cell.rejected"):
        who = "the gate decided by the quality checks"
    parts = [part for part in (who, reason) if part]
    if parts:
        return ": ".join(parts)
    return _cause(cause, names) if cause is not None else ""


def _cause(cause: Event, names: Mapping[tuple[str, int], str]) -> str:
    """The event that led to it, unless that is a plain step of the same cell."""
    kind, _, what = cause.type.partition(".")
    name = names.get((cause.subject, cause.subject_id), "")
    if kind == "run" and what == "submitted":
        return f"{person(cause.actor)} submitted {cause.data.get('cells', 'some')} cells"
    if kind in ("still", "cell") and what in _CELL and name:
        by = "" if cause.actor in _MACHINES else f" by {person(cause.actor)}"
        return f"{name} was {what}{by}"
    if what == "failed":
        return str(cause.data.get("reason", ""))
    return ""


def person(actor: str) -> str:
    """Who did it, as people call them."""
    return {"system:engine": "the engine", "system:gate": "the gate"}.get(actor, actor.removeprefix("rule:"))
