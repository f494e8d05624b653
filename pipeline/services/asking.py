"""Asking for cells inside a caller's transaction: what it takes, why a budget does not cover it, and queueing them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from data.store import Store
from pipeline.domain import estimates, planning
from pipeline.domain.cells import CellPlan
from pipeline.domain.cost_keys import cost_keys
from pipeline.domain.estimates import Estimate
from pipeline.domain.records import Actor, Cell, Run, RunConfig
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from pipeline.services import remaking, replacing
from pipeline.services.accounts import cheapest, price_of
from pipeline.services.advance import Advance
from pipeline.services.planning import before_of
from pipeline.services.replacing import NOTHING_NEW, Replaced
from pipeline.services.runbooks import RunBooks, history_of
from pipeline.services.uncovered import is_bounded, uncovered

_ROOM_FOR_ONE = (
    "All of it is taken over from an earlier run and costs nothing; there must only be room for one scene, since a job is begun "
    "only where its budget has room."
)
_UNTOUCHED = (CellStatus.NOT_STARTED, CellStatus.QUEUED)


def estimate(store: Store, books: RunBooks, run: Run, cells: Sequence[Cell]) -> Estimate:
    """What these cells take, with the pictures they need."""
    book = books.get(store, run.id)
    return estimates.estimate(book.recipes.production, [cell.plan for cell in cells], book.history)


def refusal(store: Store, books: RunBooks, run: Run, chosen: Sequence[Cell]) -> str:
    """Why a budget does not cover these cells beside what is queued already; empty when it does. See `_to_pay`."""
    current = store.runs.by_ids([run.id])[run.id]
    if not is_bounded(store, current):  # what is queued may be a hundred thousand cells
        return ""
    queued = store.cells.with_status(run.id, CellStatus.QUEUED)
    cells = {cell.plan.key: cell for cell in (*chosen, *queued)}
    fresh = {key for key, cell in cells.items() if cell.status in _UNTOUCHED and cell.approved_take is None}
    book = books.get(store, run.id)
    needed = _to_pay(store, current, book.recipes.config, [cell.plan for cell in cells.values()], fresh)
    found = estimates.estimate(book.recipes.production, needed.cells, book.history)
    return needed.explained(uncovered(store, current, found, price_of(store, current, book)))


def refusal_of_new(store: Store, run: Run, config: RunConfig, cells: Sequence[CellPlan]) -> str:
    """Why a budget does not cover a run that is just being made, whole; empty when it does. See `_to_pay`."""
    if not is_bounded(store, run):
        return ""
    keys = cost_keys(config.production, config.workflows)
    history = history_of(store, keys)
    needed = _to_pay(store, run, config, cells, {cell.key for cell in cells})
    found = estimates.estimate(config.production, needed.cells, history)
    price = cheapest(store, run.backend, config.production.worker_tags, keys.frame_seconds(history))
    return needed.explained(uncovered(store, run, found, price, is_new=True))


@dataclass(frozen=True)
class _ToPay:
    """The cells that a budget must cover; `is_reused` says that there is one only because nothing is begun without room."""

    cells: Sequence[CellPlan]
    is_reused: bool = False

    def explained(self, refused: str) -> str:
        """Why they are not covered, with what is strange about it; empty when they are."""
        return f"{refused} {_ROOM_FOR_ONE}" if refused and self.is_reused else refused


def _to_pay(store: Store, run: Run, config: RunConfig, cells: Sequence[CellPlan], fresh: Collection[str]) -> _ToPay:
    """Those of these cells that a budget must cover: what an earlier run has approved is taken from there, and costs nothing.

    One of the reused ones counts all the same: a job is begun only where there is room for it, also when it finds its result
    stored. `fresh` are the keys of the cells of which nothing has been made in this run.
    """
    before = before_of(store, run.title, without=run.id)
    if before is None:
        return _ToPay(cells)
    sources = {path: file.sha256 for path, file in config.sources.items()}
    reused = planning.reused(config.production, sources, before, [cell for cell in cells if cell.key in fresh])
    one = [cell for cell in cells if cell.key in reused][:1]
    return _ToPay([*one, *(cell for cell in cells if cell.key not in reused)], is_reused=len(cells) == len(reused) > 0)


def queue(
    store: Store, books: RunBooks, run: Run, chosen: Sequence[Cell], actor: Actor, replaced: Replaced = NOTHING_NEW
) -> tuple[str, ...]:
    """Queue these cells and the stills that they need, and start what may start. The run goes on if it rested.

    The answer tells which refused source images were `replaced` by others, or were not and why.
    """
    advance = Advance(store, books, actor)
    advance.know_runs([run])
    cause = store.journal.record(
        "run.submitted", actor=actor, subject="run", subject_id=run.id, run_id=run.id, data={"cells": len(chosen)}
    )
    if run.status is not RunStatus.RUNNING:
        store.runs.change(run.id, status=RunStatus.RUNNING)
        data = {"from": run.status.value}
        store.journal.record("run.running", actor=actor, subject="run", subject_id=run.id, run_id=run.id, cause=cause, data=data)
    failed = [cell for cell in chosen if cell.status is CellStatus.FAILED]
    starved = {cell.id: cell for cell in remaking.starved(store, failed)} if failed else {}
    if starved:
        remaking.remake(advance, list(starved.values()), cause)
    advance.cancel_jobs("cell", [cell.id for cell in chosen if cell.status is not CellStatus.FAILED], "made anew")
    _retry_failed(store, advance, [cell for cell in failed if cell.id not in starved], cause)
    for cell in chosen:
        if cell.status is not CellStatus.FAILED:
            advance.queue_cell(cell, cause=cause)
    told = _queue_stills(store, advance, run, chosen, cause, replaced)
    advance.finish()
    store.flush()
    advance.start_cells(store.cells.startable(run.id))
    return told


def _retry_failed(store: Store, advance: Advance, cells: Sequence[Cell], cause: int) -> None:
    """A failed take goes on where it stopped: finished segments stay, failed jobs are ready again, as urgent as it is now."""
    for cell in cells:
        advance.move_cell(cell, CellStatus.QUEUED, cause=cause)
        failed = [job.id for job in store.jobs.of("cell", cell.id, cell.take) if job.status is JobStatus.FAILED]
        store.jobs.set_status(failed, JobStatus.FAILED, JobStatus.READY, now=store.journal.now)
    for run_id in {cell.run_id for cell in cells}:
        store.jobs.reprioritise(run_id)


def _queue_stills(
    store: Store, advance: Advance, run: Run, chosen: Sequence[Cell], cause: int, replaced: Replaced
) -> tuple[str, ...]:
    """Queue every still these cells need, and the stills those need."""
    needs = store.cells.stills_of([cell.id for cell in chosen])
    direct = {still_id for ids in needs.values() for still_id in ids}
    wanted = with_needs(direct, store.cells.needs(run.id, "still"))
    advance.load(still_ids=sorted(wanted))
    stills = [advance.stills[still_id] for still_id in sorted(wanted)]
    renewed = replacing.take(advance, run, stills, replaced)
    for still in stills:
        advance.queue_still(advance.stills[still.id], cause=cause)
    told = [(still, replaced.told(still, renewed)) for still in stills if still.status in replacing.REFUSED]
    return tuple(f"{still.kind.value} {still.key}{words}" for still, words in told if words)


def with_needs(still_ids: set[int], above: Mapping[int, Sequence[tuple[str, int]]]) -> set[int]:
    """These stills, and the stills that those need."""
    return still_ids | {needed for still_id in still_ids for _, needed in above.get(still_id, ())}
