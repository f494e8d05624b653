"""A fleet at work in simulated time: the same decisions as in life, with durations, failures and outages drawn from a seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from heapq import heappop, heappush

from pipeline.domain.fleet.chance import stretch, uniform
from pipeline.domain.fleet.jobs import FleetJob
from pipeline.domain.fleet.policies import Policy
from pipeline.domain.fleet.workers import Rates, Worker, fits, waits_s


@dataclass(frozen=True)
class Outage:
    """A worker dies at `at_s` with what it does and what is loaded, and is back at `back_s`."""

    worker: str
    at_s: float
    back_s: float


@dataclass(frozen=True)
class Trouble:
    """What goes wrong: durations are off by `spread` (relative deviation), a share of attempts fails half-way, workers die."""

    spread: float = 0.0
    failing_share: float = 0.0
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True)
class Done:
    """One attempt that succeeded."""

    job: FleetJob
    worker: str
    start_s: float
    end_s: float
    loading_s: float


@dataclass(frozen=True)
class Outcome:
    """What came of a simulation. `makespan_s` is when the last job was done; `left` are jobs that nobody could do."""

    done: tuple[Done, ...]
    left: tuple[str, ...]
    attempts: int
    switches: int

    @property
    def makespan_s(self) -> float:
        """From time 0 to the end of the last job."""
        return max((one.end_s for one in self.done), default=0.0)


class _Event(IntEnum):
    """In the order in which events of one moment are taken."""

    END = 0
    DOWN = 1
    UP = 2
    ARRIVE = 3


def simulate(
    jobs: Iterable[FleetJob],
    workers: Sequence[Worker],
    *,
    policy: Policy,
    seed: int = 0,
    trouble: Trouble | None = None,
    actual: Rates | None = None,
) -> Outcome:
    """Do all of these jobs from time 0 on. Equal arguments give equal outcomes.

    Segments of a scene follow each other by their parts. `actual` is how fast the workers really are, where that is not what
    is known of them. A failed job is kept from the worker that it failed on while there is another that is able.
    """
    run = _Run(workers, policy=policy, seed=seed, trouble=trouble or Trouble(), rates=actual or Rates(workers))
    run.take_in(jobs)
    run.play()
    return run.outcome()


class _Run:
    def __init__(self, workers: Sequence[Worker], *, policy: Policy, seed: int, trouble: Trouble, rates: Rates) -> None:
        self.workers = list(workers)
        self.number = {worker.name: number for number, worker in enumerate(workers)}
        self.policy, self.seed, self.trouble, self.rates = policy, seed, trouble, rates
        self.events: list[tuple[float, _Event, int, FleetJob | str]] = []
        self.following: defaultdict[str, list[FleetJob]] = defaultdict(list)
        self.begun: dict[str, tuple[FleetJob, float, float]] = {}  # by worker: job, start, loading
        self.epoch: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()
        self.waiting: set[str] = set()
        self.done: list[Done] = []
        self.attempts = self.switches = self.arrivals = 0

    def take_in(self, jobs: Iterable[FleetJob]) -> None:
        for job in sorted(jobs, key=lambda job: (job.part, job.queued_s)):
            if job.scene:
                self.following[job.scene].append(job)
            else:
                self._await(job, job.queued_s)
        for parts in self.following.values():
            first = parts.pop(0)
            self._await(first, first.queued_s)
            parts.reverse()
        for outage in self.trouble.outages:
            heappush(self.events, (outage.at_s, _Event.DOWN, 0, outage.worker))
            heappush(self.events, (outage.back_s, _Event.UP, 0, outage.worker))

    def play(self) -> None:
        while self.events:
            now_s = self.events[0][0]
            while self.events and self.events[0][0] <= now_s:
                _, event, epoch, subject = heappop(self.events)
                self._take(event, epoch, subject, now_s)
            for job, worker in self.policy.assign(self.workers, now_s):
                self._begin(job, worker, now_s)

    def outcome(self) -> Outcome:
        return Outcome(tuple(self.done), tuple(sorted(self.waiting)), self.attempts, self.switches)

    def _await(self, job: FleetJob, now_s: float) -> None:
        self.waiting.add(job.id)
        at_s = max(now_s, job.not_before_s)
        self.arrivals += 1
        heappush(self.events, (at_s, _Event.ARRIVE, self.arrivals, job))

    def _take(self, event: _Event, epoch: int, subject: FleetJob | str, now_s: float) -> None:
        if isinstance(subject, FleetJob):
            self.policy.arrive(subject, self.workers)
        elif event is _Event.END:
            if epoch == self.epoch[subject]:
                self._end(subject, now_s)
        elif event is _Event.DOWN:
            lost = self.begun.pop(subject, None)
            self.epoch[subject] += 1
            self._change(subject, holds=(), model="", away="unreachable", busy_until_s=now_s)
            if lost:
                self._await(lost[0], now_s)
        else:
            self._change(subject, away="")

    def _begin(self, job: FleetJob, name: str, now_s: float) -> None:
        worker = self.workers[self.number[name]]
        self.waiting.discard(job.id)
        self.attempts += 1
        self.tries[job.id] += 1
        now_s += waits_s(worker, now_s)
        loads = bool(job.kind.model) and job.kind.model != worker.model
        self.switches += loads
        loading_s = worker.switch_s if loads else 0.0
        expected_s = job.kind.units * self.rates.seconds_per_unit(worker, job.kind.workflow)
        takes_s = expected_s * stretch(self.seed, job.id, number=self.tries[job.id], spread=self.trouble.spread)
        self.begun[name] = job, now_s, loading_s
        self._change(name, holds=(job,), model=job.kind.model or worker.model, busy_until_s=now_s + loading_s + expected_s)
        if self._fails(job):
            takes_s /= 2
        heappush(self.events, (now_s + loading_s + takes_s, _Event.END, self.epoch[name], name))

    def _end(self, name: str, now_s: float) -> None:
        job, start_s, loading_s = self.begun.pop(name)
        self.epoch[name] += 1
        self._change(name, holds=(), busy_until_s=now_s)
        if self._fails(job):
            excluded = job.excluded | {name}
            others = any(worker.name not in excluded and not worker.away and fits(worker, job.kind) for worker in self.workers)
            self._await(replace(job, queued_s=now_s, excluded=excluded if others else frozenset()), now_s)
            return
        self.done.append(Done(job, name, start_s, now_s, loading_s))
        if self.following.get(job.scene):
            self._await(replace(self.following[job.scene].pop(), queued_s=now_s, home=name), now_s)

    def _fails(self, job: FleetJob) -> bool:
        share = self.trouble.failing_share
        return bool(share) and uniform(self.seed, f"failure of {job.id}", self.tries[job.id]) < share

    def _change(self, name: str, **changes: object) -> None:
        number = self.number[name]
        self.workers[number] = replace(self.workers[number], **changes)  # type: ignore[arg-type]
