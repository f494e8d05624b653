"""Finding runs, characters and scenes by words, a limited number at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from data.store import Store, Stores
from pipeline.domain.records import Cell, Run
from pipeline.domain.search import Found, matches, words


class Search:
    """Looks through names."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def find(self, text: str, *, run_id: int | None = None, limit: int = 12) -> list[Found]:
        """What every word of the text is part of: runs, then characters, then scenes, `limit` of each at most.

        `run_id` is the run that somebody looks at: only its characters and scenes are found. An empty text finds the newest
        runs. One more than `limit` of a kind tells that there is more.
        """
        wanted = words(text)
        with self._stores.read() as store:
            runs = store.runs.all()
            results = [_run(run) for run in islice((run for run in runs if matches(_words_of(run), wanted)), limit + 1)]
            if wanted:
                results += _inside(store, {run.id: run for run in runs}, wanted, limit + 1, run_id)
        return results

    def scene(self, cell_id: int) -> Found | None:
        """A scene by its id, None when there is none."""
        with self._stores.read() as store:
            cell = store.cells.by_ids([cell_id]).get(cell_id)
            return _scene(cell, store.runs.by_ids([cell.run_id])[cell.run_id]) if cell else None


def _inside(store: Store, runs: dict[int, Run], wanted: Sequence[str], limit: int, run_id: int | None) -> list[Found]:
    people = store.cells.characters(wanted, limit, run_id)
    cells = store.cells.matching(wanted, limit, run_id)
    return [
        *(Found("character", name, runs[at].name, at) for at, name in people if at in runs),
        *(_scene(cell, runs[cell.run_id]) for cell in cells if cell.run_id in runs),
    ]


def _scene(cell: Cell, run: Run) -> Found:
    return Found("scene", cell.plan.key, run.name, run.id, cell.id)


def _run(run: Run) -> Found:
    return Found("run", f"{run.title}, Run {run.number}", run.status.value, run.id)


def _words_of(run: Run) -> str:
    return f"{run.title} run {run.number} #{run.number} {run.status.value}"
