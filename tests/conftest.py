"""What every test may ask for: databases of both kinds, and the long campaigns on demand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url

from tests import chromium, run
from tests.commands import commands
from tests.databases import PreparedFile, PreparedSchemas, empty_schema

DATABASES = ["sqlite", "postgresql"]
# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our two flags to pytest."""
    parser.addoption("--campaign", action="store_true", help="run the long campaigns too (tests marked slow)")
    parser.addoption("--fast", action="store_true", help="run neither PostgreSQL nor the browser nor the long campaigns")


def pytest_configure(config: pytest.Config) -> None:
    """With the long campaigns every command is started as people start it."""
    commands.are_started_anew |= bool(config.getoption("campaign"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the campaigns unless they are asked for; drop the PostgreSQL half and the browser tests of a fast run."""
    if not config.getoption("campaign") or config.getoption("fast"):
        skip = pytest.mark.skip(reason="a long campaign: ./stripboard test --campaign")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)
    if config.getoption("fast"):
        dropped = [item for item in items if needs_postgresql(item) or needs_browser(item)]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def needs_postgresql(item: pytest.Item) -> bool:
    """Whether this test runs on PostgreSQL."""
    if "postgresql_url" in getattr(item, "fixturenames", ()):
        return True
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "postgresql" in (callspec.params.get("database_url"), callspec.params.get("bare_url"))


def needs_browser(item: pytest.Item) -> bool:
    """Whether this test drives a browser."""
    return "chromium_program" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def chromium_program() -> Path:
    """The browser; without one the test is left out, and with CI=true it fails."""
    found = chromium.program(may_install=False)
    if found is None:
        (pytest.fail if run.in_ci() else pytest.skip)(chromium.MISSING)
    return found


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, prepared_file: PreparedFile) -> Iterator[str]:
    """The URL of a database of the test's own, with the newest tables and nothing in them: in SQLite, then in PostgreSQL."""
    if request.param == "sqlite":
        yield prepared_file.copied(tmp_path / "stripboard.db")
        return
    schemas: PreparedSchemas = request.getfixturevalue("prepared_schemas")
    with schemas.one() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that is not there yet, for tests of what only SQLite does."""
    return f"sqlite:///{tmp_path / 'stripboard.db'}"


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> Iterator[str]:
    """The URL of a PostgreSQL schema without tables, for tests of what only PostgreSQL does."""
    with empty_schema(postgresql_server) as url:
        yield url


@pytest.fixture(params=DATABASES)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of the test's own that has no tables yet, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'stripboard.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> PreparedFile:
    """What SQLite databases of tests are copies of."""
    return PreparedFile(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
def prepared_schemas(postgresql_server: Any) -> Iterator[PreparedSchemas]:
    """The PostgreSQL schemas of this run."""
    schemas = PreparedSchemas(postgresql_server)
    yield schemas
    schemas.close()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """An engine on the test server, in autocommit."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        reason = "no PostgreSQL: TEST_DATABASE_URL is not set (./stripboard test starts a server by itself)"
        if run.in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
