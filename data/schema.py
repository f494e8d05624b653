"""Brings a database to the newest schema, at every start, under a lock."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from data import budget_models, fleet_models, models, telemetry_models, trigger_models, workflow_models
from data.tables import metadata

NEWEST = "0022"
"""The revision the code is written for; a test compares it with the newest file in `migrations/versions`."""

_LOCK = 7_401_152_031
"""The advisory lock under which PostgreSQL databases are migrated."""


_DESCRIBED_BY = (models, fleet_models, telemetry_models, budget_models, workflow_models, trigger_models)
"""The modules that tell `metadata` of their tables."""

_FIRST_ROWS = (
    "INSERT INTO heads (id, event_seq, audit_hash) VALUES (1, 0, '')",
    "INSERT INTO trigger_state (id, cursor, edition, halted) VALUES (1, 0, 0, '')",
)
_VERSION = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    f"INSERT INTO alembic_version (version_num) VALUES ('{NEWEST}')",
)


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
        if not inspect(connection).get_table_names():
            create(connection)
        elif revision(connection) != NEWEST:
            upgrade(connection)


def create(connection: Connection) -> None:
    """The newest schema in an empty database, in a tenth of the time that all the steps take that have led to it."""
    metadata.create_all(connection, checkfirst=False)
    for sql in _VERSION:
        connection.execute(text(sql))
    fill(connection)


def fill(connection: Connection) -> None:
    """The rows that stand in a new database."""
    for sql in _FIRST_ROWS:
        connection.execute(text(sql))


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
