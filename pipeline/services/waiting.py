"""Why ready jobs wait, and what would change that: the same explanation as the choice of a fleet gives.

Works inside the transaction that it is handed. For a fleet it keeps a choice of its own for some seconds, which hands out
nothing; what it costs goes with the kinds of work that wait, never with the scenes of a matrix.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from data.store import Store
from pipeline.domain.fleet.choosing import Choice
from pipeline.domain.fleet.jobs import FleetJob, Lane
from pipeline.domain.fleet.reasons import Reason
from pipeline.domain.fleet.rules import NO_ENGINE, Hold
from pipeline.domain.fleet.waits import JobWait, Waits, by_reason
from pipeline.domain.fleet_showing import in_words
from pipeline.domain.records import Cell, Job, Run, Still
from pipeline.domain.stages import STAGES, Phase, Stage, last_rank
from pipeline.domain.stages import Lane as Slots
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus, StillKind
from pipeline.domain.workers import FLEET_BACKENDS, Worker
from pipeline.ports import Clock
from pipeline.services.accounts import Accounts
from pipeline.services.crew import Crew
from pipeline.services.fleet import Fleet
from pipeline.services.runbooks import RunBooks
from pipeline.services.starting import Starting, waits_for
from pipeline.services.uncovered import job_hold, uncovered_jobs

_SERVES_S = 2.0
_STILL_S = 3.0
_SHARE = 8
_MOST_LANES = 64
"""So many kinds of waiting jobs of a run are explained, those with most jobs; a run has seldom more than a dozen."""
_KINDS = {StillKind.SOURCE: "source images of", StillKind.VARIANT: "variant image", StillKind.PLATE: "plate"}
_HELD = Reason(NO_ENGINE.cause, NO_ENGINE.words, NO_ENGINE.remedy)
_UNDER_WAY = (CellStatus.QUEUED, CellStatus.GENERATING)


@dataclass(frozen=True)
class _Seen:
    """A choice with what it was made of, and until when it serves."""

    seq: int
    until: float
    choice: Choice
    given: frozenset[str]
    workers: Collection[Worker]
    runs: Mapping[int, Run]

    def serves(self, now: float, seq: int) -> bool:
        """Whether it is new enough: it is not made all the time where much happens, and a while longer where nothing has."""
        return now < (self.until + _STILL_S if seq == self.seq else self.until)


class Waiting:
    """Says of ready jobs why they wait."""

    def __init__(self, books: RunBooks, clock: Clock, crew: Crew) -> None:
        self._clock = clock
        self._crew = crew
        self._fleet = Fleet(books.get)
        self._lock = threading.Lock()
        self._kept: _Seen | None = None

    def of_run(self, store: Store, run: Run) -> tuple[Waits, ...]:
        """Why the ready generation jobs of a run of a fleet wait, counted by reason; those that start at once are left out.

        Empty for a run whose jobs need no worker, and for one that does not go on.
        """
        if run.backend not in FLEET_BACKENDS or run.status is not RunStatus.RUNNING:
            return ()
        with self._lock:
            seen = self._seen(store)
            lanes = [lane for lane in self._fleet.backlog.lanes if lane.kind.run == str(run.id)]
            lanes.sort(key=lambda lane: -len(lane.jobs))
            is_attended = self._crew.number(store, run.id) > 0
            given = seen.given if is_attended else ()
            waiting = [(job, count) for lane in lanes[:_MOST_LANES] for job, count in _representative(lane, given)]
            holds = self._holds(store, seen, [job for job, _ in waiting])
            if not is_attended:
                holds = {int(job.id): NO_ENGINE for job, _ in waiting}
            return by_reason((_explained(seen.choice, job, run, holds), count) for job, count in waiting)

    def of_jobs(self, store: Store, run: Run, jobs: Sequence[Job]) -> dict[int, Reason]:
        """Why these jobs of a run wait, by id; jobs that are not ready are left out."""
        ready = [job for job in jobs if job.status is JobStatus.READY]
        found = {job.id: reason for job in ready if (reason := _of_its_run(run, job)) is not None}
        if not self._crew.number(store, run.id):
            return {job.id: _HELD for job in ready} | found
        rest = [job for job in ready if job.id not in found]
        of_fleet = [job for job in rest if run.backend in FLEET_BACKENDS and STAGES[job.stage].lane is Slots.GENERATION]
        if of_fleet:
            found |= self._of_fleet(store, run, of_fleet)
        for job in rest:
            found.setdefault(job.id, self._here(store, run, job))
        return found

    def of_cell(self, store: Store, run: Run, cell: Cell) -> tuple[JobWait, ...]:
        """The ready jobs that a cell waits for, its own and those of the pictures that it needs, with why they wait."""
        if cell.status not in _UNDER_WAY:
            return ()
        own = store.jobs.unfinished_of("cell", [cell.id])
        if own:
            found = self.of_jobs(store, run, own)
            return tuple(JobWait(job.id, _name(job), found[job.id]) for job in own if job.id in found)
        needs = [key for kind, key in store.cells.needs_of("cell", [cell.id]).get(cell.id, ()) if kind == "still"]
        stills = {key: still for key, still in store.stills.by_ids(needs).items() if still.status in _UNDER_WAY}
        jobs = store.jobs.unfinished_of("still", list(stills)) if stills else []
        found = self.of_jobs(store, run, jobs)
        return tuple(JobWait(job.id, _still_name(stills[job.subject_id], job), found[job.id]) for job in jobs if job.id in found)

    # A fleet ------------------------------------------------------------------------------------------------------

    def _of_fleet(self, store: Store, run: Run, jobs: Sequence[Job]) -> dict[int, Reason]:
        keys = [str(job.id) for job in jobs]
        with self._lock:
            seen = self._seen(store)
            if any(self._fleet.backlog.job(key) is None for key in keys):
                seen = self._seen(store, anew=True)
            known = [job for key in keys if (job := self._fleet.backlog.job(key)) is not None]
            holds = self._holds(store, seen, known)
            return {int(job.id): _explained(seen.choice, job, run, holds) for job in known}

    def _seen(self, store: Store, *, anew: bool = False) -> _Seen:
        """The choice as things stand, or a moment ago."""
        began, seq = self._clock.monotonic(), store.journal.last_seq()
        if self._kept is not None and not anew and self._kept.serves(began, seq):
            return self._kept
        now = self._clock.now()
        workers = {worker.name: worker for worker in store.workers.all()}
        active = [run for run in store.runs.active() if run.backend in FLEET_BACKENDS]
        runs = {run.id: run for run in active}
        accounts = Accounts.open(store, dict(runs))
        starting = Starting(store, active, accounts.shared, now)
        self._fleet.read_anew()
        choice = self._fleet.choice(store, active, workers, starting=starting, now=now, accounts=accounts)
        given = frozenset(one.job.id for one in choice.assignments)
        ended = self._clock.monotonic()
        until = ended + max(_SERVES_S, _SHARE * (ended - began))
        self._kept = _Seen(seq, until, choice, given, tuple(workers.values()), runs)
        return self._kept

    @staticmethod
    def _holds(store: Store, seen: _Seen, jobs: Sequence[FleetJob]) -> dict[int, Hold]:
        """Of these jobs those that a budget does not cover now."""
        known = [job for job in jobs if int(job.kind.run) in seen.runs]
        return uncovered_jobs(store, Accounts.open(store, dict(seen.runs)), seen.workers, known) if known else {}

    # This machine -------------------------------------------------------------------------------------------------

    def _here(self, store: Store, run: Run, job: Job) -> Reason:
        """Why a job of this machine's own slots waits."""
        if STAGES[job.stage].lane is Slots.GENERATION:
            hold = next(iter(waits_for(store, run, self._clock.now())), None) or job_hold(
                Accounts.open(store, {run.id: run}), run, job, 0.0
            )
            if hold is not None:
                return Reason(hold.cause, hold.words, hold.remedy)
        if job.reason:
            return Reason("again", f"waits for another try: {job.reason}", "")
        return Reason("slot", "waits for a free slot of this machine", "")


def may_be_unserved(run: Run, open_jobs: Mapping[tuple[Stage, JobStatus], int]) -> bool:
    """Whether a run of a fleet stands as one that nobody serves would: nothing of it runs, and only workers could go on."""
    last = last_rank(Phase(run.until))
    ready = [stage for (stage, status), count in open_jobs.items() if count and status is JobStatus.READY]
    allowed = [stage for stage in ready if STAGES[stage].rank <= last]
    is_running = any(count for (_, status), count in open_jobs.items() if status is JobStatus.RUNNING)
    only_workers = bool(allowed) and all(STAGES[stage].lane is Slots.GENERATION for stage in allowed)
    return run.backend in FLEET_BACKENDS and not is_running and only_workers


def _representative(lane: Lane, given: Collection[str]) -> Iterable[tuple[FleetJob, int]]:
    """A job of a lane that speaks for all that stay in it; nothing where all of them start at once."""
    left = len(lane.jobs) - sum(key in lane.jobs for key in given)
    return [(job, left) for job in islice((job for job in lane.jobs.values() if job.id not in given), 1)]


def _explained(choice: Choice, job: FleetJob, run: Run, holds: Mapping[int, Hold]) -> Reason:
    hold = holds.get(int(job.id))
    return Reason(hold.cause, hold.words, hold.remedy) if hold else in_words(choice.explain(job), job, run)


def _of_its_run(run: Run, job: Job) -> Reason | None:
    """What keeps all work of a run, or all work behind the phase at which it stops."""
    if run.status is RunStatus.PAUSED:
        return Reason("run_paused", "its run is paused", f"`./stripboard resume {run.id}`")
    if STAGES[job.stage].rank > last_rank(Phase(run.until)):
        words = f"its run stops after the phase {run.until.replace('_', ' ')}"
        return Reason("until", words, "`./stripboard run PATH --resume`")
    return None


def _name(job: Job) -> str:
    """`segment 2`, `scene_qa`: what a job of a cell makes."""
    return f"segment {job.part}" if STAGES[job.stage].lane is Slots.GENERATION else job.stage.value.replace("_", " ")


def _still_name(still: Still, job: Job) -> str:
    check = "" if STAGES[job.stage].lane is Slots.GENERATION else "the check of "
    return f"{check}{_KINDS[still.kind]} {still.key}"
