"""Events as sentences: what happened to a cell, and what led to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class ByRule:
    """That a rule did something: which (`rule_id` is None once it is removed), and the event that had woken it, in words.

    `about` is what that event was about, `reason` what the rule says of what it did; empty where there is nothing to say.
    """

    rule: str
    rule_id: int | None
    event_seq: int
    event: str
    about: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Context:
    """What a story is told with: the events that led to others by number, what subjects are called, what the checks of each
    take found, the approvals of what the cell is made from, and how many segments each take has taken over by wish."""

    causes: Mapping[int, Event]
    names: Mapping[tuple[str, int], str]
    verdicts: Mapping[int, str]
    approvals: Sequence[Event] = ()
    kept: Mapping[int, int] = field(default_factory=dict)


def told(events: Iterable[Event], context: Context) -> tuple[Line, ...]:
    """The story of a cell, newest first. Plain steps of its jobs are left out: that a segment was made, or exported."""
    ordered = sorted(events, key=lambda event: event.seq)
    told_twice = {event.cause for event in ordered if event.type == "cell.failed"}
    lines, before = [], 0
    for event in ordered:
        if event.seq in told_twice:
            continue
        kind, _, what = event.type.partition(".")
        text = _cell(event, what, context) if kind in ("cell", "take") else _stage(event, kind, what, context)
        if text:
            because = _because(event, context) or _freed(event, before, context)
            lines.append(Line(event.seq, event.at, text, because, what if kind == "cell" and what in _CELL else ""))
        before = event.seq if event.type == "cell.queued" else before
    return tuple(reversed(lines))


def _cell(event: Event, what: str, context: Context) -> str:
    take = event.data.get("take")
    if what == "rolled_back":
        return f"rolled back to take {event.data.get('to')}"
    if what == "stale":
        return "marked stale: made from something that has changed"
    if what == "fresh":
        return "no longer stale"
    if what == "flagged":
        return "flagged for review"
    if what not in _CELL:
        return ""
    if what == "queued" and event.data.get("from") == "failed":
        return f"take {take} tried again"
    if what == "review" and event.data.get("from") != "generating":
        return f"take {take} back in review"
    if what == "review" and context.verdicts.get(take or 0) == "":
        return f"take {take} passed QA, now in review"
    return f"take {take} {_CELL[what]}" if take else _CELL[what]


def _stage(event: Event, kind: str, what: str, context: Context) -> str:
    if kind == "job":
        name = context.names.get(("job", event.subject_id), "a job")
        return {
            "retried": f"{name} will be tried again",
            "cancelled": f"{name} was cancelled",
            "returned": f"{name} was given back",
            "adopted": f"{name} was taken over by another engine",
        }.get(what, "")
    is_reused = event.data.get("outcome") == "reused"
    is_kept = event.data.get("part", 0) <= context.kept.get(event.data.get("take", 0), 0)
    if kind not in _STAGES or (what == "completed" and (not is_reused or is_kept)):
        return ""
    name = f"{_STAGES[kind]} {event.data.get('part')}" if kind in _NUMBERED else _STAGES[kind]
    take = f" of take {event.data['take']}" if event.data.get("take") else ""
    return f"{name}{take} {'failed' if what == 'failed' else 'reused: the same was made before'}"


def _because(event: Event, context: Context) -> str:
    reason = str(event.data.get("reason") or "")
    cause = context.causes.get(event.cause or 0)
    if event.type == "cell.queued" and cause is not None:
        return _cause(cause, context)
    if event.type == "cell.review":
        return context.verdicts.get(event.data.get("take") or 0, "")
    if event.actor == "system:gate":
        return ": ".join(part for part in ("the checks decide this gate", reason) if part)
    who = "" if event.actor in _MACHINES else person(event.actor)
    return ": ".join(part for part in (who, reason) if part) or (_cause(cause, context) if cause else "")


def _cause(cause: Event, context: Context) -> str:
    """The event that led to it, unless that is a plain step of the same cell."""
    kind, _, what = cause.type.partition(".")
    name = context.names.get((cause.subject, cause.subject_id), "")
    if kind == "run" and what == "submitted":
        count = cause.data.get("cells", 0)
        return f"{person(cause.actor)} submitted {count:,} scene{'' if count == 1 else 's'}"
    if cause.type == "take.asked":
        first, seed = cause.data.get("from_segment", 1), cause.data.get("seed")
        own = f", with seed {seed}" if seed is not None else ""
        own += f", in other words: {cause.data['prompt']}" if cause.data.get("prompt") else ""
        return f"{person(cause.actor)} asked for another take{f' from segment {first}' if first > 1 else ''}{own}"
    if kind in ("still", "cell") and what in _CELL and name:
        by = "" if cause.actor in _MACHINES else f" by {person(cause.actor)}"
        return f"{name} was {what}{by}"
    return str(cause.data.get("reason", "")) if what == "failed" else ""


def _freed(event: Event, queued: int, context: Context) -> str:
    """A take begins when the last thing it waited for was approved, where that was after it was asked for."""
    if event.type != "cell.generating":
        return ""
    last = max((one for one in context.approvals if queued < one.seq < event.seq), key=lambda one: one.seq, default=None)
    return _cause(last, context) if last is not None else ""


def person(actor: str) -> str:
    """Who did it, as people call them."""
    return {"system:engine": "the engine", "system:gate": "the gate"}.get(actor, actor.removeprefix("rule:"))
