"""Writes collected during a transaction and sent as few statements with many rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Executable


class Batch:
    """Rows wait here, grouped by statement, until `flush`; groups go in the order of their first row.

    Rows of one statement keep their order. Whoever updates a row that still waits to be inserted flushes first.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._groups: dict[Executable, list[Mapping[str, Any]]] = {}

    def add(self, statement: Executable, row: Mapping[str, Any]) -> None:
        """Queue one row for `statement`."""
        self._groups.setdefault(statement, []).append(row)

    def flush(self) -> None:
        """Send everything that waits."""
        groups, self._groups = self._groups, {}
        for statement, rows in groups.items():
            self._connection.execute(statement, rows)
