"""Takes decisions of people back, inside a caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.domain.decisions import Follower, why_not_undone
from pipeline.domain.errors import Conflict
from pipeline.domain.records import Cell, Event, Run, Still
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus
from pipeline.services.advance import Advance


class Undoing:
    """Puts cells and variant images back into review, and takes away the jobs that followed and have not begun.

    It asks once for each kind of row, however many decisions are taken back.
    """

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._store = advance.store
        self._refused: list[str] = []
        self._withdrawn: list[int] = []

    def take_back(self, run: Run, cells: Sequence[Cell], stills: Sequence[Still]) -> list[str]:
        """The keys of those taken back. Raises Conflict with the first reason when none can be."""
        done = [*self._cells(run, cells), *self._stills(stills)]
        self._store.jobs.withdraw(self._withdrawn)
        if not done and self._refused:
            raise Conflict(self._refused[0])
        return done

    def _cells(self, run: Run, cells: Sequence[Cell]) -> list[str]:
        moves = self._store.journal.last_moves("cell", [cell.id for cell in cells])
        approved = [cell.id for cell in cells if cell.status is CellStatus.APPROVED]
        exports = defaultdict(list)
        for export in self._store.jobs.followers(approved, Stage.EXPORT):
            exports[export.cell_id, export.take].append(export)
        starts = self._starts("cell", approved, moves)
        takes = self._store.takes.approved_of(approved)
        delivered_at = [one.created_at for one in self._store.deliveries.every(run.id) if one.status is not DeliveryStatus.FAILED]
        done = []
        for cell in cells:
            is_approved, move = cell.status is CellStatus.APPROVED, moves.get(cell.id)
            followers = [*exports[cell.id, cell.approved_take or 0], *starts.get(cell.id, [])] if is_approved else []
            is_newest = not is_approved or cell.approved_take == cell.take
            if not self._may(cell.plan.key, cell.status, move, followers, is_newest=is_newest):
                continue
            if is_approved and move is not None and any(at >= move.at for at in delivered_at):
                self._refused.append(f'"{cell.plan.key}" is in a delivery already. Reject it, or ask for a new take.')
                continue
            self._withdrawn += [one.job_id for one in followers]
            self._reopen(cell, takes.get(cell.id, []))
            done.append(cell.plan.key)
        return done

    def _reopen(self, cell: Cell, approved: Sequence[int]) -> None:
        changes: dict[str, Any] = {}
        if cell.status is CellStatus.APPROVED:
            changes["approved_take"] = max((number for number in approved if number < cell.take), default=None)
        self._advance.move_cell(cell, CellStatus.REVIEW, reason=self._words, **changes)
        self._store.takes.undecide(cell, cell.take)

    def _stills(self, stills: Sequence[Still]) -> list[str]:
        moves = self._store.journal.last_moves("still", [still.id for still in stills])
        approved = [still.id for still in stills if still.status is CellStatus.APPROVED]
        starts = self._starts("still", approved, moves)
        done = []
        for still in stills:
            followers = starts.get(still.id, [])
            if self._may(still.key, still.status, moves.get(still.id), followers, is_newest=True):
                self._withdrawn += [one.job_id for one in followers]
                self._advance.move_still(still, CellStatus.REVIEW, reason=self._words, hero=None)
                done.append(still.key)
        return done

    def _starts(self, needs: str, ids: Sequence[int], moves: Mapping[int, Event]) -> dict[int, list[Follower]]:
        """The first jobs that cells have got since what they need was decided, by the id of that."""
        dependents = self._store.cells.dependents(needs, ids)
        cell_ids = {cell_id for takes in dependents.values() for cell_id in takes}
        firsts = {(one.cell_id, one.take): one for one in self._store.jobs.followers(sorted(cell_ids), Stage.SCENE_GENERATION)}
        found: dict[int, list[Follower]] = {}
        for needed, takes in dependents.items():
            ours = [firsts[key] for key in takes.items() if key in firsts]
            found[needed] = [one for one in ours if needed in moves and one.created_at >= moves[needed].at]
        return found

    def _may(self, key: str, status: CellStatus, move: Event | None, followers: Sequence[Follower], *, is_newest: bool) -> bool:
        """Whether this decision can be taken back; why not is kept."""
        reason = why_not_undone(key, status, move, self._advance.actor, is_newest=is_newest, followers=followers)
        if reason:
            self._refused.append(reason)
        return not reason

    @property
    def _words(self) -> str:
        return f"{self._advance.actor} took the decision back"
