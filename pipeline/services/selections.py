"""The cells that a selection means, read in a caller's transaction."""

from __future__ import annotations

from data.store import Store
from pipeline.domain import matrix
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Cell, Run


def selected(store: Store, run: Run, selection: Selection) -> list[Cell]:
    """The run's cells of this selection, in matrix order. Raises SelectionMissed for a name that no cell has."""
    if selection == Selection():
        return store.cells.of_run(run.id)
    if selection == Selection(keys=selection.keys):
        found = store.cells.by_keys(run.id, selection.keys)
        if len(found) == len(set(selection.keys)):
            return found
    wanted = [named.id for named in matrix.select(store.cells.names(run.id), selection)]
    cells = store.cells.by_ids(wanted)
    return [cells[cell_id] for cell_id in wanted]
