"""Rows that are sent together are stored as if each had been sent by itself, in its order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Float, Integer, MetaData, Table, Text, bindparam, insert, select, update

from data.batch import Batch
from data.store import Stores

ROWS = Table(
    "batch_rows", MetaData(),
    Column("id", Integer, primary_key=True), Column("name", Text), Column("amount", Float), Column("version", Integer),
    prefixes=["TEMPORARY"],
)  # fmt: skip
INSERT = insert(ROWS)
MOVE = (
    update(ROWS)
    .where(ROWS.c.id == bindparam("b_id"), ROWS.c.version == bindparam("b_version"), ROWS.c.name != "locked")
    .values(amount=bindparam("b_amount"), version=bindparam("b_version") + 1)
)
RENAME = update(ROWS).where(ROWS.c.version >= bindparam("b_least")).values(name=bindparam("b_name"))


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection with an empty table of its own."""
    stores = Stores(database_url)
    with stores.engine.connect() as found:
        ROWS.create(found)
        yield found
        found.rollback()
    stores.close()


def rows(connection: Connection) -> list[tuple[int, str, float | None, int]]:
    """Everything that is stored, by id."""
    return [tuple(row) for row in connection.execute(select(ROWS).order_by(ROWS.c.id))]  # type: ignore[misc]


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
def test_any_number_of_rows_is_inserted(connection: Connection, count: int) -> None:
    batch = Batch(connection)
    for number in range(count):
        batch.add(INSERT, {"id": number, "name": f"row {number} ?", "amount": number / 3, "version": 0})
    batch.flush()
    assert rows(connection) == [(number, f"row {number} ?", number / 3, 0) for number in range(count)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.one_of(st.none(), st.floats(-5, 5))), max_size=80))
def test_updates_come_out_as_if_sent_one_by_one(connection: Connection, moves: list[tuple[int, int, float | None]]) -> None:
    connection.execute(ROWS.delete())
    batch = Batch(connection)
    expected = {number: (number, "locked" if number == 4 else "open", 0.0 if number % 2 else None, 0) for number in range(5)}
    for row in expected.values():
        batch.add(INSERT, dict(zip(("id", "name", "amount", "version"), row, strict=True)))
    for key, version, amount in moves:
        batch.add(MOVE, {"b_id": key, "b_version": version, "b_amount": amount})
        _, name, _, known = expected[key]
        if known == version and name != "locked":
            expected[key] = (key, name, amount, version + 1)
    batch.flush()
    assert rows(connection) == list(expected.values())


def test_updates_that_go_by_no_key_are_sent_one_by_one_in_their_order(connection: Connection) -> None:
    batch = Batch(connection)
    for number in range(4):
        batch.add(INSERT, {"id": number, "name": "", "amount": None, "version": number})
    for least, name in ((0, "all"), (2, "later ones")):
        batch.add(RENAME, {"b_least": least, "b_name": name})
    batch.flush()
    assert [name for _, name, _, _ in rows(connection)] == ["all", "all", "later ones", "later ones"]


def test_a_row_that_is_refused_takes_the_others_with_it(connection: Connection) -> None:
    batch = Batch(connection)
    for number in (1, 2, 1):
        batch.add(INSERT, {"id": number, "name": "", "amount": None, "version": 0})
    with pytest.raises(Exception, match=r"(?i)unique"), connection.begin_nested():
        batch.flush()
    assert rows(connection) == []
