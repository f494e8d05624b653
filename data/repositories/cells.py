"""Cells and the dependencies of cells and stills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from data.batch import Batch
from data.models import dependencies, jobs, stills
from data.models import production_run_cells as cells
from data.reads import Read
from data.repositories.chunks import chunks
from pipeline.domain.cells import CellPlan
from pipeline.domain.records import Cell
from pipeline.domain.statuses import CellStatus

_INSERT = insert(cells)
_INSERT_NEED = insert(dependencies)
_PLAN = ("ordinal", "key", "scene_type", "character", "variant", "location", "scene_number", "shot", "prompt")
_BY_IDS = Read(lambda many: select(cells).where(cells.c.id.in_(many)))
_BY_KEYS = Read(lambda many: select(cells).where(cells.c.run_id == bindparam("run_id"), cells.c.key.in_(many)))
_NAMES = Read(
    lambda many: (
        select(cells.c.id, cells.c.key, cells.c.scene_type, cells.c.character, cells.c.variant)
        .where(cells.c.run_id == bindparam("run_id"))
        .order_by(cells.c.ordinal)
    )
)
_MOVE = (
    update(cells)
    .where(cells.c.id == bindparam("b_id"), cells.c.version == bindparam("b_version"))
    .values(
        status=bindparam("b_status"),
        status_at=bindparam("b_at"),
        take=bindparam("b_take"),
        approved_take=bindparam("b_approved"),
        reason=bindparam("b_reason"),
        stale=bindparam("b_stale"),
        version=bindparam("b_version") + 1,
    )
)
_MARK = update(cells).where(cells.c.id == bindparam("b_id")).values(stale=bindparam("b_stale"), version=cells.c.version + 1)


class Cells:
    """Reads and moves cells."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add_all(self, run_id: int, plans: Iterable[CellPlan], takes: Mapping[str, int], now: datetime) -> None:
        """Store new cells, not started. `takes` holds by key the number of the take that their first one follows."""
        for plan in plans:
            row = {name: getattr(plan, name) for name in _PLAN}
            start = {"run_id": run_id, "after": list(plan.after), "status": CellStatus.NOT_STARTED.value, "status_at": now}
            self._batch.add(_INSERT, row | start | {"take": takes.get(plan.key, 0)})

    def add_needs(self, run_id: int, rows: Iterable[tuple[str, int, str, int]]) -> None:
        """Store dependencies as (subject, subject_id, needs, needs_id); `cell` or `still` each."""
        for subject, subject_id, needs, needs_id in rows:
            self._batch.add(
                _INSERT_NEED,
                {"run_id": run_id, "subject": subject, "subject_id": subject_id, "needs": needs, "needs_id": needs_id},
            )

    def of_run(self, run_id: int) -> list[Cell]:
        """Every cell of a run in matrix order: one statement."""
        return self._all(select(cells).where(cells.c.run_id == run_id).order_by(cells.c.ordinal))

    def names(self, run_id: int) -> Sequence[Any]:
        """(id, key, scene type, character, variant) of every cell of a run in matrix order; each by its name, too.

        A hundred thousand whole cells take seconds; most questions are about few of them.
        """
        return list(_NAMES.rows(self._connection, {"run_id": run_id}))

    def by_keys(self, run_id: int, keys: Sequence[str]) -> list[Cell]:
        """The cells of a run that have these keys, in matrix order."""
        found = [row for part in chunks(keys) for row in _BY_KEYS.rows(self._connection, {"run_id": run_id}, part)]
        return sorted({row.id: _cell(row) for row in found}.values(), key=lambda cell: cell.plan.ordinal)

    def by_ids(self, ids: Sequence[int]) -> dict[int, Cell]:
        """These cells by id."""
        found: dict[int, Cell] = {}
        for part in chunks(ids):
            found.update((row.id, _cell(row)) for row in _BY_IDS.rows(self._connection, {}, part))
        return found

    def with_status(self, run_id: int, *statuses: CellStatus) -> list[Cell]:
        """The run's cells that have one of these statuses, in matrix order."""
        wanted = [status.value for status in statuses]
        return self._all(select(cells).where(cells.c.run_id == run_id, cells.c.status.in_(wanted)).order_by(cells.c.ordinal))

    def first_with(self, run_id: int, status: CellStatus, limit: int) -> list[Cell]:
        """The first cells of the run in this status, in matrix order."""
        found = select(cells).where(cells.c.run_id == run_id, cells.c.status == status.value).order_by(cells.c.ordinal)
        return self._all(found.limit(limit))

    def matching(self, words: Sequence[str], limit: int, run_id: int | None = None) -> list[Cell]:
        """Cells whose key holds every word, whatever the case; newest runs first, in matrix order, `limit` at most."""
        query = select(cells).where(*(cells.c.key.icontains(word, autoescape=True) for word in words))
        if run_id is not None:
            query = query.where(cells.c.run_id == run_id)
        return self._all(query.order_by(cells.c.run_id.desc(), cells.c.ordinal).limit(limit))

    def characters(self, words: Sequence[str], limit: int, run_id: int | None = None) -> list[tuple[int, str]]:
        """Characters whose name holds every word, as (run, name); newest runs first, `limit` at most."""
        named = (cells.c.character.icontains(word, autoescape=True) for word in words)
        query = select(cells.c.run_id, cells.c.character, func.min(cells.c.ordinal)).where(cells.c.character.is_not(None), *named)
        if run_id is not None:
            query = query.where(cells.c.run_id == run_id)
        ordered = query.group_by(cells.c.run_id, cells.c.character).order_by(cells.c.run_id.desc(), func.min(cells.c.ordinal))
        return [(row.run_id, row.character) for row in self._connection.execute(ordered.limit(limit))]

    def counts(self, run_id: int) -> dict[CellStatus, int]:
        """How many cells the run has in each status."""
        query = select(cells.c.status, func.count()).where(cells.c.run_id == run_id).group_by(cells.c.status)
        return {CellStatus(status): count for status, count in self._connection.execute(query)}

    def move(self, cell: Cell, status: CellStatus, now: datetime, **changes: Any) -> Cell:
        """Store a new status, and what changes with it; the answer is the cell as it is now.

        The caller has read the cell in this transaction and checked the transition.
        """
        moved = replace(cell, status=status, status_at=now, version=cell.version + 1, **changes)
        self._batch.add(
            _MOVE,
            {
                "b_id": cell.id,
                "b_version": cell.version,
                "b_status": status.value,
                "b_at": now,
                "b_take": moved.take,
                "b_approved": moved.approved_take,
                "b_reason": moved.reason,
                "b_stale": moved.stale,
            },
        )
        return moved

    def mark_stale(self, cell: Cell, reason: str) -> None:
        """Note why the cell's takes no longer fit what they were made from; an empty reason takes the note back."""
        self._batch.add(_MARK, {"b_id": cell.id, "b_stale": reason})

    def prioritise(self, cell_ids: Sequence[int], priority: int) -> None:
        """What is made for these cells from now on has this priority beside that of their run."""
        for part in chunks(cell_ids):
            self._connection.execute(update(cells).where(cells.c.id.in_(part)).values(priority=priority))

    def that_need(self, needs: str, needs_id: int) -> list[Cell]:
        """Every cell that depends on this still or cell, in matrix order."""
        dependents = select(dependencies.c.subject_id).where(
            dependencies.c.subject == "cell", dependencies.c.needs == needs, dependencies.c.needs_id == needs_id
        )
        return self._all(select(cells).where(cells.c.id.in_(dependents)).order_by(cells.c.ordinal))

    def dependents(self, needs: str, needs_ids: Sequence[int]) -> dict[int, dict[int, int]]:
        """The cells that depend on each of these stills or cells: id -> {cell id: number of its newest take}."""
        found: dict[int, dict[int, int]] = {}
        for part in chunks(needs_ids):
            query = select(dependencies.c.needs_id, cells.c.id, cells.c.take).join(cells, cells.c.id == dependencies.c.subject_id)
            ours = (dependencies.c.subject == "cell", dependencies.c.needs == needs, dependencies.c.needs_id.in_(part))
            for needed, cell_id, take in self._connection.execute(query.where(*ours)):
                found.setdefault(needed, {})[cell_id] = take
        return found

    def stills_in_use(self, still_ids: Sequence[int], statuses: Iterable[CellStatus]) -> set[int]:
        """Those of these stills that a cell in one of these statuses depends on."""
        wanted = [status.value for status in statuses]
        found: set[int] = set()
        for part in chunks(still_ids):
            query = select(dependencies.c.needs_id).join(cells, cells.c.id == dependencies.c.subject_id).distinct()
            ours = (dependencies.c.subject == "cell", dependencies.c.needs == "still", dependencies.c.needs_id.in_(part))
            found.update(self._connection.execute(query.where(*ours, cells.c.status.in_(wanted))).scalars())
        return found

    def waiting_for(self, needs: str, needs_ids: Sequence[int]) -> list[Cell]:
        """Queued cells that depend on one of these stills or cells and have no unmet dependency left."""
        found: dict[int, Cell] = {}
        for part in chunks(needs_ids):
            found.update((row.id, _cell(row)) for row in _WAITING_FOR.rows(self._connection, {"needs": needs}, part))
        return sorted(found.values(), key=lambda cell: cell.id)

    def startable(self, run_id: int) -> list[Cell]:
        """All queued cells of the run that have no unmet dependency."""
        return self._all(_startable().where(cells.c.run_id == run_id))

    def stills_of(self, cell_ids: Sequence[int]) -> dict[int, list[int]]:
        """The stills each of these cells depends on, by cell id."""
        found: dict[int, list[int]] = {}
        for part in chunks(cell_ids):
            query = select(dependencies.c.subject_id, dependencies.c.needs_id).where(
                dependencies.c.subject == "cell", dependencies.c.subject_id.in_(part), dependencies.c.needs == "still"
            )
            for cell_id, still_id in self._connection.execute(query.order_by(dependencies.c.id)):
                found.setdefault(cell_id, []).append(still_id)
        return found

    def any_with(self, run_id: int, statuses: Sequence[CellStatus]) -> bool:
        """Whether the run has a cell in one of these statuses; as quick for a large run as for a small one."""
        wanted = [status.value for status in statuses]
        query = select(cells.c.id).where(cells.c.run_id == run_id, cells.c.status.in_(wanted)).limit(1)
        return self._connection.execute(query).first() is not None

    def count_with_needs_met(self, run_id: int) -> int:
        """How many queued cells of the run wait for nothing but a free slot."""
        waiting = _unblocked().where(cells.c.run_id == run_id).subquery()
        return self._connection.execute(select(func.count()).select_from(waiting)).scalar_one()

    def needs(self, run_id: int, subject: str) -> dict[int, list[tuple[str, int]]]:
        """What each cell (or still) of the run depends on: id -> [(cell or still, id)]."""
        query = select(dependencies).where(dependencies.c.run_id == run_id, dependencies.c.subject == subject)
        found: dict[int, list[tuple[str, int]]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.subject_id, []).append((row.needs, row.needs_id))
        return found

    def needs_of(self, subject: str, ids: Sequence[int]) -> dict[int, list[tuple[str, int]]]:
        """What these cells (or stills) depend on: id -> [(cell or still, id)], in the order it was stored."""
        found: dict[int, list[tuple[str, int]]] = {}
        for part in chunks(ids):
            query = select(dependencies).where(dependencies.c.subject == subject, dependencies.c.subject_id.in_(part))
            for row in self._connection.execute(query.order_by(dependencies.c.id)):
                found.setdefault(row.subject_id, []).append((row.needs, row.needs_id))
        return found

    def neighbours(self, cell: Cell) -> tuple[int | None, int | None, int]:
        """(id of the cell before, of the one after, how many are before it) in matrix order."""
        ours, at = cells.c.run_id == cell.run_id, cell.plan.ordinal
        before = select(cells.c.id).where(ours, cells.c.ordinal < at).order_by(cells.c.ordinal.desc()).limit(1)
        after = select(cells.c.id).where(ours, cells.c.ordinal > at).order_by(cells.c.ordinal).limit(1)
        count = select(func.count()).select_from(cells).where(ours, cells.c.ordinal < at)
        parts = (query.scalar_subquery() for query in (before, after, count))
        row = self._connection.execute(select(*parts)).one()
        return row[0], row[1], row[2]

    def _all(self, query: Select[Any]) -> list[Cell]:
        return [_cell(row) for row in self._connection.execute(query)]


def _startable() -> Select[Any]:
    """Queued cells without an unmet dependency whose newest take has no job yet, in matrix order."""
    begun = select(jobs.c.id).where(jobs.c.subject == "cell", jobs.c.subject_id == cells.c.id, jobs.c.take == cells.c.take)
    return _unblocked().where(~begun.exists()).order_by(cells.c.ordinal)


def _unblocked() -> Select[Any]:
    """Queued cells without an unmet dependency."""
    needed_cell = cells.alias("needed_cell")
    approved = CellStatus.APPROVED.value
    unmet_still = (
        select(dependencies.c.id)
        .join(stills, stills.c.id == dependencies.c.needs_id)
        .where(
            dependencies.c.subject == "cell",
            dependencies.c.subject_id == cells.c.id,
            dependencies.c.needs == "still",
            stills.c.status != approved,
        )
    )
    unmet_cell = (
        select(dependencies.c.id)
        .join(needed_cell, needed_cell.c.id == dependencies.c.needs_id)
        .where(
            dependencies.c.subject == "cell",
            dependencies.c.subject_id == cells.c.id,
            dependencies.c.needs == "cell",
            needed_cell.c.status != approved,
        )
    )
    return select(cells).where(cells.c.status == CellStatus.QUEUED.value, ~unmet_still.exists(), ~unmet_cell.exists())


def _dependents(many: list[Any]) -> Select[Any]:
    """The startable cells that depend on one of these."""
    of_these = select(dependencies.c.subject_id).where(
        dependencies.c.subject == "cell", dependencies.c.needs == bindparam("needs"), dependencies.c.needs_id.in_(many)
    )
    return _startable().where(cells.c.id.in_(of_these))


_WAITING_FOR = Read(_dependents)


def _cell(row: Any) -> Cell:
    plan = CellPlan(
        ordinal=row.ordinal,
        key=row.key,
        scene_type=row.scene_type,
        character=row.character,
        variant=row.variant,
        location=row.location,
        scene_number=row.scene_number,
        shot=row.shot,
        after=tuple(row.after),
        prompt=row.prompt,
    )
    return Cell(
        id=row.id,
        run_id=row.run_id,
        plan=plan,
        status=CellStatus(row.status),
        status_at=row.status_at,
        take=row.take,
        approved_take=row.approved_take,
        reason=row.reason,
        stale=row.stale,
        version=row.version,
        priority=row.priority,
    )
