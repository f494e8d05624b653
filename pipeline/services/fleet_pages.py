"""The fleet at one moment, quick enough to be asked once a second by every open page.

What it costs goes with the workers, with what waits and with what ended lately, never with all that has happened. Many tabs
ask at the same moment, and one answer serves them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from data.store import Store, Stores
from pipeline.domain.estimates import segment_frames
from pipeline.domain.fleet.choosing import Assignment, Choice, choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.outlook import ahead
from pipeline.domain.fleet.rules import NO_ENGINE, Hold
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet_page import FleetPage
from pipeline.domain.fleet_showing import BACK, LONGEST_AHEAD, MOST_PAST, FleetRead, page_of, subjects_of
from pipeline.domain.records import Run
from pipeline.domain.stated_speeds import with_stated_speeds
from pipeline.domain.statuses import AttemptOutcome
from pipeline.domain.telemetry.limits import DEFAULTS, Card, Threshold
from pipeline.domain.workers import FLEET_BACKENDS, Worker
from pipeline.ports import Clock
from pipeline.services.accounts import Accounts
from pipeline.services.crew import Crew
from pipeline.services.fleet import Fleet
from pipeline.services.runbooks import RunBooks
from pipeline.services.starting import Starting
from pipeline.services.uncovered import uncovered_jobs

_FAULTS = timedelta(days=7)
_MOST_FAULTS = 400
_EXPLAINED = 40
_EACH_AHEAD = 12
_SERVES_S = 0.9
_SHARE = 4


class FleetPages:
    """Reads the page of the fleet. It decides nothing: the engine chooses for itself, by the same rules."""

    def __init__(
        self, stores: Stores, books: RunBooks, clock: Clock, *, crew: Crew, thresholds: Sequence[Threshold] = DEFAULTS
    ) -> None:
        self._crew = crew
        self._thresholds = tuple(thresholds)
        self._stores = stores
        self._books = books
        self._clock = clock
        self._fleet = Fleet(books.get)
        self._lock = threading.Lock()
        self._kept: tuple[float, float, FleetPage] | None = None

    def page(self, *, anew: bool = False) -> FleetPage:
        """The fleet now; at most about a second old, unless it is to be read anew."""
        with self._lock:
            began = self._clock.monotonic()
            if self._kept is not None and not anew:
                at, took, page = self._kept
                if began - at < max(_SERVES_S, _SHARE * took):
                    return page
            if anew:
                self._fleet.read_anew()  # what waits may have another priority now
            with self._stores.read() as store:
                read, is_attended = self._read(store), self._crew.number(store) > 0
            page = replace(page_of(read), thresholds=self._thresholds, is_attended=is_attended)
            ended = self._clock.monotonic()
            self._kept = ended, ended - began, page
            return page

    # Reading ----------------------------------------------------------------------------------------------------

    def _read(self, store: Store) -> FleetRead:
        now = self._clock.now()
        workers = {worker.name: worker for worker in store.workers.all()}
        held = [work for work in store.fleet_work.held() if work.worker in workers]
        past = store.fleet_work.ended(list(workers), now - BACK, MOST_PAST)
        self._fleet.forget([*(work.job_id for work in held), *(one.job_id for one in past if one.outcome is AttemptOutcome.DONE)])
        active = [run for run in store.runs.active() if run.backend in FLEET_BACKENDS]
        accounts = Accounts.open(store, {run.id: run for run in active})
        starting = Starting(store, active, accounts.shared, now)
        starting.held |= dict.fromkeys(self._crew.unattended(store, [run.id for run in active]), NO_ENGINE)
        choice, foreseen, coming, queue = self._chosen(store, active, workers, accounts, starting=starting, now=now)
        uncovered = uncovered_jobs(store, accounts, workers.values(), _looked_at(queue, coming))
        whole = _whole_runs(uncovered, _looked_at(queue, coming))
        if whole:
            starting.held |= whole
            choice, foreseen, coming, queue = self._chosen(store, active, workers, accounts, starting=starting, now=now)
            uncovered = uncovered_jobs(store, accounts, workers.values(), _looked_at(queue, coming))
        coming = tuple(given for given in coming if int(given.job.id) not in uncovered)
        backlog = self._fleet.backlog
        shown = [*queue[:_EXPLAINED], *(given.job for given in coming)]
        jobs = store.jobs.by_ids(list({work.job_id for work in held} | {int(job.id) for job in queue[:_EXPLAINED]}))
        subjects = [*subjects_of(shown), *((work.subject, work.subject_id) for work in held)]
        attempts = {one.job_id: (one.number, one.progress, one.step) for one in store.jobs.attempts_of([w.job_id for w in held])}
        runs = store.runs.by_ids(list({work.run_id for work in held} | {int(job.kind.run) for job in shown}))
        return FleetRead(
            now=now,
            workers=workers,
            records={(record.worker_id, record.work): record for record in store.workers.records()},
            held=held,
            past=past,
            failed=store.fleet_work.failed(list(workers), now - _FAULTS, _MOST_FAULTS),
            choice=choice,
            foreseen=foreseen,
            ahead=coming,
            queue=queue[:_EXPLAINED],
            waits=len(backlog),
            runs=runs,
            jobs=jobs,
            cells=store.cells.by_ids(list({key for subject, key in subjects if subject == "cell"})),
            stills=store.stills.by_ids(list({key for subject, key in subjects if subject == "still"})),
            attempts=attempts,
            cards={key: [Card(reading, verdict) for verdict, reading in each] for key, each in store.telemetry.latest().items()},
            uncovered=uncovered,
            frames={key: frames for run_id in runs for key, frames in self._frames(store, run_id)},
        )

    def _chosen(
        self,
        store: Store,
        active: Sequence[Run],
        workers: Mapping[str, Worker],
        accounts: Accounts,
        *,
        starting: Starting,
        now: datetime,
    ) -> tuple[Choice, Standing, tuple[Assignment, ...], list[FleetJob]]:
        """The choice, how things stand with stated times, what follows from that later, and the queue in the order of service."""
        choice = self._fleet.choice(store, active, workers, starting=starting, now=now, accounts=accounts)
        backlog = self._fleet.backlog
        books = [self._books.get(store, run.id) for run in active]
        found = choice.standing
        seats = with_stated_speeds(found.workers, books)
        foreseen = choose(Backlog(), seats, now_s=found.now_s, rules=found.rules, served=found.served).standing
        coming = ahead(backlog, foreseen, horizon_s=LONGEST_AHEAD.total_seconds(), each=_EACH_AHEAD)
        return choice, foreseen, coming, _in_order(backlog, coming)

    def _frames(self, store: Store, run_id: int) -> Iterable[tuple[tuple[int, str], Sequence[int]]]:
        """By run and scene type: how many frames each of its segments has."""
        scenes = self._books.get(store, run_id).recipes.scene_types
        return [((run_id, name), segment_frames(scene)) for name, scene in scenes.items()]


def _looked_at(queue: Sequence[FleetJob], coming: Sequence[Assignment]) -> list[FleetJob]:
    return list({job.id: job for job in [*queue[:_EXPLAINED], *(given.job for given in coming)]}.values())


def _whole_runs(uncovered: Mapping[int, Hold], jobs: Sequence[FleetJob]) -> dict[int, Hold]:
    """The runs of which nothing that was looked at is covered: they keep no worker from others."""
    found: dict[int, Hold] = {}
    for job in jobs:
        if int(job.id) in uncovered:
            found.setdefault(int(job.kind.run), uncovered[int(job.id)])
    covered = {int(job.kind.run) for job in jobs if int(job.id) not in uncovered}
    return {run_id: hold for run_id, hold in found.items() if run_id not in covered}


def _in_order(backlog: Iterable[FleetJob], coming: Sequence[Assignment]) -> list[FleetJob]:
    """As they will be served: those that begin first, then by priority and age."""
    first = {given.job.id: place for place, given in enumerate(coming)}
    late = len(first)
    return sorted(backlog, key=lambda job: (first.get(job.id, late), -job.kind.priority, job.queued_s, int(job.id)))
