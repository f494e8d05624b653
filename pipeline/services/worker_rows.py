"""Workers and what they have shown, read once in a transaction: every step of a turn sees the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from data.store import Store
from pipeline.domain.workers import Worker, WorkRecord


class WorkerRows:
    """The rows of a transaction, kept in step with what is changed through this. `workers` go by name, `records` by worker
    and work."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.workers = {worker.name: worker for worker in store.workers.all()}
        self.records = {(record.worker_id, record.work): record for record in store.workers.records()}
        self._stored = set(self.records)
        self._changed: set[tuple[int, str]] = set()

    def change(self, worker: Worker, **values: Any) -> None:
        """Store new values of a worker's columns."""
        self.store.workers.change(worker.id, **values)
        self.workers[worker.name] = replace(worker, **values)

    def keep(self, record: WorkRecord) -> None:
        """What a worker has shown now; it is stored with the next `write`, once however often it changes until then."""
        key = record.worker_id, record.work
        self.records[key] = record
        self._changed.add(key)

    def write(self) -> None:
        """Store what has changed."""
        for key in sorted(self._changed):
            self.store.workers.keep_record(self.records[key], is_new=key not in self._stored)
        self._stored |= self._changed
        self._changed.clear()
