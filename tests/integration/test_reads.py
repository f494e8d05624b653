"""Statements sent straight to the driver answer as SQLAlchemy would, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, literal_column, select, update
from sqlalchemy.exc import DBAPIError

from data.models import jobs, production_runs
from data.reads import Read, Reread
from pipeline.domain.errors import Unavailable
from tests.factories import House, make_production

BY_IDS = Read(lambda many: select(jobs).where(jobs.c.id.in_(many)).order_by(jobs.c.id))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9])
def test_a_list_of_any_length_finds_the_same_rows(house: House, count: int) -> None:
    house.start(make_production(characters=3, scene_types=3))
    house.work()
    with house.studio.stores.read() as store:
        ids = list(store.connection.execute(select(jobs.c.id).order_by(jobs.c.id).limit(count)).scalars())
        told = [tuple(row) for row in store.connection.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id))]
        assert [tuple(row) for row in BY_IDS.rows(store.connection, {}, ids)] == told
        assert len(told) == count


def test_values_keep_their_types(house: House) -> None:
    run = house.start(make_production(characters=1))
    house.work()
    read = Read(lambda many: select(production_runs).where(production_runs.c.id.in_(many)))
    with house.studio.stores.read() as store:
        [row] = read.rows(store.connection, {}, [run.id])
        [told] = store.connection.execute(select(production_runs))
    assert row._asdict() == dict(told._mapping)
    assert isinstance(row.accept_flags, bool) and row.created_at.tzinfo is not None


def test_an_error_of_the_driver_says_what_is_wrong(house: House) -> None:
    read = Read(lambda many: select(literal_column("nowhere")))
    with pytest.raises((Unavailable, DBAPIError), match="nowhere"), house.studio.stores.read() as store:
        list(read.rows(store.connection, {}))


def test_a_batch_that_breaks_a_rule_changes_nothing(house: House) -> None:
    before = len(house.events())
    with pytest.raises(DBAPIError, match=r"(?i)null"), house.studio.stores.begin(house.clock.now()) as store:
        store.batch.add(insert(production_runs), {"title": None})
    assert len(house.events()) == before


def test_what_is_read_again_and_again_is_as_the_row_is_now(house: House) -> None:
    run = house.start(make_production(characters=1))
    read = Reread(lambda many: select(production_runs.c.id, production_runs.c.title), lambda row: [row.id, row.title])
    with house.studio.stores.begin(house.clock.now()) as store:
        first, again = read.all(store.connection), read.all(store.connection)
        store.connection.execute(update(production_runs).values(title="Another"))
        assert first == again and first[0][0] == run.id
        assert read.all(store.connection) == [[run.id, "Another"]]


def test_what_is_read_again_and_again_keeps_its_order_and_types(house: House) -> None:
    house.start(make_production(characters=3, scene_types=3))
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(update(jobs).values(seconds=jobs.c.id / 7.0, reason='a "b"\n\u00fc'))
        query = select(jobs).order_by(jobs.c.seconds.desc())
        told = [dict(row._mapping) for row in store.connection.execute(query)]
        assert Reread(lambda many: query, lambda row: row._asdict()).all(store.connection) == told
        assert len(told) > 50


@pytest.mark.parametrize("most", [1, 7, 8, 9, 20, 21, 500])
def test_a_reading_that_stops_early_finds_the_first_rows_however_many_it_found_before(house: House, most: int) -> None:
    house.start(make_production(characters=3, scene_types=3))
    house.work()
    query = select(jobs).order_by(jobs.c.subject_id.desc(), jobs.c.id)
    read = Read(lambda many: query)
    with house.studio.stores.read() as store:
        told = [dict(row._mapping) for row in store.connection.execute(query)]
        assert len(told) > 50
        for _ in range(2):  # the second reading expects as many as the first one has found
            assert [row._asdict() for row in read.rows(store.connection, {}, most=most)] == told[:most]
            assert [row._asdict() for row in read.rows(store.connection, {})] == told
