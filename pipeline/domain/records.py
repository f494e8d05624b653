"""The stored things as values: what repositories take and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.domain.cells import CellPlan
from pipeline.domain.production import Production
from pipeline.domain.rulesets import Rule
from pipeline.domain.stages import Stage, priority_of
from pipeline.domain.statuses import AttemptOutcome, CellStatus, DeliveryStatus, JobStatus, RunStatus, StillKind

_JOB = "job-"


@dataclass(frozen=True)
class Actor:
    """Who does something: a user, a rule, or the system itself."""

    kind: str
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "user" else f"{self.kind}:{self.name}"


ENGINE = Actor("system", "engine")


@dataclass(frozen=True)
class RunConfig:
    """Everything a run was made from, frozen at creation: nothing outside can change what a run means.

    `sources` maps each path of the production that is read (source images, plates, workflows) to the stored file.
    `rules` maps a stage to its default rules, `cameras` a camera move to its numbers, `palettes` a palette to its colours.
    `workflows` has the graphs of the backend `comfyui` with their bindings, by `workflows.uses.key_of`.
    """

    production: Production
    sources: Mapping[str, StoredFile] = field(default_factory=dict)
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    cameras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    palettes: Mapping[str, Any] = field(default_factory=dict)
    workflows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def size_of(self, sha256: str) -> int:
        """The size of one of the `sources`, in bytes."""
        return next(file.size_bytes for file in self.sources.values() if file.sha256 == sha256)


@dataclass(frozen=True)
class StoredFile:
    """A file in the media store."""

    sha256: str
    size_bytes: int
    media_type: str


@dataclass(frozen=True)
class Run:
    """A production run without its configuration. Times in seconds, sizes in bytes; limits None when unlimited.

    Costs are those of workers' time, in the currency of the installation. `created_by` is who made it, `start_after` the time
    before which none of its generation starts, `deadline` the time at which it is due.
    """

    id: int
    project_id: int
    title: str
    number: int
    status: RunStatus
    backend: str
    base_dir: str
    until: str
    accept_flags: bool
    auto_deliver: bool
    priority: int
    created_at: datetime
    limit_seconds: float | None
    limit_bytes: int | None
    spent_seconds: float
    reserved_seconds: float
    spent_bytes: int
    reserved_bytes: int
    limit_cost: float | None = None
    spent_cost: float = 0.0
    reserved_cost: float = 0.0
    created_by: str = ""
    start_after: datetime | None = None
    deadline: datetime | None = None

    @property
    def name(self) -> str:
        """`Harbor Nights #3`."""
        return f"{self.title} #{self.number}"


@dataclass(frozen=True)
class Cell:
    """A cell with its state. `take` is the number of the newest take; takes are numbered through all runs of a production.

    `priority` counts on top of that of the run.
    """

    id: int
    run_id: int
    plan: CellPlan
    status: CellStatus
    status_at: datetime
    take: int
    approved_take: int | None
    reason: str
    stale: str
    version: int
    priority: int = 0

    @property
    def told_take(self) -> int:
        """The number of the take that its status tells of: once approved, the one in force, which need not be the newest."""
        return (self.approved_take or self.take) if self.status is CellStatus.APPROVED else self.take

    def leaves_aside(self, number: int) -> bool:
        """Whether the cell is approved with another take than this one."""
        return self.status is CellStatus.APPROVED and number != self.told_take


@dataclass(frozen=True)
class Still:
    """A picture (or the checked source images) that cells depend on. `hero` is the output row of the approved candidate."""

    id: int
    run_id: int
    kind: StillKind
    key: str
    character: str | None
    variant: str | None
    location: str | None
    candidates: int
    status: CellStatus
    status_at: datetime
    take: int
    hero: int | None
    reason: str
    verdict: Mapping[str, Any] | None


@dataclass(frozen=True)
class Job:
    """One schedulable unit of work. `subject` is `cell`, `still` or `delivery`; `part` is the segment, candidate or output.

    `price` is what an hour costs of the worker that it was given to.
    """

    id: int
    run_id: int
    stage: Stage
    subject: str
    subject_id: int
    take: int
    part: int
    status: JobStatus
    urgency: int
    epoch: int
    tries: int
    inputs: tuple[JobInput, ...]
    options: Mapping[str, Any]
    fingerprint: str
    estimated_seconds: float
    estimated_bytes: int
    attempt_id: str | None = None
    owner: str | None = None
    reserved_seconds: float = 0.0
    reason: str = ""
    price: float = 0.0

    @property
    def key(self) -> str:
        """Stable over attempts and safe in a path."""
        return f"{_JOB}{self.id}"


def job_number(key: str) -> int | None:
    """The id of the job that has this key; None when it is no key of a job."""
    number = key.removeprefix(_JOB)
    return int(number) if number != key and number.isascii() and number.isdigit() and len(number) < 19 else None


@dataclass(frozen=True)
class JobInput:
    """A stored file a job reads."""

    role: str
    sha256: str
    media_type: str
    label: str = ""


@dataclass(frozen=True)
class NewJob:
    """A job to be stored as ready."""

    run_id: int
    stage: Stage
    subject: str
    subject_id: int
    take: int
    part: int
    priority: int
    inputs: tuple[JobInput, ...]
    fingerprint: str
    estimated_seconds: float
    estimated_bytes: int
    options: Mapping[str, Any] = field(default_factory=dict)
    cost_key: str = ""
    frames: int = 0


@dataclass(frozen=True)
class Attempt:
    """One try of a job. `progress` goes from 0 to 1, and `step` names what it does just now, where its performer tells.

    `started_at` is when it was given away, `begun_at` when its generation began there: from then on its time counts. None while
    it waits, for one that never began or ended at once, and for work that no budget pays for.
    `cost` is what its time on a worker of the fleet has cost, in the currency of the installation.
    """

    id: str
    job_id: int
    number: int
    epoch: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome
    failure_class: str
    reason: str
    seconds: float
    progress: float = 0.0
    step: str = ""
    cost: float = 0.0
    begun_at: datetime | None = None


@dataclass(frozen=True)
class Output:
    """A stored file that a job made."""

    id: int
    job_id: int
    stage: Stage
    subject: str
    subject_id: int
    take: int
    part: int
    role: str
    file: StoredFile
    label: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Take:
    """One version of a cell's result.

    `kept` says of each segment that was taken over from an earlier take, from the first on, [take, seed, prompt] it was made
    with; a prompt that is empty or left out is the one of the production. `prompt` is that of the other segments.
    """

    id: int
    cell_id: int
    number: int
    seed: int
    created_at: datetime
    completed_at: datetime | None
    decision: str
    decided_by: str
    decided_at: datetime | None
    reason: str
    note: str
    verdict: Mapping[str, Any] | None
    scene_sha256: str | None
    kept: Sequence[Sequence[Any]] = ()
    prompt: str = ""


@dataclass(frozen=True)
class Delivery:
    """A package of approved takes, being made or sealed: of a run, or of one `character` of it."""

    id: int
    run_id: int
    number: int
    status: DeliveryStatus
    created_at: datetime
    sealed_at: datetime | None
    package_sha256: str | None
    size_bytes: int
    reason: str
    character: str | None = None
    placed_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """A stored fact. `cause` is the sequence number of the event that led to it; `depth` counts the chain."""

    seq: int
    at: datetime
    type: str
    run_id: int | None
    subject: str
    subject_id: int
    actor: str
    cause: int | None
    depth: int
    data: Mapping[str, Any]


@dataclass(frozen=True)
class KeptAnswer:
    """A request that was sent with an idempotency key, and its answer (`status` is None until there is one).

    `claim` names who carries it out; `effect_at` is set by the very transaction that has done it.
    """

    id: int
    route: str
    request_sha256: str
    claim: str
    claimed_at: datetime
    effect_at: datetime | None
    status: int | None
    headers: Mapping[str, str] | None
    body: str | None


@dataclass(frozen=True)
class FleetWork:
    """A generation job as the choice of its worker sees it. `work` is its cost key, `scene_type` is empty for stills.

    `home` is the worker that made the segment before, `failed_at` says in which way it failed at which workers. `worker`,
    `started_at` and `progress` are those of its running attempt; empty, None and 0 while it waits.
    """

    job_id: int
    run_id: int
    work: str
    frames: int
    urgency: int
    created_at: datetime
    not_before: datetime | None
    subject: str
    subject_id: int
    take: int
    part: int
    tries: int = 0
    estimated_seconds: float = 0.0
    scene_type: str = ""
    home: str = ""
    failed_at: Mapping[str, str] = field(default_factory=dict)
    worker: str = ""
    started_at: datetime | None = None
    progress: float = 0.0

    @property
    def priority(self) -> int:
        """Of its run and cell together; see `urgency`."""
        return priority_of(self.urgency)
