"""Ways to share out work, for the simulator: ours, and the two that it is held against."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from pipeline.domain.fleet.choosing import choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.open_lanes import Queue
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.workers import Rates, Worker, fits


class Policy(Protocol):
    """Told of every job that begins to wait, asked who does what next. One object serves one simulation."""

    def arrive(self, job: FleetJob, workers: Sequence[Worker]) -> None:
        """This job waits from now on."""

    def assign(self, workers: Sequence[Worker], now_s: float) -> Sequence[tuple[FleetJob, str]]:
        """Jobs for workers that hold nothing, each at most once. Whoever is assigned waits no more."""


class Ours:
    """What the live choice does."""

    def __init__(self, workers: Sequence[Worker], rules: Rules | None = None) -> None:
        self._backlog = Backlog()
        self._rates = Rates(workers)
        self._rules = rules or Rules(ahead_s=0)
        self._served: dict[Queue, float] = {}

    def arrive(self, job: FleetJob, workers: Sequence[Worker]) -> None:
        """Keep it in its lane."""
        self._backlog.add(job)

    def assign(self, workers: Sequence[Worker], now_s: float) -> Sequence[tuple[FleetJob, str]]:
        """Choose, and take out what was chosen."""
        if not self._backlog:
            return ()
        choice = choose(self._backlog, workers, now_s=now_s, rules=self._rules, rates=self._rates, served=self._served)
        for given in choice.assignments:
            self._backlog.remove(given.job.id)
            self._served[given.job.kind.run, given.job.kind.model] = now_s
        return [(given.job, given.worker) for given in choice.assignments]


class FirstCome:
    """Whoever is free takes the oldest job that fits."""

    def __init__(self) -> None:
        self._queue: deque[FleetJob] = deque()

    def arrive(self, job: FleetJob, workers: Sequence[Worker]) -> None:
        """Stand at the end."""
        self._queue.append(job)

    def assign(self, workers: Sequence[Worker], now_s: float) -> Sequence[tuple[FleetJob, str]]:
        """The oldest that fits, for each that is free in the order of the fleet."""
        given = []
        for worker in _free(workers):
            job = next((job for job in self._queue if _can(worker, job)), None)
            if job is not None:
                self._queue.remove(job)
                given.append((job, worker.name))
        return given


class LeastQueue:
    """Every job goes at once to the worker with the fewest jobs, and stays there."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[FleetJob]] = {}

    def arrive(self, job: FleetJob, workers: Sequence[Worker]) -> None:
        """Stand in the shortest queue of those that fit; a worker that is away counts when there is no other."""
        able = [worker for worker in workers if _can(worker, job)]
        if not able:
            return
        here = [worker for worker in able if not worker.away] or able
        shortest = min(here, key=lambda worker: len(self._queues.setdefault(worker.name, deque())) + len(worker.holds))
        self._queues[shortest.name].append(job)

    def assign(self, workers: Sequence[Worker], now_s: float) -> Sequence[tuple[FleetJob, str]]:
        """The next of its own queue, for each that is free."""
        return [(self._queues[worker.name].popleft(), worker.name) for worker in _free(workers) if self._queues.get(worker.name)]


def _free(workers: Sequence[Worker]) -> Iterator[Worker]:
    return (worker for worker in workers if not worker.holds and not worker.away)


def _can(worker: Worker, job: FleetJob) -> bool:
    return fits(worker, job.kind) and worker.name not in job.excluded
