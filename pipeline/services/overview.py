"""A run at a glance, quick enough to be asked once a second by every open board."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from data.repositories.tallies import Waiters
from data.store import Store, Stores
from pipeline.domain import completion, estimates
from pipeline.domain.completion import Ending, Left
from pipeline.domain.errors import NotFound
from pipeline.domain.fleet.rules import BUDGET, NO_ENGINE, Hold
from pipeline.domain.fleet.terms import hours_of
from pipeline.domain.fleet.waits import Waits, is_unserved
from pipeline.domain.overview import RunOverview, Waiter, best_hint, fleet_hint, rate_per_hour, shown_counts
from pipeline.domain.plans import RunBook
from pipeline.domain.production import Production
from pipeline.domain.progress import GOES_ON, Outlook, outlook
from pipeline.domain.records import Run
from pipeline.domain.schedule import Schedule
from pipeline.domain.stages import STAGES, Lane, Phase, Stage, last_rank
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus, StillKind
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.ports import Clock
from pipeline.services.accounts import payable_bytes, payable_seconds
from pipeline.services.crew import Crew
from pipeline.services.rehearsals import FleetLeft, Rehearsals
from pipeline.services.runbooks import RunBooks
from pipeline.services.starting import waits_for
from pipeline.services.waiting import Waiting, may_be_unserved

_SAMPLES = 60
_RECENT = 40
_KEPT = 32
_STILL_S = 5.0
"""How long an overview serves while nothing happens: its times go on."""
_SHARE = 4
_LONGEST_S = 3.0
"""An overview serves this many times as long as it took, and no longer: a large run is not counted all the time."""
_DEFAULT_S = 0.5
_HUMAN = "human"


class _Ends(NamedTuple):
    """When all is done that waits for nobody, and the share of the work until then of which times were measured."""

    likely_at: datetime
    latest_at: datetime
    measured_share: float


@dataclass(frozen=True)
class _Counted:
    """What the database says of a run at one moment."""

    run: Run
    cells: Mapping[tuple[str, CellStatus], int]
    stills: Mapping[tuple[StillKind, CellStatus], tuple[int, int]]
    jobs: Mapping[tuple[Stage, JobStatus], int]
    segments: Mapping[tuple[str, CellStatus], int]
    startable: int
    passed: int
    is_covered: bool
    waiters: list[Waiters]
    held_back: Mapping[str, int]
    finished: list[datetime]
    timings: Mapping[str, list[float]]
    """Measured seconds by cost key."""
    engines: int
    held: tuple[Hold, ...]
    schedule: Schedule
    waits: tuple[Waits, ...]
    fleet: FleetLeft | None

    @property
    def paused(self) -> list[str]:
        """The scene types of which nothing starts before somebody lets it, although it was asked for."""
        return [name for name in self.schedule.paused if self.cells.get((name, CellStatus.QUEUED))]

    @property
    def is_unpaid(self) -> bool:
        """Whether budgets let nothing new of it be generated."""
        return any(hold.cause == BUDGET for hold in self.held)

    @property
    def is_served(self) -> bool:
        """Whether anybody can do something of what is ready."""
        return not may_be_unserved(self.run, self.jobs) or not is_unserved(self.waits)

    @property
    def by_status(self) -> dict[CellStatus, int]:
        """Cells by status."""
        found: dict[CellStatus, int] = {}
        for (_, status), count in self.cells.items():
            found[status] = found.get(status, 0) + count
        return found

    def times(self, *keys: str) -> list[float]:
        """Measured seconds of all work with these cost keys."""
        return [seconds for key in keys for seconds in self.timings.get(key, [])]

    @property
    def stills_by_status(self) -> dict[CellStatus, int]:
        """Stills by status."""
        found: dict[CellStatus, int] = {}
        for (_, status), (count, _) in self.stills.items():
            found[status] = found.get(status, 0) + count
        return found


@dataclass(frozen=True)
class _Kept:
    """An overview, and how long it serves."""

    seq: int
    at: float
    took: float
    overview: RunOverview


class Overview:
    """Answers how a run stands. `free_disk` tells the bytes that are free where media are stored."""

    def __init__(
        self,
        stores: Stores,
        books: RunBooks,
        clock: Clock,
        *,
        slots: int,
        free_disk: Callable[[], int],
        rehearsals: Rehearsals,
        waiting: Waiting,
        crew: Crew,
    ) -> None:
        self._crew = crew
        self._rehearsals = rehearsals
        self._waiting = waiting
        self._stores = stores
        self._books = books
        self._clock = clock
        self._slots = slots
        self._free_disk = free_disk
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._begun: dict[int, tuple[datetime, str]] = {}
        self._lock = threading.Lock()

    def of(self, run_id: int) -> RunOverview:
        """The run at this moment; raises NotFound. What nothing has changed since is not counted again."""
        began = self._clock.monotonic()
        with self._stores.read() as store:
            seq = store.journal.last_seq()
            kept = self._kept.get(run_id)
            if kept is not None and began - kept.at < (_STILL_S if kept.seq == seq else min(_LONGEST_S, _SHARE * kept.took)):
                return kept.overview
            book = self._books.get(store, run_id) if store.runs.by_ids([run_id]) else None
            if book is None:
                raise NotFound(f"There is no run {run_id}.")
            counted = self._count(store, run_id, book, seq)
            begun = self._begun.get(run_id) or store.tallies.begun(run_id)
        if begun is not None:
            self._begun[run_id] = begun
        overview = self._told(counted, book, begun)
        ended = self._clock.monotonic()
        self._keep(run_id, _Kept(seq, ended, ended - began, overview))
        return overview

    def _keep(self, run_id: int, kept: _Kept) -> None:
        with self._lock:
            self._kept[run_id] = kept
            self._kept.move_to_end(run_id)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def _count(self, store: Store, run_id: int, book: RunBook, seq: int) -> _Counted:
        run = store.runs.by_ids([run_id])[run_id]
        tallies = store.tallies
        jobs = tallies.open_jobs(run_id)
        last = last_rank(Phase(run.until))
        return _Counted(
            run=run,
            cells=tallies.cells(run_id),
            stills=tallies.stills(run_id),
            jobs=jobs,
            segments=tallies.segments_under_way(run_id),
            startable=store.cells.count_with_needs_met(run_id),
            passed=tallies.passed(run_id),
            is_covered=store.jobs.any_within(
                run_id, last, free_seconds=payable_seconds(store, run), free_bytes=payable_bytes(store, run)
            ),
            waiters=tallies.best_waiters(run_id),
            held_back=tallies.held_back(run_id),
            finished=tallies.finished_scenes(run_id, seq, _RECENT),
            timings=tallies.timings(list(dict.fromkeys(key for keys in _keys(book).values() for key in keys)), _SAMPLES),
            engines=self._crew.number(store, run_id),
            held=tuple(waits_for(store, run, self._clock.now())),
            schedule=store.schedules.all().get(run.project_id) or Schedule(),
            waits=self._waiting.of_run(store, run) if _has_ready_generation(jobs) else (),
            fleet=self._rehearsals.left(store) if run.backend in FLEET_BACKENDS and run.status is RunStatus.RUNNING else None,
        )

    def _told(self, counted: _Counted, book: RunBook, begun: tuple[datetime, str] | None) -> RunOverview:
        production = book.recipes.production
        run, cells, now = counted.run, counted.by_status, self._clock.now()
        next_step = _outlook(counted)
        goes_on = next_step is Outlook.WORKING and not counted.is_unpaid and bool(counted.engines)
        ends = self._ends(counted, book, now) if goes_on else None
        is_whole = ends is not None and not counted.paused and not _needs_people(counted, production)
        segments = {scene.name: scene.segments for scene in production.scene_types}
        whole = sum(
            count * segments[name]
            for (name, status), count in counted.cells.items()
            if status in (CellStatus.REVIEW, CellStatus.APPROVED)
        )
        open_cells = sum(count for status, count in cells.items() if status not in (CellStatus.APPROVED, CellStatus.CANCELLED))
        exports = sum(count for (stage, _), count in counted.jobs.items() if stage is Stage.EXPORT)
        return RunOverview(
            run_id=run.id,
            counts=shown_counts(cells, counted.startable),
            total=sum(cells.values()),
            approved=cells.get(CellStatus.APPROVED, 0),
            segments_made=whole + sum(counted.segments.values()),
            segments_total=sum(count * segments[name] for (name, _), count in counted.cells.items()),
            qa_passed=counted.passed,
            spent_seconds=run.spent_seconds,
            limit_seconds=run.limit_seconds,
            spent_bytes=run.spent_bytes,
            limit_bytes=run.limit_bytes,
            spent_cost=run.spent_cost,
            limit_cost=run.limit_cost,
            due_at=run.deadline,
            held=_held(counted) if next_step in (*GOES_ON, Outlook.BUDGET) else (),
            refused=counted.stills.get((StillKind.SOURCE, CellStatus.FAILED), (0, 0))[0],
            free_disk_bytes=self._free_disk(),
            rate_per_hour=rate_per_hour(counted.finished, now) if next_step is Outlook.WORKING and counted.engines else None,
            likely_at=ends.likely_at if ends and is_whole else None,
            latest_at=ends.latest_at if ends and is_whole else None,
            rests_at=ends.likely_at if ends else None,
            measured_share=ends.measured_share if ends else 1.0,
            started_at=begun[0] if begun else None,
            started_by=begun[1] if begun else "",
            outlook=next_step,
            missing=open_cells + exports,
            hint=best_hint(_waiter(one, book) for one in counted.waiters)
            or (fleet_hint(counted.waits) if next_step is Outlook.WORKERS else None),
        )

    def _ends(self, counted: _Counted, book: RunBook, now: datetime) -> _Ends | None:
        """When all is done that waits for nobody, likely and at the latest: by the rehearsal of the fleet, or by this machine's
        slots; None where that cannot be told."""
        if counted.run.backend not in FLEET_BACKENDS:
            found = self._ending(counted, book)
            if found is None:
                return None
            hours = hours_of(counted.schedule.quiet, counted.run.start_after, now)
            likely, latest = (
                datetime.fromtimestamp(hours.after(now.timestamp(), seconds), UTC) for seconds in (found.likely, found.latest)
            )
            return _Ends(likely, latest, found.measured_share)
        ends = self._rehearsals.run_ends(counted.fleet) if counted.fleet else []
        end = next((one for one in ends if one.run_id == counted.run.id), None)
        return _Ends(end.likely_at, end.latest_at, end.measured_share) if end and end.likely_at and end.latest_at else None

    def _ending(self, counted: _Counted, book: RunBook) -> Ending | None:
        """When all is done that waits for nobody."""
        production = book.recipes.production
        scene_types = {scene.name: scene for scene in production.scene_types}
        keys = _keys(book)
        cells = completion.going_on(counted.cells, counted.held_back, counted.paused)
        left = {
            (stage, name): Left(
                stage, jobs, completion.timing(counted.times(*keys[stage, name]), _default(book, stage, name)), chain
            )
            for (stage, name), (jobs, chain) in completion.jobs_left(
                cells, counted.segments, counted.jobs, counted.stills, scene_types, len(production.outputs)
            ).items()
        }
        schedule = counted.schedule
        caps = [
            ([left[Stage.SCENE_GENERATION, name]], most) for name, most in schedule.scene_types.items() if name in scene_types
        ]
        if schedule.parallel is not None:
            generated = [one for (stage, _), one in left.items() if STAGES[stage].lane is Lane.GENERATION]
            caps.append((generated, schedule.parallel))
        return completion.ending_under_caps(list(left.values()), self._slots * counted.engines, caps)


def _keys(book: RunBook) -> dict[tuple[Stage, str], tuple[str, ...]]:
    """Under which names the times of each stage and scene type are measured."""
    keys: dict[tuple[Stage, str], tuple[str, ...]] = {(stage, ""): (stage.value,) for stage in STAGES}
    keys[Stage.VARIANT_GENERATION, ""] = book.recipes.cost_keys.stills
    return keys | {(Stage.SCENE_GENERATION, name): (key,) for name, key in book.recipes.cost_keys.segments.items()}


def _default(book: RunBook, stage: Stage, name: str) -> float:
    """The stated seconds of one job of a stage."""
    production = book.recipes.production
    if stage is Stage.SCENE_GENERATION:
        scene = book.recipes.scene_types[name]
        return estimates.scene_cost(production, scene, book.history)[0] / max(1, scene.segments)
    if stage is Stage.VARIANT_GENERATION:
        return estimates.still_cost(production.backend, book.recipes.still_size)[0]
    return _DEFAULT_S


def _outlook(counted: _Counted) -> Outlook:
    last = last_rank(Phase(counted.run.until))
    ready = {stage: count for (stage, status), count in counted.jobs.items() if status is JobStatus.READY}
    return outlook(
        run_status=counted.run.status,
        cells=counted.by_status,
        stills=counted.stills_by_status,
        ready=sum(ready.values()),
        running=sum(count for (_, status), count in counted.jobs.items() if status is JobStatus.RUNNING),
        allowed=sum(count for stage, count in ready.items() if STAGES[stage].rank <= last),
        is_covered=counted.is_covered,
        has_failed_jobs=any(status is JobStatus.FAILED for _, status in counted.jobs),
        is_served=counted.is_served,
    )


def _has_ready_generation(jobs: Mapping[tuple[Stage, JobStatus], int]) -> bool:
    return any(
        count and status is JobStatus.READY and STAGES[stage].lane is Lane.GENERATION for (stage, status), count in jobs.items()
    )


def _held(counted: _Counted) -> tuple[Hold, ...]:
    """Why what could start does not: that no engine works on it, what the run waits for, and what no worker can do."""
    unattended = () if counted.engines else (NO_ENGINE,)
    return (*unattended, *counted.held, *(one.hold for one in counted.waits if one.reason.is_stuck))


def _needs_people(counted: _Counted, production: Production) -> bool:
    """Whether the run cannot be done before somebody decides, submits or retries something."""
    stuck = (CellStatus.REVIEW, CellStatus.REJECTED, CellStatus.FAILED)
    cells, stills = counted.by_status, counted.stills_by_status
    if any(counts.get(status) for counts in (cells, stills) for status in (*stuck, CellStatus.NOT_STARTED)):
        return True
    coming = (CellStatus.QUEUED, CellStatus.GENERATING)
    approvals = production.approvals
    has_scenes = any(cells.get(status) for status in coming)
    has_variants = any(counted.stills.get((StillKind.VARIANT, status)) for status in coming)
    modes = ((has_scenes, "scenes", approvals.scenes), (has_variants, "variants", approvals.variants))
    own = {gate: any(getattr(one, gate) == _HUMAN for one in approvals.except_for) for gate in ("scenes", "variants")}
    return any(has_any and (mode == _HUMAN or own[gate]) for has_any, gate, mode in modes)


def _waiter(found: Waiters, book: RunBook) -> Waiter:
    seconds = estimates.scene_cost(book.recipes.production, book.recipes.scene_types[found.scene_type], book.history)[0]
    kind = "variant" if found.needs == "still" else "scene"
    return Waiter(kind, found.key, found.needs_id, found.waiting, found.alone, seconds)
