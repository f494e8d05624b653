"""How jobs and their attempts are written: the statements of every turn."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, update

from data.models import attempts, jobs
from data.repositories.job_rows import READY, RUNNING
from pipeline.domain.statuses import AttemptOutcome, JobStatus

INSERT = insert(jobs)
RESERVE = (
    update(jobs)
    .where(jobs.c.id == bindparam("b_id"), jobs.c.epoch == bindparam("b_epoch"))
    .values(reserved_seconds=bindparam("b_reserved"))
)
START = (
    update(jobs)
    .where(jobs.c.id == bindparam("b_id"), jobs.c.status == READY)
    .values(
        status=JobStatus.RUNNING.value,
        epoch=bindparam("b_epoch"),
        tries=bindparam("b_tries"),
        owner=bindparam("b_owner"),
        attempt_id=bindparam("b_attempt"),
        lease_until=bindparam("b_lease"),
        reserved_seconds=bindparam("b_reserved"),
        price=bindparam("b_price"),
    )
)
END = (
    update(jobs)
    .where(jobs.c.id == bindparam("b_id"), jobs.c.epoch == bindparam("b_epoch"), jobs.c.status == RUNNING)
    .values(
        status=bindparam("b_status"),
        tries=bindparam("b_tries"),
        owner=None,
        lease_until=None,
        reserved_seconds=0.0,
        finished_at=bindparam("b_finished"),
        not_before=bindparam("b_not_before"),
        seconds=bindparam("b_seconds"),
        reason=bindparam("b_reason"),
    )
)
ADOPT = (
    update(jobs)
    .where(jobs.c.id == bindparam("b_id"), jobs.c.epoch == bindparam("b_old_epoch"))
    .values(owner=bindparam("b_owner"), epoch=bindparam("b_epoch"), lease_until=bindparam("b_lease"))
)
INSERT_ATTEMPT = insert(attempts)
ADOPT_ATTEMPT = (
    update(attempts).where(attempts.c.id == bindparam("b_id")).values(epoch=bindparam("b_epoch"), owner=bindparam("b_owner"))
)
END_ATTEMPT = (
    update(attempts)
    .where(attempts.c.id == bindparam("b_id"), attempts.c.outcome == AttemptOutcome.RUNNING.value)
    .values(
        ended_at=bindparam("b_ended"),
        outcome=bindparam("b_outcome"),
        failure_class=bindparam("b_class"),
        reason=bindparam("b_reason"),
        seconds=bindparam("b_seconds"),
        cost=bindparam("b_cost"),
    )
)
PROGRESS = (
    update(attempts)
    .where(attempts.c.id == bindparam("b_id"), attempts.c.outcome == AttemptOutcome.RUNNING.value)
    .values(progress=bindparam("b_progress"), step=bindparam("b_step"))
)
BEGIN = (
    update(attempts)
    .where(attempts.c.id == bindparam("b_id"), attempts.c.outcome == AttemptOutcome.RUNNING.value, attempts.c.begun_at.is_(None))
    .values(begun_at=bindparam("b_begun"))
)
