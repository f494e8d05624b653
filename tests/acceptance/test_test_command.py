"""What `./stripboard test` does when a database or a browser is missing, and what each test gets from one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from data.schema import NEWEST, revision
from tests import chromium, postgresql, run


@pytest.fixture
def no_postgresql(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A machine without PostgreSQL; returns the runs of pytest that were asked for."""
    runs: list[list[str]] = []
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setattr(postgresql, "programs", lambda **_: None)
    monkeypatch.setattr(chromium, "program", lambda **_: Path("chromium"))
    monkeypatch.setattr(run, "pytest", lambda arguments: runs.append(arguments) or 0)
    return runs


def test_a_missing_server_is_told_and_the_rest_runs(
    no_postgresql: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert run.main(["tests/unit"]) == 0
    assert no_postgresql == [["tests/unit"]]
    assert "apt install postgresql" in capsys.readouterr().err


def test_a_missing_server_fails_a_run_that_must_be_complete(
    no_postgresql: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert run.main([]) == 1
    assert run.main(["--set-up"]) == 1
    assert no_postgresql == []


def test_a_missing_browser_is_told_and_the_rest_runs_unless_the_run_must_be_complete(
    no_postgresql: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://there")
    monkeypatch.setattr(chromium, "program", lambda **_: None)
    monkeypatch.setenv("CI", "true")
    assert run.main([]) == 1
    assert no_postgresql == []
    monkeypatch.delenv("CI")
    assert run.main(["tests/unit"]) == 0
    assert no_postgresql == [["tests/unit"]]
    assert "apt install chromium" in capsys.readouterr().err


def test_a_fast_run_does_not_ask_for_a_server(no_postgresql: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert run.main(["--fast"]) == 0
    assert no_postgresql == [["--fast"]]


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_every_test_gets_the_newest_tables_and_nothing_in_them(database_url: str, turn: int) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        tables = inspect(connection).get_table_names()
        counts = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}
        assert {name for name, rows in counts.items() if rows} == {"alembic_version", "heads", "trigger_state"}
        assert revision(connection) == NEWEST
        connection.execute(text("INSERT INTO projects (title, created_at) VALUES ('left behind', 0)"))
        assert connection.execute(text("SELECT id FROM projects")).scalar_one() == 1
        if turn == 2:
            connection.execute(text("CREATE TABLE mark (turn INTEGER)"))
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_of_how_a_database_is_made_gets_one_without_tables(bare_url: str, turn: int) -> None:
    engine = create_engine(bare_url)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mark (turn INTEGER)"))
    assert inspect(engine).get_table_names() == ["mark"]
    engine.dispose()
