"""The least time in which a fleet could do its work, whoever decides: what a schedule is held against."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate, product

from pipeline.domain.fleet.jobs import FleetJob, Kind
from pipeline.domain.fleet.workers import Rates, Worker, fits

_STEPS = 60
_SHARP_STEPS = 12
_FACTORS = (1.0, 1.05)
"""How much more than for its seconds a job may be paid; the second longest kind is paid for its seconds."""
_SURELY = 1 - 1e-9
"""Sums of the same prices in another order may differ in the last place, and a bound must not come out too high for that."""


def lower_bound_s(jobs: Sequence[FleetJob], workers: Sequence[Worker], rates: Rates | None = None) -> float:
    """No schedule of these jobs, all of them there from time 0 on, ends before this.

    The largest of: all work by all speed, for the work of each memory size by the workers that have it; the k longest scenes
    by the k fastest workers, of which k = 1 is the critical path; whole jobs counted where they are equal or longer than
    a size. Each worker first loads a model where it must. Speeds are taken at their best, so the bound is never too high.
    Raises ValueError when nobody fits a job.
    """
    if not jobs:
        return 0.0
    table = _Table(jobs, workers, rates or Rates(workers))
    return max(table.by_work(), table.by_scenes(), table.by_count())


def whole_jobs_bound_s(jobs: Sequence[FleetJob], workers: Sequence[Worker], rates: Rates | None = None) -> float:
    """A bound that is higher than `lower_bound_s` where each worker does few jobs: nobody does half of one, or uses half a model.

    Put a price on the jobs of each model. In the time of a schedule the workers earn at least what all jobs are worth, whatever
    the prices are; so no schedule is shorter than the time in which they could, if each did only what pays it best: whole
    jobs, with the loading of each model that it uses. A few sets of prices are tried. It takes seconds for some tens of
    workers with some tens of jobs each. Raises ValueError where jobs of a model are not all of one kind and length.
    """
    rates = rates or Rates(workers)
    goods: dict[str, tuple[Kind, int]] = {}
    for job in jobs:
        kind, count = goods.get(job.kind.model, (job.kind, 0))
        if (kind.workflow, kind.units, kind.memory_bytes) != (job.kind.workflow, job.kind.units, job.kind.memory_bytes):
            raise ValueError(f"jobs of {kind.model} differ")
        goods[kind.model] = kind, count + 1
    kinds = sorted((kind for kind, _ in goods.values()), key=lambda kind: -kind.units * rates.typical(kind.workflow))
    least_s = lower_bound_s(jobs, workers, rates)
    offers = [_offer(worker, kinds, rates) for worker in workers]
    best_s = least_s
    for factors in product(*([1.0] if number == 1 else _FACTORS for number in range(len(kinds)))):
        prices = [kind.units * rates.typical(kind.workflow) * factor for kind, factor in zip(kinds, factors, strict=True)]
        worth = _SURELY * sum(price * goods[kind.model][1] for price, kind in zip(prices, kinds, strict=True))

        def earned(end_s: float, prices: Sequence[float] = prices) -> float:
            return sum(_earned(offer, prices, end_s) for offer in offers)

        if earned(best_s) < worth:
            best_s = _least(earned, worth, low=best_s, steps=_SHARP_STEPS)
    return best_s


_Offer = Sequence[tuple[int, float, float]]
"""What a worker can do: the number of the kind, the seconds of a job, and of loading its model."""


def _offer(worker: Worker, kinds: Sequence[Kind], rates: Rates) -> _Offer:
    return [
        (
            number,
            kind.units * rates.seconds_per_unit(worker, kind.workflow),
            worker.switch_s if kind.model and kind.model != worker.model else 0.0,
        )
        for number, kind in enumerate(kinds)
        if fits(worker, kind)
    ]


def _earned(offer: _Offer, prices: Sequence[float], left_s: float) -> float:
    """The most that a worker can earn in this time."""
    if not offer:
        return 0.0
    (number, job_s, loading_s), rest = offer[0], offer[1:]
    most = max(0, int((left_s - loading_s) / job_s + 1e-9))
    if not rest:
        return most * prices[number]
    best = _earned(rest, prices, left_s)
    for count in range(1, most + 1):
        best = max(best, count * prices[number] + _earned(rest, prices, left_s - loading_s - count * job_s))
    return best


class _Table:
    """Work in seconds of a worker of middling speed; speeds as multiples of that, each worker's best over what it can do."""

    def __init__(self, jobs: Sequence[FleetJob], workers: Sequence[Worker], rates: Rates) -> None:
        kinds = {job.kind for job in jobs}
        self.jobs = jobs
        self.typical = {kind: kind.units * rates.typical(kind.workflow) for kind in kinds}
        self.workers = [worker for worker in workers if any(fits(worker, kind) for kind in kinds)]
        for kind in kinds:
            if not any(fits(worker, kind) for worker in workers):
                raise ValueError(f"no worker fits {kind.workflow}")
        models = {kind.model for kind in kinds}
        self.speed = {worker.name: _best(worker, kinds, rates) for worker in self.workers}
        needs_loading = "" not in models
        self.loading_s = {
            worker.name: worker.switch_s if needs_loading and worker.model not in models else 0.0 for worker in self.workers
        }
        self.workers.sort(key=lambda worker: -self.speed[worker.name])

    def by_work(self) -> float:
        """The work that needs at least so much memory, by the workers that have it."""
        return max(self._pour(size) for size in {job.kind.memory_bytes for job in self.jobs})

    def by_scenes(self) -> float:
        """A scene is at one worker at a time, so k scenes have at most the k fastest."""
        scenes: dict[str, float] = {}
        for job in self.jobs:
            name = job.scene or job.id
            scenes[name] = scenes.get(name, 0.0) + self.typical[job.kind]
        longest = accumulate(sorted(scenes.values(), reverse=True)[: len(self.workers)])
        speeds = accumulate(self.speed[worker.name] for worker in self.workers)
        loading_s = min(self.loading_s.values())
        return loading_s + max(work / speed for work, speed in zip(longest, speeds, strict=False))

    def by_count(self) -> float:
        """So many jobs of at least this length are whole jobs: nobody does half of one."""
        lengths = sorted(self.typical[job.kind] for job in self.jobs)
        best = 0.0
        for length in {length for length in lengths if length > 0}:
            wanted = len(lengths) - bisect_left(lengths, length)
            best = max(best, _least(partial(self._whole, length), wanted))
        return best

    def _whole(self, length: float, end_s: float) -> float:
        return sum(
            max(0, int((end_s - self.loading_s[worker.name]) * self.speed[worker.name] / length + 1e-9))
            for worker in self.workers
        )

    def _pour(self, size: int) -> float:
        work_s = sum(self.typical[job.kind] for job in self.jobs if job.kind.memory_bytes >= size)
        able = [worker for worker in self.workers if not worker.memory_bytes or worker.memory_bytes >= size]

        def done(end_s: float) -> float:
            return sum(max(0.0, end_s - self.loading_s[worker.name]) * self.speed[worker.name] for worker in able)

        return _least(done, work_s)


def _best(worker: Worker, kinds: Iterable[Kind], rates: Rates) -> float:
    found = [rates.typical(kind.workflow) / rates.seconds_per_unit(worker, kind.workflow) for kind in kinds if fits(worker, kind)]
    return max(found)


def _least(done: Callable[[float], float], wanted: float, *, low: float = 0.0, steps: int = _STEPS) -> float:
    """The time from `low` from which on enough is done, a hair below; `done` must grow with it."""
    high = max(1.0, 1.05 * low)
    while done(high) < wanted:
        low, high = high, 2 * high
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if done(middle) >= wanted else (middle, high)
    return low
