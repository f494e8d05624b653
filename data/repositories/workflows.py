"""Registered workflows: names, versions, and the runs that were made with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from data.models import production_runs
from data.repositories.chunks import chunks
from data.workflow_models import workflow_uses, workflow_versions, workflows
from pipeline.domain.names import fold
from pipeline.domain.workflows.library import Judgement, RegisteredWorkflow, WorkflowVersion
from pipeline.domain.workflows.slots import Kind

_NAME_COLUMNS = [column for column in workflows.c if column.name != "folded"]
_VERSION_COLUMNS = [workflows.c.name, *(column for column in workflow_versions.c if column.name != "content")]


class Workflows:
    """Adds, finds and removes registered workflows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Names ------------------------------------------------------------------------------------------------------

    def all(self) -> list[RegisteredWorkflow]:
        """Every name, archived ones too, in order."""
        query = select(*_NAME_COLUMNS).order_by(workflows.c.folded)
        return [RegisteredWorkflow(**row._mapping) for row in self._connection.execute(query)]

    def by_id(self, workflow_id: int) -> RegisteredWorkflow | None:
        """One by its number."""
        row = self._connection.execute(select(*_NAME_COLUMNS).where(workflows.c.id == workflow_id)).first()
        return None if row is None else RegisteredWorkflow(**row._mapping)

    def named(self, name: str) -> RegisteredWorkflow | None:
        """One by its name; names that differ in case only are the same."""
        row = self._connection.execute(select(*_NAME_COLUMNS).where(workflows.c.folded == fold(name))).first()
        return None if row is None else RegisteredWorkflow(**row._mapping)

    def add(self, name: str, now: datetime) -> RegisteredWorkflow:
        """A new name without versions."""
        row = {"name": name, "folded": fold(name), "created_at": now}
        key = self._connection.execute(insert(workflows).returning(workflows.c.id), row).scalar_one()
        return RegisteredWorkflow(key, name, None, None, now)

    def change(self, workflow_id: int, **values: Any) -> None:
        """Store another default or archive it."""
        self._connection.execute(update(workflows).where(workflows.c.id == workflow_id).values(**values))

    def remove(self, workflow_id: int) -> None:
        """Forget a name and its versions; their test shots and uses must be gone."""
        self._connection.execute(delete(workflow_versions).where(workflow_versions.c.workflow_id == workflow_id))
        self._connection.execute(delete(workflows).where(workflows.c.id == workflow_id))

    # Versions ---------------------------------------------------------------------------------------------------

    def add_version(
        self, workflow: RegisteredWorkflow, content: Mapping[str, Any], *, sha256: str, origin: str, note: str, actor: str,
        now: datetime,
    ) -> WorkflowVersion:  # fmt: skip
        """The next version of a name. `content` are the plain values of a workflow."""
        ours = workflow_versions.c.workflow_id == workflow.id
        newest = self._connection.execute(select(func.max(workflow_versions.c.number)).where(ours)).scalar() or 0
        row = {
            "workflow_id": workflow.id,
            "number": newest + 1,
            "kind": content["kind"],
            "sha256": sha256,
            "node_count": len(content["graph"]),
            "content": dict(content),
            "origin": origin,
            "note": note,
            "actor": actor,
            "created_at": now,
        }
        key = self._connection.execute(insert(workflow_versions).returning(workflow_versions.c.id), row).scalar_one()
        return self.versions_by_ids([key])[key]

    def versions(self, workflow_ids: Sequence[int] | None = None) -> list[WorkflowVersion]:
        """The versions of these names, or of all, the newest first."""
        query = _versions().order_by(workflow_versions.c.workflow_id, workflow_versions.c.number.desc())
        if workflow_ids is not None:
            query = query.where(workflow_versions.c.workflow_id.in_(workflow_ids))
        return [_version(row) for row in self._connection.execute(query)]

    def versions_by_ids(self, version_ids: Sequence[int]) -> dict[int, WorkflowVersion]:
        """Versions by their own numbers."""
        found: dict[int, WorkflowVersion] = {}
        for part in chunks(version_ids):
            rows = self._connection.execute(_versions().where(workflow_versions.c.id.in_(part)))
            found |= {row.id: _version(row) for row in rows}
        return found

    def same(self, workflow_id: int, sha256: str) -> WorkflowVersion | None:
        """The version of this name that does the same, if there is one."""
        ours = (workflow_versions.c.workflow_id == workflow_id, workflow_versions.c.sha256 == sha256)
        row = self._connection.execute(_versions().where(*ours)).first()
        return None if row is None else _version(row)

    def content(self, version_id: int) -> Mapping[str, Any]:
        """The plain values of a version; empty when it is not there."""
        query = select(workflow_versions.c.content).where(workflow_versions.c.id == version_id)
        return self._connection.execute(query).scalar() or {}

    def judge(self, version_id: int, judgement: Judgement, *, actor: str, now: datetime) -> None:
        """Store what a person says of a version."""
        values = {"judgement": judgement.value, "judged_by": actor, "judged_at": now}
        self._connection.execute(update(workflow_versions).where(workflow_versions.c.id == version_id).values(**values))

    # Uses -------------------------------------------------------------------------------------------------------

    def note_use(self, run_id: int, version_ids: Collection[int]) -> None:
        """Note that a new run was made with these versions."""
        for version_id in sorted(set(version_ids)):
            self._connection.execute(insert(workflow_uses), {"run_id": run_id, "version_id": version_id})

    def uses(self, workflow_id: int | None = None) -> dict[int, list[str]]:
        """The runs that were made with each version, in words, the newest first; of one name or of all."""
        query = (
            select(workflow_uses.c.version_id, production_runs.c.title, production_runs.c.number)
            .join(production_runs, production_runs.c.id == workflow_uses.c.run_id)
            .order_by(workflow_uses.c.run_id.desc())
        )
        if workflow_id is not None:
            ours = workflow_versions.c.workflow_id == workflow_id
            query = query.join(workflow_versions, workflow_versions.c.id == workflow_uses.c.version_id).where(ours)
        found: dict[int, list[str]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.version_id, []).append(f"{row.title} #{row.number}")
        return found


def _versions() -> Any:
    return select(*_VERSION_COLUMNS).join(workflows, workflows.c.id == workflow_versions.c.workflow_id)


def _version(row: Any) -> WorkflowVersion:
    changed = {"kind": Kind(row.kind), "judgement": Judgement(row.judgement)}
    return WorkflowVersion(**{**row._mapping, **changed})
