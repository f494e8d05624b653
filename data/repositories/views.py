"""Saved views: named ways to look at the runs of a project."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from data.models import saved_views
from pipeline.domain.records import SavedView


class Views:
    """Keeps, finds and forgets saved views."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, project_id: int, name: str, *, query: str, actor: str, now: datetime) -> SavedView:
        """Store a view; one of the same name in the project is replaced."""
        ours = saved_views.c.project_id == project_id, saved_views.c.name == name
        values = {"query": query, "actor": actor, "created_at": now}
        changed = self._connection.execute(update(saved_views).where(*ours).values(**values))
        if not changed.rowcount:
            self._connection.execute(insert(saved_views), {"project_id": project_id, "name": name, **values})
        return _view(self._connection.execute(select(saved_views).where(*ours)).one())

    def of_project(self, project_id: int) -> list[SavedView]:
        """The views of a project by name."""
        query = select(saved_views).where(saved_views.c.project_id == project_id).order_by(saved_views.c.name)
        return [_view(row) for row in self._connection.execute(query)]

    def by_id(self, view_id: int) -> SavedView | None:
        """One view."""
        row = self._connection.execute(select(saved_views).where(saved_views.c.id == view_id)).first()
        return None if row is None else _view(row)

    def remove(self, view_id: int) -> bool:
        """Forget a view; False when it is not there."""
        return bool(self._connection.execute(delete(saved_views).where(saved_views.c.id == view_id)).rowcount)


def _view(row: Any) -> SavedView:
    return SavedView(**row._mapping)
