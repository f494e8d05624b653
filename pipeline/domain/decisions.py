"""Decisions of people: which one may be taken back, and what to say to whoever comes second."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.records import Actor, Event
from pipeline.domain.statuses import CellStatus, JobStatus

_DECIDED = (CellStatus.APPROVED, CellStatus.REJECTED)
_WORDS = {
    CellStatus.QUEUED: "was asked for anew",
    CellStatus.GENERATING: "is being made anew",
    CellStatus.REVIEW: "came to review again",
    CellStatus.APPROVED: "was approved",
    CellStatus.REJECTED: "was rejected",
    CellStatus.FAILED: "failed",
    CellStatus.CANCELLED: "was cancelled",
}


@dataclass(frozen=True)
class Follower:
    """A job of a cell's take that may have followed from a decision. `has_begun` once any attempt of it was made."""

    job_id: int
    cell_id: int
    take: int
    status: JobStatus
    has_begun: bool
    created_at: datetime


def why_not_undone(
    name: str, status: CellStatus, last_move: Event | None, actor: Actor, *, is_newest: bool, followers: Collection[Follower]
) -> str:
    """Why this person's decision cannot be taken back, as a sentence; empty when it can.

    `last_move` is the event of its newest status, `is_newest` whether the decision is on the newest take.
    """
    if status not in _DECIDED or last_move is None:
        return f'"{name}" is {status.value}: there is no decision to take back.'
    if last_move.data.get("from") != CellStatus.REVIEW.value or not is_newest:
        return f'"{name}" was not decided in review last. Ask for a new take, or roll it back.'
    if last_move.actor != str(actor):
        return f'"{name}" {_WORDS[status]} by {last_move.actor}, not by {actor}: only they can take it back.'
    if any(follower.has_begun or follower.status is not JobStatus.READY for follower in followers):
        return f'Work has started that followed from the decision on "{name}". Reject it, or ask for a new take.'
    return ""


def overtaken(name: str, last_move: Event | None, status: CellStatus, now: datetime) -> str:
    """What has happened to it meanwhile, for somebody who decided on what they saw before."""
    end = "Nothing was changed now; look at it again."
    if last_move is None or last_move.type.partition(".")[2] != status.value:
        return f'"{name}" has changed since you looked at it. {end}'
    by = "" if last_move.actor.startswith("system:") else f" by {last_move.actor}"
    return f'"{name}" {_WORDS.get(status, "has changed")}{by} {ago(last_move.at, now)}. {end}'


def ago(at: datetime, now: datetime) -> str:
    """`10 s ago`, `3 min ago`, `2 h ago`, `4 days ago`."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {'day' if unit == 'days' and seconds // size == 1 else unit} ago"
    return f"{seconds} s ago"
