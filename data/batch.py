"""Writes collected during a transaction and sent as few statements with many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import Insert, Update

from data.reads import DriverCursor

Write = Insert | Update
_Process = Callable[[Any], Any]


class Batch:
    """Rows wait here, grouped by statement, until `flush`; groups go in the order of their first row.

    Rows of one statement keep their order. Whoever updates a row that still waits to be inserted flushes first. All rows
    of one statement have the same keys.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._groups: dict[Write, list[Mapping[str, Any]]] = {}
        self._told: dict[Write, list[Mapping[str, Any]]] = {}

    def add(self, statement: Write, row: Mapping[str, Any]) -> None:
        """Queue one row for `statement`."""
        self._groups.setdefault(statement, []).append(row)

    def tell(self, statement: Write, row: Mapping[str, Any]) -> None:
        """Queue one row that tells what happened: `flush_work` leaves it waiting."""
        self._told.setdefault(statement, []).append(row)

    def flush(self) -> None:
        """Send everything that waits."""
        self.flush_work()
        told, self._told = self._told, {}
        self._send(told)

    def flush_work(self) -> None:
        """Send everything but what is told: whoever reads only the state of things goes on with fewer statements."""
        groups, self._groups = self._groups, {}
        self._send(groups)

    def _send(self, groups: Mapping[Write, list[Mapping[str, Any]]]) -> None:
        for statement, rows in groups.items():
            if self._connection.dialect.positional:
                prepared = _prepare(statement, rows[0], self._connection.dialect)
                with DriverCursor(self._connection, prepared.sql) as cursor:
                    cursor.executemany(prepared.sql, prepared.rows(rows))
            else:
                self._connection.execute(statement, rows)

    @contextmanager
    def kept_apart(self) -> Iterator[None]:
        """Forget what was queued meanwhile when the caller's part fails."""
        try:
            yield
        except BaseException:
            self._groups, self._told = {}, {}
            raise


class _Prepared:
    """A statement for a driver that takes tuples, compiled once: a third of the cost of a row is saved."""

    def __init__(self, statement: Write, row: Mapping[str, Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(row))
        self.sql = str(compiled)
        self._fixed = {name: value for name, value in compiled.construct_params(dict(row)).items() if name not in row}
        self._names = compiled.positiontup or []
        self._fields: list[tuple[str, Any, _Process | None]] = [
            (name, self._fixed.get(name), compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in self._names
        ]
        self._processes = [(number, process) for number, (_, _, process) in enumerate(self._fields) if process is not None]

    def rows(self, rows: list[Mapping[str, Any]]) -> list[Sequence[Any]]:
        """Each row's values in the order of the statement, as the driver wants them. Many go column by column: the quickest."""
        if len(rows) == 1:
            return [self._values(rows[0])]
        return list(zip(*(self._column(rows, *field) for field in self._fields), strict=True))

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        given = {**self._fixed, **row} if self._fixed else row
        values = [given[name] for name in self._names]
        for number, process in self._processes:
            values[number] = process(values[number])
        return values

    @staticmethod
    def _column(rows: list[Mapping[str, Any]], name: str, default: Any, process: _Process | None) -> Iterable[Any]:
        if name not in rows[0]:
            return [default if process is None else process(default)] * len(rows)
        if process is None:
            return [row[name] for row in rows]
        return [process(row[name]) for row in rows]


_PREPARED: WeakKeyDictionary[Write, tuple[frozenset[str], _Prepared]] = WeakKeyDictionary()


def _prepare(statement: Write, row: Mapping[str, Any], dialect: Dialect) -> _Prepared:
    keys = frozenset(row)
    known = _PREPARED.get(statement)
    if known is None or known[0] != keys:
        known = (keys, _Prepared(statement, row, dialect))
        _PREPARED[statement] = known
    return known[1]
