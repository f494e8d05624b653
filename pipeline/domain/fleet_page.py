"""The fleet as people see it at one moment: every worker with what it does, what waits and why, what was and what will be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.domain.records import FleetWork
from pipeline.domain.statuses import AttemptOutcome
from pipeline.domain.telemetry.limits import DEFAULTS, Card, Threshold
from pipeline.domain.workers import Health, Worker, WorkerState, WorkRecord

_CERTAIN = 0.05
"""From this share on, what is done of an attempt says how long the rest takes."""


@dataclass(frozen=True)
class PastWork:
    """An attempt that ended at a worker. `kind` is its scene type, for a still its variant or location."""

    worker: str
    started_at: datetime
    ended_at: datetime
    outcome: AttemptOutcome
    failure_class: str
    reason: str
    job_id: int
    run_id: int
    subject: str
    subject_id: int
    part: int
    key: str
    kind: str


@dataclass(frozen=True)
class Doing:
    """A job that a worker holds. `part` of `parts` segments; `parts` is 0 for a picture.

    `progress` goes from 0 to 1, `step` is what the worker does just now, `left_s` how long it will take yet; None while that
    cannot be told. `is_next` marks a job that waits at the worker behind another.
    """

    job_id: int
    run_id: int
    run_name: str
    subject: str
    subject_id: int
    key: str
    kind: str
    part: int
    parts: int
    since: datetime
    progress: float
    step: str
    left_s: float | None
    attempt: int
    is_next: bool


@dataclass(frozen=True)
class Fault:
    """The newest failure of a worker: what speaks against it, or that it went away or lost what it had."""

    at: datetime
    reason: str
    key: str


@dataclass(frozen=True)
class WorkerView:
    """A worker with what it does and has shown. `used` is the share of the last hour in which it had work; `done` its results.

    `cards` are its graphics cards with their newest readings.
    """

    worker: Worker
    doing: tuple[Doing, ...]
    records: tuple[WorkRecord, ...]
    fault: Fault | None
    used: float
    done: int
    cards: tuple[Card, ...] = ()

    @property
    def aside(self) -> tuple[WorkRecord, ...]:
        """The kinds of work that it gets none of until a test has succeeded."""
        return tuple(record for record in self.records if record.aside_since)

    @property
    def shown(self) -> str:
        """The shown status: generating, not started (free), blocked (paused, draining, in use by somebody else) or failed."""
        if self.worker.health in (Health.AWAY, Health.WEDGED, Health.STRANGE):
            return "failed"
        if self.worker.health is Health.OCCUPIED:
            return "blocked"
        if self.worker.state is not WorkerState.ENABLED:
            return "blocked"
        if self.doing:
            return "generating"
        return "failed" if self.aside else "blocked" if self.worker.others else "not_started"

    @property
    def word(self) -> str:
        """How it stands, in a word or two."""
        if self.worker.health in (Health.AWAY, Health.WEDGED, Health.STRANGE, Health.OCCUPIED):
            return self.worker.health.value
        if self.worker.state is not WorkerState.ENABLED:
            return self.worker.state.value
        if self.doing:
            return "busy"
        if self.worker.health is Health.UNKNOWN:
            return "not looked at yet"
        return "set aside" if self.aside else "in use" if self.worker.others else "free"


@dataclass(frozen=True)
class Waiting:
    """A job that waits for a worker, and why. `bold` are the words of the reason that matter most.

    `starts_at` and `worker` are what is expected; None and empty when nobody will take it as things stand. `priority` counts
    run and scene together, `own_priority` the scene alone; None where it cannot be changed by itself.
    """

    job_id: int
    run_id: int
    run_name: str
    subject: str
    subject_id: int
    key: str
    part: int
    parts: int
    take: int
    tries: int
    priority: int
    own_priority: int | None
    cause: str
    reason: str
    remedy: str
    bold: tuple[str, ...]
    starts_at: datetime | None
    worker: str


@dataclass(frozen=True)
class Block:
    """A stretch of a worker's time. `look` is `done`, `failed`, `stopped`, `running`, `rest` (of what runs) or `next`.

    `count` attempts are in it when they are too short to be drawn one by one; then it leads nowhere.
    """

    worker: str
    look: str
    start: datetime
    end: datetime
    label: str
    key: str
    subject: str = ""
    subject_id: int = 0
    reason: str = ""
    count: int = 1


@dataclass(frozen=True)
class FleetPage:
    """Everything the page shows. `waits` jobs wait in all, `waiting` has the first of them.

    `since` and `until` bound what the blocks show. `used` is the share of the last hour of all workers together.
    `thresholds` are the limits that cards are held against. `is_attended` says whether any engine is at work: else everything is
    as it was left.
    """

    workers: tuple[WorkerView, ...]
    waiting: tuple[Waiting, ...]
    waits: int
    used: float
    price_per_hour: float
    blocks: tuple[Block, ...]
    since: datetime
    until: datetime
    now: datetime
    thresholds: tuple[Threshold, ...] = DEFAULTS
    is_attended: bool = True

    @property
    def busy(self) -> int:
        """How many workers are at work; what one that does not answer was given is not work."""
        return sum(bool(view.doing) and view.shown != "failed" for view in self.workers)


def left_s(work: FleetWork, record: WorkRecord | None, now: datetime) -> float | None:
    """How long an attempt takes yet: by the worker's measured speed, else by how far it has come; None if neither tells."""
    elapsed_s = (now - work.started_at).total_seconds() if work.started_at else 0.0
    if record is not None and record.samples:
        whole_s = record.seconds_per_frame * max(1, work.frames)
        return max(0.0, whole_s * (1 - work.progress) if work.progress > 0 else whole_s - elapsed_s)
    if work.progress >= _CERTAIN:
        return max(0.0, elapsed_s * (1 - work.progress) / work.progress)
    return None


def used_share(stretches: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime) -> float:
    """The share of this time that is covered by these stretches; where they overlap it counts once."""
    whole_s = (until - since).total_seconds()
    covered_s, reached = 0.0, since
    for start, end in sorted(stretches):
        start, end = max(start, reached), min(end, until)
        if end > start:
            covered_s += (end - start).total_seconds()
            reached = end
    return covered_s / whole_s if whole_s > 0 else 0.0


def after_each_other(blocks: Iterable[Block], *, shortest: timedelta) -> list[Block]:
    """The blocks of one worker so that none lies over another: a job was sent while the one before still ran.

    Blocks of one look that follow at once and are shorter than `shortest` become one that counts them.
    """
    found: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.start, block.end)):
        start = max(block.start, found[-1].end) if found else block.start
        if block.end <= start:
            continue
        block = replace(block, start=start)
        if found and _are_too_short(found[-1], block, shortest):
            found[-1] = _together(found[-1], block)
            continue
        found.append(block)
    return found


def by_segment(block: Block, frames: Sequence[int]) -> list[Block]:
    """The stretch of a scene as one block a segment, each as long as its share of the frames has it; of a picture as it is."""
    whole, at = sum(frames), block.start
    if len(frames) < 2 or not whole:
        return [block]
    found = []
    for each in frames:
        end = at + (block.end - block.start) * (each / whole)
        found.append(replace(block, start=at, end=end))
        at = end
    return found


def _are_too_short(before: Block, block: Block, shortest: timedelta) -> bool:
    is_like = before.look == block.look and before.look in ("done", "failed", "stopped", "next")
    return is_like and block.end - before.start < shortest and block.start - before.end < shortest


def _together(before: Block, block: Block) -> Block:
    label = before.label if before.label == block.label else ""
    return Block(before.worker, before.look, before.start, block.end, label, label, count=before.count + block.count)


def newest_faults(failed: Sequence[PastWork], is_fault: Mapping[str, bool]) -> dict[str, Fault]:
    """By worker: its newest failure of a class that counts against it; `failed` comes newest first."""
    found: dict[str, Fault] = {}
    for past in failed:
        if is_fault.get(past.failure_class, False):
            found.setdefault(past.worker, Fault(past.ended_at, past.reason, past.key))
    return found


def worth_trying(workers: Iterable[WorkerView]) -> list[Worker]:
    """The workers of which a fleet could have more, or be without: those that are or were well, the busiest first."""
    known = [view for view in workers if view.worker.was_well]
    return [view.worker for view in sorted(known, key=lambda view: (-view.used, -view.done, view.worker.name))]
