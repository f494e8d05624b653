"""What the fleet has to do, read at one moment and rehearsed: when each run will be done.

Works inside the transaction that it is handed. What it costs goes with runs and kinds of work, not with jobs. One answer
serves every screen and report for a while, so that all of them tell the same time.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from data.store import Store
from pipeline.domain.estimates import segment_frames
from pipeline.domain.fleet.forecasting import JobsLeft
from pipeline.domain.fleet.jobs import Kind
from pipeline.domain.fleet.rules import Hold
from pipeline.domain.fleet.speeds import Speed
from pipeline.domain.fleet.terms import ALWAYS, Terms, hours_of
from pipeline.domain.fleet.what_if import Ending, Fleet, ending, with_following
from pipeline.domain.fleet_forecast import RunEnd
from pipeline.domain.plans import RunBook
from pipeline.domain.records import Run
from pipeline.domain.schedule import QuietHours, Schedule
from pipeline.domain.stated_speeds import with_stated_speeds
from pipeline.domain.statuses import CellStatus
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.ports import Clock
from pipeline.services.accounts import Accounts
from pipeline.services.fleet import Fleet as Choosing
from pipeline.services.runbooks import RunBooks
from pipeline.services.uncovered import run_hold

_SERVES_S = 4.0
_SHARE = 6
_ASKED = (CellStatus.QUEUED, CellStatus.GENERATING)


@dataclass(frozen=True)
class FleetLeft:
    """All that a fleet has to do, and the fleet. `waiting` and `undecided` are counted by run, `due` are deadlines by run.

    Of `unpaid` runs budgets pay for nothing that is ready: what they have left is in `jobs`, and is not rehearsed.
    """

    now: datetime
    jobs: Sequence[JobsLeft]
    fleet: Fleet
    names: Mapping[str, str]
    waiting: Mapping[str, int]
    undecided: Mapping[str, int]
    due: Mapping[str, datetime | None]
    unpaid: Mapping[str, Hold] = field(default_factory=dict)

    @property
    def payable(self) -> list[JobsLeft]:
        """What is left of runs that budgets let go on."""
        return [one for one in self.jobs if one.kind.run not in self.unpaid]


class Rehearsals:
    """Reads what is left, and rehearses it once. It decides nothing."""

    def __init__(self, books: RunBooks, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self._choosing = Choosing(books.get)
        self._lock = threading.Lock()
        self._kept: tuple[float, FleetLeft] | None = None
        self._took = 0.0
        self._end: tuple[FleetLeft, Ending | None] | None = None

    def left(self, store: Store, *, anew: bool = False) -> FleetLeft:
        """What is left now; at most some seconds old, unless it is to be read anew."""
        with self._lock:
            began = self._clock.monotonic()
            if self._kept is not None and not anew:
                at, left = self._kept
                if began - at < max(_SERVES_S, _SHARE * self._took):
                    return left
            left = self._read(store)
            ended = self._clock.monotonic()
            self._kept, self._took = (ended, left), ended - began
            return left

    def end(self, left: FleetLeft) -> Ending | None:
        """When all of it is done, rehearsed once for everybody who asks. Needs no transaction; None where nobody can do any."""
        with self._lock:
            if self._end is None or self._end[0] is not left:
                began = self._clock.monotonic()
                self._end = left, ending(left.payable, left.fleet, now_s=left.now.timestamp())
                self._took += self._clock.monotonic() - began
            return self._end[1]

    def run_ends(self, left: FleetLeft) -> list[RunEnd]:
        """When each run will be done as things stand."""
        end = self.end(left)
        return [_run_end(run, left, end) for run in left.names]

    # Reading ----------------------------------------------------------------------------------------------------

    def _read(self, store: Store) -> FleetLeft:
        now = self._clock.now()
        workers = {worker.name: worker for worker in store.workers.all()}
        runs = {run.id: run for run in store.runs.active() if run.backend in FLEET_BACKENDS}
        held = [work.job_id for work in store.fleet_work.held()]
        self._choosing.forget(held)
        choice = self._choosing.choice(store, list(runs.values()), workers, now=now)
        books = {run_id: self._books.get(store, run_id) for run_id in runs}
        seats = with_stated_speeds(choice.standing.workers, books.values())
        records = {(record.worker_id, record.work): record for record in store.workers.records()}
        measured = {
            (worker.name, work): Speed(record.seconds_per_frame, record.spread / record.seconds_per_frame, record.samples)
            for worker in workers.values()
            for (owner, work), record in records.items()
            if owner == worker.id and record.samples and record.seconds_per_frame > 0
        }
        waiting = Counter((job.kind, job.part) for job in self._choosing.backlog)
        running = Counter((job.kind, job.part) for seat in seats for job in seat.holds)
        jobs = list(_known(waiting, running, books))
        undecided: dict[str, int] = {}
        for run in runs.values():
            held_back = store.tallies.held_back(run.id)
            undecided[str(run.id)] = sum(held_back.values())
            jobs += self._coming(store, run, books[run.id], held_back, waiting + running)
        terms = _terms(store.schedules.all(), runs.values(), now)
        paused = [one for one in jobs if terms.is_paused(one.kind)]
        for one in paused:
            undecided[one.kind.run] += one.count if one.path_units else 0  # each scene once
        jobs = [one for one in jobs if not terms.is_paused(one.kind)]
        counts: Counter[str] = Counter()
        for (kind, _), count in waiting.items():
            counts[kind.run] += count
        prices = {worker.name: worker.cost_per_hour for worker in workers.values()}
        names = {str(run.id): run.name for run in runs.values()}
        due = {str(run.id): run.deadline for run in runs.values()}
        lost_share = store.tallies.lost_share(list(workers))
        fleet = Fleet(seats, prices, measured, terms, lost_share)
        accounts = Accounts.open(store, dict(runs))
        unpaid = {str(run.id): hold for run in runs.values() if (hold := run_hold(store, accounts, run)) is not None}
        return FleetLeft(now, jobs, fleet, names, counts, undecided, due, unpaid)

    def _coming(
        self, store: Store, run: Run, book: RunBook, held_back: Mapping[str, int], known: Mapping[tuple[Kind, int], int]
    ) -> Iterable[JobsLeft]:
        """Segments of scenes that were asked for and have no job yet: what they need is still being made."""
        cells, made = store.tallies.cells(run.id), store.tallies.segments_under_way(run.id)
        counted: defaultdict[str, int] = defaultdict(int)
        for (kind, part), count in known.items():
            if kind.run == str(run.id) and kind.group:
                counted[kind.group] += count * (book.recipes.scene_types[kind.group].segments - part + 1)
        for name, scene in book.recipes.scene_types.items():
            asked = sum(cells.get((name, status), 0) for status in _ASKED) - held_back.get(name, 0)
            left = asked * scene.segments - sum(made.get((name, status), 0) for status in _ASKED) - counted[name]
            scenes, rest = divmod(max(0, left), scene.segments)
            work = book.recipes.cost_keys.segments[name]
            frames = [float(each) for each in segment_frames(scene)]
            kind = Kind(
                str(run.id), work, str(run.project_id), frames[0], model=book.recipes.models(name), group=name,
                priority=run.priority, deadline_s=run.deadline.timestamp() if run.deadline else None,
            )  # fmt: skip
            if scenes:
                yield from with_following(kind, scenes, frames[1:])
            if rest:
                yield JobsLeft(kind, rest, 0.0)


def _terms(schedules: Mapping[int, Schedule], runs: Iterable[Run], now: datetime) -> Terms:
    """What the productions are held to."""
    hours = {str(run.id): hours_of(_quiet(schedules.get(run.project_id)), run.start_after, now) for run in runs}
    return Terms(
        shares={str(key): schedule.share for key, schedule in schedules.items()},
        project_caps={str(key): schedule.parallel for key, schedule in schedules.items() if schedule.parallel is not None},
        scene_caps={(str(key), name): most for key, schedule in schedules.items() for name, most in schedule.scene_types.items()},
        hours={run: found for run, found in hours.items() if found != ALWAYS},
    )


def _quiet(schedule: Schedule | None) -> QuietHours | None:
    return schedule.quiet if schedule else None


def _known(
    waiting: Mapping[tuple[Kind, int], int], running: Mapping[tuple[Kind, int], int], books: Mapping[int, RunBook]
) -> Iterable[JobsLeft]:
    """What waits with what follows it, and what follows that which runs."""
    for (kind, part), count in waiting.items():
        yield from with_following(kind, count, _following(kind, part, books))
    for (kind, part), count in running.items():
        following = _following(kind, part, books)
        yield from with_following(kind, count, following)[1:]


def _following(kind: Kind, part: int, books: Mapping[int, RunBook]) -> list[float]:
    """The frames of the segments that follow in its scene; none for a picture."""
    book = books.get(int(kind.run))
    scene = book.recipes.scene_types.get(kind.group) if book and kind.group else None
    return [float(frames) for frames in segment_frames(scene)[part:]] if scene else []


def _run_end(run: str, left: FleetLeft, end: Ending | None) -> RunEnd:
    unpaid = left.unpaid.get(run)
    found = end.runs.get(run) if end and unpaid is None else None
    running = sum(job.kind.run == run for worker in left.fleet.workers for job in worker.holds)
    return RunEnd(
        run_id=int(run),
        name=left.names[run],
        jobs=running + sum(one.count for one in left.jobs if one.kind.run == run),
        waiting=left.waiting.get(run, 0),
        undecided=left.undecided.get(run, 0),
        likely_at=datetime.fromtimestamp(found.p50_s, UTC) if found else None,
        latest_at=datetime.fromtimestamp(found.p90_s, UTC) if found else None,
        due_at=left.due.get(run),
        unpaid=unpaid,
        measured_share=_measured_share(run, left),
    )


def _measured_share(run: str, left: FleetLeft) -> float:
    """The share of what is left of a run, in frames, of which the time was measured on some worker."""
    works = {work for _, work in left.fleet.measured}
    parts = [(one.kind.workflow in works, one.count * one.kind.units) for one in left.jobs if one.kind.run == run]
    whole = sum(units for _, units in parts)
    return sum(units for is_measured, units in parts if is_measured) / whole if whole else 1.0
