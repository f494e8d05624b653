"""The API and its description agree: asked what it allows and much that it does not, each route answers as described."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

import app
from pipeline import wiring_serving
from tests.factories import HUMAN, House, make_production
from tests.registered import registered

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]
_LARGEST = 2**63
EXAMPLES = 10


class Served(uvicorn.Server):
    """A server in a thread."""

    def install_signal_handlers(self) -> None:
        """Signals are the test's own."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a delivered run, one with decisions to make, one that nothing was asked of, and some workflows."""
    folder: Path = tmp_path_factory.mktemp("described")
    house = House(folder, f"sqlite:///{folder / 'stripboard.db'}")
    house.start(make_production(characters=1, scene_types=1))
    house.start(make_production(title="Waiting", characters=1, approvals=HUMAN))
    house.work()
    house.create(make_production(title="New", characters=1))
    for number in range(4):
        registered(house.studio, folder, name=f"Wan {number}")
    config = uvicorn.Config(app.build(house.studio, wiring_serving.idle), port=0, log_config=None, lifespan="on")
    server = Served(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    [port] = [socket.getsockname()[1] for served in server.servers for socket in served.sockets]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    house.close()


@pytest.fixture(scope="module")
def described(address: str) -> Any:
    """The description that this server gives."""
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_route_answers_as_described(described: Any, mode: GenerationMode) -> None:
    asked = 0
    for result in described.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.path_parameters or operation.query or operation.body):
            continue
        _ask(operation, mode)
        asked += 1
    assert asked > 45


def _ask(operation: Any, mode: GenerationMode) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        for name, value in (case.path_parameters or {}).items():
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST:
                case.path_parameters[name] = 1 + value % 4
        case.call_and_validate(checks=CHECKS, timeout=20)

    ask()
