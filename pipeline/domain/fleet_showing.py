"""The page of the fleet, made from what was read of it at one moment."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipeline.domain.cost_keys import work_words
from pipeline.domain.fleet import records
from pipeline.domain.fleet.choosing import Assignment, Choice
from pipeline.domain.fleet.jobs import FleetJob
from pipeline.domain.fleet.outlook import seconds_after
from pipeline.domain.fleet.reasons import GO_FIRST, Reason
from pipeline.domain.fleet.rules import Hold
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet.workers import Worker as Seat
from pipeline.domain.fleet_page import (
    Block,
    Doing,
    FleetPage,
    PastWork,
    Waiting,
    WorkerView,
    after_each_other,
    by_segment,
    left_s,
    newest_faults,
    used_share,
)
from pipeline.domain.records import Cell, FleetWork, Job, Run, Still
from pipeline.domain.statuses import AttemptOutcome
from pipeline.domain.telemetry.limits import Card
from pipeline.domain.workers import Worker, WorkRecord

BACK = timedelta(hours=2)
"""How far back the page looks."""
LONGEST_AHEAD = timedelta(hours=2)
MOST_PAST = 4000
"""So many ended attempts are read; the share that a worker was used is told of the time that they cover."""
_HOUR = timedelta(hours=1)
_NEXT = re.compile(r"; [^;]*\bis next in [^;]+")
"""What a reason says of who is free next: the choice of this moment. Who begins a job, and when, is told beside it from afar."""
_SHORTEST_SHARE = 1 / 400
"""Blocks shorter than this share of what is shown are drawn together."""
_LOOKS = {AttemptOutcome.DONE: "done", AttemptOutcome.FAILED: "failed", AttemptOutcome.LOST: "failed"}


@dataclass(frozen=True)
class FleetRead:
    """What the database says at one moment. `uncovered` says of jobs which budget does not cover them.

    `choice` explains what waits; `ahead` was made of `foreseen`, which knows the stated times of what nobody has measured.
    """

    now: datetime
    workers: Mapping[str, Worker]
    records: Mapping[tuple[int, str], WorkRecord]
    held: Sequence[FleetWork]
    past: Sequence[PastWork]
    failed: Sequence[PastWork]
    choice: Choice
    foreseen: Standing
    ahead: tuple[Assignment, ...]
    queue: Sequence[FleetJob]
    waits: int
    runs: Mapping[int, Run]
    jobs: Mapping[int, Job]
    cells: Mapping[int, Cell]
    stills: Mapping[int, Still]
    attempts: Mapping[int, tuple[int, float, str]]
    uncovered: Mapping[int, Hold]
    frames: Mapping[tuple[int, str], Sequence[int]]
    cards: Mapping[int, Sequence[Card]]


def subjects_of(jobs: Iterable[FleetJob]) -> list[tuple[str, int]]:
    """What these jobs are for: (cell or still, id)."""
    found = []
    for job in jobs:
        subject, number, _ = job.scene.split("-")
        found.append((subject, int(number)))
    return found


def page_of(read: FleetRead) -> FleetPage:
    """The page of the fleet, from what was read of it at one moment."""
    since = _since(read, read.now - BACK)
    until = _until(read, since)
    shortest = (until - since) * _SHORTEST_SHARE
    views = tuple(_views(read))
    return FleetPage(
        workers=views,
        waiting=tuple(_waiting(read)),
        waits=read.waits,
        used=sum(view.used for view in views) / len(views) if views else 0.0,
        price_per_hour=sum(view.worker.cost_per_hour for view in views if view.worker.may_work),
        blocks=tuple(_blocks(read, since, until=until, shortest=shortest)),
        since=since,
        until=until,
        now=read.now,
    )


def _since(read: FleetRead, since: datetime) -> datetime:
    """Nothing is gained by showing hours in which nothing happened: at least two minutes, in whole steps."""
    first = min((one.started_at for one in read.past), default=read.now)
    first = min([first, *(work.started_at for work in read.held if work.started_at)])
    for minutes in (2, 5, 15, 30, 60):
        if read.now - first <= timedelta(minutes=minutes):
            return read.now - timedelta(minutes=minutes)
    return since


def _until(read: FleetRead, since: datetime) -> datetime:
    """The end of what is foreseen, in whole steps, at least as long as a third of what is shown of the past."""
    last_s = max((given.finish_s for given in read.ahead), default=0.0) - read.now.timestamp()
    past_s = (read.now - since).total_seconds()
    for minutes in (1, 2, 5, 10, 20, 40, 80):
        if last_s <= minutes * 60 and minutes * 60 >= past_s / 3:
            return read.now + timedelta(minutes=minutes)
    return read.now + LONGEST_AHEAD


def _views(read: FleetRead) -> Iterable[WorkerView]:
    hour = read.now - _HOUR
    if len(read.past) >= MOST_PAST:
        hour = max(hour, read.past[-1].ended_at)
    classes = {one.failure_class for one in read.failed}
    faults = newest_faults(read.failed, {name: records.is_fault(name) for name in classes})
    stretches: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    done: defaultdict[str, int] = defaultdict(int)
    for past in read.past:
        stretches[past.worker].append((past.started_at, past.ended_at))
        done[past.worker] += past.outcome is AttemptOutcome.DONE and past.ended_at > hour
    for work in read.held:
        stretches[work.worker].append((work.started_at or read.now, read.now))
    for name, worker in read.workers.items():
        yield WorkerView(
            worker=worker,
            doing=tuple(_doing(read, worker)),
            records=tuple(record for (owner, _), record in read.records.items() if owner == worker.id),
            fault=faults.get(name),
            used=used_share(stretches[name], max(hour, worker.created_at), read.now),
            done=done[name],
            cards=tuple(read.cards.get(worker.id, ())),
        )


def _doing(read: FleetRead, worker: Worker) -> Iterable[Doing]:
    """What it holds: the oldest runs, the others wait there."""
    for place, work in enumerate(one for one in read.held if one.worker == worker.name):
        number, progress, step = read.attempts.get(work.job_id, (0, 0.0, ""))
        run = read.runs[work.run_id]
        is_next = place > 0
        yield Doing(
            job_id=work.job_id,
            run_id=work.run_id,
            run_name=run.name,
            subject=work.subject,
            subject_id=work.subject_id,
            key=_key(read, work.subject, work.subject_id),
            kind=work.scene_type or _kind(read, work.subject_id),
            part=work.part,
            parts=len(read.frames.get((work.run_id, work.scene_type), ())),
            since=work.started_at or read.now,
            progress=progress,
            step=step.removeprefix("step: "),
            left_s=left_s(
                replace(work, started_at=None) if is_next else work, read.records.get((worker.id, work.work)), read.now
            ),
            attempt=number,
            is_next=is_next,
        )


def _key(read: FleetRead, subject: str, subject_id: int) -> str:
    cell, still = read.cells.get(subject_id), read.stills.get(subject_id)
    if subject == "cell":
        return cell.plan.key if cell else ""
    return still.key if still else ""


def _kind(read: FleetRead, still_id: int) -> str:
    still = read.stills.get(still_id)
    return (still.variant or still.location or still.key) if still else ""


def _waiting(read: FleetRead) -> Iterable[Waiting]:
    coming = {given.job.id: given for given in read.ahead}
    for job in read.queue:
        found = read.jobs.get(int(job.id))
        if found is None:
            continue
        [(subject, subject_id)] = subjects_of([job])
        given = coming.get(job.id)
        run, cell = read.runs[found.run_id], read.cells.get(subject_id) if subject == "cell" else None
        hold = read.uncovered.get(found.id)
        reason = Reason(hold.cause, hold.words, hold.remedy) if hold else in_words(read.choice.explain(job), job, run)
        if given is not None:
            reason = replace(reason, words=_NEXT.sub("", reason.words))
        bold = [*read.workers, job.kind.model, run.name]
        yield Waiting(
            job_id=found.id,
            run_id=run.id,
            run_name=run.name,
            subject=subject,
            subject_id=subject_id,
            key=_key(read, subject, subject_id),
            part=found.part,
            parts=len(read.frames.get((run.id, job.kind.group), ())),
            take=found.take,
            tries=found.tries,
            priority=job.kind.priority,
            own_priority=cell.priority if cell else None,
            cause=reason.cause,
            reason=reason.words,
            remedy=reason.remedy,
            bold=tuple(word for word in bold if word and word in reason.words),
            starts_at=datetime.fromtimestamp(given.start_s, UTC) if given else None,
            worker=given.worker if given else "",
        )


def in_words(reason: Reason, job: FleetJob, run: Run) -> Reason:
    """A reason with names that people know, where the choice goes by numbers and keys."""
    work = work_words(job.kind.workflow)
    words, remedy = (told.replace(job.kind.workflow, work) for told in (reason.words, reason.remedy))
    first = f'`./stripboard priority "{run.name}" N`'
    if reason.cause == "fair_share":
        words = words.replace(f"fair share: {job.kind.run} ", f"fair share: {run.name} ")
        return Reason(reason.cause, words, f'`./stripboard schedule "{run.title}" --share N`, or {first}')
    if reason.cause == "deadline":
        return Reason(reason.cause, words, f'`./stripboard deadline "{run.name}" MOMENT`, or {first}')
    if reason.cause == "cap":
        words = words.replace(f"concurrency of {job.kind.project} ", f"concurrency of {run.title} ")
        return Reason(reason.cause, words, f'`./stripboard schedule "{run.title}"` with a higher number')
    return replace(reason, words=words, remedy=remedy.replace(GO_FIRST, first))


def _blocks(read: FleetRead, since: datetime, *, until: datetime, shortest: timedelta) -> Iterable[Block]:
    lanes: defaultdict[str, list[Block]] = defaultdict(list)
    for past in read.past:
        look = _LOOKS.get(past.outcome, "stopped")
        lanes[past.worker].append(
            Block(
                past.worker,
                look,
                start=max(past.started_at, since),
                end=past.ended_at,
                label=past.kind,
                key=past.key,
                subject=past.subject,
                subject_id=past.subject_id,
                reason=past.reason,
            )
        )
    seats = {seat.name: seat for seat in read.foreseen.workers}
    free_at: dict[str, datetime] = {}
    for view in _views(read):
        name = view.worker.name
        now_doing = list(_running(view, read.now, datetime.fromtimestamp(seats[name].busy_until_s, UTC)))
        now_doing += _following(read, view, seats[name], max((block.end for block in now_doing), default=read.now))
        free_at[name] = max((block.end for block in now_doing), default=read.now)
        lanes[name] += now_doing
    for given in read.ahead:
        block = _scene(read, given)
        late = max(timedelta(0), free_at[given.worker] - block.start)
        if block.start + late < until:
            block = replace(block, start=block.start + late, end=block.end + late)
            lanes[given.worker] += by_segment(block, _frames_from(read, given.job))
            free_at[given.worker] = block.end
    for name in read.workers:
        yield from after_each_other(lanes[name], shortest=shortest)


def _scene(read: FleetRead, given: Assignment) -> Block:
    """The stretch that a worker is expected to be at a scene, from the job that waits to the end."""
    [(subject, subject_id)] = subjects_of([given.job])
    start, end = datetime.fromtimestamp(given.start_s, UTC), datetime.fromtimestamp(given.finish_s, UTC)
    kind, key = given.job.kind.group or _kind(read, subject_id), _key(read, subject, subject_id)
    return Block(given.worker, "next", start, end, kind, key, subject, subject_id)


def _frames_from(read: FleetRead, job: FleetJob) -> Sequence[int]:
    """The frames of this segment and of those that follow in its scene; none for a picture."""
    return read.frames.get((int(job.kind.run), job.kind.group), ())[job.part - 1 :]


def _following(read: FleetRead, view: WorkerView, seat: Seat, start: datetime) -> Iterable[Block]:
    """The segments that follow in the scenes that a worker has begun: it goes on with them."""
    for doing, job in zip(view.doing, seat.holds, strict=False):
        takes_s = seconds_after(job, seat, read.foreseen)
        if takes_s > 0:
            end = start + timedelta(seconds=takes_s)
            block = Block(view.worker.name, "next", start, end, doing.kind, doing.key, doing.subject, doing.subject_id)
            yield from by_segment(block, _frames_from(read, job)[1:])
            start = end


def _running(view: WorkerView, now: datetime, ready: datetime) -> Iterable[Block]:
    """What it has been at until now, how much longer it is expected to be, and what it has been given to do then.

    `ready` is when the choice takes it to be free, which tells where nothing was measured.
    """
    free_at = now
    for doing in view.doing:
        where = (doing.kind, doing.key, doing.subject, doing.subject_id)
        name, start = view.worker.name, free_at
        free_at = max(free_at, ready) if doing.left_s is None else free_at + timedelta(seconds=doing.left_s)
        if doing.is_next:
            yield Block(name, "next", start, free_at, *where)
            continue
        yield Block(name, "running", doing.since, now, *where)
        yield Block(name, "rest", now, free_at, "", *where[1:])
