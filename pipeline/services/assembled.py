"""The scenes that takes were put together to, read in a caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from data.store import Store
from pipeline.domain.records import Cell, JobInput
from pipeline.domain.stages import Stage


def scenes(store: Store, cells: Sequence[Cell]) -> dict[int, JobInput]:
    """The assembled scene of each cell's newest take."""
    newest = {cell.id: cell.take for cell in cells}
    return {
        output.subject_id: JobInput("scene", output.file.sha256, output.file.media_type)
        for output in store.outputs.of_cells(list(newest), Stage.ASSEMBLY)
        if output.role == "scene" and output.take == newest[output.subject_id]
    }
