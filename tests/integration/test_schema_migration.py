"""Migrations: applied at every start, once, whoever starts at the same time."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, inspect, text

from data.schema import NEWEST, SchemaTooNew, create, migrate, upgrade
from data.store import Stores
from data.tables import metadata

OLD_CONTENT = {
    "projects": {"id": 1, "title": "Harbor Nights", "created_at": 0},
    "production_runs": {
        "id": 1, "project_id": 1, "title": "Harbor Nights", "number": 1, "status": "running", "backend": "animatic",
        "base_dir": "/here", "until": "finalize", "accept_flags": False, "auto_deliver": False, "priority": 0, "created_at": 0,
        "matrix_config": "{}",
    },
    "jobs": {
        "id": 1, "run_id": 1, "stage": "scene_generation", "rank": 5, "lane": "generation", "subject": "cell", "subject_id": 1,
        "take": 1, "part": 1, "status": "running", "urgency": 0, "inputs": "[]", "options": "{}", "fingerprint": "f",
        "estimated_seconds": 1.5, "estimated_bytes": 10, "created_at": 0,
    },
    "attempts": {
        "id": "a", "job_id": 1, "number": 1, "epoch": 1, "owner": "e", "worker": "here", "started_at": 0, "outcome": "running",
    },
}  # fmt: skip


def open_and_migrate(url: str) -> None:
    """What every process does at its start."""
    stores = Stores(url)
    migrate(stores.engine)
    stores.close()


def described(connection: Connection) -> dict[str, Any]:
    """Everything that a database says of its tables, and the rows in them."""
    looked = inspect(connection)
    return {table: _described(connection, looked, table) for table in looked.get_table_names()}


def _described(connection: Connection, looked: Inspector, table: str) -> dict[str, Any]:
    columns = {column["name"]: column for column in looked.get_columns(table)}
    return {
        "columns": {name: (str(one["type"]), one["nullable"], one["default"]) for name, one in columns.items()},
        "primary key": looked.get_pk_constraint(table),
        "indexes": sorted(_plain(one) for one in looked.get_indexes(table)),
        "foreign keys": sorted(_plain(one) for one in looked.get_foreign_keys(table)),
        "unique": sorted(_plain(one) for one in looked.get_unique_constraints(table)),
        "checks": sorted(_plain(one) for one in looked.get_check_constraints(table)),
        "rows": [{name: row[name] for name in columns} for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()],
    }


def _plain(found: Any) -> str:
    """What was found, with the conditions of partial indexes as text."""
    return json.dumps(found, default=str, sort_keys=True)


def test_a_new_database_is_the_one_that_all_migrations_make(bare_url: str) -> None:
    stores = Stores(bare_url)
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        create(connection)
        made = described(connection)
        for table in (*reversed(metadata.sorted_tables), text("alembic_version")):
            connection.execute(text(f"DROP TABLE {table}"))
        upgrade(connection)
        migrated = described(connection)
    assert made.keys() == {*metadata.tables, "alembic_version"}
    for table, description in migrated.items():
        assert made[table] == description, table
    stores.close()


def test_migrating_again_changes_nothing(bare_url: str) -> None:
    for _ in range(3):
        open_and_migrate(bare_url)
    stores = Stores(bare_url)
    with stores.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST]
        assert connection.execute(text("SELECT count(*) FROM heads")).scalar() == 1
    stores.close()


def test_two_processes_that_start_at_once_migrate_once(bare_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_and_migrate, args=(bare_url,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    open_and_migrate(bare_url)


def test_a_database_of_a_newer_version_is_refused(bare_url: str) -> None:
    open_and_migrate(bare_url)
    stores = Stores(bare_url)
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="newer version"):
        migrate(stores.engine)
    stores.close()


def test_a_database_of_the_first_schema_keeps_its_content(bare_url: str) -> None:
    stores = Stores(bare_url)
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        upgrade(connection, "0001")
        for table, row in OLD_CONTENT.items():
            put(connection, table, row)
    open_and_migrate(bare_url)
    with stores.engine.connect() as connection:
        found = {table: connection.execute(text(f"SELECT * FROM {table}")).mappings().one() for table in OLD_CONTENT}
    assert {table: {name: found[table][name] for name in row} for table, row in OLD_CONTENT.items()} == OLD_CONTENT
    with stores.read() as store:
        [attempt] = store.jobs.attempts_of([1])
    assert (attempt.progress, attempt.step, attempt.begun_at) == (0.0, "", attempt.started_at)
    stores.close()


def test_a_worker_of_an_older_version_may_have_as_many_jobs_at_once_as_before(bare_url: str) -> None:
    old = {"id": 1, "name": "gpu-1", "url": "http://gpu-1:8188", "tags": "[]", "state": "enabled", "health": "well"}
    stores = Stores(bare_url)
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        upgrade(connection, "0015")
        put(connection, "workers", {**old, "created_at": 0})
    open_and_migrate(bare_url)
    with stores.read() as store:
        [worker] = store.workers.all()
    stores.close()
    assert (worker.name, worker.places) == ("gpu-1", 2)


def test_what_cancelled_attempts_were_charged_with_is_divided_among_them_by_how_long_they_ran(bare_url: str) -> None:
    second, attempt = 1_000_000, {**OLD_CONTENT["attempts"], "worker": "gpu-1"}
    ends = {
        "done": {"ended_at": 9 * second, "outcome": "done", "seconds": 9.0, "cost": 9.0},
        "short": {"ended_at": 2 * second, "outcome": "cancelled"},
        "long": {"ended_at": 6 * second, "outcome": "cancelled"},
        "running": {},
    }
    stores = Stores(bare_url)
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        upgrade(connection, "0013")
        put(connection, "projects", OLD_CONTENT["projects"])
        put(connection, "production_runs", {**OLD_CONTENT["production_runs"], "spent_seconds": 13.0, "spent_cost": 13.0})
        put(connection, "jobs", {**OLD_CONTENT["jobs"], "price": 3600.0})
        for number, (name, end) in enumerate(ends.items(), 1):
            put(connection, "attempts", {**attempt, "id": name, "number": number, "epoch": number, **end})
        # Its last result took 12 s where the limit had room for 4.
        capped = {"id": 2, "number": 2, "spent_seconds": 10.0}
        put(connection, "production_runs", {**OLD_CONTENT["production_runs"], **capped})
        put(connection, "jobs", {**OLD_CONTENT["jobs"], "id": 2, "run_id": 2, "subject_id": 2})
        for number, seconds in enumerate((8.0, 12.0), 1):
            row = {**attempt, "id": f"second {number}", "job_id": 2, "number": number, "epoch": number, "outcome": "done"}
            put(connection, "attempts", {**row, "ended_at": 9 * second, "seconds": seconds})
    open_and_migrate(bare_url)
    with stores.read() as store:
        found = {row.id: (row.seconds, row.cost) for row in store.jobs.attempts_of([1, 2])}
        assert store.audit.charged_by_run() == {1: pytest.approx((13.0, 13.0)), 2: pytest.approx((10.0, 0.0))}
    stores.close()
    assert found == {
        "done": (9.0, 9.0), "short": (1.0, 1.0), "long": (3.0, 3.0), "running": (0.0, 0.0),
        "second 1": (4.0, 0.0), "second 2": (6.0, 0.0),
    }  # fmt: skip


def put(connection: Connection, table: str, row: Mapping[str, Any]) -> None:
    """Add a row as an older version has stored it."""
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def test_the_newest_migration_is_the_one_the_code_is_written_for() -> None:
    assert ScriptDirectory("data/migrations").get_current_head() == NEWEST


def test_threads_that_start_at_once_migrate_once(bare_url: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            open_and_migrate(bare_url)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
