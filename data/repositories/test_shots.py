"""Test shots of registered workflows: asked for, running, ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from data.tables import fixed
from data.workflow_models import test_shots as shots
from data.workflow_models import workflow_versions as versions
from pipeline.domain.records import StoredFile
from pipeline.domain.work import Measurement
from pipeline.domain.workflows.library import OPEN, ShotStatus, TestShot

_COLUMNS = [column for column in shots.c if column.name != "attempts"]
_OPEN = fixed(*(status.value for status in OPEN))
_LOOKED_THROUGH = 500
_FILES = ("source", "result", "poster")


class TestShots:
    """Adds, changes and finds test shots."""

    __test__ = False  # not a class of tests

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, version_id: int, *, worker: str, actor: str, parameters: Mapping[str, Any], source: StoredFile | None, now: datetime
    ) -> TestShot:
        """A new one that waits for its worker."""
        row = {
            "version_id": version_id,
            "worker": worker,
            "status": ShotStatus.QUEUED.value,
            "actor": actor,
            "created_at": now,
            "parameters": dict(parameters),
            "source": None if source is None else asdict(source),
        }
        key = self._connection.execute(insert(shots).returning(shots.c.id), row).scalar_one()
        return self._all(select(*_COLUMNS).where(shots.c.id == key))[0]

    def by_id(self, shot_id: int) -> TestShot | None:
        """One, if it is there."""
        return next(iter(self._all(select(*_COLUMNS).where(shots.c.id == shot_id))), None)

    def of(self, version_ids: Sequence[int], limit: int = 200) -> list[TestShot]:
        """The newest test shots of these versions, the newest first."""
        query = select(*_COLUMNS).where(shots.c.version_id.in_(version_ids)).order_by(shots.c.id.desc()).limit(limit)
        return self._all(query)

    def open(self) -> list[TestShot]:
        """Those that have not ended, the oldest first."""
        return self._all(select(*_COLUMNS).where(shots.c.status.in_(_OPEN)).order_by(shots.c.id))

    def tried(self) -> dict[int, int]:
        """How many test shots of each version have succeeded."""
        done = shots.c.status == ShotStatus.DONE.value
        query = select(shots.c.version_id, func.count()).where(done).group_by(shots.c.version_id)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def change(self, shot_id: int, **values: Any) -> None:
        """Store new values of some columns."""
        plain = dict(values)
        if isinstance(values.get("status"), ShotStatus):
            plain["status"] = values["status"].value
        plain |= {name: asdict(values[name]) for name in _FILES if values.get(name) is not None}
        if "measurements" in plain:
            plain["measurements"] = [asdict(one) for one in values["measurements"]]
        self._connection.execute(update(shots).where(shots.c.id == shot_id).values(**plain))

    def begin(self, shot_id: int, attempt_id: str, now: datetime) -> None:
        """One more try, under this id; to be stored before anything is sent."""
        before = self._connection.execute(select(shots.c.attempts, shots.c.tries).where(shots.c.id == shot_id)).one()
        self.change(
            shot_id, status=ShotStatus.RUNNING, attempt_id=attempt_id, started_at=now, tries=before.tries + 1,
            attempts=[*before.attempts, attempt_id], progress=0.0, step="",
        )  # fmt: skip

    def attempt_ids(self) -> set[str]:
        """The ids of every try that was ever made."""
        return {key for keys in self._connection.execute(select(shots.c.attempts)).scalars() for key in keys}

    def ended_attempts(self, attempt_ids: Collection[str], since: datetime) -> set[str]:
        """Those of these ids that are tries of test shots and have ended: of shots that are open or have ended `since` then.

        Of those that are over, only the newest are looked through, so that this costs the same however many were ever made.
        """
        columns = (shots.c.id, shots.c.status, shots.c.attempt_id, shots.c.attempts, shots.c.ended_at)
        newest = select(*columns).order_by(shots.c.id.desc()).limit(_LOOKED_THROUGH).subquery()
        queries = (select(*columns).where(shots.c.status.in_(_OPEN)), select(newest).where(newest.c.ended_at >= since))
        rows = [row for query in queries for row in self._connection.execute(query)]
        running = {row.attempt_id for row in rows if row.status == ShotStatus.RUNNING.value}
        return {key for row in rows for key in row.attempts}.intersection(attempt_ids) - running

    def keys(self) -> set[str]:
        """The job keys of all that are there."""
        return {f"shot-{key}" for key in self._connection.execute(select(shots.c.id)).scalars()}

    def remove_of(self, workflow_id: int) -> None:
        """Forget the test shots of all versions of a name; their files stay."""
        ours = select(versions.c.id).where(versions.c.workflow_id == workflow_id)
        self._connection.execute(delete(shots).where(shots.c.version_id.in_(ours)))

    def _all(self, query: Select[Any]) -> list[TestShot]:
        return [_shot(row) for row in self._connection.execute(query)]


def _shot(row: Any) -> TestShot:
    files = {name: None if getattr(row, name) is None else StoredFile(**getattr(row, name)) for name in _FILES}
    measured = tuple(Measurement(**one) for one in row.measurements)
    return TestShot(**{**row._mapping, **files, "status": ShotStatus(row.status), "measurements": measured})
