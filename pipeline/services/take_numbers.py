"""Where the takes of a new run begin, inside a caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from data.store import Store
from pipeline.domain.records import Cell, Still
from pipeline.domain.statuses import CellStatus

_Thing = TypeVar("_Thing", Cell, Still)


@dataclass(frozen=True)
class TakesBefore:
    """The number that the first take of a new run follows: of cells by key, of stills by (kind, key). What is new has none."""

    cells: Mapping[str, int]
    stills: Mapping[tuple[str, str], int]


def takes_before(store: Store, project_id: int, keys: Sequence[str], stills: Sequence[tuple[str, str]]) -> TakesBefore:
    """Where the takes of these cells and stills begin in a run that is about to be stored.

    Takes are numbered through all runs of a production, and the newest run in which something was asked for counts. A new run
    begins with the approved take, so that its stored result is found again; after a rejection with the one behind it, so
    that no rejected picture comes back; else with the newest, which may be under way and is then shared.
    """
    cells: dict[str, int] = {}
    pictures: dict[tuple[str, str], int] = {}
    for run in store.runs.of_project(project_id):
        missing = [key for key in keys if key not in cells]
        unseen = {name for name in stills if name not in pictures}
        if not missing and not unseen:
            break
        cells |= _of_cells(store, store.cells.by_keys(run.id, missing))
        made = _asked_for(store, "still", store.stills.of_run(run.id)) if unseen else []
        names = {(still.kind.value, still.key): still for still in made}
        pictures |= {name: _before(still) for name, still in names.items() if name in unseen}
    return TakesBefore(cells, pictures)


def _of_cells(store: Store, found: Sequence[Cell]) -> dict[str, int]:
    cells = _asked_for(store, "cell", found)
    approved = store.takes.approved_of([cell.id for cell in cells if cell.approved_take is not None])
    return {
        cell.plan.key: cell.approved_take - 1
        if cell.approved_take is not None and cell.approved_take in approved.get(cell.id, ())
        else _before(cell)
        for cell in cells
    }


def _asked_for(store: Store, subject: str, found: Sequence[_Thing]) -> list[_Thing]:
    """Those that have a take of this run. What was cancelled may have been so before anybody asked for it."""
    cancelled = [one.id for one in found if one.status is CellStatus.CANCELLED]
    queued = {event.subject_id for event in store.journal.of_type(subject, cancelled, f"{subject}.queued")}
    started = [one for one in found if one.status is not CellStatus.NOT_STARTED]
    return [one for one in started if one.status is not CellStatus.CANCELLED or one.id in queued]


def _before(one: Cell | Still) -> int:
    return one.take if one.status is CellStatus.REJECTED else max(0, one.take - 1)
