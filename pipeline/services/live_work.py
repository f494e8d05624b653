"""What of a run is being made at this moment. Open boards ask every few seconds, so it reads running jobs and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from data.repositories.board import Board
from data.store import Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.live import Live, RunningScene, share_of_take
from pipeline.domain.stages import Stage
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.ports import Clock
from pipeline.services.runbooks import RunBooks

_HOUR_S = 3600.0


class LiveWork:
    """Answers what runs. `newest_preview` gives the picture of an unfinished attempt, and asks its performer for newer ones."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock, *, newest_preview: Callable[[str], bytes | None]) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._newest_preview = newest_preview

    def of(self, run_id: int) -> Live:
        """The scenes of a run that somebody works on. Raises NotFound."""
        now = self._clock.now()
        with self._stores.read() as store:
            run = store.runs.by_ids([run_id]).get(run_id)
            if run is None:
                raise NotFound(f"There is no run {run_id}.")
            rows = Board(store.connection).running(run_id)
            spent = Board(store.connection).money(run_id, [row.cell_id for row in rows]) if rows else {}
            scene_types = self._books.get(store, run_id).recipes.scene_types
        found = []
        for row in rows:
            parts = scene_types[row.scene_type].segments if row.stage == Stage.SCENE_GENERATION else 0
            running_s = (now - row.begun_at).total_seconds() if row.begun_at else 0.0
            found.append(
                RunningScene(
                    cell_id=row.cell_id,
                    stage=row.stage,
                    part=row.part if parts else 0,
                    parts=parts,
                    share=share_of_take(row.progress, row.part, parts),
                    step=row.step.removeprefix("step: "),
                    worker=row.worker,
                    since=row.started_at,
                    cost=spent.get(row.cell_id, 0.0) + row.price * max(0.0, running_s) / _HOUR_S,
                )
            )
        return Live(now, tuple(found), run.backend in FLEET_BACKENDS)

    def preview(self, cell_id: int) -> bytes | None:
        """The newest picture of what is being generated for a cell, as JPEG; None while there is none."""
        with self._stores.read() as store:
            attempt_id = Board(store.connection).generating_attempt(cell_id)
        return self._newest_preview(attempt_id) if attempt_id else None
