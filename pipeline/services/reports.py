"""What people read: the state of a run, why a cell waits, its story. Nothing here writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from data.store import Store, Stores
from pipeline.domain import blocking, quality
from pipeline.domain.blocking import Hindrance
from pipeline.domain.fleet.reasons import Reason
from pipeline.domain.fleet.rules import NO_ENGINE, Hold
from pipeline.domain.fleet.waits import JobWait, Waits, is_unserved
from pipeline.domain.matrix import SelectionMissed
from pipeline.domain.progress import Progress, outlook, phases
from pipeline.domain.records import Attempt, Cell, Event, Job, Run, Still, Take
from pipeline.domain.resolver import Unmet
from pipeline.domain.stages import STAGES, Phase, Stage, last_rank
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus, StillKind
from pipeline.ports import Clock
from pipeline.services.accounts import payable_bytes, payable_seconds
from pipeline.services.crew import Crew
from pipeline.services.runbooks import RunBooks
from pipeline.services.starting import waits_for
from pipeline.services.waiting import Waiting, may_be_unserved

_UNATTENDED = {StillKind.SOURCE: "source images of", StillKind.PLATE: "plate of"}


@dataclass(frozen=True)
class MatrixView:
    """Every cell of a run with what blocks it, and the stills."""

    cells: tuple[Cell, ...]
    stills: tuple[Still, ...]
    blocked: Mapping[str, tuple[Unmet, ...]]

    @property
    def hindrances(self) -> tuple[Hindrance, ...]:
        """What the blocked cells wait for in the end."""
        return blocking.hindrances(self.blocked, self.stills)


@dataclass(frozen=True)
class CellView:
    """Everything about one cell."""

    cell: Cell
    blocked_by: tuple[Unmet, ...]
    takes: tuple[Take, ...]
    jobs: tuple[Job, ...]
    attempts: tuple[Attempt, ...]
    story: tuple[Event, ...]
    waits: tuple[JobWait, ...] = ()


_OPEN = (JobStatus.READY, JobStatus.RUNNING)


class Reports:
    """Reads runs."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock, waiting: Waiting, crew: Crew) -> None:
        self._waiting = waiting
        self._crew = crew
        self._stores = stores
        self._books = books
        self._clock = clock

    def progress(self, run_id: int) -> Progress:
        """The run at this moment; counts are counts of rows. Costs the same for every state of the run."""
        with self._stores.read() as store:
            run = store.runs.by_ids([run_id])[run_id]
            cells = store.cells.counts(run_id)
            stills = Counter(still.status for still in store.stills.of_run(run_id))
            jobs = store.jobs.open_stages(run_id)
            startable = store.cells.count_with_needs_met(run_id)
            last = last_rank(Phase(run.until))
            is_covered = store.jobs.any_within(
                run_id, last, free_seconds=payable_seconds(store, run), free_bytes=payable_bytes(store, run)
            )
            is_served = not may_be_unserved(run, jobs) or not is_unserved(self._waiting.of_run(store, run))
        ready = {stage: count for (stage, status), count in jobs.items() if status is JobStatus.READY}
        allowed = sum(count for stage, count in ready.items() if STAGES[stage].rank <= last)
        return Progress(
            cells=cells,
            stills=stills,
            phases=phases(jobs),
            blocked=max(0, cells.get(CellStatus.QUEUED, 0) - startable),
            spent_seconds=run.spent_seconds,
            reserved_seconds=run.reserved_seconds,
            limit_seconds=run.limit_seconds,
            spent_bytes=run.spent_bytes,
            limit_bytes=run.limit_bytes,
            spent_cost=run.spent_cost,
            limit_cost=run.limit_cost,
            outlook=outlook(
                run_status=run.status,
                cells=cells,
                stills=stills,
                ready=sum(ready.values()),
                running=_count(jobs, JobStatus.RUNNING),
                allowed=allowed,
                is_covered=is_covered,
                has_failed_jobs=bool(_count(jobs, JobStatus.FAILED)),
                is_served=is_served,
            ),
        )

    def matrix(self, run_id: int) -> MatrixView:
        """Every cell with its state and what blocks it: one statement a table, however large the run."""
        with self._stores.read() as store:
            cells, stills = store.cells.of_run(run_id), store.stills.of_run(run_id)
        return MatrixView(tuple(cells), tuple(stills), blocking.blocked(cells, stills))

    def cell(self, run: Run, key: str) -> CellView:
        """One cell with its takes, jobs, attempts and story."""
        view = self.matrix(run.id)
        found = next((cell for cell in view.cells if cell.plan.key == key), None)
        if found is None:
            raise SelectionMissed("cell", key, [cell.plan.key for cell in view.cells])
        with self._stores.read() as store:
            jobs = store.jobs.of("cell", found.id)
            return CellView(
                cell=found,
                blocked_by=view.blocked.get(key, ()),
                takes=tuple(store.takes.of_cell(found.id)),
                jobs=tuple(jobs),
                attempts=tuple(store.jobs.attempts_of([job.id for job in jobs])),
                story=tuple(store.journal.of("cell", found.id)),
                waits=self._waiting.of_cell(store, run, found),
            )

    def flagged(self, run_id: int, limit: int = 20) -> list[str]:
        """Which source images and plates count although their checks flagged them, with measure and limit, the first ones."""
        with self._stores.read() as store:
            stills = [still for still in store.stills.of_run(run_id) if still.status is CellStatus.APPROVED]
        flagged = [(still, quality.from_dict(still.verdict)) for still in stills if _is_flagged(still) and still.verdict]
        return [f"{_UNATTENDED[still.kind]} {still.character or still.location}: {found.summary}" for still, found in flagged][
            :limit
        ]

    def refused(self, run_id: int) -> list[str]:
        """The characters whose source images were refused or could not be checked."""
        with self._stores.read() as store:
            stills = store.stills.of_run(run_id)
        failed = [still for still in stills if still.kind is StillKind.SOURCE and still.status is CellStatus.FAILED]
        return [still.key for still in failed]

    def failures(self, run_id: int, limit: int = 20) -> list[str]:
        """Why things failed or were refused, as sentences, the first ones."""
        bad = (CellStatus.FAILED, CellStatus.REJECTED)
        with self._stores.read() as store:
            stills = [still for still in store.stills.of_run(run_id) if still.status in bad]
            cells = store.cells.with_status(run_id, *bad)[:limit]
            exports = [job for job in store.jobs.unfinished(run_id, Stage.EXPORT) if job.status is JobStatus.FAILED]
            deliveries = [delivery for delivery in store.deliveries.every(run_id) if delivery.reason]
        lines = [f"{still.kind.value} {still.key} {still.status.value}: {still.reason}" for still in stills]
        lines += [f"scene {cell.plan.key} {cell.status.value}: {cell.reason}" for cell in cells]
        lines += [f"export {job.part} of cell {job.subject_id} failed: {job.reason}" for job in exports]
        lines += [f"delivery {delivery.number} failed: {delivery.reason}" for delivery in deliveries]
        return lines[:limit]

    def held(self, run_id: int, limit: int = 5, *, with_workers: bool = True) -> list[str]:
        """Why ready jobs wait, as sentences, each once: quiet hours, a cap, a full disk, a backend that does not answer.

        With `with_workers` also why those of a fleet wait for a worker, first what nobody can do.
        """
        with self._stores.read() as store:
            run = store.runs.by_ids([run_id])[run_id]
            holds = [*self._unattended(store, run), *waits_for(store, run, self._clock.now())]
            told = [f"generation {hold.words}; {hold.remedy} changes that" for hold in holds]
            if with_workers:
                known = {hold.cause for hold in holds}
                told += [one.sentence for one in self._waiting.of_run(store, run) if one.reason.cause not in known]
            return [*told, *store.jobs.reasons_to_wait(run_id, limit)][:limit]

    def _unattended(self, store: Store, run: Run) -> list[Hold]:
        """That nobody does what the run has to do, if so."""
        has_work = run.status is RunStatus.RUNNING and any(status in _OPEN for _, status in store.jobs.open_stages(run.id))
        return [NO_ENGINE] if has_work and not self._crew.number(store, run.id) else []

    def waits(self, run_id: int) -> tuple[Waits, ...]:
        """Why the ready generation jobs of a run of a fleet wait for a worker, counted by reason."""
        with self._stores.read() as store:
            return self._waiting.of_run(store, store.runs.by_ids([run_id])[run_id])

    def why(self, job_id: int) -> Reason | None:
        """Why a job that is ready waits, and what would change that; None for one that is not ready, or is not there."""
        with self._stores.read() as store:
            job = store.jobs.by_ids([job_id]).get(job_id)
            if job is None:
                return None
            return self._waiting.of_jobs(store, store.runs.by_ids([job.run_id])[job.run_id], [job]).get(job_id)

    def is_attended(self) -> bool:
        """Whether any engine is at work."""
        with self._stores.read() as store:
            return self._crew.number(store) > 0

    def last_seq(self) -> int:
        """The number of the newest committed event."""
        with self._stores.read() as store:
            return store.journal.last_seq()

    def events(self, after: int, *, limit: int = 1000, run_id: int | None = None) -> list[Event]:
        """Committed events with a number above `after`, in order."""
        with self._stores.read() as store:
            return store.journal.after(after, limit, run_id)


def _is_flagged(still: Still) -> bool:
    """Whether it is one that nobody decides on, and was flagged."""
    return still.kind in _UNATTENDED and (still.verdict or {}).get("verdict") == "flag"


def _count(jobs: Mapping[tuple[Stage, JobStatus], int], wanted: JobStatus) -> int:
    return sum(count for (_, status), count in jobs.items() if status is wanted)
