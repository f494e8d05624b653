"""Writes collected during a transaction and sent as few statements with many rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import Insert, Update

from data.reads import DriverCursor

Write = Insert | Update
_INSERTION = re.compile(r"(INSERT INTO .* VALUES )(\([?, ]+\))", re.DOTALL)
_UPDATE = re.compile(r"(UPDATE (?:(?! WHERE ).)*) (WHERE \w+\.\w+ = \?(?:(?! WHERE ).)*)", re.DOTALL)
_MOST_ROWS = 64
"""So many rows of any table have fewer values than SQLite takes at once."""
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
                    prepared.send(cursor, rows)
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
        self._many = _Many.of(self.sql, self._names)

    def send(self, cursor: Any, rows: list[Mapping[str, Any]]) -> None:
        """Execute it for all rows."""
        values = self.rows(rows)
        if self._many is None or len(values) == 1:
            cursor.executemany(self.sql, values)
            return
        for batch in self._many.rounds(values):
            for start, count in _portions(len(batch)):
                cursor.execute(self._many.sql(count), list(chain.from_iterable(batch[start : start + count])))

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


class _Many:
    """One statement for many rows, in place of one for each.

    The driver lets go of the interpreter for each row that it executes, and in a busy process waits for it each time.
    """

    def __init__(self, before: str, row: str, after: str, key: int | None) -> None:
        self._before, self._row, self._after, self._key = before, row, after, key
        self._known: dict[int, str] = {}

    @classmethod
    def of(cls, sql: str, names: Sequence[str]) -> _Many | None:
        """For an insertion of values, and for an update of rows that go by a key; None for any other statement."""
        found = _INSERTION.fullmatch(sql)
        if found:
            return cls(found[1], found[2], "", None)
        found = _UPDATE.fullmatch(sql)
        if not found or sql.count("?") != len(names) or " OR " in sql or "SELECT" in sql:
            return None
        row = f"({', '.join('?' * len(names))})"
        places = iter(range(1, len(names) + 1))
        setting, where = (re.sub(r"\?", lambda _: f"given.column{next(places)}", part) for part in found.groups())
        return cls(f"{setting} FROM (VALUES ", row, f") AS given {where}", found[1].count("?"))

    def sql(self, count: int) -> str:
        """The statement for so many rows."""
        if count not in self._known:
            self._known[count] = self._before + ", ".join([self._row] * count) + self._after
        return self._known[count]

    def rounds(self, rows: list[Sequence[Any]]) -> list[list[Sequence[Any]]]:
        """The rows in rounds, none of which updates one row of the table twice: that would be done once only."""
        if self._key is None:
            return [rows]
        rounds: list[list[Sequence[Any]]] = []
        times: dict[Any, int] = {}
        for row in rows:
            number = times[row[self._key]] = times.get(row[self._key], -1) + 1
            if number == len(rounds):
                rounds.append([])
            rounds[number].append(row)
        return rounds


def _portions(count: int) -> Iterator[tuple[int, int]]:
    """Start and length of portions of 64, 32, and so on: few lengths, so that few statements serve any number of rows."""
    start = 0
    while start < count:
        length = min(_MOST_ROWS, 1 << ((count - start).bit_length() - 1))
        yield start, length
        start += length


_PREPARED: WeakKeyDictionary[Write, tuple[frozenset[str], _Prepared]] = WeakKeyDictionary()


def _prepare(statement: Write, row: Mapping[str, Any], dialect: Dialect) -> _Prepared:
    keys = frozenset(row)
    known = _PREPARED.get(statement)
    if known is None or known[0] != keys:
        known = (keys, _Prepared(statement, row, dialect))
        _PREPARED[statement] = known
    return known[1]
