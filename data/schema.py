"""Brings a database to the newest schema, at every start, under a lock."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

NEWEST = "0012"
"""The revision the code is written for; a test compares it with the newest file in `migrations/versions`."""

_LOCK = 7_401_152_031
"""The advisory lock under which PostgreSQL databases are migrated."""


class SchemaTooNew(Exception):
    """The database was written by a newer version of Stripboard."""


def migrate(engine: Engine) -> None:
    """Apply every missing step. Quick when there is none: Alembic is not even loaded.

    Two processes that start at once are safe: the second waits, and finds nothing to do.
    """
    with engine.connect() as connection:
        if revision(connection) == NEWEST:
            return
    with engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        lock_schema(connection)
        if revision(connection) != NEWEST:
            upgrade(connection)


def lock_schema(connection: Connection) -> None:
    """Be the only one who changes tables, until this transaction ends (SQLite has one writer anyway)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def revision(connection: Connection) -> str | None:
    """Which schema the database has; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Apply the missing steps, up to a revision, within the caller's transaction."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise SchemaTooNew("The database was written by a newer version of Stripboard. Update Stripboard to open it.") from error
