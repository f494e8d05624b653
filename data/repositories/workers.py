"""Workers of the fleet, what their servers can do, and what they have shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update

from data.batch import Batch
from data.fleet_models import catalogues, worker_records, workers
from data.models import attempts, jobs
from data.reads import Reread
from data.repositories.job_rows import RUNNING
from data.telemetry_models import gpu_devices, gpu_readings
from data.workflow_models import test_shots
from pipeline.domain.workers import Health, NewWorker, Worker, WorkerState, WorkRecord

_RECORD_COLUMNS = [column for column in worker_records.c if column.name != "id"]
_NEW_RECORD = insert(worker_records)
_RECORD = (
    update(worker_records)
    .where(worker_records.c.worker_id == bindparam("b_worker_id"), worker_records.c.work == bindparam("b_work"))
    .values({column: bindparam(f"b_{column.name}") for column in _RECORD_COLUMNS if column.name not in ("worker_id", "work")})
)


class Workers:
    """Adds, changes and finds workers."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(self, worker: NewWorker, now: datetime) -> Worker:
        """Store a new worker, enabled and not looked at yet."""
        row = {
            "name": worker.name,
            "url": worker.url,
            "tags": list(worker.tags),
            "state": WorkerState.ENABLED.value,
            "health": Health.UNKNOWN.value,
            "cost_per_hour": worker.cost_per_hour,
            "places": worker.places,
            "created_at": now,
        }
        key = self._connection.execute(insert(workers).returning(workers.c.id), row).scalar_one()
        return self._all(select(workers).where(workers.c.id == key))[0]

    def all(self) -> list[Worker]:
        """Every worker, by name."""
        return _WORKERS.all(self._connection)

    def by_id(self, worker_id: int) -> Worker | None:
        """One worker, if there is one."""
        return next(iter(self._all(select(workers).where(workers.c.id == worker_id))), None)

    def change(self, worker_id: int, **values: Any) -> None:
        """Store new values of a worker's columns."""
        plain = {name: value.value if isinstance(value, WorkerState | Health) else value for name, value in values.items()}
        self._connection.execute(update(workers).where(workers.c.id == worker_id).values(**plain))

    def rename(self, worker: Worker, name: str) -> None:
        """Give a worker another name; its attempts and test shots are known by it too."""
        self.change(worker.id, name=name)
        for table in (attempts, test_shots):
            self._connection.execute(update(table).where(table.c.worker == worker.name).values(worker=name))

    def remove(self, worker_id: int) -> None:
        """Forget a worker, what it has shown and what its cards told; its attempts keep its name."""
        for table in (worker_records, gpu_readings, gpu_devices):
            self._connection.execute(delete(table).where(table.c.worker_id == worker_id))
        self._connection.execute(delete(workers).where(workers.c.id == worker_id))

    def busy(self) -> dict[str, int]:
        """How many attempts run on each worker, by its name."""
        query = select(attempts.c.worker).join(jobs, jobs.c.attempt_id == attempts.c.id).where(jobs.c.status == RUNNING)
        counts: dict[str, int] = {}
        for name in self._connection.execute(query).scalars():
            counts[name] = counts.get(name, 0) + 1
        return counts

    # Catalogues -------------------------------------------------------------------------------------------------

    def keep_catalogue(self, sha256: str, content: Mapping[str, Any]) -> None:
        """Store what a server says that it can do, once for all that say the same."""
        if self._connection.execute(select(catalogues.c.sha256).where(catalogues.c.sha256 == sha256)).first() is None:
            self._connection.execute(insert(catalogues), {"sha256": sha256, "content": dict(content)})

    def drop_catalogues(self) -> None:
        """Forget the catalogues that no worker has any more."""
        self._connection.execute(delete(catalogues).where(catalogues.c.sha256.not_in(select(workers.c.catalogue_sha256))))

    def catalogue(self, sha256: str) -> Mapping[str, Any]:
        """A stored catalogue; empty when it is not there."""
        found = self._connection.execute(select(catalogues.c.content).where(catalogues.c.sha256 == sha256)).scalar()
        return found or {}

    # Records ----------------------------------------------------------------------------------------------------

    def records(self, works: Sequence[str] | None = None) -> list[WorkRecord]:
        """What workers have shown, with these kinds of work or with all."""
        return _RECORDS.all(self._connection, many=works or ()) if works is None or works else []

    def record(self, worker_id: int, work: str) -> WorkRecord | None:
        """What one worker has shown with one kind of work."""
        ours = (worker_records.c.worker_id == worker_id, worker_records.c.work == work)
        row = self._connection.execute(select(*_RECORD_COLUMNS).where(*ours)).first()
        return WorkRecord(**row._mapping) if row else None

    def keep_record(self, record: WorkRecord, *, is_new: bool) -> None:
        """Store it; `is_new` when there was none of this worker and work."""
        row = asdict(record)
        self._batch.add(*((_NEW_RECORD, row) if is_new else (_RECORD, {f"b_{name}": value for name, value in row.items()})))

    def _all(self, query: Select[Any]) -> list[Worker]:
        return [_worker(row) for row in self._connection.execute(query)]


def _worker(row: Any) -> Worker:
    changed = {"tags": tuple(row.tags), "state": WorkerState(row.state), "health": Health(row.health)}
    return Worker(**{**row._asdict(), **changed})


def _records(works: list[Any]) -> Select[Any]:
    query = select(*_RECORD_COLUMNS).order_by(worker_records.c.worker_id, worker_records.c.work)
    return query.where(worker_records.c.work.in_(works)) if works else query


_WORKERS = Reread(lambda many: select(workers).order_by(workers.c.name), _worker)
_RECORDS = Reread(_records, lambda row: WorkRecord(**row._asdict()))
