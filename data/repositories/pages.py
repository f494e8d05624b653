"""Pages of long lists: rows behind a key, a bounded number of them, filtered by what columns hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from data.models import characters, deliveries, jobs, locations, production_runs, projects, scene_types, takes, variants
from data.models import production_run_cells as cells
from data.models import stills as still_rows
from data.repositories.job_rows import COLUMNS, job_of
from pipeline.domain.records import Job

_LIBRARIES: Mapping[str, Table] = {
    "characters": characters,
    "variants": variants,
    "scene_types": scene_types,
    "locations": locations,
}
_MORE = ("created_at", "not_before", "finished_at", "seconds")


@dataclass(frozen=True)
class ProjectRow:
    """A project."""

    id: int
    title: str
    created_at: datetime | None


@dataclass(frozen=True)
class LibraryRow:
    """One character, variant, scene type or location of a project, as its newest run defines it."""

    id: int
    project_id: int
    name: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class DatedJob:
    """A job with its times."""

    job: Job
    created_at: datetime
    not_before: datetime | None
    finished_at: datetime | None
    seconds: float


class Pages:
    """Keys and rows of lists. Newest first where time matters, else in the order of creation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def runs(self, before: int | None, limit: int, **equal: Any) -> list[int]:
        """Ids of runs, newest first."""
        return self._keys(production_runs, before, limit, equal, newest_first=True)

    def cells(
        self, after: int | None, limit: int, *, run_id: int, is_stale: bool | None = None, status: Any = None, **equal: Any
    ) -> list[int]:
        """Ids of cells of a run, in matrix order.

        The cells of a run have neighbouring ids: walking those is quicker than sorting what an index of the run finds. Only
        a few have a certain status, so there the index serves.
        """
        query = select(cells.c.id).where((cells.c.run_id if status else cells.c.run_id + 0) == run_id)
        equal["status"] = status
        if is_stale is not None:
            query = query.where(cells.c.stale != "" if is_stale else cells.c.stale == "")
        return self._keys(cells, after, limit, equal, query=query)

    def stills(self, after: int | None, limit: int, **equal: Any) -> list[int]:
        """Ids of stills."""
        return self._keys(still_rows, after, limit, equal)

    def takes(self, after: int | None, limit: int, **equal: Any) -> list[int]:
        """Ids of takes."""
        return self._keys(takes, after, limit, equal)

    def deliveries(self, before: int | None, limit: int, **equal: Any) -> list[int]:
        """Ids of deliveries, newest first."""
        return self._keys(deliveries, before, limit, equal, newest_first=True)

    def jobs(self, before: int | None, limit: int, **equal: Any) -> list[DatedJob]:
        """Jobs, newest first."""
        query = select(*COLUMNS, *(jobs.c[name] for name in _MORE))
        query = _behind(jobs, query, before, limit, equal, newest_first=True)
        return [_dated(row) for row in self._connection.execute(query)]

    def projects(self, before: int | None, limit: int, **equal: Any) -> list[ProjectRow]:
        """Projects, newest first."""
        columns = (projects.c.id, projects.c.title, projects.c.created_at)
        query = _behind(projects, select(*columns), before, limit, equal, newest_first=True)
        return [ProjectRow(**row._mapping) for row in self._connection.execute(query)]

    def library(self, name: str, after: int | None, limit: int, **equal: Any) -> list[LibraryRow]:
        """Entries of one library: `characters`, `variants`, `scene_types` or `locations`."""
        table = _LIBRARIES[name]
        query = _behind(table, select(table), after, limit, equal)
        return [LibraryRow(**row._mapping) for row in self._connection.execute(query)]

    def _keys(
        self,
        table: Table,
        edge: int | None,
        limit: int,
        equal: Mapping[str, Any],
        *,
        newest_first: bool = False,
        query: Select[Any] | None = None,
    ) -> list[int]:
        chosen = select(table.c.id) if query is None else query
        found = _behind(table, chosen, edge, limit, equal, newest_first=newest_first)
        return list(self._connection.execute(found).scalars())


def _behind(
    table: Table, query: Select[Any], edge: int | None, limit: int, equal: Mapping[str, Any], *, newest_first: bool = False
) -> Select[Any]:
    """The rows behind the edge whose columns hold these values; a value of None leaves its column alone."""
    for column, value in equal.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            query = query.where(table.c[column].in_(value))
        elif value is not None:
            query = query.where(table.c[column] == value)
    if edge is not None:
        query = query.where(table.c.id < edge if newest_first else table.c.id > edge)
    return query.order_by(table.c.id.desc() if newest_first else table.c.id).limit(limit)


def _dated(row: Any) -> DatedJob:
    return DatedJob(job_of(row), **{name: getattr(row, name) for name in _MORE})
