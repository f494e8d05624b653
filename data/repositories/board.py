"""The columns of the board: plain tuples, one statement a table, because a run may have a hundred thousand cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Connection, String, delete, func, insert, select, type_coerce, update

from data.models import attempts, dependencies, jobs, saved_views, stills, takes
from data.models import production_run_cells as cells
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus


class Board:
    """Reads what the board draws, and keeps its views."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cells(self, run_id: int) -> Sequence[tuple[Any, ...]]:
        """(id, key, scene type, character, variant, location, scene number, shot, status, microseconds, take, version, stale,
        reason) of every cell, in matrix order."""
        names = ("id", "key", "scene_type", "character", "variant", "location", "scene_number", "shot", "status")
        columns = [cells.c[name] for name in names]
        more = (cells.c.take, cells.c.version, cells.c.stale, cells.c.reason)
        query = select(*columns, _raw(cells.c.status_at), *more).where(cells.c.run_id == run_id).order_by(cells.c.ordinal)
        return self._tuples(query)

    def stills(self, run_id: int) -> Sequence[tuple[Any, ...]]:
        """(id, kind, key, status, microseconds, character) of every still, in order of creation."""
        columns = (stills.c.id, stills.c.kind, stills.c.key, stills.c.status, _raw(stills.c.status_at), stills.c.character)
        return self._tuples(select(*columns).where(stills.c.run_id == run_id).order_by(stills.c.id))

    def needs(self, run_id: int) -> Sequence[tuple[Any, ...]]:
        """(subject, subject id, needs, needed id) of every dependency, in order of creation."""
        columns = (dependencies.c.subject, dependencies.c.subject_id, dependencies.c.needs, dependencies.c.needs_id)
        return self._tuples(select(*columns).where(dependencies.c.run_id == run_id).order_by(dependencies.c.id))

    def layer(self, run_id: int, name: str) -> dict[int, float]:
        """A number by cell id, for those that have one: `duration`, `cost`, `attempts` or `segments`."""
        ours = (jobs.c.run_id == run_id, jobs.c.subject == "cell")
        newest = select(cells.c.id).where(cells.c.id == jobs.c.subject_id, cells.c.take == jobs.c.take).exists()
        segments = jobs.c.stage == Stage.SCENE_GENERATION.value
        seconds, tries = func.sum(jobs.c.seconds), func.sum(jobs.c.tries)
        wanted: dict[str, tuple[Any, tuple[Any, ...]]] = {
            "duration": (seconds, (newest, jobs.c.seconds > 0)),
            "cost": (seconds, (segments, jobs.c.seconds > 0)),
            "attempts": (tries, (jobs.c.tries > 0,)),
            "segments": (func.count(), (newest, segments, jobs.c.status == JobStatus.DONE.value)),
        }
        value, conditions = wanted[name]
        query = select(jobs.c.subject_id, value).where(*ours, *conditions).group_by(jobs.c.subject_id)
        return {cell: round(float(found), 2) for cell, found in self._tuples(query)}

    def money(self, run_id: int, cell_ids: Sequence[int] | None = None) -> dict[int, float]:
        """What the attempts of each cell have cost, where that is something; of these cells only, when given."""
        ours = [jobs.c.run_id == run_id, jobs.c.subject == "cell", attempts.c.cost > 0]
        if cell_ids is not None:
            ours.append(jobs.c.subject_id.in_(cell_ids))
        query = select(jobs.c.subject_id, func.sum(attempts.c.cost)).join(attempts, attempts.c.job_id == jobs.c.id)
        return {cell: float(cost) for cell, cost in self._tuples(query.where(*ours).group_by(jobs.c.subject_id))}

    def running(self, run_id: int) -> Sequence[Any]:
        """Rows of what runs for cells of a run: cell_id, scene_type, stage, part, price, and progress, step, worker, started_at,
        begun_at of its attempt."""
        columns = (jobs.c.subject_id.label("cell_id"), cells.c.scene_type, jobs.c.stage, jobs.c.part, jobs.c.price)
        told = (attempts.c.progress, attempts.c.step, attempts.c.worker, attempts.c.started_at, attempts.c.begun_at)
        query = (
            select(*columns, *told)
            .join(attempts, attempts.c.id == jobs.c.attempt_id)
            .join(cells, cells.c.id == jobs.c.subject_id)
            .where(jobs.c.run_id == run_id, jobs.c.status == JobStatus.RUNNING.value, jobs.c.subject == "cell")
        )
        return self._connection.execute(query.order_by(jobs.c.id)).all()

    def generating_attempt(self, cell_id: int) -> str | None:
        """The attempt that generates something for a cell just now."""
        query = select(jobs.c.attempt_id).where(
            jobs.c.subject == "cell",
            jobs.c.subject_id == cell_id,
            jobs.c.status == JobStatus.RUNNING.value,
            jobs.c.stage == Stage.SCENE_GENERATION.value,
        )
        return self._connection.execute(query.order_by(jobs.c.id.desc()).limit(1)).scalar()

    def verdicts(self, run_id: int) -> Sequence[tuple[int, dict[str, Any]]]:
        """(cell id, verdict) of the newest take of every cell that was judged."""
        query = (
            select(cells.c.id, type_coerce(takes.c.verdict, String))
            .join(takes, (takes.c.cell_id == cells.c.id) & (takes.c.number == cells.c.take))
            .where(cells.c.run_id == run_id, takes.c.verdict.is_not(None))
        )
        return [(cell, json.loads(text)) for cell, text in self._tuples(query)]

    def views(self, project_id: int) -> list[tuple[str, str]]:
        """(name, query) of the saved views of a project, by name."""
        query = select(saved_views.c.name, saved_views.c.query).where(saved_views.c.project_id == project_id)
        return [(name, text) for name, text in self._tuples(query.order_by(saved_views.c.name))]

    def keep_view(self, project_id: int, name: str, query: str, *, actor: str, now: datetime) -> None:
        """Store a view; one of the same name is replaced."""
        ours = (saved_views.c.project_id == project_id, saved_views.c.name == name)
        values = {"query": query, "actor": actor, "created_at": now}
        if not self._connection.execute(update(saved_views).where(*ours).values(values)).rowcount:
            self._connection.execute(insert(saved_views).values(project_id=project_id, name=name, **values))

    def drop_view(self, project_id: int, name: str) -> None:
        """Forget a view."""
        self._connection.execute(delete(saved_views).where(saved_views.c.project_id == project_id, saved_views.c.name == name))

    def _tuples(self, query: Any) -> Sequence[Any]:
        """Rows as the driver has them: texts and whole numbers need no other form, and rows of our own double the cost."""
        cursor: Any = self._connection.execute(query).cursor
        return cast("Sequence[Any]", cursor.fetchall())


def _raw(column: Any) -> ColumnElement[int]:
    """Microseconds as they are stored: a hundred thousand time objects cost more than the statement."""
    return type_coerce(column, BigInteger)
