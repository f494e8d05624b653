"""When productions may start work, and how much of them is generated now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from data.models import jobs, projects, scene_types
from data.models import production_run_cells as cells
from data.models import production_runs as runs
from data.reads import Read
from data.repositories.job_rows import READY, RUNNING
from pipeline.domain.schedule import Schedule, from_plain, to_plain
from pipeline.domain.stages import Lane
from pipeline.domain.workers import FLEET_BACKENDS

_SET = Read(lambda many: select(projects.c.id, projects.c.schedule).where(projects.c.schedule != {}))


@dataclass(frozen=True)
class Waiting:
    """Jobs of generation that wait, of one scene type (stills have none) and part: how many seconds they should take."""

    scene_type: str
    part: int
    seconds: float


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

    def scene_types(self, project_id: int) -> list[str]:
        """The names of all scene types that the project's runs have had."""
        query = select(scene_types.c.name).where(scene_types.c.project_id == project_id).order_by(scene_types.c.id)
        return list(self._connection.execute(query).scalars())

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

    def generating_here(self) -> Counter[int]:
        """How many jobs of generation run in slots of whatever machine, by run; those at workers of a fleet are left out."""
        query = (
            select(jobs.c.run_id, func.count().label("held"))
            .join(runs, runs.c.id == jobs.c.run_id)
            .where(jobs.c.status == RUNNING, jobs.c.lane == Lane.GENERATION.value, runs.c.backend.not_in(FLEET_BACKENDS))
            .group_by(jobs.c.run_id)
        )
        return Counter({row.run_id: row.held for row in self._connection.execute(query)})

    def waiting(self, run_id: int) -> list[Waiting]:
        """What of the generation of a run could start but for room, by scene type and part."""
        scene_type = func.coalesce(cells.c.scene_type, "")
        query = (
            select(scene_type, jobs.c.part, func.sum(jobs.c.estimated_seconds))
            .outerjoin(cells, and_(jobs.c.subject == "cell", cells.c.id == jobs.c.subject_id))
            .where(jobs.c.run_id == run_id, jobs.c.lane == Lane.GENERATION.value, jobs.c.status == READY)
            .group_by(scene_type, jobs.c.part)
        )
        return [Waiting(kind, part, float(seconds)) for kind, part, seconds in self._connection.execute(query)]

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
