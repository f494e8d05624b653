"""Submission: asking for cells. All or nothing, with a reason for every cell that is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from data.store import Store, Stores
from pipeline.domain.choices import MODE_STATUSES, Mode, Preview
from pipeline.domain.errors import Conflict, Refused
from pipeline.domain.estimates import Estimate
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Actor, Cell, Run
from pipeline.domain.statuses import SUBMITTED, CellStatus, in_words
from pipeline.ports import Clock
from pipeline.services import replacing
from pipeline.services.accounts import cost_of, price_of
from pipeline.services.advance import Advance
from pipeline.services.asking import estimate, queue, refusal, with_needs
from pipeline.services.runbooks import RunBooks
from pipeline.services.sealing import Sealing
from pipeline.services.selections import selected

_CANCELLABLE = (CellStatus.QUEUED, CellStatus.GENERATING, CellStatus.REVIEW, CellStatus.REJECTED, CellStatus.FAILED)


@dataclass(frozen=True)
class Receipt:
    """What a submission did: the accepted cells, why each other one was skipped, and the estimate of the accepted ones.

    `pictures` tells which refused source images were replaced by others and are checked anew, or were not and why.
    """

    accepted: tuple[str, ...]
    skipped: Mapping[str, str]
    estimate: Estimate
    pictures: tuple[str, ...] = ()


class Submission:
    """Submits, retries and cancels cells."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock, pictures: replacing.Pictures) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._pictures = pictures

    def preview(self, run: Run, selection: Selection, mode: Mode) -> Preview:
        """What `submit` would do now; changes nothing."""
        with self._stores.read() as store:
            self._books.measure(store, run.id)
            chosen, skipped = self._choose(store, run, selection, mode)
            receipt = self._receipt(store, run, chosen, skipped)
            lacking = refusal(store, self._books, run, chosen)
            cost = cost_of(receipt.estimate.generation_seconds, price_of(store, run, self._books.get(store, run.id)))
        return Preview(receipt.accepted, receipt.skipped, receipt.estimate, lacking, cost)

    def submit(self, run: Run, selection: Selection, mode: Mode, actor: Actor) -> Receipt:
        """Queue the selected cells and the stills they need, and start what may start.

        Refused source images that have been replaced are checked anew.
        Raises Refused, with nothing changed, when a budget does not cover all of them and what is queued already.
        """
        replaced = replacing.look(self._stores, self._books, self._pictures, run, lambda store: store.stills.of_run(run.id))
        with self._stores.begin(self._clock.now()) as store:
            chosen, skipped = self._choose(store, run, selection, mode)
            receipt = self._receipt(store, run, chosen, skipped)
            lacking = refusal(store, self._books, run, chosen)
            if lacking:
                raise Refused(lacking)
            if not chosen:
                return receipt
            told = queue(store, self._books, store.runs.by_ids([run.id])[run.id], chosen, actor, replaced)
        return replace(receipt, pictures=told)

    def prioritise(self, run: Run, selection: Selection, priority: int, actor: Actor) -> list[str]:
        """Give cells a priority on top of that of their run; the answer is their keys. Raises Conflict out of range.

        What waits already moves forward or back at once, and what follows in these cells keeps the priority.
        """
        if not -1000 <= priority <= 1000:
            raise Conflict(f"Priority {priority} is out of range. Use a number from -1000 to 1000.")
        with self._stores.begin(self._clock.now()) as store:
            cells = [cell for cell in selected(store, run, selection) if cell.priority != priority]
            store.cells.prioritise([cell.id for cell in cells], priority)
            store.jobs.reprioritise(run.id)
            for cell in cells:
                store.journal.record(
                    "cell.changed", actor=actor, subject="cell", subject_id=cell.id, run_id=run.id, data={"priority": priority}
                )
        return [cell.plan.key for cell in cells]

    def cancel(self, run: Run, selection: Selection, actor: Actor) -> list[str]:
        """Take cells out, and the pictures that only they needed; the answer is the keys of the cells.

        What is approved, cancelled or not started is left as it is.
        """
        with self._stores.begin(self._clock.now()) as store:
            cells = [cell for cell in selected(store, run, selection) if cell.status in _CANCELLABLE]
            advance = Advance(store, self._books, actor)
            advance.cancel_jobs("cell", [cell.id for cell in cells], "its cell was cancelled")
            for cell in cells:
                advance.move_cell(cell, CellStatus.CANCELLED)
            store.flush()
            self._cancel_stills(store, advance, run, cells)
            store.flush()
            Sealing(advance).deliver_when_ready(run.id)
        return [cell.plan.key for cell in cells]

    @staticmethod
    def _cancel_stills(store: Store, advance: Advance, run: Run, cells: Sequence[Cell]) -> None:
        """Cancel the stills that these cells needed and that nothing asked for needs any more, unless they are approved."""
        above = store.cells.needs(run.id, "still")
        direct = {still_id for ids in store.cells.stills_of([cell.id for cell in cells]).values() for still_id in ids}
        wanted = with_needs(direct, above)
        below = {still_id for still_id, needed in above.items() if any(each in wanted for _, each in needed)}
        used = with_needs(store.cells.stills_in_use(sorted(wanted | below), SUBMITTED), above)
        stills = store.stills.by_ids(sorted(wanted - used))
        unneeded = [still for still in stills.values() if still.status in _CANCELLABLE]
        advance.cancel_jobs("still", [still.id for still in unneeded], "no cell needs it any more")
        for still in unneeded:
            advance.move_still(still, CellStatus.CANCELLED)

    def _choose(self, store: Store, run: Run, selection: Selection, mode: Mode) -> tuple[list[Cell], dict[str, str]]:
        chosen: list[Cell] = []
        skipped: dict[str, str] = {}
        for cell in selected(store, run, selection):
            if cell.status in MODE_STATUSES[mode]:
                chosen.append(cell)
            else:
                skipped[cell.plan.key] = f"it is {in_words(cell.status)}; mode {mode.value} leaves it as it is"
        return chosen, skipped

    def _receipt(self, store: Store, run: Run, chosen: Sequence[Cell], skipped: Mapping[str, str]) -> Receipt:
        return Receipt(tuple(cell.plan.key for cell in chosen), skipped, estimate(store, self._books, run, chosen))
