"""When productions may start work, and how much of them is generated now."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from data.models import jobs, projects
from data.models import production_run_cells as cells
from data.models import production_runs as runs
from data.reads import Read
from data.repositories.job_rows import READY, RUNNING
from pipeline.domain.schedule import Schedule, from_plain, to_plain
from pipeline.domain.stages import Lane

_SET = Read(lambda many: select(projects.c.id, projects.c.schedule).where(projects.c.schedule != {}))


class Schedules:
    """Reads and sets the schedules of productions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[int, Schedule]:
        """Every schedule that is set, by project."""
        return {row.id: from_plain(row.schedule) for row in _SET.rows(self._connection, {})}

    def put(self, project_id: int, schedule: Schedule) -> None:
        """Set the schedule of a project."""
        self._connection.execute(update(projects).where(projects.c.id == project_id).values(schedule=to_plain(schedule)))

    def has_waiting(self, run_id: int, now: datetime, scene_type: str | None = None) -> bool:
        """Whether a job of generation of the run could start now, of this scene type where one is given."""
        query = select(jobs.c.id).where(
            jobs.c.run_id == run_id,
            jobs.c.lane == Lane.GENERATION.value,
            jobs.c.status == READY,
            or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now),
        )
        if scene_type is not None:
            query = query.join(cells, and_(jobs.c.subject == "cell", cells.c.id == jobs.c.subject_id))
            query = query.where(cells.c.scene_type == scene_type)
        return self._connection.execute(query.limit(1)).first() is not None

    def generating(self) -> Counter[tuple[int, str]]:
        """How many jobs of generation run, by project and scene type; a still has none."""
        query: Any = (
            select(runs.c.project_id, func.coalesce(cells.c.scene_type, ""), func.count())
            .select_from(jobs)
            .join(runs, runs.c.id == jobs.c.run_id)
            .outerjoin(cells, and_(jobs.c.subject == "cell", cells.c.id == jobs.c.subject_id))
            .where(jobs.c.status == RUNNING, jobs.c.lane == Lane.GENERATION.value)
            .group_by(runs.c.project_id, func.coalesce(cells.c.scene_type, ""))
        )
        return Counter({(project, kind): count for project, kind, count in self._connection.execute(query)})
