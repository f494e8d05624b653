"""Leases: who runs what, kept alive by heartbeats, and taken over from the dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from data.store import Store, Stores
from pipeline.domain.patience import LEASE, time_limit
from pipeline.domain.records import ENGINE, Job
from pipeline.domain.statuses import AttemptOutcome, JobStatus
from pipeline.domain.work import NO_NEWS, News, Request
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.ports import Clock
from pipeline.services.accounts import Accounts, is_paid, ran_for
from pipeline.services.advance import Advance
from pipeline.services.requests import Requests
from pipeline.services.runbooks import RunBooks

_HEADROOM = 0.8
"""A reservation is extended when this share of it is used up."""


@dataclass(frozen=True)
class Adopted:
    """A running job taken over from a dead engine; its attempt may still have a result.

    `ran_s` are the seconds since it began; None when nobody has seen that. `paid_s` are reserved for it. `request` is what it
    was asked for, where it runs at a worker of the fleet: whoever had handed it over is dead, and it goes on there.
    """

    job_id: int
    attempt_id: str
    stage: str
    backend: str
    limit_s: float
    paid_s: float
    ran_s: float | None = None
    request: Request | None = None


@dataclass(frozen=True)
class Beat:
    """What a heartbeat found out. `over`: attempts whose job is no longer ours; `unpaid`: attempts that the budget cannot
    carry on; `paid`: what is reserved for the others, in seconds; `unwatched`: jobs that are ours and that the engine did not
    name, say because a commit's answer got lost."""

    over: tuple[str, ...] = ()
    unpaid: tuple[str, ...] = ()
    paid: Mapping[str, float] = field(default_factory=dict)
    unwatched: tuple[Adopted, ...] = ()


class Leases:
    """Registers engines and keeps their leases."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock, requests: Requests) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._requests = requests

    def register(self, engine_id: str, *, host: str, pid: int, run_id: int | None = None) -> None:
        """A new engine starts, for one run or for all."""
        with self._stores.begin(self._clock.now()) as store:
            store.engines.add(engine_id, host=host, pid=pid, now=store.journal.now, run_id=run_id)

    def leave(self, engine_id: str, reason: str) -> None:
        """An engine stops cleanly: what it did not finish is ready again and costs no try.

        What runs at workers of the fleet stays its own, as if it had died: the next engine takes it over where it is.
        """
        with self._stores.begin(self._clock.now()) as store:
            everything = store.jobs.running(engine_id)
            accounts = Accounts.open(store, store.runs.by_ids([job.run_id for job in everything]))
            jobs = [job for job in everything if not (is_paid(job) and accounts.runs[job.run_id].backend in FLEET_BACKENDS)]
            costs = ran_for(store, jobs)
            for job in jobs:
                charge = accounts.charge(job, seconds=costs[job.attempt_id or ""], size_bytes=0)
                store.jobs.end(
                    job, JobStatus.READY, AttemptOutcome.CANCELLED, now=store.journal.now, charge=charge, reason=reason,
                    tries=job.tries - 1,
                )  # fmt: skip
                store.journal.record(
                    "job.returned", actor=ENGINE, subject="job", subject_id=job.id, run_id=job.run_id, data={"reason": reason}
                )
            accounts.store(store)
            if len(jobs) == len(everything):
                store.engines.end([engine_id], store.journal.now)

    def adopt(self, engine_id: str, is_alive: Callable[[str, str, int], bool]) -> list[Adopted]:
        """Take over the running jobs of every engine that is provably dead.

        `is_alive(engine_id, host, pid)` answers for one engine. An engine that only seems slow keeps its jobs: expired
        is not dead. Adopted jobs get a new epoch, so a late write of the old owner is refused.
        """
        with self._stores.begin(self._clock.now()) as store:
            alive = store.engines.alive()
            dead = [row.id for row in alive if row.id != engine_id and not is_alive(row.id, row.host, row.pid)]
            if not dead:
                return []
            jobs = [job for owner in dead for job in store.jobs.running(owner)]
            for job in jobs:
                store.jobs.adopt(job, owner=engine_id, lease_until=store.journal.now + LEASE)
                store.journal.record(
                    "job.adopted", actor=ENGINE, subject="job", subject_id=job.id, run_id=job.run_id,
                    data={"from": job.owner or "", "epoch": job.epoch + 1},
                )  # fmt: skip
            store.engines.end(dead, store.journal.now)
            return self._adopted(store, jobs)

    def heartbeat(self, engine_id: str, elapsed: Mapping[str, float], news: News = NO_NEWS) -> Beat:
        """Keep this engine's leases, and reserve more for attempts that take longer than estimated.

        `elapsed` maps each attempt that the engine watches to its seconds so far; `news` says how attempts stand.
        """
        with self._stores.begin(self._clock.now()) as store:
            store.jobs.note_progress(news.standings)
            store.jobs.note_begun(news.begun)
            ours = {job.attempt_id or "": job for job in store.jobs.running(engine_id)}
            store.jobs.extend_leases(engine_id, store.journal.now + LEASE)
            accounts = Accounts.open(store, store.runs.by_ids(list({job.run_id for job in ours.values()})))
            extend = store.jobs.extend_reservation
            paid = {key: self._extend(accounts, job, elapsed.get(key, 0.0), extend) for key, job in ours.items()}
            unpaid = [key for key, paid_s in paid.items() if paid_s <= elapsed.get(key, -1.0)]
            accounts.store(store)
            return Beat(
                over=tuple(attempt_id for attempt_id in elapsed if attempt_id not in ours),
                unpaid=tuple(unpaid),
                paid=paid,
                unwatched=tuple(self._adopted(store, [job for attempt_id, job in ours.items() if attempt_id not in elapsed])),
            )

    @staticmethod
    def _extend(accounts: Accounts, job: Job, elapsed: float, extend: Callable[[Job, float], None]) -> float:
        """Reserve more for an attempt that takes longer than estimated, the last of the budget too; how long it may run then."""
        reserved = job.reserved_seconds
        if is_paid(job) and elapsed >= reserved * _HEADROOM:
            more = min(max(1.0, elapsed), accounts.free_seconds(job.run_id, job.price))
            if more > 0.0:
                accounts.reserve_time(job.run_id, more, job.price)
                reserved += more
                extend(job, reserved)
        return accounts.paid_s(job, reserved)

    def _adopted(self, store: Store, jobs: Sequence[Job]) -> list[Adopted]:
        if not jobs:
            return []
        advance = Advance(store, self._books, ENGINE)
        advance.know_runs(store.runs.by_ids(list({job.run_id for job in jobs})).values())
        attempts = {attempt.id: attempt for attempt in store.jobs.attempts_of([job.id for job in jobs])}
        accounts = Accounts.open(store, store.runs.by_ids(list({job.run_id for job in jobs})))
        remote = [job for job in jobs if is_paid(job) and advance.run(job.run_id).backend in FLEET_BACKENDS]
        requests = self._requests.again(advance, remote, {key: attempt.worker for key, attempt in attempts.items()})
        found = []
        for job in jobs:
            attempt_id, backend = job.attempt_id or "", advance.run(job.run_id).backend
            began = attempts[attempt_id].begun_at
            ran_s = max(0.0, (store.journal.now - began).total_seconds()) if began else None
            request, limit_s = requests.get(attempt_id), time_limit(job, backend)
            paid_s = accounts.paid_s(job, job.reserved_seconds)
            found.append(Adopted(job.id, attempt_id, job.stage.value, backend, limit_s, paid_s, ran_s, request))
        return found
