"""Lists in pages, and single things by their number. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from data.repositories.pages import DatedJob, LibraryRow, ProjectRow
from data.store import Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Attempt, Cell, Delivery, Event, Run, Still, Take
from pipeline.domain.statuses import StillKind

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list; `next` is the key that the following page begins behind, None at the end."""

    rows: tuple[T, ...]
    next: int | None


class Listings:
    """Reads what there is. `edge` is the key that a page begins behind; filters that are None filter nothing."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def runs(self, edge: int | None, limit: int, **equal: Any) -> Page[Run]:
        """Runs, newest first, by `status` and `project_id`."""
        with self._stores.read() as store:
            keys, behind = _cut(store.pages.runs(edge, limit + 1, **equal), limit)
            found = store.runs.by_ids(keys)
        return Page(tuple(found[key] for key in keys), behind)

    def run(self, run_id: int) -> Run:
        """One run."""
        with self._stores.read() as store:
            found = store.runs.by_ids([run_id]).get(run_id)
        return _there(found, "run", run_id)

    def cells(self, run_id: int, edge: int | None, limit: int, *, is_stale: bool | None = None, **equal: Any) -> Page[Cell]:
        """Cells of a run in matrix order, by `status`, `character`, `scene_type`, `variant` and whether they are stale."""
        self.run(run_id)
        with self._stores.read() as store:
            keys, behind = _cut(store.pages.cells(edge, limit + 1, run_id=run_id, is_stale=is_stale, **equal), limit)
            found = store.cells.by_ids(keys)
        return Page(tuple(found[key] for key in keys), behind)

    def cell(self, cell_id: int) -> tuple[Run, Cell]:
        """One cell and its run."""
        with self._stores.read() as store:
            cell = _there(store.cells.by_ids([cell_id]).get(cell_id), "cell", cell_id)
            return store.runs.by_ids([cell.run_id])[cell.run_id], cell

    def variant_images(self, run_id: int, edge: int | None, limit: int, **equal: Any) -> Page[Still]:
        """Variant images of a run, by `status`, `character` and `variant`."""
        self.run(run_id)
        with self._stores.read() as store:
            kind = StillKind.VARIANT.value
            keys, behind = _cut(store.pages.stills(edge, limit + 1, run_id=run_id, kind=kind, **equal), limit)
            found = store.stills.by_ids(keys)
        return Page(tuple(found[key] for key in keys), behind)

    def variant_image(self, still_id: int) -> tuple[Run, Still]:
        """One variant image and its run."""
        with self._stores.read() as store:
            still = store.stills.by_ids([still_id]).get(still_id)
            if still is None or still.kind is not StillKind.VARIANT:
                raise _absent("variant image", still_id)
            return store.runs.by_ids([still.run_id])[still.run_id], still

    def takes(self, cell_id: int, edge: int | None, limit: int) -> Page[Take]:
        """Takes of a cell, oldest first."""
        self.cell(cell_id)
        with self._stores.read() as store:
            keys, behind = _cut(store.pages.takes(edge, limit + 1, cell_id=cell_id), limit)
            found = store.takes.by_ids(keys)
        return Page(tuple(found[key] for key in keys), behind)

    def take(self, take_id: int) -> Take:
        """One take."""
        with self._stores.read() as store:
            return _there(store.takes.by_ids([take_id]).get(take_id), "take", take_id)

    def jobs(self, edge: int | None, limit: int, **equal: Any) -> Page[DatedJob]:
        """Jobs, newest first, by `run_id`, `status`, `stage`, `subject` and `subject_id`."""
        if equal.get("run_id") is not None:
            self.run(equal["run_id"])
        with self._stores.read() as store:
            rows = store.pages.jobs(edge, limit + 1, **equal)
        return Page(tuple(rows[:limit]), rows[limit - 1].job.id if len(rows) > limit else None)

    def job(self, job_id: int) -> tuple[DatedJob, list[Attempt]]:
        """One job with its attempts, oldest first."""
        with self._stores.read() as store:
            found = store.pages.jobs(None, 1, id=job_id)
            return _there(next(iter(found), None), "job", job_id), store.jobs.attempts_of([job_id])

    def deliveries(self, edge: int | None, limit: int, **equal: Any) -> Page[Delivery]:
        """Deliveries, newest first, by `run_id` and `status`."""
        if equal.get("run_id") is not None:
            self.run(equal["run_id"])
        with self._stores.read() as store:
            keys, behind = _cut(store.pages.deliveries(edge, limit + 1, **equal), limit)
            return Page(tuple(store.deliveries.by_id(key) for key in keys), behind)

    def delivery(self, delivery_id: int) -> Delivery:
        """One delivery."""
        with self._stores.read() as store:
            if not store.pages.deliveries(None, 1, id=delivery_id):
                raise _absent("delivery", delivery_id)
            return store.deliveries.by_id(delivery_id)

    def projects(self, edge: int | None, limit: int, **equal: Any) -> Page[ProjectRow]:
        """Projects, newest first."""
        with self._stores.read() as store:
            rows = store.pages.projects(edge, limit + 1, **equal)
        return Page(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)

    def project(self, project_id: int) -> ProjectRow:
        """One project."""
        with self._stores.read() as store:
            return _there(next(iter(store.pages.projects(None, 1, id=project_id)), None), "project", project_id)

    def library(self, name: str, edge: int | None, limit: int, **equal: Any) -> Page[LibraryRow]:
        """Characters, variants, scene types or locations, by `project_id`."""
        with self._stores.read() as store:
            rows = store.pages.library(name, edge, limit + 1, **equal)
        return Page(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)

    def library_entry(self, name: str, entry_id: int) -> LibraryRow:
        """One character, variant, scene type or location."""
        with self._stores.read() as store:
            found = next(iter(store.pages.library(name, None, 1, id=entry_id)), None)
        return _there(found, name.removesuffix("s").replace("_", " "), entry_id)

    def events(self, edge: int, limit: int, *, run_id: int | None = None) -> Page[Event]:
        """Committed events behind a number, in order."""
        if run_id is not None:
            self.run(run_id)
        with self._stores.read() as store:
            rows = store.journal.after(edge, limit + 1, run_id)
        return Page(tuple(rows[:limit]), rows[limit - 1].seq if len(rows) > limit else None)


def _cut(keys: list[int], limit: int) -> tuple[Sequence[int], int | None]:
    """One more is read than is shown: it tells whether something follows."""
    return keys[:limit], keys[limit - 1] if len(keys) > limit else None


def _there(found: T | None, what: str, key: int) -> T:
    if found is None:
        raise _absent(what, key)
    return found


def _absent(what: str, key: int) -> NotFound:
    return NotFound(f"There is no {what} {key}. Lists of what there is are in /api/docs.")
