"""Rules and their versions, the place of the engine among events, and halts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from data.models import projects
from data.reads import Read
from data.trigger_models import trigger_halts as halts
from data.trigger_models import trigger_state as state
from data.trigger_models import trigger_versions as versions
from data.trigger_models import triggers
from pipeline.domain.rules.stored import Halt, StoredRule

_STATE = Read(lambda many: select(state.c.cursor, state.c.edition, state.c.halted))


class Triggers:
    """Saves, changes and finds rules."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Rules ------------------------------------------------------------------------------------------------------

    def add(
        self, *, project_id: int | None, name: str, spec: Mapping[str, Any], enabled: bool, origin: str, by: str,
        from_seq: int, now: datetime, approved_by: str = "",
    ) -> int:  # fmt: skip
        """A new rule in its first version; its number."""
        row = {
            "project_id": project_id, "name": name, "enabled": enabled, "origin": origin, "created_at": now, "created_by": by,
            "from_seq": from_seq,
        }  # fmt: skip
        key = self._connection.execute(insert(triggers).returning(triggers.c.id), row).scalar_one()
        self._add_version(key, 1, spec, by=by, now=now, approved_by=approved_by)
        return key

    def add_version(
        self,
        rule: StoredRule,
        *,
        name: str,
        spec: Mapping[str, Any],
        enabled: bool,
        origin: str,
        by: str,
        now: datetime,
        approved_by: str = "",
    ) -> int:
        """The next version of a rule; its number. The rule is from where its newest version is from."""
        number = rule.version + 1
        self._add_version(rule.id, number, spec, by=by, now=now, approved_by=approved_by)
        self._change(rule.id, version=number, name=name, enabled=enabled, origin=origin)
        return number

    def enable(self, trigger_id: int, enabled: bool, from_seq: int) -> None:
        """Switch a rule on or off. What happened while it was off is not made up for."""
        self._change(trigger_id, enabled=enabled, from_seq=from_seq)

    def approve(self, rule: StoredRule, by: str, now: datetime) -> None:
        """An admin approves the newest version."""
        ours = (versions.c.trigger_id == rule.id, versions.c.version == rule.version)
        self._connection.execute(update(versions).where(*ours).values(approved_at=now, approved_by=by))
        self._touch()

    def remove(self, trigger_id: int, now: datetime) -> None:
        """Take a rule away. Its versions stay, so that what it did can be explained."""
        self._change(trigger_id, deleted_at=now, enabled=False)

    def live(self) -> list[StoredRule]:
        """Every rule that is not removed, the oldest first."""
        return self._all(_joined().where(triggers.c.deleted_at.is_(None)).order_by(triggers.c.id))

    def by_id(self, trigger_id: int) -> StoredRule | None:
        """One rule, if it is there and not removed."""
        query = _joined().where(triggers.c.id == trigger_id, triggers.c.deleted_at.is_(None))
        return next(iter(self._all(query)), None)

    def names(self, ids: Sequence[int]) -> dict[int, str]:
        """What these rules are called, removed ones too."""
        rows = self._connection.execute(select(triggers.c.id, triggers.c.name).where(triggers.c.id.in_(ids)))
        return {row.id: row.name for row in rows}

    def versions(self, trigger_id: int) -> list[dict[str, Any]]:
        """Every version of a rule, the newest first: version, spec, created_at, created_by, approved_at, approved_by."""
        query = select(versions).where(versions.c.trigger_id == trigger_id).order_by(versions.c.version.desc())
        return [dict(row._mapping) for row in self._connection.execute(query)]

    # The engine -------------------------------------------------------------------------------------------------

    def cursor(self) -> int:
        """The newest event that rules have seen."""
        [row] = _STATE.rows(self._connection, {})
        seq: int = row.cursor
        return seq

    def move_cursor(self, seq: int) -> None:
        """Rules have seen all events up to this one."""
        self._connection.execute(update(state).values(cursor=seq))

    def edition(self) -> tuple[int, str]:
        """(a number that grows with every change of a rule, why rules are halted)."""
        [row] = _STATE.rows(self._connection, {})
        return row.edition, row.halted

    # Halts ------------------------------------------------------------------------------------------------------

    def halt(self, by: str, reason: str, receipt: Mapping[str, Any], now: datetime) -> Halt:
        """Stop all rules."""
        row = {"at": now, "by": by, "reason": reason, "receipt": dict(receipt)}
        key = self._connection.execute(insert(halts).returning(halts.c.id), row).scalar_one()
        self._connection.execute(update(state).values(halted=reason))
        return Halt(key, now, by, reason, dict(receipt))

    def resume(self, by: str, now: datetime) -> None:
        """Let rules fire again."""
        open_ones = halts.c.resumed_at.is_(None)
        self._connection.execute(update(halts).where(open_ones).values(resumed_at=now, resumed_by=by))
        self._connection.execute(update(state).values(halted=""))

    def halts(self, limit: int = 50) -> list[Halt]:
        """The newest halts, the newest first."""
        query = select(halts).order_by(halts.c.id.desc()).limit(limit)
        return [Halt(**row._mapping) for row in self._connection.execute(query)]

    def _add_version(
        self, trigger_id: int, number: int, spec: Mapping[str, Any], *, by: str, now: datetime, approved_by: str
    ) -> None:
        row = {
            "trigger_id": trigger_id, "version": number, "spec": dict(spec), "created_at": now, "created_by": by,
            "approved_by": approved_by, "approved_at": now if approved_by else None,
        }  # fmt: skip
        self._connection.execute(insert(versions), row)
        self._touch()

    def _change(self, trigger_id: int, **values: Any) -> None:
        self._connection.execute(update(triggers).where(triggers.c.id == trigger_id).values(**values))
        self._touch()

    def _touch(self) -> None:
        self._connection.execute(update(state).values(edition=state.c.edition + 1))

    def _all(self, query: Select[Any]) -> list[StoredRule]:
        return [StoredRule(**row._mapping) for row in self._connection.execute(query)]


def _joined() -> Select[Any]:
    newest = (versions.c.trigger_id == triggers.c.id) & (versions.c.version == triggers.c.version)
    own = [column for column in triggers.c if column.name != "deleted_at"]
    return (
        select(
            *own,
            projects.c.title.label("project"),
            versions.c.spec,
            versions.c.created_at.label("saved_at"),
            versions.c.created_by.label("saved_by"),
            versions.c.approved_at,
            versions.c.approved_by,
        )
        .join(versions, newest)
        .join(projects, projects.c.id == triggers.c.project_id, isouter=True)
    )
