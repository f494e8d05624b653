"""What is open is found by small indexes, however much has ended; SQLite uses them where a statement spells the states out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from data import reads
from data.store import Store
from pipeline.domain.records import Run
from tests.factories import House, make_production


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Sequence[Any]]]:
    """Every statement that goes to the driver directly, with its parameters."""
    found: list[tuple[str, Sequence[Any]]] = []
    enter = reads.DriverCursor.__enter__

    class Noting:
        def __init__(self, cursor: Any) -> None:
            self._cursor = cursor

        def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
            found.append((sql, parameters))
            return self._cursor.execute(sql, parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cursor, name)

    monkeypatch.setattr(reads.DriverCursor, "__enter__", lambda self: Noting(enter(self)))
    return found


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda store, run: store.firings.waiting_effects(), "ix_trigger_effects_waiting"),
        (lambda store, run: store.messages.next_due(), "ix_messages_due"),
        (lambda store, run: store.test_shots.open(), "ix_test_shots_open"),
        (lambda store, run: store.deliveries.unplaced(), "ix_deliveries_unplaced"),
        (lambda store, run: store.jobs.running("engine"), "ix_jobs_running"),
        (lambda store, run: store.jobs.open_stages(run.id), "ix_jobs_counted"),
        (lambda store, run: store.tallies.failed_jobs(), "ix_jobs_unfinished"),
    ],
    ids=["effects", "messages", "test shots", "deliveries", "running jobs", "jobs of a run", "failed jobs"],
)
def test_what_is_open_is_found_by_its_index(
    tmp_path: Path, sqlite_url: str, asked: list[tuple[str, Sequence[Any]]], ask: Callable[[Store, Run], object], index: str
) -> None:
    house = House(tmp_path, sqlite_url)
    run = house.start(make_production(characters=1))
    engine = house.studio.stores.engine
    asked.clear()

    def note(connection: object, cursor: object, sql: str, parameters: Any, *rest: object) -> None:
        asked.append((sql, parameters))

    event.listen(engine, "before_cursor_execute", note)
    with house.studio.stores.read() as store:
        ask(store, run)
    event.remove(engine, "before_cursor_execute", note)
    selects = [(sql, parameters) for sql, parameters in asked if sql.lstrip().upper().startswith(("SELECT", "WITH"))]
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(given)).all() for sql, given in selects]
    assert plans and any(index in str(plan) for plan in plans)
    house.close()
