"""Fixtures for tests of the backend `comfyui`; a module takes those it needs under its own names: `house = watched_backend`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.double import DoubleServer
from tests.comfyui import Watched
from tests.fleet_pairs import Pair, open_pair

VERSIONS = ["0.3.64", "0.33.0"]


@pytest.fixture(params=VERSIONS)
def server_of_each_release(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DoubleServer]:
    """A quick double of one release, then of the other."""
    with DoubleServer(tmp_path / "either", version=request.param, speed=1e6) as started:
        yield started


@pytest.fixture
def quick_server(tmp_path: Path) -> Iterator[DoubleServer]:
    """A quick double of the newest release."""
    with DoubleServer(tmp_path / "server", speed=1e6) as started:
        yield started


@pytest.fixture
def watched_backend(tmp_path: Path) -> Iterator[Watched]:
    """A backend at home in the test's folder, with short times."""
    with Watched(tmp_path) as watched:
        yield watched


@pytest.fixture
def pair_of_servers() -> Iterator[Pair]:
    """A studio with two doubles."""
    with open_pair() as found:
        yield found
