"""Takes: versions of a cell's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, tuple_, update

from data.batch import Batch
from data.models import production_run_cells, production_runs, takes
from data.repositories.chunks import chunks
from pipeline.domain.records import Cell, Take

_INSERT = insert(takes)


def _update(*columns: str) -> Any:
    statement = update(takes).where(takes.c.cell_id == bindparam("b_cell"), takes.c.number == bindparam("b_number"))
    return statement.values({name: bindparam(f"b_{name}") for name in columns})


_SET_VERDICT = _update("verdict")
_COMPLETE = _update("scene_sha256", "completed_at")
_DECIDE = _update("decision", "decided_by", "decided_at", "reason", "note")


class Takes:
    """Adds takes and records what became of them."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(
        self, cell_id: int, number: int, *, seed: int, now: datetime, kept: Sequence[Sequence[Any]] = (), prompt: str = ""
    ) -> None:
        """Begin a take; `kept` are [take, seed, prompt] of the segments it takes over, `prompt` its own words, if any."""
        row = {
            "cell_id": cell_id,
            "number": number,
            "seed": seed,
            "created_at": now,
            "kept": [list(one) for one in kept],
            "prompt": prompt,
        }
        self._batch.add(_INSERT, row)

    def set_verdict(self, cell: Cell, verdict: Mapping[str, Any]) -> None:
        """Keep the QA verdict of the cell's newest take."""
        self._batch.add(_SET_VERDICT, {"b_cell": cell.id, "b_number": cell.take, "b_verdict": dict(verdict)})

    def complete(self, cell: Cell, scene_sha256: str, now: datetime) -> None:
        """The newest take is assembled."""
        row = {"b_cell": cell.id, "b_number": cell.take, "b_scene_sha256": scene_sha256, "b_completed_at": now}
        self._batch.add(_COMPLETE, row)

    def decide(self, cell: Cell, number: int, decision: str, *, by: str, now: datetime, reason: str = "", note: str = "") -> None:
        """Keep the decision of the gate on one take."""
        self._batch.add(
            _DECIDE,
            {
                "b_cell": cell.id,
                "b_number": number,
                "b_decision": decision,
                "b_decided_by": by,
                "b_decided_at": now,
                "b_reason": reason,
                "b_note": note,
            },
        )

    def undecide(self, cell: Cell, number: int) -> None:
        """The decision on one take is taken back."""
        nothing = {"b_decision": "", "b_decided_by": "", "b_decided_at": None, "b_reason": "", "b_note": ""}
        self._batch.add(_DECIDE, {"b_cell": cell.id, "b_number": number, **nothing})

    def approved_of(self, cell_ids: Sequence[int]) -> dict[int, list[int]]:
        """The numbers of the approved takes of each of these cells, the oldest first."""
        found: dict[int, list[int]] = {}
        for part in chunks(cell_ids):
            query = select(takes.c.cell_id, takes.c.number).where(takes.c.cell_id.in_(part), takes.c.decision == "approved")
            for cell_id, number in self._connection.execute(query.order_by(takes.c.number)):
                found.setdefault(cell_id, []).append(number)
        return found

    def of_cell(self, cell_id: int) -> list[Take]:
        """All takes of a cell, oldest first."""
        return self._all(select(takes).where(takes.c.cell_id == cell_id).order_by(takes.c.number))

    def by_ids(self, ids: Sequence[int]) -> dict[int, Take]:
        """These takes by id."""
        return {take.id: take for take in self._all(select(takes).where(takes.c.id.in_(ids)))}

    def newest(self, cells: Sequence[Cell]) -> dict[int, Take]:
        """The newest take of each of these cells, by cell id."""
        return self.numbered([(cell.id, cell.take) for cell in cells])

    def verdicts_of_run(self, run_id: int) -> dict[tuple[int, int], Mapping[str, Any]]:
        """What QA made of each take of a run that was measured, by cell and number."""
        ours = select(production_run_cells.c.id).where(production_run_cells.c.run_id == run_id)
        query = select(takes.c.cell_id, takes.c.number, takes.c.verdict).where(
            takes.c.cell_id.in_(ours), takes.c.verdict.is_not(None)
        )
        return {(row.cell_id, row.number): row.verdict for row in self._connection.execute(query)}

    def numbered(self, wanted: Sequence[tuple[int, int]]) -> dict[int, Take]:
        """These (cell id, take number) takes, by cell id."""
        found: dict[int, Take] = {}
        for part in chunks(wanted):
            query = select(takes).where(tuple_(takes.c.cell_id, takes.c.number).in_(list(part)))
            found.update((take.cell_id, take) for take in self._all(query))
        return found

    def approved_before(self, project_id: int, scene_sha256s: Sequence[str]) -> dict[str, Take]:
        """Takes of the project that a person has approved, by the hash of their scene."""
        found: dict[str, Take] = {}
        for part in chunks(scene_sha256s):
            query = (
                select(takes)
                .join(production_run_cells, production_run_cells.c.id == takes.c.cell_id)
                .join(production_runs, production_runs.c.id == production_run_cells.c.run_id)
                .where(
                    takes.c.scene_sha256.in_(part),
                    takes.c.decision == "approved",
                    production_runs.c.project_id == project_id,
                )
            )
            found.update((take.scene_sha256 or "", take) for take in self._all(query))
        return found

    def _all(self, query: Select[Any]) -> list[Take]:
        return [Take(**row._mapping) for row in self._connection.execute(query)]
