"""Everything that is shown of one cell, as values: takes with their segments, steps, jobs, and what waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.domain.fleet.waits import JobWait
from pipeline.domain.quality import Verdict
from pipeline.domain.records import Attempt, Cell, Job, Output, Run, Still, StoredFile, Take
from pipeline.domain.resolver import Unmet
from pipeline.domain.stages import STAGES, Lane, Stage
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus
from pipeline.domain.stories import ByRule, Line

SHOWN_BY_JOB: Mapping[JobStatus, str] = {
    JobStatus.READY: "queued",
    JobStatus.RUNNING: "generating",
    JobStatus.DONE: "approved",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
"""Which of the shown statuses a job has."""


@dataclass(frozen=True)
class SceneFacts:
    """What a cell's scene type asks for. `gate` is who decides on its takes: `human` or `auto`."""

    duration_s: float
    fps: int
    width: int
    height: int
    segment_frames: tuple[int, ...]
    gate: str

    @property
    def frames(self) -> int:
        """All frames of the scene."""
        return sum(self.segment_frames)


@dataclass(frozen=True)
class SegmentView:
    """One segment of a take: where it lies on the time line, and its file once it is made."""

    number: int
    first_frame: int
    frames: int
    shown: str
    file: StoredFile | None = None


@dataclass(frozen=True)
class TakeView:
    """One take. `shown` is its status as people see it; `scene` is there once it is assembled."""

    take: Take
    shown: str
    segments: tuple[SegmentView, ...]
    scene: StoredFile | None
    has_picture: bool
    verdict: Verdict | None
    generation_s: float
    reason: str = ""

    @property
    def number(self) -> int:
        """Its number among the cell's takes."""
        return self.take.number


@dataclass(frozen=True)
class JobView:
    """A job with its tries, oldest first."""

    job: Job
    attempts: tuple[Attempt, ...]
    name: str

    @property
    def shown(self) -> str:
        """Its status as people see it."""
        return SHOWN_BY_JOB[self.job.status]

    @property
    def seconds(self) -> float:
        """How long all its tries took together; a check that failed is counted from its start to its end."""
        return sum(attempt.seconds or (0.0 if self.is_generation else _ran_for(attempt)) for attempt in self.attempts)

    @property
    def is_generation(self) -> bool:
        """Whether its time counts against the budget."""
        return STAGES[self.job.stage].lane is Lane.GENERATION

    @property
    def is_reused(self) -> bool:
        """Whether a stored result was taken instead of work."""
        return bool(self.attempts) and self.attempts[-1].outcome is AttemptOutcome.REUSED


@dataclass(frozen=True)
class Waiter:
    """A cell that waits for this one; `seconds` is what it will cost, `is_freed` whether it waits for nothing else."""

    cell: Cell
    seconds: float
    is_freed: bool


@dataclass(frozen=True)
class StillView:
    """A still that the cell needs, with its candidates (part numbers) and who approved it."""

    still: Still
    candidates: tuple[int, ...]
    decided_by: str = ""


@dataclass(frozen=True)
class CellPage:
    """One cell with all that people need to judge it and to know what happens next.

    `cost_s` is the generation time that a whole take is expected to need; `watched` are the things whose events change the page.
    `by_rules` has the rules behind lines of the story, by the number of the event. `waits` are the ready jobs that it waits for.
    """

    run: Run
    cell: Cell
    scene: SceneFacts
    blocked_by: tuple[Unmet, ...]
    stills: tuple[StillView, ...]
    after: tuple[Cell, ...]
    waiters: tuple[Waiter, ...]
    takes: tuple[TakeView, ...]
    jobs: tuple[JobView, ...]
    story: tuple[Line, ...]
    before_id: int | None
    after_id: int | None
    position: int
    total: int
    seq: int
    now: datetime
    cost_s: float = 0.0
    watched: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    by_rules: Mapping[int, ByRule] = field(default_factory=dict)
    waits: tuple[JobWait, ...] = ()

    @property
    def shown(self) -> str:
        """The cell's status as people see it: `blocked` is computed."""
        return "blocked" if self.blocked_by else self.cell.status.value

    def cost_from(self, segment: int) -> float:
        """The generation time of a take that is made from this segment on."""
        frames = self.scene.segment_frames
        return self.cost_s * sum(frames[segment - 1 :]) / max(1, sum(frames))

    @property
    def told(self) -> TakeView | None:
        """The take that the cell's status tells of."""
        return next((take for take in self.takes if take.number == self.cell.told_take), None) or self.newest

    def is_unused(self, take: TakeView) -> bool:
        """Whether it was approved and another approved take is in force."""
        return take.shown == "approved" and self.cell.leaves_aside(take.number)

    @property
    def newest(self) -> TakeView | None:
        """The newest take."""
        return self.takes[0] if self.takes else None

    def take(self, number: int | None) -> TakeView | None:
        """The take of this number; when none is named, the approved one, else the newest that can be played."""
        wanted = self.cell.approved_take if number is None and self.cell.status is CellStatus.APPROVED else number
        named = next((take for take in self.takes if take.number == wanted), None)
        return named or next((take for take in self.takes if take.scene), None) or self.newest


def _ran_for(attempt: Attempt) -> float:
    return (attempt.ended_at - attempt.started_at).total_seconds() if attempt.ended_at else 0.0


def segments_of(frames: Sequence[int], jobs: Sequence[Job], made: Mapping[int, StoredFile]) -> tuple[SegmentView, ...]:
    """The segments of a take on the time line; those without a job yet are not begun."""
    by_part = {job.part: job for job in jobs if job.stage is Stage.SCENE_GENERATION}
    views, first = [], 0
    for number, count in enumerate(frames, 1):
        job = by_part.get(number)
        shown = SHOWN_BY_JOB[job.status] if job else "not_started"
        views.append(SegmentView(number, first, count, shown, made.get(number)))
        first += count
    return tuple(views)


def take_shown(take: Take, cell: Cell) -> str:
    """The status of one take: its own decision, else the cell's for the newest one; an older one was given up."""
    if take.decision:
        return take.decision
    if take.number == cell.take and cell.status not in (CellStatus.APPROVED, CellStatus.NOT_STARTED):
        return cell.status.value
    return "cancelled"


def job_name(job: Job, outputs: Sequence[str]) -> str:
    """What a job of a cell is called; `outputs` are the names of the production's export formats."""
    if job.stage is Stage.SCENE_GENERATION:
        return f"Segment {job.part}"
    if job.stage is Stage.EXPORT:
        return f"Export {outputs[job.part - 1]}" if job.part <= len(outputs) else f"Export {job.part}"
    return "Quality check" if job.stage is Stage.SCENE_QA else "Assembly"


def outputs_of_take(outputs: Sequence[Output], number: int) -> dict[tuple[str, int], Output]:
    """The files of one take by (role, part); the newest of each."""
    return {(output.role, output.part): output for output in outputs if output.take == number}
