"""Generation jobs as the choice of their workers sees them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from data.models import attempts, jobs, stills
from data.models import production_run_cells as cells
from data.reads import Read, Reread
from data.repositories.chunks import chunks
from data.repositories.job_rows import READY, RUNNING
from data.tables import fixed
from pipeline.domain.fleet_page import PastWork
from pipeline.domain.records import FleetWork
from pipeline.domain.stages import Lane, Stage
from pipeline.domain.statuses import AttemptOutcome

_BAD = (AttemptOutcome.FAILED.value, AttemptOutcome.LOST.value)
"""The words of the index of what ended badly, in its order."""
_before = jobs.alias("segment_before")
_made = attempts.alias("made_by")
_COLUMNS = (
    jobs.c.id.label("job_id"),
    jobs.c.run_id,
    jobs.c.cost_key.label("work"),
    jobs.c.frames,
    jobs.c.urgency,
    jobs.c.created_at,
    jobs.c.not_before,
    jobs.c.subject,
    jobs.c.subject_id,
    jobs.c.take,
    jobs.c.part,
    jobs.c.tries,
    jobs.c.estimated_seconds,
    func.coalesce(cells.c.scene_type, "").label("scene_type"),
    func.coalesce(_made.c.worker, "").label("home"),
)


def _with_cell_and_home(columns: Sequence[Any]) -> Select[Any]:
    """Each job with its cell, and with the attempt that made the segment before."""
    same_scene = and_(
        _before.c.subject == jobs.c.subject,
        _before.c.subject_id == jobs.c.subject_id,
        _before.c.stage == jobs.c.stage,
        _before.c.take == jobs.c.take,
        _before.c.part == jobs.c.part - 1,
        jobs.c.stage == Stage.SCENE_GENERATION.value,
    )
    return select(*columns).select_from(
        jobs.outerjoin(cells, and_(jobs.c.subject == "cell", cells.c.id == jobs.c.subject_id))
        .outerjoin(_before, same_scene)
        .outerjoin(_made, _made.c.id == _before.c.attempt_id)
    )


_WAITING = Read(
    lambda many: (
        _with_cell_and_home(_COLUMNS)
        .where(
            jobs.c.run_id == bindparam("run_id"),
            jobs.c.lane == Lane.GENERATION.value,
            jobs.c.status == READY,
            jobs.c.rank <= bindparam("max_rank"),
            jobs.c.id > bindparam("above"),
        )
        .order_by(jobs.c.id)
    )
)


def _running(*narrowed: Any) -> Select[Any]:
    return (
        _with_cell_and_home([*_COLUMNS, attempts.c.worker, attempts.c.started_at, attempts.c.progress])
        .join(attempts, attempts.c.id == jobs.c.attempt_id)
        .where(*narrowed, jobs.c.status == RUNNING, jobs.c.lane == Lane.GENERATION.value)
        .order_by(attempts.c.started_at)
    )


_HELD = Reread(lambda many: _running(), lambda row: FleetWork(**row._asdict()))
_HELD_OF = Reread(lambda many: _running(jobs.c.id.in_(many)), lambda row: FleetWork(**row._asdict()))


class FleetWorks:
    """Reads what waits for a worker, and what workers hold."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def waiting(self, run_id: int, *, max_rank: int, above: int = 0) -> list[FleetWork]:
        """The ready generation jobs of a run with a number above `above`, oldest first."""
        rows = list(_WAITING.rows(self._connection, {"run_id": run_id, "max_rank": max_rank, "above": above}))
        failures = self._failures([row.job_id for row in rows if row.tries])
        return [FleetWork(**row._asdict(), failed_at=failures.get(row.job_id, {})) for row in rows]

    def held(self) -> list[FleetWork]:
        """The running generation jobs that were given to workers, longest running first."""
        return _HELD.all(self._connection)

    def held_of(self, job_ids: Sequence[int]) -> list[FleetWork]:
        """Those of these jobs that are running generation jobs, each as `held` has it."""
        return [work for part in chunks(job_ids) for work in _HELD_OF.all(self._connection, many=part)]

    def ended(self, workers: Collection[str], since: datetime, limit: int) -> list[PastWork]:
        """What ended at these workers since then, the newest first; of every outcome but `reused`."""
        return self._past(workers, since, limit, attempts.c.outcome != AttemptOutcome.REUSED.value)

    def failed(self, workers: Collection[str], since: datetime, limit: int) -> list[PastWork]:
        """What failed at these workers since then, or was lost there, the newest first."""
        return self._past(workers, since, limit, attempts.c.outcome.in_(fixed(*_BAD)))

    def _past(self, workers: Collection[str], since: datetime, limit: int, condition: Any) -> list[PastWork]:
        columns = (
            attempts.c.worker,
            attempts.c.started_at,
            attempts.c.ended_at,
            attempts.c.outcome,
            attempts.c.failure_class,
            attempts.c.reason,
            attempts.c.job_id,
            jobs.c.run_id,
            jobs.c.subject,
            jobs.c.subject_id,
            jobs.c.part,
            func.coalesce(cells.c.key, stills.c.key, "").label("key"),
            func.coalesce(cells.c.scene_type, stills.c.variant, stills.c.location, "").label("kind"),
        )
        query = (
            select(*columns)
            .select_from(
                attempts.join(jobs, jobs.c.id == attempts.c.job_id)
                .outerjoin(cells, and_(jobs.c.subject == "cell", cells.c.id == jobs.c.subject_id))
                .outerjoin(stills, and_(jobs.c.subject == "still", stills.c.id == jobs.c.subject_id))
            )
            .where(attempts.c.ended_at >= since, attempts.c.worker.in_(workers), condition)
            .where(jobs.c.lane == Lane.GENERATION.value)
            .order_by(attempts.c.ended_at.desc())
            .limit(limit)
        )
        return [PastWork(**{**row._mapping, "outcome": AttemptOutcome(row.outcome)}) for row in self._connection.execute(query)]

    def _failures(self, job_ids: Sequence[int]) -> dict[int, dict[str, str]]:
        """The class of the newest failure of each of these jobs at each worker."""
        found: dict[int, dict[str, str]] = {}
        for part in chunks(job_ids):
            failed = (attempts.c.job_id.in_(part), attempts.c.outcome == AttemptOutcome.FAILED.value)
            columns = (attempts.c.job_id, attempts.c.worker, attempts.c.failure_class)
            for row in self._connection.execute(select(*columns).where(*failed).order_by(attempts.c.number)):
                found.setdefault(row.job_id, {})[row.worker] = row.failure_class
        return found
