"""A replay over time: how often rules would have fired in each hour, day or week of a period, and for what first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.domain.rules.console import name_of
from pipeline.domain.rules.planning import Outcome
from pipeline.domain.rules.previews import Replay
from pipeline.domain.rules.snapshot import Board
from pipeline.domain.rules.vocabulary import EVENTS, Subject

_FIRST = 6
_DAY = timedelta(days=1)
REFUSED = (Outcome.TOO_DEEP, Outcome.OUT_OF_FUEL)


class Span(StrEnum):
    """How far back a replay goes."""

    DAY = "day"  # the last 24 hours
    WEEK = "week"  # today and the six days before
    MONTH = "month"  # today and the 29 days before
    ALL = "all"


_HOUR_STEP, _DAY_STEP, _WEEK_STEP = timedelta(hours=1), _DAY, 7 * _DAY
_DAYS = {Span.WEEK: 7, Span.MONTH: 30}


@dataclass(frozen=True)
class Bar:
    """One hour, day or week from `at` on: firings that took what stands first, those that took `else`, and refused ones."""

    at: datetime
    fired: int = 0
    otherwise: int = 0
    refused: int = 0


@dataclass(frozen=True)
class First:
    """One of the first firings: when, by which rule, at which event, what that was about, and its scene if it was one."""

    at: datetime
    rule: str
    event: str
    about: str
    cell_id: int | None
    jobs: int


@dataclass(frozen=True)
class Period:
    """A replay of a period: its totals, a bar for each `step` of it without a gap, and the first firings by name."""

    replay: Replay
    since: datetime | None
    until: datetime
    step: timedelta
    bars: tuple[Bar, ...]
    first: tuple[First, ...]

    @property
    def refused(self) -> int:
        """How often a rule would have been refused, for its depth or its fuel."""
        return sum(self.replay.outcomes.get(outcome, 0) for outcome in REFUSED)


def begins(span: Span, now: datetime) -> datetime | None:
    """When a period begins that ends `now`, in the zone of `now`; None without a beginning."""
    if span is Span.ALL:
        return None
    if span is Span.DAY:
        return _floor(now, _HOUR_STEP) - timedelta(hours=23)
    return _floor(now, _DAY_STEP) - _DAY * (_DAYS[span] - 1)


def over_time(made: Replay, board: Board, times: Mapping[int, datetime], *, span: Span, now: datetime) -> Period:
    """A replay with `times` of its events by number, in the zone in which days begin."""
    since = begins(span, now)
    start = since or min(times.values(), default=now)
    step = _step(span, now - start)
    bars = _bars(made, times, _floor(start, step), now, step)
    return Period(made, since, now, step, bars, _first(made, board, times))


def _step(span: Span, length: timedelta) -> timedelta:
    if span is Span.ALL:
        return _HOUR_STEP if length <= 2 * _DAY else _DAY_STEP if length <= 62 * _DAY else _WEEK_STEP
    return _HOUR_STEP if span is Span.DAY else _DAY_STEP


def _floor(at: datetime, step: timedelta) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    if step == _HOUR_STEP:
        return hour
    day = hour.replace(hour=0)
    return day if step == _DAY_STEP else day - _DAY * day.weekday()


def _bars(
    made: Replay, times: Mapping[int, datetime], start: datetime, now: datetime, step: timedelta
) -> tuple[Bar, ...]:  # fmt: skip
    fired: Counter[datetime] = Counter()
    otherwise: Counter[datetime] = Counter()
    refused: Counter[datetime] = Counter()
    for plan in made.plans:
        at = _floor(times[plan.event.seq], step)
        for firing in plan.firings:
            (otherwise if firing.branch == "else" else fired)[at] += 1
        refused[at] += sum(verdict.outcome in REFUSED for verdict in plan.verdicts)
    bars = []
    at = start
    while at <= now:
        bars.append(Bar(at, fired[at], otherwise[at], refused[at]))
        at = _floor(at + step, step)
    return tuple(bars)


def _first(made: Replay, board: Board, times: Mapping[int, datetime]) -> tuple[First, ...]:
    found: list[First] = []
    for plan in made.plans:
        for firing in plan.firings:
            if len(found) == _FIRST:
                return tuple(found)
            event = plan.event
            cell_id = event.subject_id if event.subject is Subject.CELL else None
            found.append(
                First(
                    times[event.seq], firing.rule.name, EVENTS[event.type].words, name_of(event, board), cell_id, firing.cost.jobs
                )
            )
    return tuple(found)
