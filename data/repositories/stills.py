"""Stills: source images under check, variant images, plates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from data.batch import Batch
from data.models import dependencies, jobs, outputs, production_runs, stills
from data.repositories.chunks import chunks
from pipeline.domain.records import JobInput, Still
from pipeline.domain.resolver import StillPlan
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, StillKind

_INSERT = insert(stills)
_BY_IDS = select(stills).where(stills.c.id.in_(bindparam("ids", expanding=True)))
_MOVE = (
    update(stills)
    .where(stills.c.id == bindparam("b_id"))
    .values(
        status=bindparam("b_status"),
        status_at=bindparam("b_at"),
        take=bindparam("b_take"),
        hero=bindparam("b_hero"),
        reason=bindparam("b_reason"),
        verdict=bindparam("b_verdict"),
    )
)


class Stills:
    """Reads and moves stills."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add_all(self, run_id: int, plans: Iterable[StillPlan], takes: Mapping[tuple[str, str], int], now: datetime) -> None:
        """Store new stills, not started. `takes` holds by (kind, key) the number of the take that their first one follows."""
        for plan in plans:
            self._batch.add(
                _INSERT,
                {
                    "run_id": run_id,
                    "kind": plan.kind.value,
                    "key": plan.key,
                    "character": plan.character,
                    "variant": plan.variant,
                    "location": plan.location,
                    "candidates": plan.candidates,
                    "status": CellStatus.NOT_STARTED.value,
                    "status_at": now,
                    "take": takes.get((plan.kind.value, plan.key), 0),
                },
            )

    def of_run(self, run_id: int) -> list[Still]:
        """Every still of a run, in order of creation."""
        return self._all(select(stills).where(stills.c.run_id == run_id).order_by(stills.c.id))

    def by_ids(self, ids: Sequence[int]) -> dict[int, Still]:
        """These stills by id."""
        found: dict[int, Still] = {}
        for part in chunks(ids):
            rows = self._connection.execute(_BY_IDS, {"ids": part})
            found.update((row.id, _still(row)) for row in rows)
        return found

    def move(self, still: Still, status: CellStatus, now: datetime, **changes: Any) -> Still:
        """Store a new status, and what changes with it; the answer is the still as it is now."""
        moved = replace(still, status=status, status_at=now, **changes)
        self._batch.add(
            _MOVE,
            {
                "b_id": still.id,
                "b_status": status.value,
                "b_at": now,
                "b_take": moved.take,
                "b_hero": moved.hero,
                "b_reason": moved.reason,
                "b_verdict": None if moved.verdict is None else dict(moved.verdict),
            },
        )
        return moved

    def startable(self, run_id: int) -> list[Still]:
        """Queued stills of the run whose own dependencies are approved and whose newest take has no job yet."""
        needed = stills.alias("needed")
        unmet = (
            select(dependencies.c.id)
            .join(needed, needed.c.id == dependencies.c.needs_id)
            .where(
                dependencies.c.subject == "still",
                dependencies.c.subject_id == stills.c.id,
                needed.c.status != CellStatus.APPROVED.value,
            )
        )
        begun = select(jobs.c.id).where(jobs.c.subject == "still", jobs.c.subject_id == stills.c.id, jobs.c.take == stills.c.take)
        queued = stills.c.status == CellStatus.QUEUED.value
        query = select(stills).where(stills.c.run_id == run_id, queued, ~unmet.exists(), ~begun.exists())
        return self._all(query.order_by(stills.c.id))

    def approved_before(self, project_id: int, key: str) -> set[str]:
        """The hashes of the pictures that people approved for the variant image of this key, in any run of the project."""
        query = (
            select(outputs.c.sha256)
            .join(stills, stills.c.hero == outputs.c.id)
            .join(production_runs, production_runs.c.id == stills.c.run_id)
            .where(production_runs.c.project_id == project_id, stills.c.kind == StillKind.VARIANT.value)
            .where(stills.c.key == key, stills.c.status == CellStatus.APPROVED.value)
        )
        return set(self._connection.execute(query).scalars())

    def heroes(self, ids: Sequence[int]) -> Mapping[int, JobInput]:
        """The approved picture of each of these stills as an input with role `still`."""
        found: dict[int, JobInput] = {}
        for part in chunks(ids):
            query = (
                select(stills.c.id, outputs.c.sha256, outputs.c.media_type, stills.c.key)
                .join(outputs, outputs.c.id == stills.c.hero)
                .where(stills.c.id.in_(part))
            )
            for row in self._connection.execute(query):
                found[row.id] = JobInput("still", row.sha256, row.media_type, row.key)
        return found

    def checked_sources(self, run_id: int, characters: Sequence[str]) -> dict[str, tuple[JobInput, ...]]:
        """The source images that the newest check of each of these characters is about; who was never checked is left out.

        In the order of these checks, the newest last.
        """
        found: dict[str, tuple[int, Sequence[Any]]] = {}
        for part in chunks(characters):
            query = (
                select(stills.c.character, jobs.c.id, jobs.c.inputs)
                .join(jobs, (jobs.c.subject == "still") & (jobs.c.subject_id == stills.c.id))
                .where(stills.c.run_id == run_id, stills.c.kind == StillKind.SOURCE.value, stills.c.character.in_(part))
                .where(jobs.c.stage == Stage.SOURCE_QA.value)
            )
            for row in self._connection.execute(query.order_by(jobs.c.id)):
                found[row.character] = (row.id, row.inputs)
        in_order = sorted(found.items(), key=lambda one: one[1][0])
        return {name: tuple(JobInput(*file) for file in inputs) for name, (_, inputs) in in_order}

    def _all(self, query: Select[Any]) -> list[Still]:
        return [_still(row) for row in self._connection.execute(query)]


def _still(row: Any) -> Still:
    return Still(**{**row._mapping, "kind": StillKind(row.kind), "status": CellStatus(row.status)})
