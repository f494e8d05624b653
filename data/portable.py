"""The whole content of a database as plain rows, the same for every kind of database: read at one instant, and written back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, TypeDecorator, column, insert, inspect, select, table, text, update
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from data import sqlite
from data.models import engines
from data.schema import NEWEST, lock_schema, revision, upgrade
from data.store import Store, Stores
from data.tables import metadata
from pipeline.domain.errors import Invalid, Unavailable

FORMAT, VERSION = "stripboard backup", 1
"""What this representation is called where it is kept; the version grows when it changes."""

TABLES = tuple(each.name for each in metadata.sorted_tables)
"""Every table, those that others point to first."""

_FIRST = "0001"
_SINCE = {
    "idempotency_keys": "0002", "saved_views": "0002", "workers": "0005", "catalogues": "0005", "worker_records": "0005",
    "gpu_readings": "0006", "gpu_devices": "0006", "budgets": "0008",
    "workflows": "0009", "workflow_versions": "0009", "workflow_uses": "0009", "test_shots": "0009",
    "triggers": "0011", "trigger_versions": "0011", "trigger_verdicts": "0011", "trigger_firings": "0011",
    "trigger_effects": "0011", "trigger_waits": "0011", "trigger_state": "0011", "trigger_halts": "0011",
    "chain_marks": "0011", "event_chains": "0011", "messages": "0011", "trigger_things": "0012",
}  # fmt: skip
"""The schema that a table came with, where that is not the first one; schemas are named so that they sort by age."""

_AT_ONCE = 2000
_TELLING = ("production_runs", "events", "imports")


@contextmanager
def snapshot(stores: Stores, folder: Path) -> Iterator[Store]:
    """A store that sees the database as it is now, however long the reading takes; engines may go on meanwhile.

    `folder` has room for a copy of the database.
    """
    if stores.engine.dialect.name == "sqlite":
        yield from _copied(stores, folder / "copy.db")
        return
    isolated = stores.engine.execution_options(isolation_level="REPEATABLE READ")
    with isolated.connect() as connection, connection.begin():
        yield Store(connection, None)


@contextmanager
def rewriting(stores: Stores) -> Iterator[Store]:
    """One transaction for everything that `fill` does and for looking at the outcome; left by an error, nothing has changed."""
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        yield Store(connection, None)


def _copied(stores: Stores, path: Path) -> Iterator[Store]:
    """A copy by SQLite's own online backup, in one step: writers wait for that step, and not for what is done with the copy."""
    target = sqlite.connect(path)
    with stores.engine.connect() as source:
        driver = source.connection.driver_connection
        assert isinstance(driver, sqlite.Connection)
        driver.backup(target)
    target.close()
    copies = Stores(f"sqlite:///{path}")
    try:
        with copies.read() as store:
            yield store
    finally:
        copies.close()
        path.unlink()


def rows(store: Store, name: str) -> Iterator[list[Any]]:
    """Every row of a table in the order of its key, as plain JSON values in the order of `columns`."""
    keys = [each.name for each in metadata.tables[name].primary_key]
    plain = _plain(name)
    query = select(*plain.c).order_by(*(plain.c[key] for key in keys))
    for row in store.connection.execution_options(yield_per=_AT_ONCE).execute(query):
        yield list(row)


def columns(name: str) -> list[str]:
    """The columns of a table."""
    return [each.name for each in metadata.tables[name].columns]


def tables_of(schema: object) -> tuple[str, ...]:
    """The tables of an older schema, or of this one; none of a schema that is not known here."""
    if not isinstance(schema, str) or not _FIRST <= schema <= NEWEST:
        return ()
    return tuple(name for name in TABLES if _SINCE.get(name, _FIRST) <= schema)


def fits(schema: str, name: str, given: object) -> bool:
    """Whether a table of this schema may have these columns: an older one may have fewer."""
    ours = columns(name)
    return given == ours if schema == NEWEST else isinstance(given, list) and [one for one in ours if one in given] == given


def is_occupied(stores: Stores) -> bool:
    """Whether anything is stored there. A file that is not a database counts: it may be what is left of one."""
    try:
        with stores.engine.connect() as connection:
            return _has_rows(connection)
    except OperationalError as error:
        raise Unavailable(f"The database did not answer: {str(error.orig).strip()}. Nothing was changed.") from error
    except DBAPIError:
        return True


def fill(
    store: Store,
    content: Mapping[str, Iterable[list[Any]]],
    *,
    schema: str,
    named: Mapping[str, Sequence[str]],
    aside: str,
    host: str,
) -> None:
    """Make this database hold exactly this content, within the caller's transaction, and bring it to the newest schema.

    The rows are those of `schema`, with the columns that are `named` by table. What is there already goes to the schema
    `aside` (PostgreSQL; an SQLite file is new). Engines that had not ended are written down as engines of `host`, this
    machine: here they do not live, so that the next start takes over their jobs.
    Raises Invalid when the rows are not rows of these tables.
    """
    connection = store.connection
    lock_schema(connection)
    if revision(connection) not in (None, schema) or _has_rows(connection):
        _move_aside(connection, aside)
    if revision(connection) != schema:
        upgrade(connection, schema)
    try:
        for name in reversed(tables_of(schema)):
            connection.execute(_plain(name).delete())
        for name in tables_of(schema):
            _insert(connection, name, named[name], content[name])
    except (DBAPIError, StatementError, TypeError, ValueError, OverflowError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise Invalid(f"The backup cannot be read: its rows do not fit the tables ({reason}). Use another backup.") from error
    if schema != NEWEST:
        upgrade(connection)
    connection.execute(update(engines).where(engines.c.ended_at.is_(None)).values(host=host))


def _has_rows(connection: Connection) -> bool:
    present = set(inspect(connection).get_table_names()) & set(_TELLING)
    return any(connection.execute(select(text("1")).select_from(table(name)).limit(1)).first() for name in sorted(present))


def _insert(connection: Connection, name: str, names: Sequence[str], content: Iterable[list[Any]]) -> None:
    statement = insert(_plain(name))
    remaining = iter(content)
    while part := list(islice(remaining, _AT_ONCE)):
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in part])
    if connection.dialect.name == "postgresql" and metadata.tables[name].autoincrement_column is not None:
        newest = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) IS NOT NULL"
        connection.execute(text(newest))


def _move_aside(connection: Connection, aside: str) -> None:
    if connection.dialect.name != "postgresql":
        raise Unavailable("The new database file is not empty. Try again.")
    connection.execute(text(f'CREATE SCHEMA "{aside}"'))
    present = inspect(connection).get_table_names()
    for name in (name for name in (*TABLES, "alembic_version") if name in present):
        connection.execute(text(f'ALTER TABLE "{name}" SET SCHEMA "{aside}"'))


def _plain(name: str) -> Any:
    """The table with its bare types: times as numbers, JSON as the text it is, so that nothing changes on the way."""
    return table(name, *(column(each.name, _bare(each)) for each in metadata.tables[name].columns))


def _bare(each: Column[Any]) -> Any:
    return each.type.impl_instance if isinstance(each.type, TypeDecorator) else each.type
