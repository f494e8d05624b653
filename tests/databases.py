"""Databases for tests: with the newest schema and nothing in it, made once and handed on, since making one takes long."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, text

from data import schema
from data.store import Stores
from data.tables import metadata


@contextmanager
def empty_schema(server: Any) -> Iterator[str]:
    """A PostgreSQL schema without tables, first on the search path of everyone who uses the URL; dropped afterwards."""
    name = _new_schema(server)
    try:
        yield _url_of(server, name)
    finally:
        _drop(server, name)


class PreparedSchemas:
    """PostgreSQL schemas whose tables are made. One is emptied after use and serves again, unless a test has changed tables."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._free: list[str] = []
        self._shape = ""

    @contextmanager
    def one(self) -> Iterator[str]:
        """The URL of one, for one test."""
        name = self._free.pop() if self._free else self._made()
        try:
            yield _url_of(self._server, name)
        finally:
            if self._is_emptied(name):
                self._free.append(name)
            else:
                _drop(self._server, name)

    def close(self) -> None:
        """Drop them all."""
        while self._free:
            _drop(self._server, self._free.pop())

    def _made(self) -> str:
        name = _new_schema(self._server)
        engine = create_engine(_url_of(self._server, name))
        try:
            schema.migrate(engine)
            with engine.connect() as connection:
                self._shape = self._shape or _shape(connection)
        finally:
            engine.dispose()
        return name

    def _is_emptied(self, name: str) -> bool:
        """Take the rows out, and put in what stands in a new database; False for one that is another than it was."""
        _end_connections(self._server, name)
        engine = create_engine(_url_of(self._server, name))
        try:
            with engine.begin() as connection:
                if _shape(connection) != self._shape or schema.revision(connection) != schema.NEWEST:
                    return False
                connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY"))
                schema.fill(connection)
            return True
        finally:
            engine.dispose()


class PreparedFile:
    """An SQLite database with its tables, to be copied."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "prepared.db"
        stores = Stores(f"sqlite:///{self._path}")
        schema.migrate(stores.engine)
        stores.close()

    def copied(self, path: Path) -> str:
        """The URL of a copy at this path."""
        shutil.copyfile(self._path, path)
        return f"sqlite:///{path}"


def _shape(connection: Connection) -> str:
    """The columns of every table and index."""
    found: str = connection.execute(
        text(
            "SELECT string_agg(relname || '.' || attname, ' ' ORDER BY relname, attnum) FROM pg_class"
            " JOIN pg_attribute ON attrelid = pg_class.oid"
            " WHERE relnamespace = CAST(current_schema() AS regnamespace) AND attnum > 0 AND NOT attisdropped"
        )
    ).scalar_one()
    return found


def _new_schema(server: Any) -> str:
    name = f"test_{uuid.uuid4().hex[:16]}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    return name


def _url_of(server: Any, name: str) -> str:
    url: URL = server.url.update_query_dict({"options": f"-csearch_path={name}", "application_name": name})
    return url.render_as_string(hide_password=False)


def _end_connections(server: Any, name: str) -> None:
    with server.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"), {"name": name}
        )


def _drop(server: Any, name: str) -> None:
    _end_connections(server, name)
    with server.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
