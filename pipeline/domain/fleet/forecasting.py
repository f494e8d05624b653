"""When each run of a fleet will be done, from rehearsals with measured speeds and their spread; and what more cards would change.

A rehearsal takes whole scenes in portions: large ones while much is left, single ones at the end, as a worker's share
of the speed has it. So ten thousand scenes cost as little as some hundred, and the end is still played scene by scene.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from math import ceil, sqrt

from pipeline.domain.fleet.chance import stretch
from pipeline.domain.fleet.jobs import FleetJob, Kind
from pipeline.domain.fleet.reasons import duration
from pipeline.domain.fleet.speeds import Speed
from pipeline.domain.fleet.workers import Rates, Worker, fits

_PORTION = 0.5
_FASTEST = 8
_DEFAULT = Speed(1.0, 0.15, 1)


@dataclass(frozen=True)
class ScenesLeft:
    """So many scenes are left of a kind, whose `units` are all that is left of one scene."""

    kind: Kind
    count: int


@dataclass(frozen=True)
class RunForecast:
    """Done at this time with a chance of one half, and of nine in ten."""

    p50_s: float
    p90_s: float


def scenes_left(jobs: Iterable[FleetJob]) -> list[ScenesLeft]:
    """What these jobs are in whole scenes; a scene is as its first job is, with the units of all."""
    first: dict[str, Kind] = {}
    units: Counter[str] = Counter()
    for job in jobs:
        name = job.scene or job.id
        first.setdefault(name, job.kind)
        units[name] += job.kind.units  # type: ignore[assignment]
    counted = Counter((kind, units[name]) for name, kind in first.items())
    return [ScenesLeft(replace(kind, units=total, following_units=0.0), count) for (kind, total), count in counted.items()]


def forecast(
    left: Sequence[ScenesLeft],
    workers: Sequence[Worker],
    *,
    now_s: float,
    measured: Mapping[tuple[str, str], Speed] | None = None,
    lost_share: float = 0.0,
    rehearsals: int = 40,
    seed: int = 0,
) -> dict[str, RunForecast]:
    """When each run will be done. A run with work that nobody fits is left out.

    `measured` gives the spread by worker and workflow key; `lost_share` is how much of the workers' time was lost to
    failures and outages so far.
    """
    able = [worker for worker in workers if not worker.away]
    stuck = {kind.kind.run for kind in left if not any(fits(worker, kind.kind) for worker in able)}
    left = [kind for kind in left if kind.kind.run not in stuck and kind.count > 0]
    rates = Rates(workers)
    ends: dict[str, list[float]] = {}
    for number in range(rehearsals):
        rehearsal = _Rehearsal(left, able, now_s=now_s, rates=rates, measured=measured or {}, seed=seed, number=number)
        for run, end_s in rehearsal.play().items():
            ends.setdefault(run, []).append(now_s + (end_s - now_s) / max(1e-3, 1 - lost_share))
    return {run: RunForecast(_at(found, 0.5), _at(found, 0.9)) for run, found in ends.items()}


def what_if(before: Mapping[str, RunForecast], after: Mapping[str, RunForecast], *, change: str) -> str:
    """`two more cards: done 3 h 5 min earlier`, by the run that is done last."""
    if not before or not after:
        return f"{change}: nothing to forecast"
    gained_s = max(found.p50_s for found in before.values()) - max(found.p50_s for found in after.values())
    if abs(gained_s) < 1:
        return f"{change}: done at the same time"
    return f"{change}: done {duration(abs(gained_s))} {'earlier' if gained_s > 0 else 'later'}"


class _Rehearsal:
    def __init__(
        self,
        left: Sequence[ScenesLeft],
        workers: Sequence[Worker],
        *,
        now_s: float,
        rates: Rates,
        measured: Mapping[tuple[str, str], Speed],
        seed: int,
        number: int,
    ) -> None:
        self.kinds = [found.kind for found in left]
        self.left = [found.count for found in left]
        self.workers, self.rates, self.measured = workers, rates, measured
        self.seed, self.number, self.now_s = seed, number, now_s
        self.ready_s = {worker.name: max(now_s, worker.busy_until_s) for worker in workers}
        self.model = {worker.name: worker.model for worker in workers}
        self.run_of = {worker.name: "" for worker in workers}
        self.holding: Counter[str] = Counter()
        self.ends_s = {job.kind.run: self.ready_s[worker.name] for worker in workers for job in worker.holds}
        self.drift: dict[tuple[str, str], float] = {}
        self.total = sum(self.left)
        self.speed = sum(rates.speeds[worker.name] for worker in workers)
        self.fastest = sorted(workers, key=lambda worker: -rates.speeds[worker.name])[:_FASTEST]

    def play(self) -> dict[str, float]:
        """Share everything out; answers with the end of each run."""
        heap = [(ready_s, number) for number, ready_s in enumerate(self.ready_s.values())]
        heapify(heap)
        while heap and self.total:
            ready_s, number = heappop(heap)
            worker = self.workers[number]
            if ready_s < self.ready_s[worker.name]:
                heappush(heap, (self.ready_s[worker.name], number))
                continue
            self.holding[self.run_of[worker.name]] -= 1
            self.run_of[worker.name] = ""
            chosen = self._pick(worker)
            if chosen is not None:
                self._work(self._better(worker, chosen), chosen)
                heappush(heap, (self.ready_s[worker.name], number))
        return self.ends_s

    def _pick(self, worker: Worker) -> int | None:
        """The number of the kind that has the first claim, as in a choice but coarser."""
        runs = len({kind.run for kind, left in zip(self.kinds, self.left, strict=True) if left}) or 1
        best: tuple[float, ...] | None = None
        chosen = None
        for number, kind in enumerate(self.kinds):
            if not self.left[number] or not fits(worker, kind):
                continue
            held = self.holding[kind.run]
            work = self.left[number] * kind.units * self.rates.typical(kind.workflow)
            is_full = held + 1 > len(self.workers) / runs
            claim = -kind.priority, is_full, kind.model != self.model[worker.name], held, -work
            if best is None or claim < best:
                best, chosen = claim, number
        return chosen

    def _better(self, worker: Worker, number: int) -> Worker:
        """At the end a fast worker is waited for, where it will have done the scene sooner."""
        if self.total > len(self.workers):
            return worker
        able = [worker, *(other for other in self.fastest if fits(other, self.kinds[number]))]
        return min(able, key=lambda other: self.ready_s[other.name] + self._seconds(other, self.kinds[number]))

    def _seconds(self, worker: Worker, kind: Kind) -> float:
        loading_s = worker.switch_s if kind.model and kind.model != self.model[worker.name] else 0.0
        return loading_s + kind.units * self.rates.seconds_per_unit(worker, kind.workflow)

    def _work(self, worker: Worker, number: int) -> None:
        kind, name = self.kinds[number], worker.name
        portion = max(1, min(self.left[number], int(_PORTION * self.left[number] * self.rates.speeds[name] / self.speed)))
        own = self.measured.get((name, kind.workflow), _DEFAULT)
        chance = f"{name} {kind.run} {kind.workflow} {self.left[number]}"
        noise = stretch(self.seed, chance, number=self.number, spread=own.spread / sqrt(portion))
        loading_s = self._seconds(worker, replace(kind, units=0.0)) if kind.model != self.model[name] else 0.0
        each_s = kind.units * self.rates.seconds_per_unit(worker, kind.workflow)
        self.ready_s[name] += loading_s + portion * each_s * noise * self._drift(name, kind.workflow, own)
        self.model[name] = kind.model or self.model[name]
        self.run_of[name] = kind.run
        self.holding[kind.run] += 1
        self.left[number] -= portion
        self.total -= portion
        self.ends_s[kind.run] = max(self.ends_s.get(kind.run, self.now_s), self.ready_s[name])

    def _drift(self, name: str, workflow: str, own: Speed) -> float:
        """How far the measured speed itself is off, in this rehearsal."""
        key = name, workflow
        if key not in self.drift:
            self.drift[key] = stretch(self.seed, f"speed of {name} {workflow}", number=self.number, spread=own.error)
        return self.drift[key]


def _at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
