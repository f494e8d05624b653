"""Jobs and their attempts: the durable queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, delete, func, select, update

from data.batch import Batch
from data.models import attempts, jobs, production_runs
from data.models import production_run_cells as cells
from data.reads import Read
from data.repositories.chunks import chunks
from data.repositories.job_rows import BY_IDS, COLUMNS, DONE, EQUAL, FAILED, HELD, NEXT, RATE, READY, RUNNING, WITHIN, job_of
from data.repositories.job_writes import (
    ADOPT,
    ADOPT_ATTEMPT,
    BEGIN,
    END,
    END_ATTEMPT,
    INSERT,
    INSERT_ATTEMPT,
    PROGRESS,
    RESERVE,
    START,
)
from pipeline.domain.budget import Charge
from pipeline.domain.decisions import Follower
from pipeline.domain.estimates import Rate
from pipeline.domain.records import Attempt, Job, NewJob
from pipeline.domain.stages import A_PLACE, A_PRIORITY, LAST_PART, PRECEDENCE, STAGES, Lane, Stage, urgency
from pipeline.domain.statuses import AttemptOutcome, JobStatus

_UNFINISHED = [READY, RUNNING, FAILED]


class Jobs:
    """Adds, claims and ends jobs."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(self, job: NewJob, now: datetime) -> None:
        """Store a job as ready."""
        facts = STAGES[job.stage]
        self._batch.add(
            INSERT,
            {
                "run_id": job.run_id,
                "stage": job.stage.value,
                "rank": facts.rank,
                "lane": facts.lane.value,
                "subject": job.subject,
                "subject_id": job.subject_id,
                "take": job.take,
                "part": job.part,
                "status": JobStatus.READY.value,
                "urgency": urgency(job.priority, job.stage, job.part),
                "inputs": [[file.role, file.sha256, file.media_type, file.label] for file in job.inputs],
                "options": dict(job.options),
                "fingerprint": job.fingerprint,
                "cost_key": job.cost_key,
                "frames": job.frames,
                "estimated_seconds": job.estimated_seconds,
                "estimated_bytes": job.estimated_bytes,
                "created_at": now,
            },
        )

    def ready(
        self, run_id: int, lane: Lane, *, limit: int, max_rank: int, now: datetime, free_seconds: float, free_bytes: float
    ) -> list[Job]:
        """The next jobs of a run, each within what it has left, in order of urgency, for the writer that will start them."""
        values = {"run_id": run_id, "lane": lane.value, "max_rank": max_rank, "now": now}
        return self._read(NEXT, values | {"free_seconds": free_seconds, "free_bytes": free_bytes}, most=limit)

    def start(
        self,
        job: Job,
        *,
        attempt_id: str,
        owner: str,
        worker: str,
        lease_until: datetime,
        reserved: float,
        now: datetime,
        price: float = 0.0,
    ) -> Job:
        """Lease a ready job under the next epoch and begin an attempt; the answer is the job as it is now."""
        started = replace(
            job,
            status=JobStatus.RUNNING,
            epoch=job.epoch + 1,
            tries=job.tries + 1,
            attempt_id=attempt_id,
            owner=owner,
            reserved_seconds=reserved,
            price=price,
        )
        self._batch.add(
            START,
            {
                "b_id": job.id,
                "b_epoch": started.epoch,
                "b_tries": started.tries,
                "b_owner": owner,
                "b_attempt": attempt_id,
                "b_lease": lease_until,
                "b_reserved": reserved,
                "b_price": price,
            },
        )
        self._batch.add(
            INSERT_ATTEMPT,
            {
                "id": attempt_id,
                "job_id": job.id,
                "number": started.epoch,
                "epoch": started.epoch,
                "owner": owner,
                "worker": worker,
                "started_at": now,
                "outcome": AttemptOutcome.RUNNING.value,
            },
        )
        return started

    def end(
        self,
        job: Job,
        status: JobStatus,
        outcome: AttemptOutcome,
        *,
        now: datetime,
        charge: Charge,
        took: float | None = None,
        failure_class: str = "",
        reason: str = "",
        not_before: datetime | None = None,
        tries: int | None = None,
    ) -> None:
        """End the running attempt of a job, which was charged with this, and say where the job stands.

        `took` is how long the work took, where that was measured; `tries` corrects the count of tries.
        """
        self._batch.add(
            END,
            {
                "b_id": job.id,
                "b_epoch": job.epoch,
                "b_status": status.value,
                "b_tries": job.tries if tries is None else tries,
                "b_finished": None if status is JobStatus.READY else now,
                "b_not_before": not_before,
                "b_seconds": charge.seconds if took is None else took,
                "b_reason": reason,
            },
        )
        self._batch.add(
            END_ATTEMPT,
            {
                "b_id": job.attempt_id,
                "b_ended": now,
                "b_outcome": outcome.value,
                "b_class": failure_class,
                "b_reason": reason,
                "b_seconds": charge.seconds,
                "b_cost": charge.cost,
            },
        )

    def note_progress(self, standings: Mapping[str, tuple[float, str]]) -> None:
        """How far these running attempts are: the share that is done, and the step in words."""
        for attempt_id, (share, step) in standings.items():
            self._batch.add(PROGRESS, {"b_id": attempt_id, "b_progress": share, "b_step": step})

    def note_begun(self, begun: Mapping[str, datetime]) -> None:
        """Since when the generation of these running attempts counts; one that has been told already stays."""
        for attempt_id, at in begun.items():
            self._batch.add(BEGIN, {"b_id": attempt_id, "b_begun": at})

    def adopt(self, job: Job, *, owner: str, lease_until: datetime) -> Job:
        """Take a running job over from a dead owner under a new epoch; its attempt goes on under it."""
        adopted = replace(job, owner=owner, epoch=job.epoch + 1)
        taken = {"b_owner": owner, "b_epoch": adopted.epoch}
        self._batch.add(ADOPT, {"b_id": job.id, "b_old_epoch": job.epoch, "b_lease": lease_until, **taken})
        self._batch.add(ADOPT_ATTEMPT, {"b_id": job.attempt_id, **taken})
        return adopted

    def extend_leases(self, owner: str, lease_until: datetime) -> None:
        """Heartbeat: everything this engine runs stays its own until then."""
        running = (jobs.c.owner == owner, jobs.c.status == RUNNING)
        self._connection.execute(update(jobs).where(*running).values(lease_until=lease_until))

    def extend_reservation(self, job: Job, reserved: float) -> None:
        """The attempt may cost this many seconds now."""
        self._batch.add(RESERVE, {"b_id": job.id, "b_epoch": job.epoch, "b_reserved": reserved})

    def running(self, owner: str | None = None) -> list[Job]:
        """Running jobs, of one engine when given."""
        if owner is None:
            return self._all(select(*COLUMNS).where(jobs.c.status == RUNNING))
        return self._read(HELD, {"owner": owner})

    def expired(self, now: datetime) -> list[Job]:
        """Running jobs whose lease has run out."""
        return self._all(select(*COLUMNS).where(jobs.c.status == RUNNING, jobs.c.lease_until < now))

    def by_ids(self, ids: Sequence[int]) -> dict[int, Job]:
        """These jobs by id."""
        found: dict[int, Job] = {}
        for part in chunks(ids):
            found.update((job.id, job) for job in self._read(BY_IDS, {}, part))
        return found

    def of(self, subject: str, subject_id: int, take: int | None = None, *stages: Stage) -> list[Job]:
        """The jobs of one subject, oldest first; of one take and of some stages when given."""
        query = select(*COLUMNS).where(jobs.c.subject == subject, jobs.c.subject_id == subject_id)
        if take is not None:
            query = query.where(jobs.c.take == take)
        if stages:
            query = query.where(jobs.c.stage.in_([stage.value for stage in stages]))
        return self._all(query.order_by(jobs.c.id))

    def unfinished_of(self, subject: str, ids: Sequence[int]) -> list[Job]:
        """Jobs of these subjects that are ready, running or failed."""
        found: list[Job] = []
        for part in chunks(ids):
            query = select(*COLUMNS).where(jobs.c.subject == subject, jobs.c.subject_id.in_(part), jobs.c.status.in_(_UNFINISHED))
            found.extend(self._all(query))
        return found

    def set_status(self, job_ids: Iterable[int], old: JobStatus, new: JobStatus, *, reason: str = "", now: datetime) -> None:
        """Move jobs that hold no lease. Whatever is made ready again starts with its tries forgotten."""
        values: dict[str, Any] = {"status": new.value, "reason": reason, "finished_at": None if new is JobStatus.READY else now}
        if new is JobStatus.READY:
            values |= {"tries": 0, "not_before": None}
        for part in chunks(list(job_ids)):
            self._connection.execute(update(jobs).where(jobs.c.id.in_(part), jobs.c.status == old.value).values(**values))

    def followers(self, cell_ids: Sequence[int], stage: Stage) -> list[Follower]:
        """The jobs of one stage of these cells that may follow from a decision; of segments the first ones only."""
        found: list[Follower] = []
        columns = [jobs.c[name] for name in ("id", "subject_id", "take", "status", "epoch", "created_at")]
        for part in chunks(cell_ids):
            query = select(*columns).where(jobs.c.subject == "cell", jobs.c.subject_id.in_(part), jobs.c.stage == stage.value)
            if stage is Stage.SCENE_GENERATION:
                query = query.where(jobs.c.part == 1)
            for row in self._connection.execute(query):
                status = JobStatus(row.status)
                found.append(Follower(row.id, row.subject_id, row.take, status, row.epoch > 0, row.created_at))
        return found

    def withdraw(self, job_ids: Sequence[int]) -> None:
        """Remove ready jobs that never began: what they followed from is taken back."""
        for part in chunks(job_ids):
            self._connection.execute(delete(jobs).where(jobs.c.id.in_(part), jobs.c.status == READY, jobs.c.epoch == 0))

    def finished_parts(self, subject: str, subject_id: int, stage: Stage, take: int) -> list[Job]:
        """Jobs of one stage of one take that are done, by part."""
        done = jobs.c.status == DONE
        key = (jobs.c.subject == subject, jobs.c.subject_id == subject_id, jobs.c.stage == stage.value, jobs.c.take == take)
        return self._all(select(*COLUMNS).where(*key, done).order_by(jobs.c.part))

    def with_fingerprints(self, fingerprints: Sequence[str]) -> dict[str, list[Job]]:
        """The newest job of each of these fingerprints that is done, then the newest that runs, where there are such."""
        found: dict[str, list[Job]] = {}
        for part in chunks(fingerprints):
            for job in sorted(self._read(EQUAL, {}, part), key=lambda job: job.status is JobStatus.RUNNING):
                found.setdefault(job.fingerprint, []).append(job)
        return found

    def unfinished(self, run_id: int, stage: Stage) -> list[Job]:
        """The run's jobs of one stage that are ready, running or failed."""
        return self._all(self._unfinished(run_id, stage).order_by(jobs.c.id))

    def any_unfinished(self, run_id: int, stage: Stage) -> bool:
        """Whether the run has such a job."""
        return bool(self._all(self._unfinished(run_id, stage).limit(1)))

    @staticmethod
    def _unfinished(run_id: int, stage: Stage) -> Select[Any]:
        return select(*COLUMNS).where(jobs.c.run_id == run_id, jobs.c.stage == stage.value, jobs.c.status.in_(_UNFINISHED))

    def open_stages(self, run_id: int) -> dict[tuple[Stage, JobStatus], int]:
        """How many jobs of the run stand where, by stage."""
        query = select(jobs.c.stage, jobs.c.status, func.count()).where(jobs.c.run_id == run_id)
        rows = self._connection.execute(query.group_by(jobs.c.stage, jobs.c.status))
        return {(Stage(stage), JobStatus(status)): count for stage, status, count in rows}

    def any_within(self, run_id: int, max_rank: int, *, free_seconds: float, free_bytes: float) -> bool:
        """Whether the run has a ready job that its wanted phase includes and that this much pays for."""
        ready = (jobs.c.run_id == run_id, jobs.c.status == READY, jobs.c.rank <= max_rank)
        free = {"free_seconds": free_seconds, "free_bytes": free_bytes}
        return self._connection.execute(select(jobs.c.id).where(*ready, *WITHIN).limit(1), free).first() is not None

    def least_beyond(self, run_id: int, lane: Lane, max_rank: int, *, free_seconds: float, free_bytes: float) -> Job | None:
        """Of the run's ready jobs of a lane the one that takes least, when this much pays for none of them; else None."""
        ready = (jobs.c.run_id == run_id, jobs.c.lane == lane.value, jobs.c.status == READY, jobs.c.rank <= max_rank)
        free = {"free_seconds": free_seconds, "free_bytes": free_bytes}
        if self._connection.execute(select(jobs.c.id).where(*ready, *WITHIN).limit(1), free).first() is not None:
            return None
        least = select(*COLUMNS).where(*ready).order_by(jobs.c.estimated_seconds, jobs.c.estimated_bytes, jobs.c.id).limit(1)
        row = self._connection.execute(least).first()
        return job_of(row) if row is not None else None

    def reasons_to_wait(self, run_id: int, limit: int) -> list[str]:
        """The reasons that ready jobs of the run carry from an earlier try, each once."""
        query = select(jobs.c.reason).where(jobs.c.run_id == run_id, jobs.c.status == READY, jobs.c.reason != "")
        return list(self._connection.execute(query.distinct().limit(limit)).scalars())

    def next_start(self, run_ids: Sequence[int]) -> datetime | None:
        """When the earliest ready job that is held back may start; None when none is held back."""
        query = select(func.min(jobs.c.not_before)).where(jobs.c.run_id.in_(run_ids), jobs.c.status == READY)
        return self._connection.execute(query).scalar()

    def reprioritise(self, run_id: int) -> None:
        """Give the run's jobs that are not done the urgency that the priorities of the run and of their cells ask for.

        Those that run or have failed too: they may have to be tried again.
        """
        unfinished = (jobs.c.run_id == run_id, jobs.c.status.in_(_UNFINISHED))
        segment = case((jobs.c.stage != Stage.SCENE_GENERATION.value, 0), (jobs.c.part > LAST_PART, LAST_PART), else_=jobs.c.part)
        of_run = select(production_runs.c.priority).where(production_runs.c.id == run_id).scalar_subquery()
        of_cell = select(cells.c.priority).where(jobs.c.subject == "cell", cells.c.id == jobs.c.subject_id).scalar_subquery()
        priority = of_run + func.coalesce(of_cell, 0)
        place = case({stage.value: place for stage, place in PRECEDENCE.items()}, value=jobs.c.stage)
        wanted = -(priority * A_PRIORITY + place * A_PLACE + segment)
        self._connection.execute(update(jobs).where(*unfinished).values(urgency=wanted))

    def rates(self, cost_keys: Iterable[str]) -> Mapping[str, Rate]:
        """Measured seconds (with their spread) and bytes a frame for these cost keys, from the newest done jobs of each."""
        found: dict[str, Rate] = {}
        for key in dict.fromkeys(cost_keys):
            [(count, seconds, frames, size, half, most)] = RATE.rows(self._connection, {"cost_key": key})
            if count and frames:
                spread = float(half or 0), float(most or 0)
                found[key] = Rate(float(seconds) / float(frames), float(size or 0) / float(frames), count, *spread)
        return found

    def attempts_of(self, job_ids: Sequence[int]) -> list[Attempt]:
        """The attempts of these jobs, oldest first."""
        found: list[Attempt] = []
        columns = [column for column in attempts.c if column.name != "owner"]
        for part in chunks(job_ids):
            query = select(*columns).where(attempts.c.job_id.in_(part)).order_by(attempts.c.job_id, attempts.c.number)
            for row in self._connection.execute(query):
                found.append(Attempt(**{**row._mapping, "outcome": AttemptOutcome(row.outcome)}))
        return found

    def outcomes(self, attempt_ids: Collection[str]) -> dict[str, AttemptOutcome]:
        """How those of these ids that are attempts stand."""
        found: dict[str, AttemptOutcome] = {}
        for part in chunks(list(attempt_ids)):
            query = select(attempts.c.id, attempts.c.outcome).where(attempts.c.id.in_(part))
            found.update((row.id, AttemptOutcome(row.outcome)) for row in self._connection.execute(query))
        return found

    def _all(self, query: Select[Any]) -> list[Job]:
        return [job_of(row) for row in self._connection.execute(query)]

    def _read(self, read: Read, values: Mapping[str, Any], many: Sequence[Any] = (), most: int | None = None) -> list[Job]:
        return [job_of(row) for row in read.rows(self._connection, values, many, most)]
