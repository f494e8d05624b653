"""Takes decisions of people back, inside a caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.domain.decisions import Follower, why_not_undone
from pipeline.domain.errors import Conflict
from pipeline.domain.records import Cell, Event, Run, Still
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus
from pipeline.services.advance import Advance


class Undoing:
    """Puts cells and variant images back into review, and takes away the jobs that followed and have not begun."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._store = advance.store

    def take_back(self, run: Run, cells: Sequence[Cell], stills: Sequence[Still]) -> list[str]:
        """The keys of those taken back. Raises Conflict with the first reason when none can be."""
        refused: list[str] = []
        done = [cell.plan.key for cell in self._cells(run, cells, refused)]
        done += [still.key for still in self._stills(stills, refused)]
        if not done and refused:
            raise Conflict(refused[0])
        return done

    def _cells(self, run: Run, cells: Sequence[Cell], refused: list[str]) -> Iterable[Cell]:
        moves = self._store.journal.last_moves("cell", [cell.id for cell in cells])
        for cell in cells:
            move = moves.get(cell.id)
            is_approved = cell.status is CellStatus.APPROVED
            followers = self._followers_of_cell(cell, move) if is_approved and move is not None else []
            is_newest = not is_approved or cell.approved_take == cell.take
            reason = why_not_undone(
                cell.plan.key, cell.status, move, self._advance.actor, is_newest=is_newest, followers=followers
            )
            if not reason and is_approved and move is not None and self._is_delivered(run, move):
                reason = f'"{cell.plan.key}" is in a delivery already. Reject it, or ask for a new take.'
            if reason:
                refused.append(reason)
            else:
                self._reopen_cell(cell, followers)
                yield cell

    def _followers_of_cell(self, cell: Cell, move: Event) -> list[Follower]:
        exports = self._store.jobs.of("cell", cell.id, cell.approved_take, Stage.EXPORT)
        followers = [Follower(job.id, job.status, job.epoch > 0) for job in exports]
        dependents = self._store.cells.that_need("cell", cell.id)
        return followers + self._store.jobs.first_since({one.id: one.take for one in dependents}, move.at)

    def _is_delivered(self, run: Run, move: Event) -> bool:
        made = self._store.deliveries.of_run(run.id)
        return any(one.status is not DeliveryStatus.FAILED and one.created_at >= move.at for one in made)

    def _reopen_cell(self, cell: Cell, followers: Sequence[Follower]) -> None:
        self._store.jobs.withdraw([one.job_id for one in followers])
        changes: dict[str, Any] = {}
        if cell.status is CellStatus.APPROVED:
            takes = self._store.takes.of_cell(cell.id)
            earlier = [take.number for take in takes if take.decision == "approved" and take.number < cell.take]
            changes["approved_take"] = earlier[-1] if earlier else None
        self._advance.move_cell(cell, CellStatus.REVIEW, reason=self._words, **changes)
        self._store.takes.undecide(cell, cell.take)

    def _stills(self, stills: Sequence[Still], refused: list[str]) -> Iterable[Still]:
        moves: Mapping[int, Event] = self._store.journal.last_moves("still", [still.id for still in stills])
        for still in stills:
            move = moves.get(still.id)
            followers: list[Follower] = []
            if still.status is CellStatus.APPROVED and move is not None:
                dependents = self._store.cells.that_need("still", still.id)
                followers = self._store.jobs.first_since({one.id: one.take for one in dependents}, move.at)
            reason = why_not_undone(still.key, still.status, move, self._advance.actor, is_newest=True, followers=followers)
            if reason:
                refused.append(reason)
            else:
                self._store.jobs.withdraw([one.job_id for one in followers])
                self._advance.move_still(still, CellStatus.REVIEW, reason=self._words, hero=None)
                yield still

    @property
    def _words(self) -> str:
        return f"{self._advance.actor} took the decision back"
