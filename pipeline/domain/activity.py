"""What people see of the work: rows of the job tray, the log of a job, notices for the bell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.records import Attempt, Event, Job
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import AttemptOutcome, JobStatus

STAGE_WORDS: Mapping[Stage, str] = {
    Stage.SOURCE_QA: "check of source images",
    Stage.VARIANT_GENERATION: "variant image",
    Stage.VARIANT_QA: "check of variant images",
    Stage.SCENE_GENERATION: "segment",
    Stage.SCENE_QA: "check of a scene",
    Stage.ASSEMBLY: "assembly",
    Stage.EXPORT: "export",
    Stage.DELIVERY: "packaging",
}

NOTED = ("cell.failed", "still.failed", "delivery.failed", "delivery.sealed", "delivery.cancelled", "budget.reached")
"""The types of events that notices are made of. An index finds them: another type here takes a migration."""


@dataclass(frozen=True)
class JobRow:
    """One job as a line: what, of what, where it stands since when, and how far it is.

    `price` is what an hour of its worker costs while it runs, `cost` what its time has cost when it has ended.
    """

    job_id: int
    run_id: int
    run_name: str
    stage: Stage
    words: str
    subject: str
    subject_id: int
    key: str
    status: JobStatus
    since: datetime
    progress: float
    step: str
    worker: str
    reason: str
    attempt: int
    price: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True)
class Notice:
    """One line of the bell. `kind` is `waiting`, `worker`, `failed`, `budget`, `rule` or `sealed`; `count` things are meant.

    `seq` is the event it stems from (0 for what waits now); the subject is where a click leads.
    """

    kind: str
    text: str
    at: datetime
    run_id: int
    run_name: str
    subject: str
    subject_id: int
    count: int = 1
    seq: int = 0


def stage_words(job: Job) -> str:
    """The stage as people read it, with the part where there are several."""
    words = STAGE_WORDS[job.stage]
    return f"{words} {job.part}" if job.stage in (Stage.SCENE_GENERATION, Stage.EXPORT, Stage.VARIANT_GENERATION) else words


def log_text(job: Job, key: str, attempts: Iterable[Attempt], story: Iterable[Event]) -> str:
    """Everything that is known of a job, a line each, oldest first."""
    lines = [f"job {job.id}: {stage_words(job)} of {key}, take {job.take}: {job.status.value}"]
    if job.reason:
        lines.append(f"  {job.reason}")
    for attempt in attempts:
        lines += _attempt_lines(attempt)
    lines += [_event_line(event) for event in story]
    return "\n".join(lines) + "\n"


def _attempt_lines(attempt: Attempt) -> list[str]:
    ended = f", ended {_time(attempt.ended_at)} after {attempt.seconds:.1f} s" if attempt.ended_at else ""
    head = f"attempt {attempt.number} by {attempt.worker}, begun {_time(attempt.started_at)}{ended}: {attempt.outcome.value}"
    lines = [head + (f" ({attempt.failure_class})" if attempt.failure_class else "")]
    if attempt.outcome is AttemptOutcome.RUNNING and (attempt.progress or attempt.step):
        lines.append(f"  {attempt.progress:.0%} {attempt.step}".rstrip())
    lines += [f"  {line}" for line in attempt.reason.splitlines()]
    return lines


def _event_line(event: Event) -> str:
    reason = event.data.get("reason", "")
    return f"{_time(event.at)} {event.type} by {event.actor}" + (f": {reason}" if reason else "")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
