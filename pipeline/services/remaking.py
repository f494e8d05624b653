"""Makes takes again of which stored files are lost, as they were, inside a caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from data.store import Store
from pipeline.domain import plans
from pipeline.domain.records import Cell
from pipeline.domain.retries import FailureClass
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus
from pipeline.ports import Media
from pipeline.services.advance import Advance

_MAKING = (Stage.SCENE_GENERATION, Stage.ASSEMBLY, Stage.EXPORT)


def lost(store: Store, media: Media, cells: Collection[Cell]) -> list[Cell]:
    """Those of these cells that are approved, and of whose approved take a file is not in the media store any more."""
    approved = {cell.id: cell for cell in cells if cell.status is CellStatus.APPROVED}
    gone = {
        output.subject_id
        for output in store.outputs.of_cells(list(approved), *_MAKING)
        if output.take == approved[output.subject_id].approved_take
        and not media.keeps(output.file.sha256, output.file.size_bytes)
    }
    return [cell for cell in approved.values() if cell.id in gone]


def starved(store: Store, cells: Sequence[Cell]) -> list[Cell]:
    """Those of these failed cells whose newest take has failed for want of a stored file: its job would fail again."""
    takes = {cell.id: cell.take for cell in cells}
    unfinished = store.jobs.unfinished_of("cell", list(takes))
    failed = {job.id: job for job in unfinished if job.status is JobStatus.FAILED and job.take == takes[job.subject_id]}
    newest = {attempt.job_id: attempt for attempt in store.jobs.attempts_of(list(failed))}
    wanting = {failed[key].subject_id for key, one in newest.items() if one.failure_class == FailureClass.LOST_INPUT}
    return [cell for cell in cells if cell.id in wanting]


def remake(advance: Advance, cells: Sequence[Cell], cause: int | None = None) -> None:
    """Ask for a take of each of these cells that is like the one that counts: every segment with the seed and the words it had.

    So what is still stored of it is reused, and what is lost is made as it was. A cell that waits for something that is not
    approved gets another take as always.
    """
    advance.cancel_jobs("cell", [cell.id for cell in cells], "made anew")
    ready = _unblocked(advance, cells)
    for cell in cells:
        wishes = _as_it_was(advance, cell) if cell.id in ready else {}
        advance.queue_cell(cell, cause=cause, wishes=wishes)
        if wishes:
            advance.start_cells([advance.cells[cell.id]], wishes)


def _unblocked(advance: Advance, cells: Sequence[Cell]) -> set[int]:
    """Those of these cells that wait for nothing, and for none of these."""
    store, queued = advance.store, {cell.id for cell in cells}
    needs = store.cells.needs_of("cell", list(queued))
    advance.load(*([key for found in needs.values() for kind, key in found if kind == wanted] for wanted in ("cell", "still")))
    known: Mapping[str, Mapping[int, Any]] = {"cell": advance.cells, "still": advance.stills}
    return {
        cell_id
        for cell_id in queued
        if all(
            known[kind][key].status is CellStatus.APPROVED and not (kind == "cell" and key in queued)
            for kind, key in needs.get(cell_id, ())
        )
    }


def _as_it_was(advance: Advance, cell: Cell) -> dict[str, Any]:
    """The wishes for a take whose every segment is made with what it was made with in the take that counts."""
    take = cell.approved_take if cell.status is CellStatus.APPROVED and cell.approved_take else cell.take
    jobs = advance.store.jobs.of("cell", cell.id, take, Stage.SCENE_GENERATION)
    if not jobs:
        return {}
    book, options = advance.book(cell.run_id), jobs[0].options
    parts = range(1, book.recipes.scene_type(cell.plan).segments + 1)
    kept = [plans.segment_origin(book, cell.plan, take, part, options).row for part in parts]
    return {"seed": plans.take_seed(book, cell.plan, take), **plans.asked(options), "keep": kept}
