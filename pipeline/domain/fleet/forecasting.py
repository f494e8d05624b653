"""When each run of a fleet will be done, from rehearsals with measured speeds and their spread; and what more cards would change.

A rehearsal takes jobs in portions: large ones while much is left, single ones at the end, as a worker's share of the speed
has it. So ten thousand scenes cost little more than some hundred, and the end is still played job by job. That segments of a
scene follow each other is only seen in that a run never ends before its longest scene could.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from math import ceil, sqrt

from pipeline.domain.fleet.chance import stretch, uniform
from pipeline.domain.fleet.jobs import FleetJob, Kind
from pipeline.domain.fleet.reasons import duration
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.speeds import Speed
from pipeline.domain.fleet.terms import ALWAYS, Hours, Terms
from pipeline.domain.fleet.workers import Rates, Worker, fits, waits_s

_PORTION = 0.5
_FASTEST = 8
_UNFORESEEN = 0.08
"""P90 lies at least this share of the rest beyond P50: what will break has not been measured yet."""
_DEFAULT = Speed(1.0, 0.15, 1)
_MARGIN = Rules().deadline_margin
_LATER_S = float("inf")
_Holders = tuple[str, str | None]
"""A project, and a scene type of it or None for all of them."""


@dataclass(frozen=True)
class JobsLeft:
    """So many jobs are left of a kind; the longest rest of a scene that one of them begins has `path_units`."""

    kind: Kind
    count: int
    path_units: float


@dataclass(frozen=True)
class RunForecast:
    """Done at this time with a chance of one half, and of nine in ten."""

    p50_s: float
    p90_s: float


@dataclass(frozen=True)
class Rehearsed:
    """When each run will be done, and how many seconds each worker is at work until then, in the mean."""

    runs: Mapping[str, RunForecast]
    busy_s: Mapping[str, float]


def jobs_left(jobs: Iterable[FleetJob]) -> list[JobsLeft]:
    """These jobs by kind, whatever follows them in their scenes."""
    count: Counter[Kind] = Counter()
    path: dict[Kind, float] = {}
    for kind, number in Counter(job.kind for job in jobs).items():
        alone = replace(kind, following_units=0.0)
        count[alone] += number
        path[alone] = max(path.get(alone, 0.0), kind.units + kind.following_units)
    return [JobsLeft(kind, number, path[kind]) for kind, number in count.items()]


def forecast(
    left: Sequence[JobsLeft],
    workers: Sequence[Worker],
    *,
    now_s: float,
    measured: Mapping[tuple[str, str], Speed] | None = None,
    lost_share: float = 0.0,
    rehearsals: int = 40,
    seed: int = 0,
) -> dict[str, RunForecast]:
    """When each run will be done; see `rehearse`."""
    found = rehearse(left, workers, now_s=now_s, measured=measured, lost_share=lost_share, rehearsals=rehearsals, seed=seed)
    return dict(found.runs)


def rehearse(
    left: Sequence[JobsLeft],
    workers: Sequence[Worker],
    *,
    now_s: float,
    measured: Mapping[tuple[str, str], Speed] | None = None,
    lost_share: float = 0.0,
    terms: Terms | None = None,
    rehearsals: int = 40,
    seed: int = 0,
) -> Rehearsed:
    """When each run will be done and how long each worker works for that. A run with work that nobody fits is left out.

    `measured` gives the spread by worker and workflow key; `terms` hold as in a choice. `lost_share` is how much of the workers'
    time was lost to failures and outages so far; anything between nothing and as much again is taken to be lost from now on.
    """
    terms = terms or Terms()
    here = [worker for worker in workers if not worker.away]
    stuck = {found.kind.run for found in left if not any(fits(worker, found.kind) for worker in here)}
    left = [found for found in left if found.kind.run not in stuck and found.count > 0]
    able = {worker.name: frozenset(number for number, found in enumerate(left) if fits(worker, found.kind)) for worker in here}
    rates = Rates(workers)
    paths_s = _paths(left, here, rates)
    ends: dict[str, list[float]] = {}
    busy_s = {worker.name: max(0.0, worker.busy_until_s - now_s) if worker.holds else 0.0 for worker in here}
    for number in range(rehearsals):
        rehearsal = _Rehearsal(
            left,
            here,
            now_s=now_s,
            rates=rates,
            measured=measured or {},
            able=able,
            terms=terms,
            seed=seed,
            number=number,
        )
        for run, end_s in rehearsal.play().items():
            hours = terms.hours.get(run, ALWAYS)
            end_s = max(end_s, hours.after(now_s, paths_s.get(run, 0.0)))
            goes_on = lost_share * uniform(seed, f"losses of {run}", number)
            more_s = hours.between(now_s, end_s) * (1 / max(1e-3, 1 - goes_on) - 1)
            ends.setdefault(run, []).append(hours.after(end_s, more_s))
        for name, worked_s in rehearsal.worked_s.items():
            busy_s[name] += worked_s / rehearsals
    likely = {run: _likely(found, now_s, terms.hours.get(run, ALWAYS)) for run, found in ends.items() if run not in stuck}
    return Rehearsed(likely, busy_s)


def _likely(ends_s: Sequence[float], now_s: float, hours: Hours) -> RunForecast:
    likely_s = _at(ends_s, 0.5)
    more_s = _UNFORESEEN * hours.between(now_s, likely_s)
    return RunForecast(likely_s, max(_at(ends_s, 0.9), hours.after(likely_s, more_s)))


def _paths(left: Sequence[JobsLeft], workers: Sequence[Worker], rates: Rates) -> dict[str, float]:
    """By run: what its longest scene takes the worker that is fastest with it."""
    paths: dict[str, float] = {}
    for found in left:
        kind = found.kind
        best = min(rates.seconds_per_unit(worker, kind.workflow) for worker in workers if fits(worker, kind))
        paths[kind.run] = max(paths.get(kind.run, 0.0), found.path_units * best)
    return paths


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
        left: Sequence[JobsLeft],
        workers: Sequence[Worker],
        *,
        now_s: float,
        rates: Rates,
        measured: Mapping[tuple[str, str], Speed],
        able: Mapping[str, frozenset[int]],
        terms: Terms,
        seed: int,
        number: int,
    ) -> None:
        self.kinds = [found.kind for found in left]
        self.left = [found.count for found in left]
        self.workers, self.rates, self.measured = workers, rates, measured
        self.seed, self.number, self.now_s = seed, number, now_s
        self.open = [number for number, count in enumerate(self.left) if count]
        self.typical_s = [kind.units * rates.typical(kind.workflow) for kind in self.kinds]
        self.rest_s: Counter[str] = Counter()
        for kind, count, typical_s in zip(self.kinds, self.left, self.typical_s, strict=True):
            self.rest_s[kind.run] += count * typical_s  # type: ignore[assignment]
        self.able, self.terms = able, terms
        self.entitled = self._entitled()
        self.ready_s = {worker.name: max(now_s, worker.busy_until_s) + waits_s(worker, now_s) for worker in workers}
        self.model = {worker.name: worker.model for worker in workers}
        self.kind_of: dict[str, Kind] = {}
        self.held: Counter[_Holders] = Counter()
        self.busy: dict[tuple[_Holders, float], list[float]] = {}
        self.idle_until: dict[tuple[frozenset[int], float], float] = {}
        self.bounded = frozenset(number for number, kind in enumerate(self.kinds) if terms.bound(kind))
        self.holding: Counter[str] = Counter()
        self.ends_s: dict[str, float] = {}
        for worker in workers:
            if worker.holds:
                self._take_up(worker.name, worker.holds[0].kind)
            for job in worker.holds:
                self.ends_s[job.kind.run] = max(self.ends_s.get(job.kind.run, now_s), self.ready_s[worker.name])
        self.drift: dict[str, float] = {}
        self.worked_s: Counter[str] = Counter()
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
            self._let_go(worker.name)
            alike = self.able[worker.name], ready_s
            chosen = self._pick(worker) if alike not in self.idle_until else None
            if chosen is not None:
                self._work(self._better(worker, chosen), chosen)
                heappush(heap, (self.ready_s[worker.name], number))
                continue
            if alike not in self.idle_until:
                self.idle_until[alike] = self._later_s(worker)
            if self.idle_until[alike] < _LATER_S:
                self.ready_s[worker.name] = self.idle_until[alike]
                heappush(heap, (self.ready_s[worker.name], number))
        return self.ends_s

    def _pick(self, worker: Worker) -> int | None:
        """The number of the kind that has the first claim, as in a choice but coarser."""
        able, loaded, now_s = self.able[worker.name], self.model[worker.name], self.ready_s[worker.name]
        best: tuple[float, ...] | None = None
        chosen = None
        for number in self.open:
            kind = self.kinds[number]
            if number not in able or self._may_start_s(number, now_s) > now_s:
                continue
            held, due_s = self.holding[kind.run], self._pressing_s(kind, now_s)
            is_beyond, is_other = held + 1 > self.entitled[kind.run], kind.model != loaded
            claim = -kind.priority, due_s, is_beyond, is_other, held, -self.left[number] * self.typical_s[number]
            if best is None or claim < best:
                best, chosen = claim, number
        return chosen

    def _later_s(self, worker: Worker) -> float:
        """When it may do something that it may not do now; later than ever where there is nothing."""
        now_s, able = self.ready_s[worker.name], self.able[worker.name]
        return min((self._may_start_s(number, now_s) for number in self.open if number in able), default=_LATER_S)

    def _may_start_s(self, number: int, at_s: float) -> float:
        """When another job of this kind may start, from this moment on."""
        if number not in self.bounded:
            return at_s
        kind = self.kinds[number]
        opens_s = self.terms.hours.get(kind.run, ALWAYS).opens_s(at_s)
        whole, of_scene = (kind.project, None), (kind.project, kind.group)
        for cap, holders in (
            (self.terms.project_caps.get(kind.project), whole),
            (self.terms.scene_caps.get((kind.project, kind.group)), of_scene),
        ):
            if cap is not None and self.held[holders] >= cap:
                opens_s = max(opens_s, self._frees_s(holders, cap, at_s))
        return opens_s

    def _frees_s(self, holders: _Holders, cap: int, at_s: float) -> float:
        """When fewer than `cap` of those that hold such jobs at this moment still do."""
        if not cap:
            return _LATER_S
        if (holders, at_s) not in self.busy:
            project, group = holders
            alike = (name for name, kind in self.kind_of.items() if kind.project == project and group in (None, kind.group))
            self.busy[holders, at_s] = sorted(self.ready_s[name] for name in alike if self.ready_s[name] > at_s)
        busy = self.busy[holders, at_s]
        return busy[-cap] if len(busy) >= cap else at_s

    def _startable(self, at_s: float) -> int:
        """How many jobs are left that may start at this moment."""
        if not self.bounded:
            return self.total
        return sum(self.left[number] for number in self.open if self._may_start_s(number, at_s) <= at_s)

    def _take_up(self, name: str, kind: Kind) -> None:
        self.kind_of[name] = kind
        self.holding[kind.run] += 1
        self._count(kind, 1)

    def _let_go(self, name: str) -> None:
        kind = self.kind_of.pop(name, None)
        if kind is not None:
            self.holding[kind.run] -= 1
            self._count(kind, -1)

    def _count(self, kind: Kind, change: int) -> None:
        self.held[kind.project, None] += change
        self.held[kind.project, kind.group] += change
        self.busy.clear()
        self.idle_until.clear()

    def _pressing_s(self, kind: Kind, now_s: float) -> float:
        """The deadline of its run, where it presses; later than any where it does not."""
        if kind.deadline_s is None or not self.speed:
            return _LATER_S
        alone_s = self.rest_s[kind.run] / self.speed
        return kind.deadline_s if kind.deadline_s - now_s < _MARGIN * alone_s else _LATER_S

    def _entitled(self) -> dict[str, float]:
        """Workers by shares of projects, and within a project equally by runs, as far as they have jobs left."""
        runs: dict[str, set[str]] = {}
        for number in self.open:
            runs.setdefault(self.kinds[number].project, set()).add(self.kinds[number].run)
        whole = sum(self.terms.shares.get(project, 1.0) for project in runs)
        return {
            run: len(self.workers) * self.terms.shares.get(project, 1.0) / whole / len(names)
            for project, names in runs.items()
            for run in names
        }

    def _better(self, worker: Worker, number: int) -> Worker:
        """At the end a fast worker is waited for, where it will have done the job sooner."""
        if self._startable(self.ready_s[worker.name]) > len(self.workers):
            return worker
        able = [worker, *(other for other in self.fastest if number in self.able[other.name])]
        kind = self.kinds[number]
        return min(able, key=lambda other: self._may_start_s(number, self.ready_s[other.name]) + self._seconds(other, kind))

    def _seconds(self, worker: Worker, kind: Kind) -> float:
        return self._loading_s(worker, kind) + kind.units * self.rates.seconds_per_unit(worker, kind.workflow)

    def _loading_s(self, worker: Worker, kind: Kind) -> float:
        return worker.switch_s if kind.model and kind.model != self.model[worker.name] else 0.0

    def _work(self, worker: Worker, number: int) -> None:
        kind, name = self.kinds[number], worker.name
        begins_s = self._may_start_s(number, self.ready_s[name])
        open_s = self.terms.hours.get(kind.run, ALWAYS).closes_s(begins_s) - begins_s
        each_s = kind.units * self.rates.seconds_per_unit(worker, kind.workflow)
        share = min(_PORTION * self._startable(begins_s) * self._speed_share(name, kind), 1 + open_s / max(each_s, 1e-9))
        portion = max(1, min(self.left[number], int(share)))
        own = self.measured.get((name, kind.workflow), _DEFAULT)
        chance = f"{name} {kind.run} {kind.workflow} {self.left[number]}"
        noise = stretch(self.seed, chance, number=self.number, spread=own.spread / sqrt(portion))
        loading_s = self._loading_s(worker, kind)
        takes_s = loading_s + portion * each_s * noise * self._drift(name, own)
        self.ready_s[name] = begins_s + takes_s
        self.worked_s[name] += takes_s  # type: ignore[assignment]
        self.model[name] = kind.model or self.model[name]
        self._let_go(name)
        self._take_up(name, kind)
        self.left[number] -= portion
        self.rest_s[kind.run] -= portion * self.typical_s[number]  # type: ignore[assignment]
        if not self.left[number]:
            self.open.remove(number)
            self.entitled = self._entitled()
        self.total -= portion
        self.ends_s[kind.run] = max(self.ends_s.get(kind.run, self.now_s), self.ready_s[name])

    def _speed_share(self, name: str, kind: Kind) -> float:
        """A worker's part of the speed of all that may do such jobs at once."""
        caps = self.terms.project_caps.get(kind.project), self.terms.scene_caps.get((kind.project, kind.group))
        helpers = min((cap for cap in caps if cap), default=len(self.workers))
        return self.rates.speeds[name] / (self.speed * min(1.0, helpers / len(self.workers)))

    def _drift(self, name: str, own: Speed) -> float:
        """How far the measured speed of a worker itself is off, in this rehearsal."""
        if name not in self.drift:
            self.drift[name] = stretch(self.seed, f"speed of {name}", number=self.number, spread=own.error)
        return self.drift[name]


def _at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
