"""What runs have cost: one statement a question, over the attempts of their cells, stills and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from data.models import attempts, deliveries, events, jobs, outputs, stills, takes
from data.models import production_run_cells as cells
from data.models import production_runs as runs
from data.repositories.chunks import chunks
from data.tables import fixed
from pipeline.domain.costs import By, Cause, CostLine
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.stages import Lane
from pipeline.domain.statuses import AttemptOutcome, StillKind

_STILLS = {
    StillKind.SOURCE.value: "source images",
    StillKind.VARIANT.value: "variant images",
    StillKind.PLATE.value: "plates",
}
_REUSED, _RUNNING, _DONE = fixed(AttemptOutcome.REUSED.value, AttemptOutcome.RUNNING.value, AttemptOutcome.DONE.value)


class Costs:
    """Reads costs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lines(self, run_id: int, by: By) -> list[CostLine]:
        """The costs of a run, told apart, the dearest first."""
        told = _told(run_id)
        names = {By.CHARACTER: told.c.character, By.SCENE_TYPE: told.c.kind, By.STAGE: told.c.stage, By.CAUSE: told.c.cause}
        name = names[by]
        query = select(
            name,
            func.count(func.distinct(told.c.job_id)),
            func.count(),
            func.sum(told.c.is_reused),
            *(func.sum(told.c[column]) for column in _SUMS),
        )
        found = self._connection.execute(query.group_by(name))
        lines = [_line(row) for row in found]
        return sorted(lines, key=lambda line: (-line.seconds, -line.size_bytes, line.name))

    def jobs(self, run_id: int) -> int:
        """How many jobs the lines of a run are about."""
        told = _told(run_id)
        return int(self._connection.execute(select(func.count(func.distinct(told.c.job_id)))).scalar_one())

    def of_jobs(self, job_ids: Sequence[int]) -> dict[int, Cost]:
        """What all attempts of each of these jobs have cost: seconds and money of generation, and the files that were made."""
        seconds = func.sum(case((jobs.c.lane == Lane.GENERATION.value, attempts.c.seconds), else_=0.0))
        found = dict.fromkeys(job_ids, Cost(1))
        for part in chunks(job_ids):
            spent = select(attempts.c.job_id, seconds, func.sum(attempts.c.cost)).join(jobs, jobs.c.id == attempts.c.job_id)
            sizes = select(outputs.c.job_id, func.sum(outputs.c.size_bytes)).where(outputs.c.job_id.in_(part))
            made = {key: int(size) for key, size in self._connection.execute(sizes.group_by(outputs.c.job_id))}
            rows = self._connection.execute(spent.where(attempts.c.job_id.in_(part)).group_by(attempts.c.job_id))
            found.update((key, Cost(1, float(took or 0), made.get(key, 0), float(cost or 0))) for key, took, cost in rows)
        return found

    def spent_since(
        self, since: datetime, *, bucket_s: int, project_id: int | None = None, run_id: int | None = None, user: str | None = None
    ) -> Sequence[tuple[int, float, float]]:
        """(step of `bucket_s` seconds since 1970, seconds of generation, money) that ended in it, in order, from `since` on."""
        plain = type_coerce(attempts.c.ended_at, BigInteger) // literal(bucket_s * 1_000_000, BigInteger)
        conditions: list[ColumnElement[bool]] = [attempts.c.ended_at >= since, jobs.c.lane == Lane.GENERATION.value]
        if run_id is not None:
            conditions.append(jobs.c.run_id == run_id)
        if project_id is not None:
            conditions.append(runs.c.project_id == project_id)
        if user is not None:
            conditions.append(runs.c.created_by == user)
        query: Select[Any] = (
            select(plain, func.sum(attempts.c.seconds), func.sum(attempts.c.cost))
            .select_from(attempts)
            .join(jobs, jobs.c.id == attempts.c.job_id)
            .join(runs, runs.c.id == jobs.c.run_id)
            .where(*conditions, attempts.c.seconds > 0)
            .group_by(plain)
            .order_by(plain)
        )
        return [(int(at), float(seconds or 0), float(cost or 0)) for at, seconds, cost in self._connection.execute(query)]


_SUMS = ("estimated_seconds", "seconds", "estimated_bytes", "size_bytes", "estimated_cost", "cost")
_WHOLE = {"estimated_bytes", "size_bytes"}


def _line(row: Any) -> CostLine:
    sums = [int(value or 0) if name in _WHOLE else float(value or 0) for name, value in zip(_SUMS, row[4:], strict=True)]
    return CostLine(str(row[0]), row[1], row[2], int(row[3] or 0), *sums)


def _told(run_id: int) -> Subquery:
    return union_all(*(_attempts(subject, run_id) for subject in ("cell", "still", "delivery"))).subquery()


def _attempts(subject: str, run_id: int) -> Select[Any]:
    """Every attempt that has ended for things of one kind of a run, with what it was for and what it has cost."""
    table = {"cell": cells, "still": stills, "delivery": deliveries}[subject]
    is_reused = attempts.c.outcome == _REUSED
    is_expected = and_(attempts.c.number == 1, ~is_reused)
    is_paid = jobs.c.lane == Lane.GENERATION.value
    made = select(func.sum(outputs.c.size_bytes)).where(outputs.c.job_id == jobs.c.id).scalar_subquery()
    estimated = case((and_(is_expected, is_paid), jobs.c.estimated_seconds), else_=0.0)
    character, kind = _names(subject)
    return (
        select(
            jobs.c.id.label("job_id"),
            jobs.c.stage.label("stage"),
            character.label("character"),
            kind.label("kind"),
            _cause(subject, table).label("cause"),
            case((is_reused, 1), else_=0).label("is_reused"),
            estimated.label("estimated_seconds"),
            case((is_paid, attempts.c.seconds), else_=0.0).label("seconds"),
            case((is_expected, jobs.c.estimated_bytes), else_=0).label("estimated_bytes"),
            case((attempts.c.outcome == _DONE, func.coalesce(made, 0)), else_=0).label("size_bytes"),
            (estimated * jobs.c.price / 3600).label("estimated_cost"),
            attempts.c.cost.label("cost"),
        )
        .select_from(table)
        .join(jobs, and_(jobs.c.subject == subject, jobs.c.subject_id == table.c.id))
        .join(attempts, attempts.c.job_id == jobs.c.id)
        .where(table.c.run_id == run_id, attempts.c.outcome != _RUNNING)
    )


def _names(subject: str) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """The character and the scene type of a thing; of stills what they are."""
    if subject == "cell":
        return func.coalesce(cells.c.character, cells.c.location, ""), cells.c.scene_type
    if subject == "still":
        return func.coalesce(stills.c.character, stills.c.location, ""), case(_STILLS, value=stills.c.kind, else_="stills")
    return literal("delivery"), literal("delivery")


def _cause(subject: str, table: Any) -> ColumnElement[str]:
    """Why an attempt was made. A second one of a job is a retry, whatever take it is of; an earlier rejection counts for the
    first attempts of all takes after it."""
    if subject == "delivery":
        return case((attempts.c.number > 1, Cause.RETRY.value), else_=Cause.FIRST_TRY.value)
    earlier = jobs.alias("earlier")
    has_earlier = exists(
        select(earlier.c.id).where(
            earlier.c.subject == jobs.c.subject, earlier.c.subject_id == jobs.c.subject_id, earlier.c.take < jobs.c.take
        )
    )
    return case(
        (attempts.c.number > 1, Cause.RETRY.value),
        (and_(has_earlier, _rejected(subject, table)), Cause.REJECTION.value),
        (has_earlier, Cause.NEW_TAKE.value),
        else_=Cause.FIRST_TRY.value,
    )


def _rejected(subject: str, table: Any) -> ColumnElement[bool]:
    if subject == "cell":
        of_cell = (takes.c.cell_id == table.c.id, takes.c.number < jobs.c.take, takes.c.decision == "rejected")
        return exists(select(takes.c.id).where(*of_cell))
    told = (events.c.subject == "still", events.c.subject_id == table.c.id, events.c.type == "still.rejected")
    return exists(select(events.c.seq).where(*told, events.c.at < jobs.c.created_at))
