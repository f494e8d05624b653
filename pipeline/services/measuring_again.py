"""Does a check or an assembly of a complete take once more, inside a caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.records import Cell, Job, NewJob
from pipeline.domain.stages import Stage
from pipeline.services.advance import Advance


def again(advance: Advance, cells: Sequence[Cell], stage: Stage) -> list[int]:
    """Queue one more job of this stage for the newest take of each of these cells, as the one before was.

    The answer is the ids of those cells whose take has been through the stage. The job moves nothing on.
    """
    store, found = advance.store, []
    for cell in cells:
        before = store.jobs.of("cell", cell.id, cell.take, stage)
        if before:
            priority = advance.run(cell.run_id).priority + cell.priority
            store.jobs.add(_like(max(before, key=lambda job: job.part), priority), store.journal.now)
            found.append(cell.id)
    return found


def _like(job: Job, priority: int) -> NewJob:
    """A job equal to one that was done, as the next part."""
    return NewJob(
        run_id=job.run_id,
        stage=job.stage,
        subject=job.subject,
        subject_id=job.subject_id,
        take=job.take,
        part=job.part + 1,
        priority=priority,
        inputs=job.inputs,
        fingerprint=job.fingerprint,
        estimated_seconds=job.estimated_seconds,
        estimated_bytes=job.estimated_bytes,
        options=job.options,
    )
