"""The turn of an engine: take in what attempts report, and lease the next jobs, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from data.store import Store, Stores
from pipeline.domain import retries
from pipeline.domain.budget import Charge
from pipeline.domain.claiming import sort_out
from pipeline.domain.patience import LEASE, measured_limit, time_limit
from pipeline.domain.records import ENGINE, Job, Output, Run
from pipeline.domain.stages import STAGES, Lane, Phase, last_rank
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus
from pipeline.domain.work import NO_NEWS, News, OutputFile, Place, Result, Update, UpdateState
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.ports import Clock, Media
from pipeline.services import thresholds, wedged
from pipeline.services.accounts import Accounts, is_paid, ran_for
from pipeline.services.advance import Advance
from pipeline.services.fleet import Fleet, Given
from pipeline.services.requests import Requests
from pipeline.services.runbooks import RunBooks
from pipeline.services.sealing import Sealing
from pipeline.services.settlement import Settlement
from pipeline.services.slots import Part, Slots
from pipeline.services.starting import Starting
from pipeline.services.turns import Arrivals, Assignment, Report, Turn, nothing
from pipeline.services.twins import twins_of

_LOOK_PAST = 4096
"""How far the queue is read past jobs that wait for equal ones."""


@dataclass(frozen=True)
class Chosen:
    """A job that is to start: by taking the result of its stored twin, in a slot of this machine, or at a worker of the fleet."""

    job: Job
    twin: Job | None = None
    given: Given | None = None

    @property
    def price(self) -> float:
        """What an hour of it costs."""
        return self.given.worker.cost_per_hour if self.given and not self.twin else 0.0

    @property
    def place(self) -> Place | None:
        """Where it is performed, when that is not on this machine."""
        return Place(self.given.worker.name, self.given.worker.url) if self.given else None

    def limit_s(self, backend: str) -> float:
        """The seconds after which it is stopped."""
        limit_s = time_limit(self.job, backend)
        if self.given is None or self.given.seconds is None or not self.given.is_sure:
            return limit_s
        return min(limit_s, measured_limit(self.job, self.given.seconds, self.given.worker.switch_s))


class Dispatch:
    """Leases and settles for one engine."""

    def __init__(
        self,
        stores: Stores,
        books: RunBooks,
        *,
        media: Media,
        clock: Clock,
        new_id: Callable[[], str],
        requests: Requests,
    ) -> None:
        self._stores = stores
        self._books = books
        self._media = media
        self._clock = clock
        self._new_id = new_id
        self._requests = requests
        self._fleet = Fleet(books.get)
        self._slots = Slots(books.get)
        self.has_fleet = False
        """Whether a run was active in the last turn whose work is done by the fleet: then slots here say nothing about room."""
        self._reused = 0
        self._begun: set[str] = set()

    def turn(
        self,
        engine_id: str,
        reports: Sequence[Report],
        free: Mapping[Lane, int],
        only: int | None = None,
        news: News = NO_NEWS,
        meanwhile: Callable[[], Arrivals | None] = nothing,
    ) -> Turn:
        """Settle these reports, then lease up to `free` jobs a lane.

        `only` is the run to lease jobs of; None is every run. `news` says how running attempts stand. `meanwhile` is asked
        once for what has ended while the reports were settled: it need not wait for a turn of its own.
        """
        self._reused = 0
        self._begun.clear()
        self._fleet.begin()
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, ENGINE)
            accounts = Accounts.open(store, {run.id: run for run in store.runs.active()})
            advance.know_runs(accounts.runs.values())
            self.has_fleet = any(run.backend in FLEET_BACKENDS for run in accounts.runs.values())
            store.jobs.note_progress(news.standings)
            store.jobs.note_begun(news.begun)
            over = self._settle(advance, accounts, engine_id, reports) if reports else []
            late = meanwhile()
            if late is not None:
                store.flush_work()  # what has just been settled must be found
                over += self._settle(advance, accounts, engine_id, late.reports)
                reports, free = [*reports, *late.reports], late.free
            if accounts.shared:
                thresholds.act(store, accounts)
            assignments = self._claim(advance, accounts, engine_id, free, only)
            accounts.store(store)
        return Turn(tuple(assignments), tuple(reports), tuple(over), len(reports) - len(over) + self._reused)

    # Settling ---------------------------------------------------------------------------------------------------

    def _settle(self, advance: Advance, accounts: Accounts, engine_id: str, reports: Sequence[Report]) -> list[str]:
        store = advance.store
        jobs = store.jobs.by_ids([job_id for job_id, _ in reports])
        over: list[str] = []
        ours: list[tuple[Job, Update]] = []
        for job_id, update in reports:
            job = jobs.get(job_id)
            is_ours = job is not None and job.status is JobStatus.RUNNING and job.owner == engine_id
            if job is None or not is_ours or job.attempt_id != update.attempt_id:
                over.append(update.attempt_id)
            else:
                ours.append((job, update))
        settlement = Settlement(advance)
        settlement.load([job for job, _ in ours])
        if self.has_fleet:
            self._fleet.ended(store, ours)
        if wedged.set_aside(store, [update for _, update in reports]):
            self._fleet.begin()
        watched = {update.attempt_id: update.ran_s for _, update in ours if update.ran_s is not None}
        costs = ran_for(store, [job for job, update in ours if update.result is None], watched)
        for job, update in ours:
            if job.run_id not in accounts.runs:
                accounts.add(advance.run(job.run_id))
            seconds = update.result.seconds if update.result else costs[update.attempt_id]
            self._settle_one(advance, settlement, accounts, job, update, seconds)
        self._finish(advance, settlement)
        return over

    def _settle_one(
        self, advance: Advance, settlement: Settlement, accounts: Accounts, job: Job, update: Update, seconds: float
    ) -> None:
        result = update.result
        used = sum(file.size_bytes for file in result.outputs) if result else 0
        fits = accounts.fits(job, used)
        charge = accounts.charge(job, seconds=seconds, size_bytes=used if fits else 0)
        if result is not None and fits:
            settlement.done(job, result, charge)
        elif result is not None:
            reason = f"The result has {used:,} bytes, more than a budget of disk has left. Raise it: `./stripboard budgets set`."
            settlement.give_up(job, retries.FailureClass.BUDGET, reason, charge)
        else:
            self._failed(advance, settlement, job, update, charge)

    def _failed(self, advance: Advance, settlement: Settlement, job: Job, update: Update, charge: Charge) -> None:
        """Try again, or give up, by the retry policy."""
        now = advance.store.journal.now
        is_lost = update.state is UpdateState.LOST
        failure = update.failure_class or (retries.FailureClass.LOST if is_lost else retries.FailureClass.BACKEND_ERROR)
        endings = self._endings(advance, job, failure)
        decision = retries.decide(failure, tries=job.tries, now=now, endings=endings)
        if not decision.retry:
            reason = f"{update.reason.rstrip('.')}. {decision.because}" if decision.because else update.reason
            settlement.give_up(job, failure, reason, charge)
            return
        outcome = AttemptOutcome.LOST if is_lost else AttemptOutcome.FAILED
        advance.store.jobs.end(
            job, JobStatus.READY, outcome, now=now, charge=charge, failure_class=failure, reason=update.reason,
            not_before=decision.not_before,
        )  # fmt: skip
        advance.store.journal.record(
            "job.retried", actor=ENGINE, subject="job", subject_id=job.id, run_id=job.run_id,
            data={"class": failure, "reason": update.reason, "try": job.tries},
        )  # fmt: skip

    @staticmethod
    def _endings(advance: Advance, job: Job, failure: str) -> list[retries.Ending]:
        """How workers of the fleet have ended this job since it was last asked for; empty for what is done here."""
        if not is_paid(job) or advance.run(job.run_id).backend not in FLEET_BACKENDS:
            return []
        tried = [one for one in advance.store.jobs.attempts_of([job.id]) if one.outcome is not AttemptOutcome.CANCELLED]
        classes = ((one.worker, failure if one.id == job.attempt_id else one.failure_class) for one in tried[-job.tries :])
        return [retries.Ending(worker, failure_class) for worker, failure_class in classes]

    @staticmethod
    def _finish(advance: Advance, settlement: Settlement) -> None:
        settlement.finish()
        if settlement.runs_with_exports:
            advance.store.flush()
            for run_id, cause in settlement.runs_with_exports.items():
                Sealing(advance).deliver_when_ready(run_id, cause)

    # Claiming ---------------------------------------------------------------------------------------------------

    def _claim(
        self, advance: Advance, accounts: Accounts, engine_id: str, free: Mapping[Lane, int], only: int | None
    ) -> list[Assignment]:
        store = advance.store
        store.flush_work()
        lease_until = store.journal.now + LEASE
        assignments: list[Assignment] = []
        running = [run for run in accounts.runs.values() if run.status.value == "running"]
        active = [run for run in running if only in (None, run.id)]
        starting = Starting(store, active, accounts.shared, store.journal.now)
        for lane, room in free.items():
            left, parts = room, self._parts(store, active, lane, room, starting)
            for part in _rounds(store, parts, room):
                if left <= 0:
                    break
                chosen = self._next(store, accounts, part.run, lane, min(left, part.most), starting)
                started = self._start(advance, accounts, chosen, engine_id, lease_until)
                assignments.extend(started)
                left -= len(started)
        of_fleet = [run for run in active if run.backend in FLEET_BACKENDS]
        if of_fleet and free:
            given = self._given(store, accounts, of_fleet, starting)
            assignments += self._start(advance, accounts, given, engine_id, lease_until)
        return assignments

    def _parts(self, store: Store, active: Sequence[Run], lane: Lane, room: int, starting: Starting) -> list[Part]:
        """Which runs may begin how much in this lane, in this order."""
        if lane is not Lane.GENERATION:
            return [Part(run, room) for run in active]
        here = [run for run in active if run.backend not in FLEET_BACKENDS and starting.may_generate(run)]
        return self._slots.parts(store, here, room, starting, store.journal.now)

    def _given(self, store: Store, accounts: Accounts, runs: Sequence[Run], starting: Starting) -> list[Chosen]:
        """The jobs that go to workers of the fleet now, each with the stored twin that it takes instead, if there is one."""
        given = {one.job_id: one for one in self._fleet.next(store, runs, starting, accounts)}
        jobs = store.jobs.by_ids(list(given)) if given else {}
        ready = [_as_there(jobs[key], one) for key, one in given.items() if key in jobs and jobs[key].status is JobStatus.READY]
        found = sort_out(ready, twins_of(store, self._media, ready), self._begun)
        offered = [Chosen(job, twin, None if twin else given[job.id]) for job, twin in found.ahead]
        paid = [one for one in offered if accounts.reserve(one.job, one.price)]
        self._begun.update(one.job.fingerprint for one in paid if one.twin is None)
        if len(paid) < len(given):
            self._fleet.read_anew()
        return paid

    def _next(self, store: Store, accounts: Accounts, run: Run, lane: Lane, room: int, starting: Starting) -> list[Chosen]:
        """The next jobs of the run in order of urgency, each with the stored twin that it takes, as many as there is room for.

        What waits for an equal job keeps none behind it waiting: the queue is read on past it. Nor does a job that the
        budget does not cover: else the run would neither go on nor be over.
        """
        free_seconds, free_bytes = accounts.startable_seconds(run.id), accounts.free_bytes(run.id)
        chosen: list[Chosen] = []
        seen, limit, last = 0, room, last_rank(Phase(run.until))
        while True:
            jobs = store.jobs.ready(
                run.id, lane, limit=limit, max_rank=last, now=store.journal.now, free_seconds=free_seconds, free_bytes=free_bytes
            )
            fresh = jobs[seen:]
            found = sort_out(fresh, twins_of(store, self._media, fresh), self._begun)
            ahead: Sequence[tuple[Job, Job | None]] = found.ahead
            if lane is Lane.GENERATION:
                ahead = starting.admitted(run, ahead)
            paid = [Chosen(job, twin) for job, twin in ahead[: room - len(chosen)] if accounts.reserve(job)]
            self._begun.update(one.job.fingerprint for one in paid if one.twin is None)
            chosen += paid
            seen = len(jobs)
            is_whole = not found.waiting and len(ahead) == len(found.ahead)
            if is_whole or len(jobs) < limit or len(chosen) >= room or limit >= _LOOK_PAST:
                return chosen
            limit = min(_LOOK_PAST, 4 * limit + len(found.waiting))

    def _start(
        self,
        advance: Advance,
        accounts: Accounts,
        chosen: Sequence[Chosen],
        engine_id: str,
        lease_until: datetime,
    ) -> list[Assignment]:
        """Lease these jobs; those whose result is stored already are settled at once."""
        if not chosen:
            return []
        store = advance.store
        outputs = store.outputs.of_jobs([one.twin.id for one in chosen if one.twin is not None])
        settlement = Settlement(advance)
        settlement.load([one.job for one in chosen])
        started: list[Assignment] = []
        for one in chosen:
            job, twin = one.job, one.twin
            reserved = 0.0 if twin is not None or not is_paid(job) else job.estimated_seconds
            name = "reuse" if twin is not None else one.given.worker.name if one.given else "local"
            running = store.jobs.start(
                job, attempt_id=self._new_id(), owner=engine_id, worker=name,
                lease_until=lease_until, reserved=reserved, now=store.journal.now, price=one.price,
            )  # fmt: skip
            self._mark_generating(advance, running)
            if twin is not None:
                accounts.release(job)
                settlement.done(running, self._stored_result(outputs.get(twin.id, [])), Charge(), AttemptOutcome.REUSED)
                self._reused += 1
            else:
                backend = advance.run(job.run_id).backend
                request = self._requests.of(advance, running, one.place)
                paid_s = accounts.paid_s(running, reserved)
                started.append(Assignment(job.id, STAGES[job.stage].lane, request, backend, one.limit_s(backend), paid_s))
        if len(started) < len(chosen):
            self._finish(advance, settlement)
        return started

    @staticmethod
    def _mark_generating(advance: Advance, job: Job) -> None:
        """The first claimed job of a subject moves it on; each start is told."""
        seq = advance.store.journal.record(
            "job.started", actor=ENGINE, subject="job", subject_id=job.id, run_id=job.run_id,
            data={"stage": job.stage.value, "subject": job.subject, "of": job.subject_id, "part": job.part, "epoch": job.epoch},
        )  # fmt: skip
        if job.subject == "cell" and advance.cells[job.subject_id].status is CellStatus.QUEUED:
            advance.move_cell(advance.cells[job.subject_id], CellStatus.GENERATING, cause=seq)
        elif job.subject == "still" and advance.stills[job.subject_id].status is CellStatus.QUEUED:
            advance.move_still(advance.stills[job.subject_id], CellStatus.GENERATING, cause=seq)

    @staticmethod
    def _stored_result(outputs: Sequence[Output]) -> Result:
        """The result of an equal job as if it had just been made, at no cost."""
        files = tuple(
            OutputFile(row.role, row.file.sha256, row.file.size_bytes, row.file.media_type, row.label, row.facts)
            for row in outputs
        )
        return Result(outputs=files)


def _rounds(store: Store, parts: Sequence[Part], room: int) -> Iterator[Part]:
    """Each part, and then what others could not use of theirs: what waits need not be able to start."""
    yield from (part for part in parts if part.most)
    if any(part.most < room for part in parts):
        store.flush()  # what has just started must not be found again
        for part in parts:
            yield replace(part, most=room)


def _as_there(job: Job, given: Given) -> Job:
    """The job as long as it takes at its worker: so much is reserved."""
    return job if given.seconds is None else replace(job, estimated_seconds=given.seconds)
