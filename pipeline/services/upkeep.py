"""The safety net and the broom: what normally happens by itself is checked, and what nobody needs is removed."""

from __future__ import annotations

from data.store import Stores
from pipeline.domain.patience import GRACE, KEPT_ANSWERS
from pipeline.domain.records import Actor, job_number
from pipeline.domain.statuses import JobStatus
from pipeline.ports import Clock, Folders, Media
from pipeline.services.advance import Advance
from pipeline.services.runbooks import RunBooks

_NET = Actor("system", "safety net")


class Upkeep:
    """Repeatable chores; each is safe at any time and from any process."""

    def __init__(self, stores: Stores, books: RunBooks, *, media: Media, spool: Folders, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._media = media
        self._spool = spool
        self._clock = clock

    def catch_up(self) -> int:
        """Start whatever may start and was missed; the answer is how many cells that were (normally none)."""
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, _NET)
            missed = 0
            for run in store.runs.active():
                advance.start_stills(run.id)
                cells = store.cells.startable(run.id)
                advance.start_cells(cells)
                missed += len(cells)
        return missed

    def refresh_rates(self) -> None:
        """Let estimates and reservations know what was measured since."""
        with self._stores.read() as store:
            self._books.refresh_rates(store)

    def clear_folders(self) -> None:
        """Remove the folders of ended attempts and done jobs: a process that was killed leaves some.

        The folders are listed first: whatever has one then is claimed in the database that is read afterwards.
        """
        attempts, keys = self._spool.attempts(), self._spool.jobs()
        with self._stores.read() as store:
            kept = store.jobs.by_ids([number for number in map(job_number, keys) if number is not None])
            running = {job.attempt_id for job in store.jobs.running()} | {shot.attempt_id for shot in store.test_shots.open()}
        for attempt_id in attempts:
            if attempt_id not in running:
                self._spool.forget(attempt_id)
        for job in kept.values():
            if job.status is JobStatus.DONE:
                self._spool.forget_job(job.key)

    def sweep(self) -> int:
        """Remove stored files that nobody points to and folders of ended attempts; the answer is how many files."""
        self.clear_folders()
        with self._stores.read() as store:
            wanted = {file.sha256 for file in store.outputs.stored_files()}
        self._forget_answers()
        return self._media.remove_orphans(wanted, self._clock.now() - GRACE)

    def _forget_answers(self) -> None:
        """Answers kept for repeated requests serve for a day."""
        with self._stores.begin(self._clock.now()) as store:
            store.idempotency.forget(self._clock.now() - KEPT_ANSWERS)

    def forget(self, attempt_id: str, job_key: str) -> None:
        """An attempt is settled: its folder goes; with `job_key` the job has ended and its folder goes too."""
        self._spool.forget(attempt_id)
        if job_key:
            self._spool.forget_job(job_key)
