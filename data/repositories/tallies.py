"""Counts of a run's rows for screens that ask once a second: they grow with what is open, never with what has happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select, text, union_all

from data.models import attempts, dependencies, events, jobs, stills, takes
from data.models import production_run_cells as cells
from data.repositories.job_rows import DONE, FAILED, READY, RUNNING
from data.tables import fixed
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus, StillKind

_WHOLE = (CellStatus.REVIEW, CellStatus.APPROVED)
_OPEN = [READY, RUNNING, FAILED]
_PASSED = '%"verdict":"pass"}'
"""How the stored verdict of a take ends that passed: its keys are sorted, and `verdict` is the last."""
_LOOKED_BACK = 4000
"""How many events are gone through for what happened last."""
_FIRST = 200
_ENDED_LAST, _MOST_LOST = 1000, 0.5
_LOST = (AttemptOutcome.FAILED.value, AttemptOutcome.LOST.value)


@dataclass(frozen=True)
class Waiters:
    """Cells of one scene type that wait for a still or cell in review; `alone` of them wait for nothing else."""

    needs: str
    needs_id: int
    key: str
    scene_type: str
    waiting: int
    alone: int


class Tallies:
    """Counts, one statement a question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cells(self, run_id: int) -> dict[tuple[str, CellStatus], int]:
        """How many cells of the run stand where, by scene type."""
        query = select(cells.c.scene_type, cells.c.status, func.count()).where(cells.c.run_id == run_id)
        rows = self._connection.execute(query.group_by(cells.c.scene_type, cells.c.status))
        return {(scene_type, CellStatus(status)): count for scene_type, status, count in rows}

    def stills(self, run_id: int) -> dict[tuple[StillKind, CellStatus], tuple[int, int]]:
        """(stills, candidates) of the run by kind and status."""
        query = select(stills.c.kind, stills.c.status, func.count(), func.sum(stills.c.candidates)).where(
            stills.c.run_id == run_id
        )
        rows = self._connection.execute(query.group_by(stills.c.kind, stills.c.status))
        return {(StillKind(kind), CellStatus(status)): (count, int(made)) for kind, status, count, made in rows}

    def failed_jobs(self) -> list[tuple[str, int, int, str, int]]:
        """Failed jobs of all runs by class: (class, jobs, runs, a reason, a run), the most frequent first."""
        count = func.count(func.distinct(jobs.c.id))
        query = (
            select(
                attempts.c.failure_class,
                count,
                func.count(func.distinct(jobs.c.run_id)),
                func.max(jobs.c.reason),
                func.max(jobs.c.run_id),
            )
            .join(attempts, and_(attempts.c.job_id == jobs.c.id, attempts.c.epoch == jobs.c.epoch))
            .where(jobs.c.status == FAILED, jobs.c.status.in_(_OPEN))  # the second is what its index asks for
            .group_by(attempts.c.failure_class)
        )
        return [tuple(row) for row in self._connection.execute(query.order_by(count.desc(), attempts.c.failure_class))]

    def open_jobs(self, run_id: int) -> dict[tuple[Stage, JobStatus], int]:
        """How many unfinished jobs of the run stand where, by stage."""
        query = select(jobs.c.stage, jobs.c.status, func.count()).where(jobs.c.run_id == run_id, jobs.c.status.in_(_OPEN))
        rows = self._connection.execute(query.group_by(jobs.c.stage, jobs.c.status))
        return {(Stage(stage), JobStatus(status)): count for stage, status, count in rows}

    def segments_under_way(self, run_id: int) -> dict[tuple[str, CellStatus], int]:
        """Segments made for the newest takes of cells that are not whole yet, by scene type and status."""
        [made] = fixed(Stage.SCENE_GENERATION)
        of_take = and_(
            jobs.c.subject == "cell", jobs.c.subject_id == cells.c.id, jobs.c.stage == made, jobs.c.take == cells.c.take
        )
        begun = [status.value for status in CellStatus if status not in (*_WHOLE, CellStatus.NOT_STARTED)]
        query = (
            select(cells.c.scene_type, cells.c.status, func.count())
            .select_from(cells)
            .join(jobs, of_take)
            .where(cells.c.run_id == run_id, cells.c.status.in_(begun), jobs.c.status == DONE)
            .group_by(cells.c.scene_type, cells.c.status)
        )
        return {(scene_type, CellStatus(status)): count for scene_type, status, count in self._connection.execute(query)}

    def passed(self, run_id: int) -> int:
        """How many cells have a take in force whose quality checks found nothing."""
        number = case((cells.c.status == CellStatus.APPROVED.value, cells.c.approved_take), else_=cells.c.take)
        judged = [CellStatus.GENERATING.value, CellStatus.REVIEW.value, CellStatus.APPROVED.value, CellStatus.REJECTED.value]
        query = (
            select(func.count())
            .select_from(cells)
            .join(takes, and_(takes.c.cell_id == cells.c.id, takes.c.number == number))
            .where(cells.c.run_id == run_id, cells.c.status.in_(judged), takes.c.verdict.like(literal(_PASSED)))
        )
        return self._connection.execute(query).scalar_one()

    def best_waiters(self, run_id: int) -> list[Waiters]:
        """Queued cells behind the still and behind the cell in review that let most of them start, by scene type."""
        found = []
        for needs in ("still", "cell"):
            table = _table(needs)
            counts = _waiting(run_id, needs, table, dependencies.c.needs_id)
            best = self._connection.execute(counts.order_by(text("alone DESC, waiting DESC, 1")).limit(1)).first()
            if best is not None:
                named = _waiting(run_id, needs, table, dependencies.c.needs_id, table.c.key, cells.c.scene_type)
                rows = self._connection.execute(named.where(table.c.id == best.needs_id))
                found += [Waiters(needs, *row) for row in rows]
        return found

    def held_back(self, run_id: int) -> dict[str, int]:
        """How many waits for something in review there are, by the scene type of the queued cell."""
        found: dict[str, int] = {}
        for needs in ("still", "cell"):
            table = _table(needs)
            query = _behind(run_id, needs, table, select(cells.c.scene_type, func.count())).group_by(cells.c.scene_type)
            for scene_type, count in self._connection.execute(query):
                found[scene_type] = found.get(scene_type, 0) + count
        return found

    def in_review(self, run_id: int) -> list[tuple[str, str, int, int, datetime]]:
        """What of a run is in review: (subject, a name, how many, the id of that one, since when the oldest waits)."""
        found = []
        for subject, table in (("still", stills), ("cell", cells)):
            query = select(func.count(), func.min(table.c.id), func.min(table.c.status_at))
            waiting = (table.c.run_id == run_id, table.c.status == CellStatus.REVIEW.value)
            count, first, since = self._connection.execute(query.where(*waiting)).one()
            if count:
                key = self._connection.execute(select(table.c.key).where(table.c.id == first)).scalar_one()
                found.append((subject, key, count, first, since))
        return found

    def begun(self, run_id: int) -> tuple[datetime, str] | None:
        """When and by whom the run was first submitted; it is among its first events."""
        first = select(events.c.type, events.c.at, events.c.actor).where(events.c.run_id == run_id)
        for row in self._connection.execute(first.order_by(events.c.seq).limit(_FIRST)):
            if row.type == "run.submitted":
                return row.at, row.actor
        return None

    def finished_scenes(self, run_id: int, last_seq: int, limit: int) -> list[datetime]:
        """When the newest scenes of the run were assembled, newest first, as far as the newest events tell."""
        recent = (events.c.run_id == run_id, events.c.seq > last_seq - _LOOKED_BACK)
        query = select(events.c.at).where(*recent, events.c.type == f"{Stage.ASSEMBLY.value}.completed")
        return list(self._connection.execute(query.order_by(events.c.seq.desc()).limit(limit)).scalars())

    def timings(self, cost_keys: Sequence[str], samples: int) -> dict[str, list[float]]:
        """Measured seconds of the newest done jobs of each cost key."""
        if not cost_keys:
            return {}
        parts = []
        for key in cost_keys:
            measured = (jobs.c.cost_key == key, jobs.c.status == DONE, jobs.c.seconds > 0)
            newest = select(jobs.c.cost_key, jobs.c.seconds).where(*measured).order_by(jobs.c.id.desc()).limit(samples)
            parts.append(select(newest.subquery()))
        found: dict[str, list[float]] = {}
        for key, seconds in self._connection.execute(union_all(*parts)):
            found.setdefault(key, []).append(seconds)
        return found

    def lost_share(self, workers: Sequence[str]) -> float:
        """How much of these workers' time went to attempts that failed or were lost, by what ended there last; 0 to 0.5."""
        there = (attempts.c.worker.in_(workers), attempts.c.ended_at.is_not(None))
        ended = select(attempts.c.outcome, attempts.c.seconds).where(*there)
        newest = ended.order_by(attempts.c.ended_at.desc()).limit(_ENDED_LAST).subquery()
        lost = case((newest.c.outcome.in_(_LOST), newest.c.seconds), else_=0.0)
        lost_s, whole_s = self._connection.execute(select(func.sum(lost), func.sum(newest.c.seconds))).one()
        return min(_MOST_LOST, lost_s / whole_s) if whole_s else 0.0

    def open_everywhere(self) -> Mapping[JobStatus, int]:
        """Ready and running jobs of all runs."""
        counted = [
            select(func.count()).select_from(jobs).where(jobs.c.status == status).scalar_subquery() for status in (READY, RUNNING)
        ]
        ready, running = self._connection.execute(select(*counted)).one()
        return {JobStatus.READY: ready, JobStatus.RUNNING: running}


def _table(needs: str) -> Any:
    """What is needed: stills, or cells beside those that wait."""
    return stills if needs == "still" else cells.alias("needed")


def _behind(run_id: int, needs: str, table: Any, query: Select[Any]) -> Select[Any]:
    """From what is in review to the queued cells behind it."""
    return (
        query.select_from(table)
        .join(dependencies, and_(dependencies.c.needs == needs, dependencies.c.needs_id == table.c.id))
        .join(cells, and_(dependencies.c.subject == "cell", cells.c.id == dependencies.c.subject_id))
        .where(table.c.run_id == run_id, table.c.status == CellStatus.REVIEW.value)
        .where(cells.c.status == CellStatus.QUEUED.value)
    )


def _waiting(run_id: int, needs: str, table: Any, *columns: ColumnElement[Any]) -> Select[Any]:
    """These columns, how many cells wait, and how many of them for nothing else."""
    other = dependencies.alias("other")
    other_still, other_cell = stills.alias("other_still"), cells.alias("other_cell")
    approved = CellStatus.APPROVED.value
    mine = (other.c.subject == "cell", other.c.subject_id == cells.c.id, other.c.id != dependencies.c.id)
    by_still = select(other.c.id).join(other_still, other_still.c.id == other.c.needs_id)
    by_cell = select(other.c.id).join(other_cell, other_cell.c.id == other.c.needs_id)
    waits_for_more = or_(
        by_still.where(*mine, other.c.needs == "still", other_still.c.status != approved).exists(),
        by_cell.where(*mine, other.c.needs == "cell", other_cell.c.status != approved).exists(),
    )
    counts = (func.count().label("waiting"), func.sum(case((waits_for_more, 0), else_=1)).label("alone"))
    return _behind(run_id, needs, table, select(*columns, *counts)).group_by(*columns)
