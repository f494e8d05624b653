"""What waits for people, as files they can open: candidates of variant images, and scenes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from data.store import Store, Stores
from pipeline.domain.cells import CellPlan
from pipeline.domain.names import slug
from pipeline.domain.records import Output, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "video/mp4": ".mp4", "video/quicktime": ".mov"}


class Previews:
    """Places copies. `copy_out` places one stored file; `clear` empties a folder."""

    def __init__(self, stores: Stores, copy_out: Callable[[str, Path], None], clear: Callable[[Path], None]) -> None:
        self._stores = stores
        self._copy_out = copy_out
        self._clear = clear

    def place(self, run: Run, folder: Path) -> list[Path]:
        """Fill `folder` with everything that waits in this run, and with nothing else; the answer is the files."""
        with self._stores.read() as store:
            wanted = [*_candidates(store, run), *_scenes(store, run)]
        self._clear(folder)
        placed = []
        for name, output in wanted:
            target = folder / f"{name}{_SUFFIXES.get(output.file.media_type, '.bin')}"
            self._copy_out(output.file.sha256, target)
            placed.append(target)
        return placed


def _candidates(store: Store, run: Run) -> list[tuple[str, Output]]:
    found = []
    for still in store.stills.of_run(run.id):
        if still.status is CellStatus.REVIEW:
            for output in store.outputs.of("still", still.id, still.take, "still"):
                found.append((f"{still.id:04}_{slug(still.key)}_candidate_{output.part}", output))
    return found


def _scenes(store: Store, run: Run) -> list[tuple[str, Output]]:
    cells = {cell.id: cell for cell in store.cells.with_status(run.id, CellStatus.REVIEW)}
    outputs = store.outputs.of_cells(list(cells), Stage.ASSEMBLY)
    found = [output for output in outputs if output.role == "scene" and output.take == cells[output.subject_id].take]
    found.sort(key=lambda output: cells[output.subject_id].plan.ordinal)
    return [(_scene_name(cells[output.subject_id].plan, output.take), output) for output in found]


def _scene_name(plan: CellPlan, take: int) -> str:
    return f"{plan.ordinal + 1:04}_{slug(plan.key)}_take_{take}"
