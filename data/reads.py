"""Statements that are read in every turn: compiled once, and sent to the driver without the detours of a general statement."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Dialect, Select, bindparam
from sqlalchemy.exc import DBAPIError

from data.sqlite import JSON_IS_EXACT

_Process = Callable[[Any], Any]
_Shape = TypeVar("_Shape")
_MOST_KEPT = 20_000
_PACKED_FROM = 8
"""Fewer rows come sooner one by one."""


class Read:
    """One select with named parameters. `make(many)` builds it; `many` are the parameters of its list, empty without one.

    Lists are padded to a power of two by repeating their last value, so that few statements serve lists of any length. A
    driver that takes its parameters by position (SQLite's) is spoken to directly; another one through SQLAlchemy.
    """

    def __init__(self, make: Callable[[list[Any]], Select[Any]]) -> None:
        self._make = make
        self._known: dict[tuple[str, int], _Compiled] = {}

    def rows(
        self, connection: Connection, values: Mapping[str, Any], many: Sequence[Any] = (), most: int | None = None
    ) -> Iterable[Any]:
        """The first `most` rows; each has its columns as attributes and is a tuple."""
        known, values = self._prepared(connection, values, many)
        return known.rows(connection, values, most)

    def _prepared(
        self, connection: Connection, values: Mapping[str, Any], many: Sequence[Any]
    ) -> tuple[_Compiled, Mapping[str, Any]]:
        size = _padded(len(many)) if many else 0
        if many:
            padded = [*many, *([many[-1]] * (size - len(many)))]
            values = {**values, **dict(zip(_names(size), padded, strict=True))}
        key = (connection.dialect.name, size)
        known = self._known.get(key)
        if known is None:
            binds = [bindparam(name) for name in _names(size)]
            known = self._known[key] = _Compiled(self._make(binds), connection.dialect)
        return known, values


class Reread(Read, Generic[_Shape]):
    """A select that finds mostly the same rows turn after turn: what `shape` makes of a row is kept, and shared by all who ask.

    `shape` must depend on the row alone, and what it makes must not change.
    """

    def __init__(self, make: Callable[[list[Any]], Select[Any]], shape: Callable[[Any], _Shape]) -> None:
        super().__init__(make)
        self._shape = shape
        self._shaped: dict[tuple[Any, ...], _Shape] = {}

    def all(self, connection: Connection, values: Mapping[str, Any] | None = None, many: Sequence[Any] = ()) -> list[_Shape]:
        """What the rows have become."""
        known, values = self._prepared(connection, values or {}, many)
        if not known.is_direct:
            return [self._shape(row) for row in known.rows(connection, values)]
        if len(self._shaped) > _MOST_KEPT:
            self._shaped.clear()
        found = []
        for raw in known.packed(connection, values):
            shaped = self._shaped.get(raw)
            if shaped is None:
                shaped = self._shaped[raw] = self._shape(known.finished(raw))
            found.append(shaped)
        return found


class _Compiled:
    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        self._statement = statement
        self.is_direct = dialect.positional
        if not self.is_direct:
            return
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._defaults = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        self._binds: list[tuple[str, _Process | None]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in compiled.positiontup or ()
        ]
        columns = list(statement.selected_columns)
        names = ", ".join(f"c{number}" for number, _ in enumerate(columns))
        self._before = f"WITH found({names}) AS ({self._sql}"
        self._after = f") SELECT json_group_array(json_array({names})) FROM found"
        self._usual = 0
        self._row = namedtuple("Row", [column.key for column in columns], rename=True)  # type: ignore[misc]
        self._processes: list[tuple[int, _Process]] = [
            (number, process)
            for number, column in enumerate(columns)
            if (process := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def _parameters(self, values: Mapping[str, Any]) -> list[Any]:
        given = {**self._defaults, **values} if self._defaults else values
        return [given[name] if process is None else process(given[name]) for name, process in self._binds]

    def rows(self, connection: Connection, values: Mapping[str, Any], most: int | None = None) -> Iterable[Any]:
        """The first `most` rows, as many at once as there were last time: few come sooner one by one."""
        if not self.is_direct:
            return connection.execute(self._statement if most is None else self._statement.limit(most), values)
        is_short = self._usual < _PACKED_FROM or (most is not None and most < _PACKED_FROM)
        found = (self._one_by_one if is_short else self.packed)(connection, values, most)
        self._usual = len(found)
        return [self.finished(row) for row in found]

    def _one_by_one(self, connection: Connection, values: Mapping[str, Any], most: int | None) -> list[tuple[Any, ...]]:
        """SQLite plans a bound LIMIT anew for each value, which costs more than the rows: the reading just stops."""
        with DriverCursor(connection, self._sql) as cursor:
            cursor.execute(self._sql, self._parameters(values))
            found: list[tuple[Any, ...]] = cursor.fetchall() if most is None else cursor.fetchmany(most)
        return found

    def packed(self, connection: Connection, values: Mapping[str, Any], most: int | None = None) -> list[tuple[Any, ...]]:
        """The rows as the driver gives them, in one value: it lets go of the interpreter for each field of a row that it hands
        out, and in a busy process waits for it each time. Limits are powers of two, so that there are few statements."""
        if not JSON_IS_EXACT:
            return self._one_by_one(connection, values, most)
        limit = "" if most is None else f" LIMIT {_padded(most)}"
        sql = self._before + limit + self._after
        with DriverCursor(connection, sql) as cursor:
            [(text,)] = cursor.execute(sql, self._parameters(values)).fetchall()
        return [tuple(row) for row in json.loads(text)[:most]]

    def finished(self, raw: tuple[Any, ...]) -> Any:
        """A row of the driver with its values as the columns have them."""
        values = list(raw)
        for number, process in self._processes:
            values[number] = process(values[number])
        return self._row._make(values)


class DriverCursor:
    """A cursor of the driver for one statement; its errors become SQLAlchemy's, as if it had been asked.

    Written out, not as a generator: a turn of the engine opens some twenty.
    """

    def __init__(self, connection: Connection, sql: str) -> None:
        self._dialect = connection.dialect
        self._sql = sql
        self._cursor: Any = connection.connection.dbapi_connection.cursor()  # past the pool, which keeps no account of cursors

    def __enter__(self) -> Any:
        return self._cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._cursor.close()
        errors: Any = self._dialect.loaded_dbapi.Error
        if isinstance(error, errors):
            raise DBAPIError.instance(self._sql, None, error, errors, dialect=self._dialect) from error


@cache
def _names(size: int) -> tuple[str, ...]:
    return tuple(f"many_{number}" for number in range(size))


def _padded(count: int) -> int:
    return 1 << (count - 1).bit_length()
