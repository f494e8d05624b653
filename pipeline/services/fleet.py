"""The fleet inside a turn of the engine: who does what next, and what workers have shown when an attempt has ended.

Works in the transaction that it is handed. What waits is kept in memory between turns, as a hint that is read anew now and
then; whatever is chosen is read from the database before it starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from data.store import Store
from pipeline.domain.estimates import segment_frames
from pipeline.domain.fleet import records
from pipeline.domain.fleet.choosing import Choice, choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob, Kind
from pipeline.domain.fleet.open_lanes import Queue
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.workers import DEFAULT_SECONDS_PER_UNIT, Rates, usual_job_s
from pipeline.domain.fleet.workers import Worker as Seat
from pipeline.domain.plans import RunBook
from pipeline.domain.records import ENGINE, FleetWork, Job, Run
from pipeline.domain.retries import FailureClass
from pipeline.domain.stages import STAGES, Lane, Phase, last_rank
from pipeline.domain.work import Update
from pipeline.domain.workers import Worker, WorkRecord
from pipeline.services.able import Able, able
from pipeline.services.accounts import Accounts
from pipeline.services.fitness import Fitness
from pipeline.services.prices import Prices
from pipeline.services.starting import Starting
from pipeline.services.worker_rows import WorkerRows

_REREAD = timedelta(seconds=10)
_RECKON = timedelta(seconds=2)
_MOVED = 1.25
"""So old may speeds be while none has moved by this factor: reckoning them is most of what a decision costs."""
_SWITCH_S = 20.0
"""What loading a model is taken to cost until it was measured."""
_MOMENT_S = 0.001
"""Loading that takes no time was measured all the same, and 0 means that it was not."""


@dataclass(frozen=True)
class Given:
    """A waiting job and the worker that it goes to."""

    job_id: int
    worker: Worker
    seconds: float | None = None
    """What it takes there, as measured; None where it was not."""
    is_sure: bool = False
    """Whether that was measured several times."""


@dataclass(frozen=True)
class _Reckoned:
    """Speeds, and what was known of which workers at that time: seconds for a frame, by worker and work."""

    names: Sequence[str]
    seconds: Mapping[tuple[int, str], float]
    at: datetime
    rates: Rates

    def serve(self, names: Sequence[str], seconds: Mapping[tuple[int, str], float], now: datetime) -> bool:
        """Whether they are still good enough for what is known now."""
        if not timedelta(0) <= now - self.at < _RECKON or names != self.names or seconds.keys() != self.seconds.keys():
            return False
        return all(before <= _MOVED * seconds[key] and seconds[key] <= _MOVED * before for key, before in self.seconds.items())


@dataclass(frozen=True)
class _Card:
    """What stays of a worker while neither its row nor its records change."""

    worker: Worker
    own: Sequence[WorkRecord]
    seconds: Mapping[str, float]
    aside: frozenset[str]
    tags: frozenset[str]
    away: str


class Fleet:
    """Chooses workers for waiting jobs. One per engine; several engines on one database see each other's work in it."""

    def __init__(self, book_of: Callable[[Store, int], RunBook], rules: Rules | None = None) -> None:
        self._book_of = book_of
        self._rules = rules or Rules()
        self._backlog = Backlog()
        self._newest: dict[int, int] = {}
        self._due: dict[int, datetime | None] = {}
        self._read_at: datetime | None = None
        self._served: dict[Queue, float] = {}
        self._models: dict[tuple[int, str], str] = {}
        self._fleet = Able({}, {}, {}, {})
        self._fitness = Fitness(book_of)
        self._rates: _Reckoned | None = None
        self._cards: dict[str, _Card] = {}
        self._kinds: dict[tuple[object, ...], Kind] = {}
        self._rows: WorkerRows | None = None
        self._accounts = Accounts({})
        self._prices = Prices((), ())

    def begin(self) -> None:
        """Forget what was read of workers: a transaction begins, or somebody else has changed them in this one."""
        self._rows = None

    def _read(self, store: Store) -> WorkerRows:
        rows = self._rows
        if rows is None or rows.store is not store:  # another engine of this process may be in a transaction of its own
            rows = self._rows = WorkerRows(store)
        return rows

    # Choosing ---------------------------------------------------------------------------------------------------

    def next(self, store: Store, runs: Sequence[Run], starting: Starting, accounts: Accounts) -> list[Given]:
        """Which of the waiting jobs of these runs go to which workers now. They are not started yet."""
        if self._is_idle(store, runs, store.journal.now):
            return []
        rows = self._read(store)
        workers, shown = rows.workers, list(rows.records.values())
        if not any(worker.may_work for worker in workers.values()):
            return []
        now = store.journal.now
        choice = self.choice(store, runs, workers, starting=starting, now=now, shown=shown, accounts=accounts)
        given = []
        now_s = store.journal.now.timestamp()
        for one in choice.assignments:
            self._backlog.remove(one.job.id)
            self._served[one.job.kind.run, one.job.kind.model] = now_s
            worker = workers[one.worker]
            work, frames = one.job.kind.workflow, one.job.kind.units
            seconds, is_sure = self._prices.measured_s(worker, work, frames), self._prices.is_sure(worker, work)
            given.append(Given(int(one.job.id), worker, seconds, is_sure))
        return given

    def choice(
        self,
        store: Store,
        runs: Sequence[Run],
        workers: Mapping[str, Worker],
        *,
        starting: Starting | None = None,
        now: datetime,
        shown: Sequence[WorkRecord] | None = None,
        accounts: Accounts | None = None,
    ) -> Choice:
        """The decision as things stand, which only reads; it also explains why jobs wait. Without `starting` nothing is held.

        `shown` is what these workers have shown, and `accounts` are the budgets of the runs, where these have been read already.
        """
        self._accounts = accounts or Accounts.open(store, {run.id: run for run in runs})
        shown = store.workers.records() if shown is None else shown
        self._prices = Prices(workers.values(), shown)
        self._refresh(store, runs, fleet=able(list(workers.values()), shown), now=now)
        held: defaultdict[str, list[FleetWork]] = defaultdict(list)
        for work in store.fleet_work.held():
            held[work.worker].append(work)
        own: defaultdict[int, list[WorkRecord]] = defaultdict(list)
        for record in shown:
            own[record.worker_id].append(record)
        known = {run.id: run for run in runs}
        others = {work.run_id for here in held.values() for work in here} - set(known)
        known |= store.runs.by_ids(list(others)) if others else {}
        seats = [self._seat(store, worker, own[worker.id], held[worker.name], known) for worker in workers.values()]
        rules = starting.rules(self._rules) if starting else self._rules
        rates = self._reckoned(seats, shown, now)
        return choose(self._backlog, seats, now_s=now.timestamp(), rules=rules, rates=rates, served=self._served)

    @property
    def backlog(self) -> Backlog:
        """What waits, as the last choice has seen it."""
        return self._backlog

    def forget(self, job_ids: Iterable[int]) -> None:
        """These jobs wait no more; those that are not known are passed over."""
        for key in map(str, job_ids):
            if key in self._backlog:
                self._backlog.remove(key)

    def read_anew(self) -> None:
        """What waits is read from the database again in the next turn: something that was chosen did not start."""
        self._read_at = None

    def _is_idle(self, store: Store, runs: Sequence[Run], now: datetime) -> bool:
        """Whether nothing waits: then workers and what they have shown, which is most of what a turn reads, are not asked for."""
        return not self._backlog and not self._is_stale(runs, now) and not any(self._fresh(store, run) for run in runs)

    def _is_stale(self, runs: Sequence[Run], now: datetime) -> bool:
        return self._read_at is None or now - self._read_at > _REREAD or {run.id: run.deadline for run in runs} != self._due

    def _fresh(self, store: Store, run: Run) -> list[FleetWork]:
        return store.fleet_work.waiting(run.id, max_rank=last_rank(Phase(run.until)), above=self._newest[run.id])

    def _refresh(self, store: Store, runs: Sequence[Run], *, fleet: Able, now: datetime) -> None:
        """Read what is new; read everything now and then, when runs or their deadlines change, or when other workers may work."""
        if self._is_stale(runs, now) or fleet != self._fleet:
            due = {run.id: run.deadline for run in runs}
            self._backlog, self._newest, self._due = Backlog(), dict.fromkeys(due, 0), due
            self._read_at, self._fleet = now, fleet
        for run in runs:
            for work in self._fresh(store, run):
                self._newest[run.id] = work.job_id
                self._backlog.add(self._job(store, run, work, fleet))

    def _reckoned(self, seats: Sequence[Seat], shown: Sequence[WorkRecord], now: datetime) -> Rates:
        """The speeds of these workers: reckoned anew now and then, and at once when one has moved."""
        names = [seat.name for seat in seats]
        seconds = {(one.worker_id, one.work): one.seconds_per_frame for one in shown if one.samples}
        if self._rates is None or not self._rates.serve(names, seconds, now):
            self._rates = _Reckoned(names, seconds, now, Rates(seats))
        return self._rates.rates

    # What decisions see -----------------------------------------------------------------------------------------

    def _job(self, store: Store, run: Run, work: FleetWork, fleet: Able) -> FleetJob:
        blamed = {name for name, failure in work.failed_at.items() if records.speaks_against(failure)}
        outgrown = [name for name, failure in work.failed_at.items() if failure == FailureClass.OUT_OF_MEMORY]
        could = fleet.having(self._tags(store, run.id, work.scene_type)) if blamed else fleet
        return FleetJob(
            id=str(work.job_id),
            kind=self._kind(store, run, work, max(could.more_than(outgrown), fleet.needs.get(work.work, 0))),
            queued_s=work.created_at.timestamp(),
            not_before_s=work.not_before.timestamp() if work.not_before else 0.0,
            scene=f"{work.subject}-{work.subject_id}-{work.take}",
            part=work.part,
            home=work.home,
            # Where it has failed everywhere, it is tried again anywhere: else it would wait for ever.
            excluded=frozenset(blamed) if could.memory.keys() - blamed else frozenset(),
        )

    def _kind(self, store: Store, run: Run, work: FleetWork, memory_bytes: int) -> Kind:
        """One object for all jobs of a kind: they are compared and counted all the time."""
        graph = self._fitness.graph(store, work)
        money = self._accounts.free_money(run.id)
        dear = self._prices.dear(money, work.work, work.frames, work.estimated_seconds) if money < inf else frozenset()
        key = run.id, work.work, work.scene_type, work.frames, work.part, work.priority, run.deadline, graph, memory_bytes, dear
        if key not in self._kinds:
            self._kinds[key] = self._new_kind(store, run, work, graph=graph, memory_bytes=memory_bytes, dear=dear)
        return self._kinds[key]

    def _new_kind(self, store: Store, run: Run, work: FleetWork, *, graph: str, memory_bytes: int, dear: frozenset[str]) -> Kind:
        book = self._book_of(store, run.id)
        scene_type = book.recipes.scene_types.get(work.scene_type)
        following = sum(segment_frames(scene_type)[work.part :]) if scene_type else 0
        return Kind(
            run=str(run.id),
            workflow=work.work,
            project=str(run.project_id),
            units=float(max(1, work.frames)),
            following_units=float(following),
            model=self._model(store, run.id, work.scene_type),
            graph=graph,
            memory_bytes=memory_bytes,
            priority=work.priority,
            deadline_s=run.deadline.timestamp() if run.deadline else None,
            group=work.scene_type,
            tags=self._tags(store, run.id, work.scene_type),
            too_dear=dear,
        )

    def _tags(self, store: Store, run_id: int, scene_type: str) -> frozenset[str]:
        """What a worker must be marked with for work of this scene type, or for a picture."""
        recipes = self._book_of(store, run_id).recipes
        own = recipes.scene_types[scene_type].worker_tags if scene_type else ()
        return frozenset({*recipes.production.worker_tags, *own})

    def _seat(
        self, store: Store, worker: Worker, own: Sequence[WorkRecord], here: Sequence[FleetWork], runs: Mapping[int, Run]
    ) -> Seat:
        card = self._card(worker, own)
        jobs = [self._job(store, runs[work.run_id], work, self._fleet) for work in here]
        return Seat(
            name=worker.name,
            memory_bytes=worker.memory_bytes,
            seconds_per_unit=card.seconds,
            model=jobs[-1].kind.model if jobs else worker.model,
            switch_s=worker.switch_s or _SWITCH_S,
            holds=tuple(jobs),
            busy_until_s=_busy_until(here, jobs, card.seconds),
            places=worker.places,
            tags=card.tags,
            away=card.away,
            aside=card.aside,
            lacks=self._fitness.lacks(store, worker),
            others=worker.others,
            others_until_s=self._others_until(worker, card) if worker.others and worker.looked_at else 0.0,
        )

    def _others_until(self, worker: Worker, card: _Card) -> float:
        """When what somebody else had there at the last look will be done."""
        looked_s = worker.looked_at.timestamp() if worker.looked_at else 0.0
        return looked_s + worker.others * usual_job_s(card.seconds, self._kinds.values())

    def _card(self, worker: Worker, own: Sequence[WorkRecord]) -> _Card:
        card = self._cards.get(worker.name)
        if card is None or card.worker != worker or card.own != own:
            seconds = {record.work: record.seconds_per_frame for record in own if record.samples}
            aside = frozenset(record.work for record in own if record.aside_since)
            card = _Card(worker, own, seconds, aside, frozenset(worker.tags), worker.away.removesuffix("."))
            self._cards[worker.name] = card
        return card

    # Learning ---------------------------------------------------------------------------------------------------

    def ended(self, store: Store, reports: Sequence[tuple[Job, Update]]) -> None:
        """Note what workers have shown with these attempts, which have just ended; attempts of this machine are left out."""
        generated = [job.id for job, _ in reports if STAGES[job.stage].lane is Lane.GENERATION]
        if not generated:
            return
        held = {work.job_id: work for work in store.fleet_work.held_of(generated)}
        ours = [(held[job.id], update) for job, update in reports if job.id in held]
        if not ours:
            return
        rows = self._read(store)
        due = [record for record in rows.records.values() if _is_due(record, store.journal.now)]
        proven: set[int] = set()
        for work, update in ours:
            worker = rows.workers.get(work.worker)
            if worker is None:
                continue
            record = rows.records.get((worker.id, work.work)) or WorkRecord(worker.id, work.work)
            if update.result is not None:
                self._succeeded(store, rows, work, worker, record, update.result.seconds)
                proven.add(worker.id)
            elif records.speaks_against(update.failure_class):
                rows.keep(self._failed(store, work, worker, record, update))
        self._take_back_proven(store, rows, [record for record in due if record.worker_id in proven])
        rows.write()
        self._read_at = None if any(update.result is None for _, update in ours) else self._read_at

    @staticmethod
    def _take_back_proven(store: Store, rows: WorkerRows, due: Iterable[WorkRecord]) -> None:
        """Work that has come through stands for a test that is due: a worker that is always busy gets no other."""
        names = {worker.id: worker.name for worker in rows.workers.values()}
        for record in due:
            rows.keep(records.taken_back(rows.records[record.worker_id, record.work]))
            told = {"name": names[record.worker_id], "work": record.work}
            store.journal.record("worker.taken_back", actor=ENGINE, subject="worker", subject_id=record.worker_id, data=told)

    def _succeeded(
        self, store: Store, rows: WorkerRows, work: FleetWork, worker: Worker, record: WorkRecord, seconds: float
    ) -> None:
        """Its time is a sample of its speed; where another model had to be loaded, what it took longer tells how long that is."""
        model = self._model(store, work.run_id, work.scene_type)
        values: dict[str, Any] = {}
        rate: float | None = seconds / max(1, work.frames)
        if model and model != worker.model:
            values["model"] = model
            if record.samples:
                loading = max(_MOMENT_S, seconds - record.seconds_per_frame * work.frames)
                values["switch_s"] = loading if not worker.switch_s else (worker.switch_s + loading) / 2
                rate = None
        if values:
            rows.change(worker, **values)
        rows.keep(records.succeeded(record, rate))

    @staticmethod
    def _failed(store: Store, work: FleetWork, worker: Worker, record: WorkRecord, update: Update) -> WorkRecord:
        changed = records.failed(record, update.failure_class, update.reason, store.journal.now)
        if changed.aside_since and not record.aside_since:
            told = {"name": worker.name, "work": work.work, "class": update.failure_class, "reason": changed.reason}
            store.journal.record(
                "worker.set_aside", actor=ENGINE, subject="worker", subject_id=worker.id, run_id=work.run_id, data=told
            )
        return changed

    def _model(self, store: Store, run_id: int, scene_type: str) -> str:
        key = run_id, scene_type
        if key not in self._models:
            self._models[key] = self._book_of(store, run_id).recipes.models(scene_type)
        return self._models[key]


def _is_due(record: WorkRecord, now: datetime) -> bool:
    """Whether it is time for a test that could show that the worker does such work again."""
    return record.test_at is not None and record.test_at <= now and not records.needs_install(record)


def _busy_until(held: Sequence[FleetWork], jobs: Sequence[FleetJob], seconds: Mapping[str, float]) -> float:
    """When a worker has done what it holds, if each takes as long as before; 0 when it holds nothing."""
    until = 0.0
    for work, job in zip(held, jobs, strict=True):
        began = work.started_at.timestamp() if work.started_at else 0.0
        rate = seconds.get(work.work, DEFAULT_SECONDS_PER_UNIT)
        until = max(until, began) + job.kind.units * rate
    return until
