"""Projects, their libraries, and production runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import UnionType
from typing import Any, get_args, get_origin

import cattrs
from sqlalchemy import Connection, Table, bindparam, func, insert, select, update

from data.batch import Batch
from data.models import characters, locations, production_runs, projects, scene_types, variants
from data.reads import Read
from data.repositories.chunks import chunks
from pipeline.domain.records import Run, RunConfig
from pipeline.domain.statuses import RunStatus

_CODEC = cattrs.Converter()
"""cattrs turns frozen dataclasses into plain values and back by their type hints."""

_PLAIN = (str, int, float, bool, list)


def _is_plain(hint: Any) -> bool:
    parts = [get_origin(part) or part for part in get_args(hint)]
    return hint is object or (get_origin(hint) is UnionType and all(part in _PLAIN for part in parts))


# JSON keeps these apart by itself; there is nothing to rebuild.
_CODEC.register_structure_hook_func(_is_plain, lambda value, hint: value)

_COLUMNS = [column for column in production_runs.c if column.name != "matrix_config"]
_ACTIVE = Read(
    lambda many: (
        select(*_COLUMNS)
        .where(production_runs.c.status == RunStatus.RUNNING.value)
        .order_by(production_runs.c.priority.desc(), production_runs.c.id)
    )
)
_BY_IDS = Read(lambda many: select(*_COLUMNS).where(production_runs.c.id.in_(many)))
SPENDING = ("spent_seconds", "reserved_seconds", "spent_bytes", "reserved_bytes", "spent_cost", "reserved_cost")
_SPEND = (
    update(production_runs)
    .where(production_runs.c.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in SPENDING})
)
_LIBRARIES: dict[str, Table] = {
    "characters": characters,
    "variants": variants,
    "scene_types": scene_types,
    "locations": locations,
}


class Runs:
    """Adds, finds and changes runs."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def project_id(self, title: str, now: datetime) -> int:
        """The project of this title, made when it is new."""
        found = self.find_project(title)
        if found is not None:
            return found
        row = {"title": title, "created_at": now}
        return self._connection.execute(insert(projects).returning(projects.c.id), row).scalar_one()

    def find_project(self, title: str) -> int | None:
        """The project of this title, if there is one."""
        return self._connection.execute(select(projects.c.id).where(projects.c.title == title)).scalar()

    def keep_library(self, project_id: int, library: str, specs: Mapping[str, Any]) -> None:
        """Store the newest definition of each named thing of one library of the project."""
        table = _LIBRARIES[library]
        known = set(self._connection.execute(select(table.c.name).where(table.c.project_id == project_id)).scalars())
        for name, spec in specs.items():
            plain = _CODEC.unstructure(spec)
            if name in known:
                row = table.c.project_id == project_id, table.c.name == name
                self._connection.execute(update(table).where(*row).values(spec=plain))
            else:
                self._connection.execute(insert(table), {"project_id": project_id, "name": name, "spec": plain})

    def add(self, project_id: int, config: RunConfig, values: Mapping[str, Any], now: datetime) -> Run:
        """Store a new run with the next number of its project."""
        newest = select(func.max(production_runs.c.number)).where(production_runs.c.project_id == project_id)
        row = {
            "project_id": project_id,
            "title": config.production.title,
            "number": 1 + (self._connection.execute(newest).scalar() or 0),
            "status": RunStatus.DRAFT.value,
            "created_at": now,
            "matrix_config": _CODEC.unstructure(config),
            **values,
        }
        key = self._connection.execute(insert(production_runs).returning(production_runs.c.id), row).scalar_one()
        return self.by_ids([key])[key]

    def config(self, run_id: int) -> RunConfig:
        """What the run was made from. Costly for large productions: callers keep it, it never changes."""
        query = select(production_runs.c.matrix_config).where(production_runs.c.id == run_id)
        return _CODEC.structure(self._connection.execute(query).scalar_one(), RunConfig)

    def by_ids(self, ids: Sequence[int]) -> dict[int, Run]:
        """These runs by id."""
        return {row.id: _run(row) for part in chunks(ids) for row in _BY_IDS.rows(self._connection, {}, part)}

    def all(self) -> list[Run]:
        """Every run, newest first."""
        return [_run(row) for row in self._connection.execute(select(*_COLUMNS).order_by(production_runs.c.id.desc()))]

    def of_project(self, project_id: int) -> list[Run]:
        """The runs of a project, newest first."""
        query = select(*_COLUMNS).where(production_runs.c.project_id == project_id)
        return [_run(row) for row in self._connection.execute(query.order_by(production_runs.c.number.desc()))]

    def active(self) -> list[Run]:
        """Running runs, the most urgent first."""
        return [_run(row) for row in _ACTIVE.rows(self._connection, {})]

    def spend(self, run_id: int, values: Mapping[str, float]) -> None:
        """Store what a run has spent and reserved now (`SPENDING`); at once, because the same transaction may read it again."""
        self._batch.add(_SPEND, {"b_id": run_id, **{f"b_{name}": value for name, value in values.items()}})
        self._batch.flush()

    def change(self, run_id: int, **values: Any) -> None:
        """Store new values of a run's columns."""
        plain = {name: value.value if isinstance(value, RunStatus) else value for name, value in values.items()}
        self._connection.execute(update(production_runs).where(production_runs.c.id == run_id).values(**plain))


def _run(row: Any) -> Run:
    return Run(**{**row._asdict(), "status": RunStatus(row.status)})
