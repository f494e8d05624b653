"""What REST gives: one model a thing, made from the value of the same name."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipeline.domain.stages import Phase, Stage
from pipeline.domain.statuses import AttemptOutcome, CellStatus, DeliveryStatus, JobStatus, RunStatus

T = TypeVar("T")


class Given(BaseModel):
    """What is given out; made from values by their attributes."""

    model_config = ConfigDict(from_attributes=True)


class Page(Given, Generic[T]):
    """A page of a list; `next` is the `cursor` of the following page, null at the end."""

    items: list[T]
    next: str | None


class Problem(BaseModel):
    """What went wrong (RFC 9457): `detail` says it in whole sentences, with the cure."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


class Run(Given):
    """A production run. Times in seconds, sizes in bytes; limits are null when there is none."""

    id: int
    project_id: int
    name: str = Field(examples=["Harbor Nights #3"])
    title: str
    number: int
    status: RunStatus
    created_at: datetime
    backend: str
    until: Phase
    priority: int
    accept_flags: bool
    auto_deliver: bool
    spent_seconds: float
    reserved_seconds: float
    limit_seconds: float | None
    spent_bytes: int
    reserved_bytes: int
    limit_bytes: int | None
    spent_cost: float
    reserved_cost: float
    limit_cost: float | None
    start_after: datetime | None
    deadline: datetime | None


class Cell(Given):
    """A scene of a run. `version` grows with every change; it is the `ETag` too."""

    id: int
    run_id: int
    key: str
    ordinal: int
    scene_type: str
    character: str | None
    variant: str | None
    location: str | None
    scene_number: int | None
    shot: str | None
    after: list[str]
    prompt: str
    status: CellStatus
    status_at: datetime
    take: int
    approved_take: int | None
    reason: str
    stale: str
    version: int


class Unmet(Given):
    """Something a cell waits for: a `cell` or a kind of still by its key, where it stands, and all of it in words."""

    kind: str
    key: str
    status: CellStatus
    text: str


class Reason(Given):
    """Why work waits: a word to count by, the sentence, and what would change it."""

    cause: str
    words: str
    remedy: str


class JobWait(Reason):
    """A ready job that a cell waits for, what it makes, and why it waits."""

    job_id: int
    what: str


class CellInFull(Cell):
    """A cell with the name of its run and everything it waits for, and why its ready jobs do."""

    run_name: str
    blocked_by: list[Unmet]
    waits: list[JobWait]


class VariantImage(Given):
    """A still of a character in a look; `candidates` are made, and the approved one is the `hero` (an output's id)."""

    id: int
    run_id: int
    key: str
    character: str | None
    variant: str | None
    candidates: int
    status: CellStatus
    status_at: datetime
    take: int
    hero: int | None
    reason: str
    verdict: dict[str, Any] | None


class Take(Given):
    """One version of a cell's result. The scene's file is at `/media/files/{scene_sha256}`."""

    id: int
    cell_id: int
    number: int
    seed: int
    scene_sha256: str | None
    created_at: datetime
    completed_at: datetime | None
    verdict: dict[str, Any] | None
    decision: str
    reason: str
    note: str
    decided_by: str
    decided_at: datetime | None


class Job(Given):
    """One unit of work."""

    id: int
    run_id: int
    stage: Stage
    subject: str
    subject_id: int
    take: int
    part: int
    status: JobStatus
    tries: int
    estimated_seconds: float
    created_at: datetime
    not_before: datetime | None
    finished_at: datetime | None
    seconds: float
    reason: str


class Attempt(Given):
    """One try of a job. `started_at` is when it was given away, `begun_at` when its generation began there, if it has."""

    id: str
    number: int
    worker: str
    started_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    outcome: AttemptOutcome
    failure_class: str
    reason: str
    seconds: float
    progress: float
    step: str
    cost: float


class JobWithAttempts(Job):
    """A job with its attempts, oldest first; and why it waits, while it is ready."""

    attempts: list[Attempt]
    waits: Reason | None


class Event(Given):
    """A stored fact. `cause` is the number of the event that led to it."""

    seq: int
    at: datetime
    type: str
    run_id: int | None
    subject: str
    subject_id: int
    actor: str
    cause: int | None
    data: dict[str, Any]


class Delivery(Given):
    """A package of approved takes, being made or sealed: of the run, or of one `character` of it."""

    id: int
    run_id: int
    number: int
    character: str | None
    status: DeliveryStatus
    reason: str
    created_at: datetime
    sealed_at: datetime | None
    size_bytes: int
    package_sha256: str | None


class DeliveryProgress(Given):
    """How far the newest delivery of a run is: what it does just now, in words, and the share that is done, 0 to 1."""

    delivery: Delivery
    step: str
    fraction: float
    job_status: JobStatus
    reason: str


class TakeAsked(Given):
    """The number of the take that was asked for."""

    number: int


class View(Given):
    """A kept way to look at the board."""

    name: str
    query: str


class Views(Given):
    """The views that are kept for a project, by name."""

    items: list[View]


class Project(Given):
    """A client job; runs of the same title belong to it."""

    id: int
    title: str
    created_at: datetime | None


class LibraryEntry(Given):
    """A character, variant, scene type or location as the newest run of its project defines it."""

    id: int
    project_id: int
    name: str
    spec: dict[str, Any]


class StoredFile(Given):
    """A file that was sent: name it by its hash when you create a run."""

    sha256: str
    size_bytes: int
    media_type: str


class Spread(Given):
    """What segments of a scene type have taken at a size: half of `samples` at most `p50_s`, nine in ten at most `p90_s`."""

    scene_type: str
    width: int
    height: int
    frames: int
    samples: int
    p50_s: float
    p90_s: float


class Estimate(Given):
    """Totals. `basis` says where the numbers come from; `late_seconds` is not exceeded with nine chances of ten.

    What was never measured has no spread: `late_seconds` is null while less than half of the time is measured.
    """

    cells: int
    frames: int
    generation_seconds: float
    disk_bytes: int
    measured_share: float
    samples: int
    late_seconds: float | None
    spreads: list[Spread]
    basis: str


class Receipt(Given):
    """Which cells were accepted (by key), why each other one was left out, and what became of refused source images."""

    accepted: list[str]
    skipped: dict[str, str]
    estimate: Estimate
    pictures: list[str] = []


class Preview(Receipt):
    """What a submission would do now; `cost` is its time at the cheapest worker, `refusal` why it would be refused whole."""

    refusal: str = ""
    cost: float = 0.0


class Done(Given):
    """What was done, in words: cells by their key, other things with their kind before it."""

    done: list[str]


class Issue(Given):
    """One finding about a production."""

    path: str
    line: int | None
    severity: str
    message: str
    suggestion: str


class Assessment(Given):
    """What is wrong with a production, and what it would cost; no estimate for one that cannot run."""

    is_valid: bool
    issues: list[Issue]
    estimate: Estimate | None
