"""A run at a glance: what its board shows above the matrix, and the decision that helps most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.fleet.rules import Hold
from pipeline.domain.fleet.waits import Waits
from pipeline.domain.progress import Outlook
from pipeline.domain.statuses import CellStatus

BLOCKED = "blocked"
"""How a queued cell is shown that waits for something unmet."""


@dataclass(frozen=True)
class Hint:
    """What lets most work start. `kind` is `variant` or `scene`, an approval; or `fleet`, where no worker can do what waits.

    An approval `frees` cells, worth `seconds` of generation; `still_id` or `cell_id` names it. When it frees none by itself,
    `frees` is 0 and `waiting` cells need it among others. Of a fleet, `waiting` counts jobs, and `key` is the cure.
    """

    kind: str
    key: str
    still_id: int | None
    cell_id: int | None
    frees: int
    waiting: int
    seconds: float
    text: str


@dataclass(frozen=True)
class RunOverview:
    """A run at one moment. Times in seconds, sizes in bytes, costs in the currency of the installation; counts are of rows.

    `counts` is by shown status, `blocked` apart from `queued`. `likely_at` and `latest_at` are when the run is done with a
    chance of 50 % and 90 %, None while that cannot be told: nobody works, or people decide first. `measured_share` is the share
    of the work until then of which times were measured; the rest are stated defaults.
    `rests_at` is when the machines will likely have done all that needs nobody; it and the rate are told while work goes on.
    None of these moments is told while budgets pay for nothing of what is ready.
    `due_at` is its deadline; `held` says why generation that could start does not; `refused` counts the characters whose source
    images have failed.
    """

    run_id: int
    counts: Mapping[str, int]
    total: int
    approved: int
    segments_made: int
    segments_total: int
    qa_passed: int
    spent_seconds: float
    limit_seconds: float | None
    spent_bytes: int
    limit_bytes: int | None
    free_disk_bytes: int
    rate_per_hour: float | None
    likely_at: datetime | None
    latest_at: datetime | None
    rests_at: datetime | None
    started_at: datetime | None
    started_by: str
    outlook: Outlook
    missing: int
    hint: Hint | None
    spent_cost: float = 0.0
    limit_cost: float | None = None
    due_at: datetime | None = None
    held: tuple[Hold, ...] = ()
    refused: int = 0
    measured_share: float = 1.0

    @property
    def soonest_at(self) -> datetime | None:
        """When it is likely done if nobody is waited for: what a deadline is held against. None where that cannot be told."""
        return self.likely_at or self.rests_at


@dataclass(frozen=True)
class Waiter:
    """Cells of one scene type that wait for one thing in review; `alone` of them wait for nothing else.

    `seconds` is the generation time of one of them.
    """

    kind: str
    key: str
    thing_id: int
    waiting: int
    alone: int
    seconds: float


def shown_counts(cells: Mapping[CellStatus, int], startable: int) -> dict[str, int]:
    """Cells by shown status: of the queued ones, those that are not startable are blocked. Every status is there."""
    counts = {status.value: cells.get(status, 0) for status in CellStatus}
    blocked = max(0, counts[CellStatus.QUEUED.value] - startable)
    counts[CellStatus.QUEUED.value] -= blocked
    return {**counts, BLOCKED: blocked}


def best_hint(waiters: Iterable[Waiter]) -> Hint | None:
    """The decision that lets most cells start; among equals the one that more generation waits for, then the first by name."""
    things: dict[tuple[str, int], list[Waiter]] = {}
    for waiter in waiters:
        things.setdefault((waiter.kind, waiter.thing_id), []).append(waiter)
    hints = [_hint(found) for found in things.values()]
    return min(
        hints, key=lambda hint: (-hint.frees, -hint.waiting, -hint.seconds, hint.kind != "variant", hint.key), default=None
    )


def fleet_hint(waits: Sequence[Waits]) -> Hint | None:
    """What would let workers do what most of these jobs wait for; None when no job waits."""
    if not waits:
        return None
    most = max(waits, key=lambda one: one.jobs)
    count = sum(one.jobs for one in waits)
    return Hint("fleet", most.reason.remedy, None, None, frees=0, waiting=count, seconds=0.0, text=most.sentence)


def _hint(waiters: list[Waiter]) -> Hint:
    first = waiters[0]
    frees, waiting = sum(one.alone for one in waiters), sum(one.waiting for one in waiters)
    seconds = sum(one.seconds * (one.alone if frees else one.waiting) for one in waiters)
    is_variant = first.kind == "variant"
    what = f"{'variant image' if is_variant else 'scene'} {first.key}"
    count = f"{frees or waiting} {'scene' if (frees or waiting) == 1 else 'scenes'}"
    verb = "waits" if waiting == 1 else "wait"
    text = f"Approve {what}: it frees {count}" if frees else f"Approve {what}: {count} {verb} for it and for something else"
    return Hint(
        kind=first.kind,
        key=first.key,
        still_id=first.thing_id if is_variant else None,
        cell_id=None if is_variant else first.thing_id,
        frees=frees,
        waiting=waiting,
        seconds=seconds,
        text=text,
    )


def rate_per_hour(finished: Iterable[datetime], now: datetime) -> float | None:
    """Scenes an hour at the pace of these ends, up to now; None with fewer than two of them."""
    times = sorted(finished)
    if len(times) < 2:
        return None
    span = (now - times[0]).total_seconds()
    return 3600 * (len(times) - 1) / span if span > 0 else None
