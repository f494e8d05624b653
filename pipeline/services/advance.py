"""Auto-advance: what a completion or an approval sets in motion, inside the transaction that causes it.

Every service that finishes or approves something opens one `Advance`, tells it what happened, and calls `finish`
before the transaction ends. Rows read or changed here are kept, so a cell that moves twice in one transaction moves on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from data.store import Store
from pipeline.domain import plans
from pipeline.domain.errors import Conflict
from pipeline.domain.plans import RunBook
from pipeline.domain.records import Actor, Cell, Job, JobInput, Run, Still
from pipeline.domain.statuses import (
    AttemptOutcome,
    CellStatus,
    JobStatus,
    RunStatus,
    StillKind,
    check_cell_transition,
    check_still_transition,
)
from pipeline.services import pictures
from pipeline.services.accounts import Accounts, ran_for
from pipeline.services.runbooks import RunBooks

GATE = Actor("system", "gate")
_AS_ALWAYS: Mapping[str, Any] = {}


class Advance:
    """Moves cells and stills, creates the jobs that follow, and records why."""

    def __init__(self, store: Store, books: RunBooks, actor: Actor) -> None:
        self.store = store
        self.actor = actor
        self._books = books
        self._runs: dict[int, Run] = {}
        self.cells: dict[int, Cell] = {}
        self.stills: dict[int, Still] = {}
        self._approved_stills: dict[int, int] = {}
        self._approved_cells: dict[int, int] = {}
        self._runs_with_new_stills: set[int] = set()
        self._sources: dict[tuple[int, str], tuple[JobInput, ...]] = {}

    # Rows -------------------------------------------------------------------------------------------------------

    def run(self, run_id: int) -> Run:
        """The run's row."""
        if run_id not in self._runs:
            self._runs.update(self.store.runs.by_ids([run_id]))
        return self._runs[run_id]

    def know_runs(self, runs: Iterable[Run]) -> None:
        """Hand in runs that were read already."""
        self._runs.update((run.id, run) for run in runs)

    def book(self, run_id: int) -> RunBook:
        """The run's recipes."""
        return self._books.get(self.store, run_id)

    def load(self, cell_ids: Iterable[int] = (), still_ids: Iterable[int] = ()) -> None:
        """Read these rows in one statement each, unless they are known."""
        cells = [key for key in dict.fromkeys(cell_ids) if key not in self.cells]
        stills = [key for key in dict.fromkeys(still_ids) if key not in self.stills]
        if cells:
            self.cells.update(self.store.cells.by_ids(cells))
        if stills:
            self.stills.update(self.store.stills.by_ids(stills))

    def load_sources(self, run_id: int, characters: Iterable[str | None]) -> None:
        """Read which source images these characters have in the run, in one statement, unless that is known."""
        unknown = [name for name in characters if name and (run_id, name) not in self._sources]
        found = pictures.sources(self.store, self.book(run_id), run_id, unknown)
        self._sources.update(((run_id, name), files) for name, files in found.items())

    def sources(self, run_id: int, character: str | None) -> tuple[JobInput, ...]:
        """The source images of a character as they count in the run now."""
        self.load_sources(run_id, [character])
        return self._sources.get((run_id, character or ""), ())

    # Moves ------------------------------------------------------------------------------------------------------

    def move_cell(
        self, cell: Cell, status: CellStatus, *, actor: Actor | None = None, cause: int | None = None, **changes: Any
    ) -> int:
        """Move a cell along a legal transition; the answer is the number of the event."""
        check_cell_transition(cell.plan.key, cell.status, status)
        now = self.store.journal.now
        changes.setdefault("reason", "")
        moved = self.store.cells.move(cell, status, now, **changes)
        self.cells[cell.id] = moved
        data: dict[str, Any] = {"from": cell.status.value, "take": moved.take}
        if moved.reason:
            data["reason"] = moved.reason
        return self.store.journal.record(
            f"cell.{status.value}", actor=actor or self.actor, subject="cell", subject_id=cell.id, run_id=cell.run_id,
            cause=cause, data=data,
        )  # fmt: skip

    def move_still(
        self, still: Still, status: CellStatus, *, actor: Actor | None = None, cause: int | None = None, **changes: Any
    ) -> int:
        """Move a still along a legal transition; the answer is the number of the event."""
        check_still_transition(still.key, still.status, status)
        changes.setdefault("reason", "")
        moved = self.store.stills.move(still, status, self.store.journal.now, **changes)
        self.stills[still.id] = moved
        data: dict[str, Any] = {"from": still.status.value, "take": moved.take, "kind": still.kind.value}
        if moved.reason:
            data["reason"] = moved.reason
        return self.store.journal.record(
            f"still.{status.value}", actor=actor or self.actor, subject="still", subject_id=still.id, run_id=still.run_id,
            cause=cause, data=data,
        )  # fmt: skip

    def queue_still(self, still: Still, *, cause: int | None = None, sources: tuple[JobInput, ...] = ()) -> None:
        """Ask for a still: a new take of it unless it is under way or approved. What is left of the last take is cancelled.

        `sources` are pictures to check in place of those that were refused.
        """
        if still.status in (CellStatus.QUEUED, CellStatus.GENERATING, CellStatus.REVIEW, CellStatus.APPROVED):
            return
        if still.status is not CellStatus.NOT_STARTED:
            self.cancel_jobs("still", [still.id], "made anew")
        self.move_still(still, CellStatus.QUEUED, cause=cause, take=still.take + 1)
        self._runs_with_new_stills.add(still.run_id)
        if sources and still.character:
            self._sources[still.run_id, still.character] = sources

    def queue_cell(self, cell: Cell, *, cause: int | None = None, wishes: Mapping[str, Any] = _AS_ALWAYS) -> None:
        """Ask for a new take of a cell; `wishes` are those of a person (see `plans.asked`)."""
        take = cell.take + 1
        seed = int(wishes.get("seed", plans.take_seed(self.book(cell.run_id), cell.plan, take)))
        self.move_cell(cell, CellStatus.QUEUED, cause=cause, take=take)
        kept, prompt = wishes.get("keep", ()), wishes.get("prompt", "")
        self.store.takes.add(cell.id, take, seed=seed, now=self.store.journal.now, kept=kept, prompt=prompt)

    def approve_still(
        self, still: Still, hero: int | None, *, actor: Actor, cause: int | None = None, reason: str = "", **changes: Any
    ) -> None:
        """The gate accepts a still; what depends on it starts when the transaction finishes."""
        seq = self.move_still(still, CellStatus.APPROVED, actor=actor, cause=cause, hero=hero, reason=reason, **changes)
        self._approved_stills[still.id] = seq
        self._runs_with_new_stills.add(still.run_id)

    def approve_cell(self, cell: Cell, scene: JobInput, *, actor: Actor, cause: int | None = None, note: str = "") -> None:
        """The gate accepts the cell's newest take; its exports are queued, and what waits for the cell starts."""
        seq = self.move_cell(cell, CellStatus.APPROVED, actor=actor, cause=cause, approved_take=cell.take)
        moved = self.cells[cell.id]
        self.store.takes.decide(moved, moved.take, "approved", by=str(actor), now=self.store.journal.now, note=note)
        run = self.run(cell.run_id)
        for job in plans.export_jobs(self.book(run.id), run, moved, scene):
            self.store.jobs.add(job, self.store.journal.now)
        self._approved_cells[cell.id] = seq

    def restore_cell(self, cell: Cell, take: int) -> None:
        """An earlier approved take counts again; what waits for the cell starts when the transaction finishes."""
        reason = f"rolled back to take {take}"
        self._approved_cells[cell.id] = self.move_cell(cell, CellStatus.APPROVED, approved_take=take, reason=reason)

    def reject_cell(self, cell: Cell, *, actor: Actor, reason: str, note: str = "", cause: int | None = None) -> None:
        """The gate refuses the cell's newest take, or withdraws the approval of the one that is approved.

        A completed run is open again then: its package holds a take that counts no more.
        """
        number = cell.take
        if cell.status is CellStatus.APPROVED:
            number = cell.approved_take or cell.take
            self.cancel_jobs("cell", [cell.id], "its approval was withdrawn")
            if self.run(cell.run_id).status is RunStatus.COMPLETED:
                self.go_on(cell.run_id, cause=cause)
        self.move_cell(cell, CellStatus.REJECTED, actor=actor, cause=cause, reason=reason)
        now = self.store.journal.now
        self.store.takes.decide(cell, number, "rejected", by=str(actor), now=now, reason=reason, note=note)

    def cancel_jobs(self, subject: str, ids: Sequence[int], reason: str) -> None:
        """Cancel the unfinished jobs of these subjects; a running attempt is stopped by its engine at the next heartbeat."""
        now = self.store.journal.now
        unfinished = self.store.jobs.unfinished_of(subject, ids)
        for status in (JobStatus.READY, JobStatus.FAILED):
            resting = [job.id for job in unfinished if job.status is status]
            self.store.jobs.set_status(resting, status, JobStatus.CANCELLED, reason=reason, now=now)
        for job in unfinished:
            self.store.journal.record(
                "job.cancelled", actor=self.actor, subject="job", subject_id=job.id, run_id=job.run_id, data={"reason": reason}
            )
        self._cancel_running([job for job in unfinished if job.status is JobStatus.RUNNING], reason)

    def _cancel_running(self, running: Sequence[Job], reason: str) -> None:
        """End these attempts; each has cost the time that it ran, and what else was reserved is free again."""
        now = self.store.journal.now
        accounts = Accounts.open(self.store, self.store.runs.by_ids(list({job.run_id for job in running})))
        costs = ran_for(self.store, running)
        for job in running:
            charge = accounts.charge(job, seconds=costs[job.attempt_id or ""], size_bytes=0)
            self.store.jobs.end(job, JobStatus.CANCELLED, AttemptOutcome.CANCELLED, now=now, charge=charge, reason=reason)
        accounts.store(self.store)

    # Starts -----------------------------------------------------------------------------------------------------

    def start_stills(self, run_id: int) -> None:
        """Give every startable still of the run its first jobs."""
        run, book = self.run(run_id), self.book(run_id)
        startable = self.store.stills.startable(run_id)
        self.load_sources(run_id, [still.character for still in startable])
        for still in startable:
            given = plans.plate_import(book, still.location) if still.kind is StillKind.PLATE else None
            sources = self.sources(run_id, still.character)
            jobs = [plans.still_qa_job(book, run, still, [given], ())] if given else plans.still_jobs(book, run, still, sources)
            for job in jobs:
                self.store.jobs.add(job, self.store.journal.now)

    def start_cells(self, cells: Sequence[Cell], wishes: Mapping[str, Any] = _AS_ALWAYS) -> None:
        """Give each of these startable cells its first segment job."""
        for cell, base in self.bases(cells):
            run, book = self.run(cell.run_id), self.book(cell.run_id)
            self.store.jobs.add(plans.segment_job(book, run, cell, 1, base=base, wishes=wishes), self.store.journal.now)

    def bases(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, list[JobInput]]]:
        """Each of these cells with the approved pictures that it is made from."""
        if not cells:
            return
        needs = self.store.cells.stills_of([cell.id for cell in cells])
        still_ids = list({still_id for ids in needs.values() for still_id in ids})
        self.load(still_ids=still_ids)
        heroes = self.store.stills.heroes(still_ids)
        pictured = [self.stills[key] for key in still_ids if self.stills[key].kind is StillKind.SOURCE]
        for run_id in {still.run_id for still in pictured}:
            self.load_sources(run_id, [still.character for still in pictured if still.run_id == run_id])
        for cell in cells:
            self.cells.setdefault(cell.id, cell)
            base = self._base([self.stills[key] for key in needs.get(cell.id, ())], heroes)
            if not base:
                raise Conflict(f'"{cell.plan.key}" has no picture to start from: it names neither a character nor a location.')
            yield cell, base

    def _base(self, stills: Sequence[Still], heroes: Mapping[int, JobInput]) -> list[JobInput]:
        """The picture a scene is made from, then the plate behind it."""
        pictures: list[JobInput] = []
        plates: list[JobInput] = []
        for still in stills:
            if still.kind is StillKind.SOURCE:
                first = self.sources(still.run_id, still.character)[0]
                pictures.append(JobInput("still", first.sha256, first.media_type, still.key))
            elif still.kind is StillKind.VARIANT:
                pictures.append(heroes[still.id])
            else:
                plates.append(heroes[still.id])
        if pictures:
            return pictures + [JobInput("plate", plate.sha256, plate.media_type, plate.label) for plate in plates]
        return plates[:1]

    def go_on(self, run_id: int, *, cause: int | None = None) -> None:
        """There is work in a run again: one that was over goes on; one that a person paused stays paused."""
        run = self.run(run_id)
        if run.status in (RunStatus.RUNNING, RunStatus.PAUSED):
            return
        self.store.runs.change(run_id, status=RunStatus.RUNNING)
        self._runs[run_id] = replace(run, status=RunStatus.RUNNING)
        data = {"from": run.status.value}
        self.store.journal.record(
            "run.running", actor=self.actor, subject="run", subject_id=run_id, run_id=run_id, cause=cause, data=data
        )

    def complete_run(self, run_id: int, *, cause: int | None) -> None:
        """The run has reached its sealed delivery."""
        run = self.run(run_id)
        if run.status is RunStatus.RUNNING:
            self.store.runs.change(run_id, status=RunStatus.COMPLETED)
            self._runs[run_id] = replace(run, status=RunStatus.COMPLETED)
            self.store.journal.record(
                "run.completed", actor=self.actor, subject="run", subject_id=run_id, run_id=run_id, cause=cause
            )

    def finish(self) -> None:
        """Start everything that the approvals of this transaction have made startable."""
        self.store.flush_work()
        for run_id in sorted(self._runs_with_new_stills):
            self.start_stills(run_id)
        cells: dict[int, Cell] = {}
        for needs, approved in (("still", self._approved_stills), ("cell", self._approved_cells)):
            if approved:
                cells.update((cell.id, cell) for cell in self.store.cells.waiting_for(needs, list(approved)))
        self.start_cells(list(cells.values()))
