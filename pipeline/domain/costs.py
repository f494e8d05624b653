"""What a run has cost beside what was expected, and how fast a budget burns down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import floor, log10

_LEAST_SPAN = timedelta(minutes=1)
"""What was spent in less time than this counts as spent in it: a moment says little of a pace."""
_LEAST_MONEY, _DUST = 0.0001, 1e-9


def money(amount: float) -> str:
    """An amount in the currency of the installation."""
    return figure(amount)


def figure(amount: float) -> str:
    """What a budget counts, for people: `< 0.0001`, `0.00425`, `0.314`, `0.50`, `18.70`, `1,240.00`.

    Below 1 it has three figures, so that a need of little beside little that is left still says something.
    """
    if amount < _DUST:
        return "0.00"
    if amount < _LEAST_MONEY:
        return f"< {_LEAST_MONEY}"
    if amount >= 1:
        return f"{amount:,.2f}"
    whole, _, decimals = f"{amount:.{2 - floor(log10(amount))}f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


class By(StrEnum):
    """What costs are told apart by."""

    CHARACTER = "character"
    SCENE_TYPE = "scene_type"
    STAGE = "stage"
    CAUSE = "cause"


class Cause(StrEnum):
    """Why an attempt was made.

    `retry`: again, because an attempt of the same job had not ended well, whatever take it is of. `rejection`: for a take that
    was asked for after an earlier one was rejected. `new_take`: for another take that somebody asked for. `first_try`:
    everything else.
    """

    FIRST_TRY = "first_try"
    RETRY = "retry"
    REJECTION = "rejection"
    NEW_TAKE = "new_take"


@dataclass(frozen=True)
class CostLine:
    """Costs of what has ended: seconds of generation, bytes on the disk, money. Estimates are those of the jobs when they
    were made, for their first attempts; what took a stored result was neither expected nor spent, and counts as `reused`."""

    name: str
    jobs: int
    attempts: int
    reused: int
    estimated_seconds: float
    seconds: float
    estimated_bytes: int
    size_bytes: int
    estimated_cost: float
    cost: float


def total(lines: Sequence[CostLine], jobs: int) -> CostLine:
    """All lines together, which are about so many jobs: one of several attempts may be in several lines."""
    return CostLine(
        "total",
        jobs,
        *(sum(getattr(line, name) for line in lines) for name in list(CostLine.__dataclass_fields__)[2:]),
    )


@dataclass(frozen=True)
class Point:
    """So much was spent by then."""

    at: datetime
    spent: float


@dataclass(frozen=True)
class Work:
    """What was asked for of a run, as far as it goes on without people.

    `left` is expected to be spent on it until `ends_at`; None where no end can be told, `held` may say why. So many scenes are
    `undecided`: they wait for people, and are not in what is left.
    """

    left: float
    undecided: int
    ends_at: datetime | None
    held: str = ""


@dataclass(frozen=True)
class BurnDown:
    """How a budget is being spent. `points` go up to now; `pace` is spent per hour lately, 0 when nothing was.

    `left` is what the work that goes on is expected to need. `ends_at` is when all of that is done, and `empty_at` when nothing
    would be left; of the two only what comes first is told. Neither is told where no end can be: `held` may say why. So many
    scenes are `undecided`.
    """

    points: tuple[Point, ...]
    limit: float | None
    pace: float
    left: float
    ends_at: datetime | None = None
    empty_at: datetime | None = None
    undecided: int = 0
    held: str = ""


def burn_down(
    points: Sequence[Point], works: Sequence[Work], *, limit: float | None, now: datetime, is_stopped: bool = False
) -> BurnDown:
    """The course so far and where it leads: evenly to the last end of all work; nowhere where the budget has stopped new work.

    The pace is that of the last quarter of the course, and of half an hour at least.
    """
    going = [work for work in works if work.left > 0]
    left, spent = sum(work.left for work in going), points[-1].spent if points else 0.0
    ends = [work.ends_at for work in going if work.ends_at is not None]
    ends_at = max(ends) if ends and len(ends) == len(going) and not is_stopped else None
    free = float("inf") if limit is None else max(0.0, limit - spent)
    empty_at = now + max(ends_at - now, timedelta(0)) * (free / left) if ends_at is not None and free < left else None
    return BurnDown(
        points=tuple(points),
        limit=limit,
        pace=_pace(points, now),
        left=left,
        ends_at=ends_at if empty_at is None else None,
        empty_at=empty_at,
        undecided=sum(work.undecided for work in works),
        held=next((work.held for work in going if work.ends_at is None and work.held), ""),
    )


def _pace(points: Sequence[Point], now: datetime) -> float:
    if len(points) < 2:
        return 0.0
    since = max(points[0].at, min(now - timedelta(minutes=30), now - (now - points[0].at) / 4))
    before = [point for point in points if point.at <= since]
    start = before[-1] if before else points[0]
    span = max(now - max(start.at, since), _LEAST_SPAN)
    return max(0.0, points[-1].spent - start.spent) * 3600 / span.total_seconds()
