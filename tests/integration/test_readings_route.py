"""`/workers/{worker}/readings`: who may tell readings, what is taken, what is given; and the agent that tells them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from pipeline import wiring_serving
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.hardware import here
from pipeline.adapters.hardware.posting import ReadingsPost
from pipeline.api import application
from pipeline.api.guard import Guard
from pipeline.cli import console
from pipeline.cli.entry import start
from pipeline.domain.errors import Invalid, NotFound, Refused, Unavailable
from pipeline.domain.telemetry.readings import BOUNDS
from tests.asgi import ask
from tests.cards import FakeCard, FakeNvml, reading
from tests.halls import Hall
from tests.rest import API, RestClient, problem
from tests.serving import served

KEY = "a-key-of-agents-2030"
SHOWN = {"Authorization": f"Bearer {KEY}"}
PATH = "workers/gpu-1/readings"
PATIENCE_S = 30


class Door:
    """REST over a hall with one worker."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.worker = hall.add()
        self.client = RestClient(hall)

    def body(self, **changes: Any) -> dict[str, Any]:
        """One reading of now, as an agent sends it."""
        told = reading(self.hall.clock.now(), **changes)
        return {"readings": [{**vars(told), "at": told.at.isoformat()}]}


@pytest.fixture
def door(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """With a key for agents."""
    hall = Hall(tmp_path, sqlite_url, STRIPBOARD_AGENT_KEY=KEY)
    yield Door(hall)
    assert hall.studio.invariants.check() == []
    hall.studio.close()


def test_readings_are_taken_by_name_or_number_and_given_with_how_cards_stand(door: Door) -> None:
    assert door.client.post(PATH, door.body(temperature_c=85.0), headers=SHOWN).json() == {"stored": 1, "left_out": 0}
    by_number = f"workers/{door.worker.id}/readings"
    assert door.client.post(by_number, door.body(temperature_c=85.0), headers=SHOWN).json() == {"stored": 0, "left_out": 1}

    found = door.client.get(by_number).json()

    [item], [card] = found["items"], found["cards"]
    assert (item["temperature_c"], item["memory_bytes"], item["at"]) == (85.0, 80 * 2**30, "2030-01-01T00:00:00Z")
    assert (card["level"], card["words"]) == ("warn", "85 °C: warns from 83, pauses at 92")
    assert card["reading"] == item
    later = door.client.get(by_number, params={"since": "2030-01-01T00:00:01Z"}).json()
    assert later["items"] == []
    assert problem(door.client.get(PATH, params={"since": "1893456000"}), 422)


def test_a_worker_that_its_cards_paused_says_so(door: Door) -> None:
    door.client.post(PATH, door.body(temperature_c=99.0), headers=SHOWN)
    found = door.client.get(f"workers/{door.worker.id}").json()
    assert (found["state"], found["pause_reason"]) == ("paused", "99 °C: warns from 83, pauses at 92")


@pytest.mark.parametrize("shown", [{}, {"Authorization": "Bearer another-key-of-agents"}, {"Authorization": f"Basic {KEY}"}])
def test_without_the_key_nothing_is_taken_and_the_cure_is_told(door: Door, shown: dict[str, str]) -> None:
    told = problem(door.client.post(PATH, door.body(), headers=shown), 403)
    assert "STRIPBOARD_AGENT_KEY" in told and KEY not in told
    assert door.hall.studio.telemetry.latest() == {}


def test_a_server_without_a_key_takes_nothing(tmp_path: Path, sqlite_url: str) -> None:
    hall = Hall(tmp_path, sqlite_url)
    door = Door(hall)
    for shown in ({}, SHOWN, {"Authorization": "Bearer "}):
        assert "has no key for agents" in problem(door.client.post(PATH, door.body(), headers=shown), 403)
    hall.studio.close()


def test_an_agent_passes_the_guard_and_a_page_of_another_site_does_not(door: Door) -> None:
    guarded = Guard(door.client.api)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    chunks = [json.dumps(door.body()).encode()]
    options: dict[str, Any] = {"method": "POST", "host": "10.0.0.5:8050", "chunks": chunks}
    assert ask(guarded, f"{API}/{PATH}", headers=headers, **options).status == 200
    foreign = ask(guarded, f"{API}/{PATH}", headers={**headers, "origin": "http://evil.example"}, **options)
    assert foreign.status == 403


def test_more_than_a_batch_or_a_machine_holds_is_refused_whole(door: Door) -> None:
    [one] = door.body()["readings"]
    for readings in ([one] * 2001, [{**one, "device": device} for device in range(65)], [one, {**one, "device": 10_000}]):
        problem(door.client.post(PATH, {"readings": readings}, headers=SHOWN), 422)
    assert door.hall.studio.telemetry.latest() == {}


hostile = some.one_of(
    some.none(), some.booleans(), some.integers(), some.floats(allow_nan=False, allow_infinity=False), some.text(max_size=5),
    some.sampled_from([10**400, -(10**30), "94", [], {}, "2030-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "20300101"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=some.dictionaries(some.sampled_from([*BOUNDS, "device", "name", "at", "extra"]), hostile, max_size=4))
def test_whatever_is_sent_is_stored_within_bounds_or_refused(door: Door, changes: dict[str, object]) -> None:
    [one] = door.body()["readings"]
    answer = door.client.post(PATH, {"readings": [{**one, **changes}]}, headers=SHOWN)
    if answer.status_code != 200:
        problem(answer, 422)
    for cards in door.hall.studio.telemetry.latest().values():
        for name, (low, high) in BOUNDS.items():
            assert all((value := getattr(card.reading, name)) is None or low <= value <= high for card in cards)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(door: Door, number: str) -> None:
    text = json.dumps(door.body(temperature_c=64.0)).replace("64.0", number)
    answer = door.client.ask("POST", PATH, content=text, headers={**SHOWN, "content-type": "application/json"})
    problem(answer, 422)


def test_only_addresses_of_this_machine_are_here() -> None:
    assert here.is_here("http://127.0.0.1:8188") and here.is_here("http://[::1]:8188") and here.is_here("http://LOCALHOST:8188")
    assert not here.is_here("http://192.0.2.1:8188") and not here.is_here("http://gpu-host-elsewhere:8188")


# The agent ------------------------------------------------------------------------------------------------------


class Listening:
    """A server on a port that takes readings, in the time of this machine."""

    def __init__(self, folder: Path, url: str) -> None:
        self.hall = Hall(folder, url, clock=SystemClock(), STRIPBOARD_AGENT_KEY=KEY)
        self.hall.add()
        api = application.build(self.hall.studio, wiring_serving.idle)
        application.close(api)
        self.app = Guard(api)


@pytest.fixture
def listening(tmp_path: Path, sqlite_url: str) -> Iterator[Listening]:
    """Closed at the end."""
    found = Listening(tmp_path, sqlite_url)
    yield found
    found.hall.studio.close()


def test_what_is_posted_arrives_and_errors_are_the_servers_own_words(listening: Listening) -> None:
    now = listening.hall.studio.clock.now()
    with served(listening.app) as port:
        server = f"http://127.0.0.1:{port}"
        for worker, key, error, words in (
            ("gpu-1", KEY, None, ""),
            ("gpu-2", KEY, NotFound, 'no worker "gpu-2"'),
            ("gpu-1", "another-key-of-agents", Refused, "not the key"),
            ("../x y", KEY, NotFound, "There is no"),
        ):
            post = ReadingsPost(f"{server}/", worker, key)
            if error is None:
                post.send([reading(now)], now)
            else:
                with pytest.raises(error, match=words) as raised:
                    post.send([reading(now)], now)
                assert key not in str(raised.value)
            post.close()
    with pytest.raises(Unavailable, match="does not answer"):
        ReadingsPost(server, "gpu-1", KEY).send([reading(now)], now)
    [card] = listening.hall.studio.telemetry.latest()[1]
    assert card.reading == reading(now)


@pytest.mark.parametrize(
    "server", ["", "board:8050", "ftp://board", "http://me:secret@board", "http://board:99999", "http://[::1"]
)
def test_what_is_no_address_is_refused_without_repeating_it(server: str) -> None:
    with pytest.raises(Invalid, match="--server is not an address") as raised:
        ReadingsPost(server, "gpu-1", KEY)
    assert "secret" not in str(raised.value)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A command line with one card on this machine; signals are as they were afterwards."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeCard()))
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    console.console.cache_clear()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    console.console.cache_clear()


@pytest.mark.usefixtures("command")
def test_the_agent_tells_until_ctrl_c_and_the_command_line_shows_it(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, sqlite_url: str
) -> None:
    monkeypatch.setenv("STRIPBOARD_AGENT_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)

    def interrupt() -> None:
        give_up_at = time.monotonic() + PATIENCE_S
        while not listening.hall.studio.telemetry.latest() and time.monotonic() < give_up_at:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    with served(listening.app) as port:
        ending = threading.Thread(target=interrupt)
        ending.start()
        assert start(["agent", "--server", f"http://127.0.0.1:{port}", "--worker", "gpu-1", "--every", "600"]) == 0
        ending.join()
    told = capsys.readouterr().out
    assert "Reads 1 card every 600 s (0: NVIDIA H100 80GB HBM3)" in told and "The agent has ended." in told and KEY not in told

    assert start(["workers"]) == 0 and start(["workers", "readings", "gpu-1"]) == 0
    shown = capsys.readouterr().out
    assert "94%" in shown and "612 W" in shown and "1755 MHz" in shown
    assert start(["workers", "readings", "gpu-1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["readings"][0]["temperature_c"] == 64 and (printed["cards"][0]["level"], printed["cards"][0]["words"]) == (
        "fine",
        "",
    )


@pytest.mark.usefixtures("command")
def test_the_agent_ends_with_the_cure_when_it_cannot_begin(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STRIPBOARD_AGENT_KEY", raising=False)
    assert start(["agent", "--server", "http://127.0.0.1:1"]) == 2
    assert "STRIPBOARD_AGENT_KEY" in capsys.readouterr().err
    with served(listening.app) as port:
        wrong = ["agent", "--server", f"http://127.0.0.1:{port}", "--worker", "gpu-1", "--key", "another-key-of-agents"]
        assert start(wrong) == 5
    said = capsys.readouterr()
    assert "not the key" in said.err and "another-key" not in said.err + said.out
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    assert start(["agent", "--server", "http://127.0.0.1:1", "--key", KEY]) == 1
    assert "no card" in capsys.readouterr().err
    assert start(["agent", "--server", "http://127.0.0.1:1", "--key", "short"]) == 2
    assert "short" not in capsys.readouterr().err
