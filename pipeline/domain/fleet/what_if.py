"""What another fleet would change: more workers like one, or one fewer, rehearsed with the same work as the fleet of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.domain.errors import Invalid
from pipeline.domain.fleet.forecasting import JobsLeft, RunForecast, rehearse
from pipeline.domain.fleet.jobs import Kind
from pipeline.domain.fleet.speeds import Speed
from pipeline.domain.fleet.terms import Terms
from pipeline.domain.fleet.workers import Worker

MOST_MORE = 64
"""So many workers can be tried at a time: a question about more is a slip of the finger."""
_HOUR_S = 3600.0


@dataclass(frozen=True)
class Change:
    """So many workers more like the one named `like`, at what an hour of each costs, and without those named in `without`.

    A price of None is that of the worker that they are like.
    """

    like: str = ""
    more: int = 0
    price_per_hour: float | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fleet:
    """Workers with what an hour of each costs, and the spread that was measured, by worker and workflow key.

    `terms` hold for those that it works for; `lost_share` is how much of the workers' time was lost to failures so far.
    """

    workers: tuple[Worker, ...]
    prices: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[tuple[str, str], Speed] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    lost_share: float = 0.0


@dataclass(frozen=True)
class Ending:
    """When all is done that is counted, with a chance of one half and of nine in ten, and what the work until then costs.

    `runs` has the same by run; `stuck` are the runs with work that nobody of the fleet can do.
    """

    p50_s: float
    p90_s: float
    cost: float
    runs: Mapping[str, RunForecast]
    stuck: tuple[str, ...] = ()


def changed(fleet: Fleet, change: Change) -> Fleet:
    """The fleet after the change; whoever is left out finishes what it has.

    Raises Invalid for names that are not there and for numbers beyond reason.
    """
    by_name = {worker.name: worker for worker in fleet.workers}
    missing = [name for name in (*change.without, *([change.like] if change.more else [])) if name not in by_name]
    if missing:
        raise Invalid(f'There is no worker "{missing[0]}".')
    if not 0 <= change.more <= MOST_MORE:
        raise Invalid(f"Try 1 to {MOST_MORE} workers more.")
    if not change.more and not change.without:
        raise Invalid("Choose workers to add, or one to leave out.")
    if change.price_per_hour is not None and not 0 <= change.price_per_hour < 1e6:
        raise Invalid("A price is a number from 0 on.")
    kept = tuple(replace(worker, away="left out") if worker.name in change.without else worker for worker in fleet.workers)
    if not change.more:
        return replace(fleet, workers=kept)
    like = by_name[change.like]
    price = fleet.prices.get(like.name, 0.0) if change.price_per_hour is None else change.price_per_hour
    fresh = [_fresh(like, number) for number in range(1, change.more + 1)]
    known = [(workflow, speed) for (name, workflow), speed in fleet.measured.items() if name == like.name]
    return replace(
        fleet,
        workers=(*kept, *fresh),
        prices={**fleet.prices, **dict.fromkeys((worker.name for worker in fresh), price)},
        measured={**fleet.measured, **{(worker.name, workflow): speed for worker in fresh for workflow, speed in known}},
    )


def _fresh(like: Worker, number: int) -> Worker:
    """Another one of its kind: it has nothing loaded and nothing to do, and nothing speaks against it."""
    idle = replace(like, model="", holds=(), busy_until_s=0.0, others=0, others_until_s=0.0)
    return replace(idle, name=f"{like.name}, another {number}", away="", aside=frozenset())


def ending(left: Sequence[JobsLeft], fleet: Fleet, *, now_s: float) -> Ending | None:
    """When a fleet has done all of this; None when nothing is left that anybody of it can do."""
    found = rehearse(left, fleet.workers, now_s=now_s, measured=fleet.measured, lost_share=fleet.lost_share, terms=fleet.terms)
    if not found.runs:
        return None
    runs = {one.kind.run for one in left if one.count}
    return Ending(
        p50_s=max(one.p50_s for one in found.runs.values()),
        p90_s=max(one.p90_s for one in found.runs.values()),
        cost=sum(seconds * fleet.prices.get(name, 0.0) / _HOUR_S for name, seconds in found.busy_s.items()),
        runs=found.runs,
        stuck=tuple(sorted(runs - found.runs.keys())),
    )


def with_following(kind: Kind, count: int, following: Sequence[float]) -> list[JobsLeft]:
    """So many jobs of a kind, and the segments that follow each of them, of so many units."""
    alone = replace(kind, following_units=0.0)
    first = JobsLeft(alone, count, kind.units + sum(following))
    return [first, *(JobsLeft(replace(alone, units=units), count, 0.0) for units in following)]
