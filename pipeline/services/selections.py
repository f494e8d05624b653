"""The cells that a selection means, read in a caller's transaction."""

from __future__ import annotations

from data.store import Store
from pipeline.domain import matrix
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Cell, Run


def selected(store: Store, run: Run, selection: Selection) -> list[Cell]:
    """The run's cells of this selection, in matrix order. Raises SelectionMissed for a name that no cell has."""
    cells = store.cells.of_run(run.id)
    wanted = {plan.key for plan in matrix.select([cell.plan for cell in cells], selection)}
    return [cell for cell in cells if cell.plan.key in wanted]
