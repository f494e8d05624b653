"""What becomes of the next jobs in the queue: started, taken from what is stored, or left until an equal one is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline.domain.records import Job
from pipeline.domain.stages import REUSABLE
from pipeline.domain.statuses import JobStatus


@dataclass(frozen=True)
class Sorted:
    """Jobs in the order of the queue. `ahead` are those that go on now, each with the done job whose result it takes, if any;
    `waiting` have an equal twin that is being made just now."""

    ahead: tuple[tuple[Job, Job | None], ...]
    waiting: tuple[Job, ...]


def sort_out(queue: Iterable[Job], twins: Mapping[str, Job], begun: Collection[str]) -> Sorted:
    """Part the jobs of a queue. `twins` maps fingerprints to an equal job that is done or runs; `begun` begin in this turn.

    Of equal jobs in one queue only the first goes ahead.
    """
    ahead: list[tuple[Job, Job | None]] = []
    waiting: list[Job] = []
    mine: set[str] = set()
    for job in queue:
        twin = twins.get(job.fingerprint) if job.stage in REUSABLE else None
        if job.stage not in REUSABLE:
            ahead.append((job, None))
        elif twin is not None and twin.status is JobStatus.DONE:
            ahead.append((job, twin))
        elif twin is not None or job.fingerprint in begun or job.fingerprint in mine:
            waiting.append(job)
        else:
            mine.add(job.fingerprint)
            ahead.append((job, None))
    return Sorted(tuple(ahead), tuple(waiting))
