"""The server as people start it: addresses, health, unknown paths, one safety net, two processes on one database, restarts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from websockets.sync.client import connect

from pipeline import settings, wiring
from pipeline.api import health
from pipeline.cli.exits import Exit
from pipeline.domain.records import Run
from pipeline.wiring import Studio
from tests.asgi import ask
from tests.factories import PERSON, House, make_production, quick_folder
from tests.serving import ROOT, UP, Server

PATIENCE_S = 20


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the module's servers are at home."""
    with quick_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server with an engine, on a home of its own."""
    with Server(folder / "home") as server:
        yield server


def test_it_is_alive_and_ready(server: Server) -> None:
    assert httpx.get(f"{server.url}/health/live").json() == {"status": "live"}
    assert httpx.get(f"{server.url}/health/ready").json() == {"status": "ready", "engine": "here"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/runs", "/api/v1/%2e%2e/secret", "/api/<b>"]
)
def test_an_address_that_the_api_does_not_know_is_a_problem_document(server: Server, method: str, path: str) -> None:
    answer = httpx.request(method, server.url + path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["status"] == 404
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/", "/fleet", "/deliveries", "/health/live", "/api/v1/production-runs", "/api/docs", "/api/v1/nothing"]
)
def test_head_says_what_get_says_without_the_body(server: Server, path: str) -> None:
    get, head = httpx.get(server.url + path), httpx.head(server.url + path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert "default-src 'self'" in head.headers["content-security-policy"]


def test_the_pages_come_with_a_policy_that_lets_only_their_own_scripts_run(server: Server) -> None:
    answer = httpx.get(f"{server.url}/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "'unsafe-eval'" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "http" not in policy


@pytest.mark.parametrize(
    "path",
    ["/assets/%2e%2e/%2e%2e/app.py", "/assets/..%2f..%2fapp.py", "/vendor/..%2f..%2f..%2f..%2fsetup.py",
     "/media/files/..%2f..%2fapp.py", "/%00", "/runs/%ff%fe", "/" + "a" * 4000],
)  # fmt: skip
def test_a_hostile_path_gives_nothing_away_and_breaks_nothing(server: Server, path: str) -> None:
    answer = httpx.get(server.url + path)
    assert answer.status_code < 500
    assert "import runpy" not in answer.text
    assert "Traceback" not in answer.text


def test_an_upload_from_another_site_is_refused_by_the_real_server(server: Server) -> None:
    answer = httpx.post(f"{server.url}/_dash-update-component", json={}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_a_body_without_a_length_is_cut_off_by_the_real_server(server: Server) -> None:
    told = {"Content-Type": "application/json"}
    answer = httpx.post(f"{server.url}/_dash-update-component", content=(b"1" * 1_000_000 for _ in range(20)), headers=told)
    assert answer.status_code == 413


def healthy(last_seq: Callable[[], int] = lambda: 1, trouble: str = "") -> FastAPI:
    """The health routes over this database and an engine with this trouble."""
    api = FastAPI()
    api.include_router(health.router)
    api.state.studio = SimpleNamespace(reports=SimpleNamespace(last_seq=last_seq))
    api.state.engine = SimpleNamespace(trouble=trouble)
    return api


def test_an_engine_that_has_stopped_makes_the_server_not_ready() -> None:
    app = healthy(trouble="The engine has stopped: no space left")
    answer = ask(app, "/health/ready")
    assert (answer.status, answer.problem["detail"]) == (503, "The engine has stopped: no space left")
    assert ask(app, "/health/live").status == 200


def test_a_database_that_does_not_answer_makes_the_server_not_ready() -> None:
    def last_seq() -> int:
        raise RuntimeError("password authentication failed for secret")

    answer = ask(healthy(last_seq), "/health/ready")
    assert answer.status == 503
    assert "secret" not in answer.problem["detail"]


def up(*options: str, home: Path, **settings_: str) -> subprocess.CompletedProcess[str]:
    """`up` where it ends by itself."""
    environment = {"STRIPBOARD_HOME": str(home), "PATH": "/usr/bin:/bin", **settings_}
    return subprocess.run([*UP, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "board.example"])
def test_an_address_that_others_reach_is_refused_with_the_reason(tmp_path: Path, host: str) -> None:
    done = up("--host", host, home=tmp_path)
    assert done.returncode == 5
    assert "no accounts" in done.stderr
    assert "--insecure" in done.stderr


def test_it_listens_to_others_when_that_is_wished(tmp_path: Path) -> None:
    with Server(tmp_path / "home", "--host", "0.0.0.0", "--insecure", "--no-engine") as server:
        assert httpx.get(f"{server.url}/health/ready").json() == {"status": "ready", "engine": "none"}


def test_a_port_that_is_taken_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    done = up("--port", str(server.port), home=tmp_path)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{server.port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [(sys.executable, "app.py"), (sys.executable, "-m", "uvicorn", "app:server", "--log-level", "warning")],
    ids=["app.py", "uvicorn app:server"],
)
def test_every_way_of_starting_it_gives_the_same_server(tmp_path: Path, command: tuple[str, ...]) -> None:
    with Server(tmp_path / "home", command=command) as server:
        assert httpx.get(f"{server.url}/health/ready").json() == {"status": "ready", "engine": "here"}
        assert "Stripboard" in httpx.get(f"{server.url}/").text
        assert httpx.get(f"{server.url}/", headers={"Host": "evil.example"}).status_code == 403


def test_it_ends_cleanly_while_pages_are_open(tmp_path: Path) -> None:
    with Server(tmp_path / "home") as server, connect(feed_of(server), open_timeout=PATIENCE_S) as client:
        client.recv(timeout=PATIENCE_S)
        assert server.stop() == Exit.INTERRUPTED


# Several processes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def studio(folder: Path) -> Iterator[Studio]:
    """The studio of the module's server, opened by another process: this one."""
    studio = wiring.build_studio(settings.load({"STRIPBOARD_HOME": str(folder / "home")}))
    yield studio
    studio.close()


def feed_of(server: Server, query: str = "") -> str:
    """The address of its feed."""
    return f"ws://127.0.0.1:{server.port}/ws/events{query}"


def test_one_of_two_servers_has_the_safety_net(server: Server, folder: Path, studio: Studio) -> None:
    with Server(folder / "home") as second:
        assert not studio.locks.take("scheduler")
        assert second.stop() == Exit.INTERRUPTED
    assert not studio.locks.take("scheduler")


def test_the_safety_net_moves_on_when_its_process_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.engine.scheduler._TAKE_OVER_S", 0.01)
    other = House(house.folder, house.url)
    first = wiring.build_scheduler(house.studio, house.engine)
    second = wiring.build_scheduler(other.studio, other.engine)
    assert (first.start(), second.start()) == (True, False)
    began = threading.Event()
    real = second._begin
    monkeypatch.setattr(second, "_begin", lambda: real() and (began.set() or True))
    first.stop()
    assert began.wait(PATIENCE_S)
    assert not house.studio.locks.take("scheduler")
    second.stop()
    assert house.studio.locks.take("scheduler")
    house.studio.locks.release("scheduler")
    other.close()


def test_what_one_process_commits_every_server_tells(house: House) -> None:
    home = house.studio.settings.home
    with (
        Server(home, "--no-engine", database_url=house.url) as one,
        Server(home, "--no-engine", database_url=house.url) as two,
        connect(feed_of(one), open_timeout=PATIENCE_S) as first,
        connect(feed_of(two), open_timeout=PATIENCE_S) as second,
    ):
        first.recv(timeout=PATIENCE_S), second.recv(timeout=PATIENCE_S)
        house.start(make_production())
        house.work()
        wanted = [event.seq for event in house.events()]
        assert heard(first, wanted[-1]) == heard(second, wanted[-1]) == wanted


def test_nothing_is_lost_over_a_restart_of_the_server(house: House) -> None:
    with Server(house.studio.settings.home, "--no-engine", database_url=house.url) as server:
        with connect(feed_of(server), open_timeout=PATIENCE_S) as client:
            client.recv(timeout=PATIENCE_S)
            run = house.start(make_production())
            seen = house.studio.reports.last_seq()
            first = heard(client, seen)
            server.stop()
        stir(house, run)
        server.start()
        with connect(feed_of(server, f"?after={seen}"), open_timeout=PATIENCE_S) as client:
            stir(house, run)
            second = heard(client, house.studio.reports.last_seq())
    assert first + second == [event.seq for event in house.events()]


def stir(house: House, run: Run) -> None:
    """Make two events."""
    house.studio.runs.pause(run, PERSON)
    house.studio.runs.resume(run, PERSON)


def heard(client: Any, until: int) -> list[int]:
    """The numbers of all events that a listener is told, up to this one."""
    found: list[int] = []
    while True:
        said = json.loads(client.recv(timeout=PATIENCE_S))
        found += [event["seq"] for event in said.get("events", [])]
        if said.get("seq", -1) >= until:
            return found


def test_a_server_that_is_told_to_end_closes_what_is_open_and_ends_well(tmp_path: Path) -> None:
    with Server(tmp_path / "home") as server:
        assert server.stop(signal.SIGTERM) == Exit.DONE
        assert "leaked" not in server.log()
