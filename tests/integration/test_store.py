"""The store: one transaction at a time, durable, on safe settings."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from data import sqlite
from data.store import Stores
from pipeline.domain.records import Actor
from tests.factories import PERSON, House, make_production

SYSTEM = Actor("system", "test")


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
        ((3, 50, 7), True),
        ((3, 44, 6), True),
        ((3, 51, 2), False),
        ((3, 50, 6), False),
        ((3, 50, 8), False),
        ((3, 44, 5), False),
        ((3, 40, 1), False),
    ],
)
def test_wal_is_used_only_where_sqlite_keeps_it_whole(version: tuple[int, ...], is_safe: bool) -> None:
    assert sqlite.wal_is_safe(version) is is_safe


def test_every_sqlite_connection_is_durable_and_checked(sqlite_url: str) -> None:
    stores = Stores(sqlite_url)
    with stores.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    expected = sqlite.journal_mode().lower()
    assert pragmas == {"journal_mode": expected, "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    stores.close()


def test_all_writing_to_sqlite_goes_by_one_connection_whoever_reads_meanwhile(sqlite_url: str) -> None:
    stores = Stores(sqlite_url)
    used = set()
    for _ in range(4):
        with stores.read() as first, stores.read() as second:
            first.connection.exec_driver_sql("SELECT 1")
            second.connection.exec_driver_sql("SELECT 1")
        with stores._written_by() as connection:
            used.add(id(connection.connection.dbapi_connection))
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    stores.close()
    assert len(used) == 1


@pytest.mark.parametrize(("version", "mode"), [((3, 51, 2), "truncate"), ((3, 51, 3), "wal")])
def test_the_version_of_sqlite_decides_the_journal(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], mode: str
) -> None:
    monkeypatch.setattr(sqlite.driver, "sqlite_version_info", version)
    stores = Stores(sqlite_url)
    with stores.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
    stores.close()


def test_a_transaction_that_fails_leaves_no_trace(house: House) -> None:
    before = house.events()
    with pytest.raises(ZeroDivisionError), house.studio.stores.begin(house.clock.now()) as store:
        store.journal.record("run.created", actor=SYSTEM, subject="run", subject_id=1)
        store.runs.project_id("Half made", house.clock.now())
        raise ZeroDivisionError
    assert house.events() == before
    with house.studio.stores.read() as store:
        assert store.runs.find_project("Half made") is None


def test_events_wait_for_the_end_of_the_work_and_are_stored_with_it(house: House) -> None:
    with house.studio.stores.begin(house.clock.now()) as store:
        seq = store.journal.record("test.noted", actor=SYSTEM, subject="test", subject_id=1)
        store.flush_work()
        assert store.journal.after(seq - 1) == []
        store.flush()
        assert [event.seq for event in store.journal.after(seq - 1)] == [seq]
        last = store.journal.record("test.noted", actor=SYSTEM, subject="test", subject_id=1)
    assert [event.seq for event in house.events()][-2:] == [seq, last]


def test_writing_goes_on_after_a_transaction_that_failed_at_its_end(house: House) -> None:
    with pytest.raises(IntegrityError), house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(text("INSERT INTO jobs (id) VALUES (NULL)"))
    with house.studio.stores.begin(house.clock.now()) as store:
        store.journal.record("run.created", actor=SYSTEM, subject="run", subject_id=1)
    assert [event.type for event in house.events()] == ["run.created"]


def test_writers_in_many_threads_take_turns_and_number_events_without_gaps(house: House) -> None:
    def write() -> None:
        for _ in range(10):
            with house.studio.stores.begin(house.clock.now()) as store:
                store.journal.record("test.noted", actor=SYSTEM, subject="test", subject_id=1)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in house.events()] == list(range(1, 41))


def test_two_stores_on_one_database_take_turns_too(house: House) -> None:
    others = [Stores(house.url) for _ in range(3)]

    def write(stores: Stores) -> None:
        for _ in range(10):
            with stores.begin(house.clock.now()) as store:
                store.journal.record("test.noted", actor=SYSTEM, subject="test", subject_id=1)

    threads = [threading.Thread(target=write, args=(stores,)) for stores in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in house.events()] == list(range(1, 31))
    for stores in others:
        stores.close()


def test_a_read_is_one_consistent_picture(house: House) -> None:
    run = house.create(make_production())
    with house.studio.stores.read() as store:
        assert len(store.cells.of_run(run.id)) == 8
        assert store.runs.by_ids([run.id])[run.id].name == "Harbor Nights #1"


def test_an_edited_event_breaks_the_audit_chain(house: House) -> None:
    house.start(make_production(characters=1, scene_types=1, variants=1))
    with house.studio.stores.read() as store:
        assert list(store.journal.broken_links()) == []
    change = "UPDATE events SET actor = :actor WHERE seq = 1"
    with house.studio.stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        connection.execute(text(change), {"actor": "somebody else"})
    with house.studio.stores.read() as store:
        [fault] = store.journal.broken_links()
    assert fault.startswith("audit chain breaks at event 1 (run.created)")
    with house.studio.stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        connection.execute(text(change), {"actor": str(PERSON)})


def test_a_removed_event_is_missed(house: House) -> None:
    house.start(make_production(characters=1, scene_types=1, variants=1))
    with house.studio.stores.engine.connect().execution_options(stripboard_write=True) as connection:
        transaction = connection.begin()
        connection.execute(text("DELETE FROM audit_log WHERE seq = 2"))
        connection.execute(text("DELETE FROM events WHERE seq = 2"))
        from data.batch import Batch
        from data.repositories.journal import Journal

        faults = list(Journal(connection, Batch(connection), None).broken_links())
        transaction.rollback()
    assert faults[0] == "event 2 is missing: the next one stored is 3"


def test_events_can_be_followed_from_any_number(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    everything = house.events()
    assert house.studio.reports.events(3, run_id=run.id) == everything[3:]
    assert house.studio.reports.events(0, limit=2) == everything[:2]
    assert house.studio.reports.events(0, run_id=run.id + 1) == []
