"""How jobs are read: their columns, and the statements of every turn."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, Select, bindparam, case, func, or_, select

from data.models import jobs, outputs
from data.reads import Read
from data.tables import fixed
from pipeline.domain.records import Job, JobInput
from pipeline.domain.stages import Lane, Stage
from pipeline.domain.statuses import JobStatus

READY, RUNNING, DONE, FAILED = fixed(JobStatus.READY, JobStatus.RUNNING, JobStatus.DONE, JobStatus.FAILED)
_SAMPLES = 200
_FIELDS = (
    "id", "run_id", "stage", "subject", "subject_id", "take", "part", "status", "urgency", "epoch", "tries", "inputs",
    "options", "fingerprint", "estimated_seconds", "estimated_bytes", "attempt_id", "owner", "reserved_seconds", "reason",
    "price",
)  # fmt: skip
COLUMNS = [jobs.c[name] for name in _FIELDS]
HELD = Read(lambda many: select(*COLUMNS).where(jobs.c.status == RUNNING, jobs.c.owner == bindparam("owner")))
BY_IDS = Read(lambda many: select(*COLUMNS).where(jobs.c.id.in_(many)))
WITHIN = (
    or_(jobs.c.lane != Lane.GENERATION.value, jobs.c.estimated_seconds <= bindparam("free_seconds", type_=Float)),
    jobs.c.estimated_bytes <= bindparam("free_bytes", type_=Float),
)
"""What a run has left pays for these jobs."""
_NEXT = (
    select(*COLUMNS)
    .where(
        jobs.c.run_id == bindparam("run_id"),
        jobs.c.lane == bindparam("lane"),
        jobs.c.status == READY,
        jobs.c.rank <= bindparam("max_rank"),
        or_(jobs.c.not_before.is_(None), jobs.c.not_before <= bindparam("now")),
        *WITHIN,
    )
    .order_by(jobs.c.urgency, jobs.c.id)
)
NEXT = Read(lambda many: _NEXT)


def _equal(fingerprints: list[Any]) -> Select[Any]:
    alike = (jobs.c.fingerprint.in_(fingerprints), jobs.c.status.in_([DONE, RUNNING]))
    newest = select(func.max(jobs.c.id)).where(*alike).group_by(jobs.c.fingerprint, jobs.c.status)
    return select(*COLUMNS).where(jobs.c.id.in_(newest))


EQUAL = Read(_equal)


def _rate(_: list[Any]) -> Select[Any]:
    newest = (
        select(jobs.c.id, jobs.c.seconds, jobs.c.frames, (jobs.c.seconds / func.nullif(jobs.c.frames, 0)).label("rate"))
        .where(jobs.c.cost_key == bindparam("cost_key"), jobs.c.status == DONE, jobs.c.seconds > 0)
        .order_by(jobs.c.id.desc())
        .limit(_SAMPLES)
        .subquery()
    )
    made = select(func.sum(outputs.c.size_bytes)).join(newest, newest.c.id == outputs.c.job_id)
    size = made.where(outputs.c.role == "segment").scalar_subquery()
    place, whole = func.row_number().over(order_by=newest.c.rate), func.count().over()
    ranked = select(newest, place.label("place"), whole.label("whole")).subquery()
    half, most = (
        func.min(case((ranked.c.place * 100 >= ranked.c.whole * share, ranked.c.rate)))  # the first that so many do not exceed
        for share in (50, 90)
    )
    figures = func.count(), func.sum(ranked.c.seconds), func.sum(ranked.c.frames)
    return select(*figures, size, half, most).select_from(ranked)


RATE = Read(_rate)
"""Of a cost key: count, seconds and frames of its newest measured jobs; the bytes of the segments these made; P50 and P90.

P50 and P90 are seconds for a frame: the least that half, and nine in ten, of them did not exceed.
"""


def job_of(row: Any) -> Job:
    """A row as a value."""
    return Job(
        id=row.id,
        run_id=row.run_id,
        stage=Stage(row.stage),
        subject=row.subject,
        subject_id=row.subject_id,
        take=row.take,
        part=row.part,
        status=JobStatus(row.status),
        urgency=row.urgency,
        epoch=row.epoch,
        tries=row.tries,
        inputs=tuple(JobInput(*file) for file in row.inputs),
        options=row.options,
        fingerprint=row.fingerprint,
        estimated_seconds=row.estimated_seconds,
        estimated_bytes=row.estimated_bytes,
        attempt_id=row.attempt_id,
        owner=row.owner,
        reserved_seconds=row.reserved_seconds,
        reason=row.reason,
        price=row.price,
    )
