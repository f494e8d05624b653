"""What every test may ask for: databases of both kinds, and the long campaigns on demand."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import URL, create_engine, make_url, text

from tests import chromium, run

DATABASES = ["sqlite", "postgresql"]
# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our two flags to pytest."""
    parser.addoption("--campaign", action="store_true", help="run the long campaigns too (tests marked slow)")
    parser.addoption("--fast", action="store_true", help="run neither PostgreSQL nor the browser nor the long campaigns")


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
    return callspec is not None and callspec.params.get("database_url") == "postgresql"


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
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the test's own: an SQLite file, then a PostgreSQL schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'stripboard.db'}"
        return
    yield from empty_schema(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty SQLite database, for tests of what only SQLite does."""
    return f"sqlite:///{tmp_path / 'stripboard.db'}"


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> Iterator[str]:
    """The URL of an empty PostgreSQL schema, for tests of what only PostgreSQL does."""
    yield from empty_schema(postgresql_server)


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


def empty_schema(server: Any) -> Iterator[str]:
    """A schema that is first on the search path of everyone who uses the URL; dropped afterwards with what it holds."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    url: URL = server.url.update_query_dict({"options": f"-csearch_path={name}", "application_name": name})
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"), {"name": name}
            )
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
