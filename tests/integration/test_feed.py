"""`/ws/events`: every committed event, once and in order, to everyone who listens; nobody waits for a slow one."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pipeline import wiring_serving
from pipeline.api import application, feed
from pipeline.domain.records import Run
from tests.factories import PERSON, House, make_production
from tests.serving import served

PATIENCE_S = 20


@pytest.fixture
def port(house: House) -> Iterator[int]:
    """A server over the house."""
    with served(application.build(house.studio, wiring_serving.idle)) as port:
        yield port


def listen(port: int, query: str = "") -> ClientConnection:
    """A client of the feed."""
    return connect(f"ws://127.0.0.1:{port}/ws/events{query}", open_timeout=PATIENCE_S, compression=None, max_size=None)


def said(client: ClientConnection) -> dict[str, Any]:
    """Its next message."""
    found: dict[str, Any] = json.loads(client.recv(timeout=PATIENCE_S))
    return found


def heard_until(client: ClientConnection, seq: int) -> list[dict[str, Any]]:
    """All events up to this number."""
    found: list[dict[str, Any]] = []
    while True:
        message = said(client)
        found += message.get("events", [])
        if message.get("seq", -1) >= seq:
            return found


def stir(house: House, run: Run, times: int) -> None:
    """Make events: the run is paused and resumed."""
    for _ in range(times):
        house.studio.runs.pause(run, PERSON)
        house.studio.runs.resume(run, PERSON)


def newest(house: House) -> int:
    """The number of the newest event."""
    return house.studio.reports.last_seq()


def test_a_listener_hears_every_event_once_and_in_order(house: House, port: int) -> None:
    with listen(port) as client:
        said(client)
        run = house.start(make_production())
        house.work()
        heard = heard_until(client, newest(house))
    assert [event["seq"] for event in heard] == [event.seq for event in house.events()]
    assert [event["type"] for event in heard] == [event.type for event in house.events()]
    assert {event["run_id"] for event in heard} == {run.id}


def test_an_event_carries_what_it_tells_of_and_who_caused_it(house: House, port: int) -> None:
    with listen(port) as client:
        said(client)
        run = house.create(make_production())
        house.studio.runs.cancel(run, PERSON)
        heard = heard_until(client, newest(house))
    assert set(heard[-1]) == {"seq", "at", "type", "run_id", "subject", "subject_id", "actor", "cause", "data"}
    assert heard[-1]["actor"] == house.events()[-1].actor


def test_a_listener_that_returns_hears_what_it_missed(house: House, port: int) -> None:
    run = house.start(make_production())
    seen = newest(house)
    stir(house, run, 3)
    with listen(port, f"?after={seen}") as client:
        heard = heard_until(client, newest(house))
        stir(house, run, 1)
        heard += heard_until(client, newest(house))
    assert [event["seq"] for event in heard] == [event.seq for event in house.events() if event.seq > seen]


def test_a_listener_to_one_run_hears_nothing_of_others_and_still_knows_where_to_resume(house: House, port: int) -> None:
    first, second = (house.start(make_production(title=title)) for title in ("First", "Second"))
    seen = newest(house)
    with listen(port, f"?run={first.id}&after={seen}") as client:
        stir(house, second, 2)
        stir(house, first, 1)
        stir(house, second, 1)
        heard = heard_until(client, newest(house))
    assert {event["run_id"] for event in heard} == {first.id}
    assert len(heard) == 2


def test_a_listener_that_is_too_far_behind_is_told_to_read_anew(house: House, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MOST_BACKLOG", 5)
    run = house.start(make_production())
    stir(house, run, 4)
    with listen(port, "?after=1") as client:
        assert said(client) == {"reset": True, "seq": newest(house)}
        stir(house, run, 1)
        assert len(heard_until(client, newest(house))) == 2


def test_a_listener_from_another_history_is_told_to_read_anew(house: House, port: int) -> None:
    house.start(make_production())
    with listen(port, f"?after={newest(house) + 1000}") as client:
        assert said(client) == {"reset": True, "seq": newest(house)}


@pytest.mark.parametrize(
    "query",
    [
        "?after=x",
        "?after=-2",
        f"?after={10**30}",
        "?run=x",
        "?run=-1",
        f"?run={10**30}",
        "?run=1.5",
        "?after=1%00",
        "?run=1&run=x",
    ],
)
def test_a_hostile_question_is_refused(port: int, query: str) -> None:
    with pytest.raises((ConnectionClosed, InvalidStatus)), listen(port, query) as client:
        said(client)


@pytest.mark.parametrize("message", ["{}", b"\x00\xff", "x" * 60_000])
def test_what_a_listener_says_is_of_no_interest(house: House, port: int, message: str | bytes) -> None:
    with listen(port) as client:
        said(client)
        client.send(message)
        house.create(make_production())
        assert heard_until(client, newest(house))


def test_many_listeners_that_come_at_once_hear_the_same_and_cost_one_reader(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    real = house.studio.reports.events
    monkeypatch.setattr(house.studio.reports, "events", lambda after, **more: reads.append(after) or real(after, **more))
    app = application.build(house.studio, wiring_serving.idle)
    with ExitStack() as open_ones, served(app) as port:
        clients = [open_ones.enter_context(listen(port)) for _ in range(20)]
        for client in clients:
            said(client)
        began, before = time.monotonic(), len(reads)
        stir(house, house.start(make_production()), 5)
        house.work()
        told = [[event["seq"] for event in heard_until(client, newest(house))] for client in clients]
        looked, took = len(reads) - before, time.monotonic() - began
    assert told == [[event.seq for event in house.events()]] * 20
    assert looked <= took / feed._LOOK_EVERY_S + 5  # twenty readers would have looked twenty times as often


def test_nobody_reads_when_nobody_listens(house: House, port: int) -> None:
    with listen(port) as client:
        said(client)
    server: Any = feed.Feed(house.studio.reports.events, house.studio.reports.last_seq)
    assert server._reader is None


def test_a_listener_that_reads_nothing_is_cut_off_and_the_others_notice_nothing(
    house: House, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(feed, "_MOST_WAITING", 5)
    run = house.start(make_production())
    with slow_listener(port) as slow, listen(port) as quick:
        said(quick)
        monkeypatch.setattr(feed, "as_json", lambda event: {"seq": event.seq, "data": "x" * 2_000_000})
        for _ in range(12):
            stir(house, run, 1)
            heard_until(quick, newest(house))
        assert is_cut_off(slow)
        monkeypatch.undo()
        stir(house, run, 1)
        assert [event["seq"] for event in heard_until(quick, newest(house))] == [newest(house) - 1, newest(house)]


@contextmanager
def slow_listener(port: int) -> Iterator[socket.socket]:
    """A client that opens the feed and then takes nothing out of its socket."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", port))
        raw.sendall(
            b"GET /ws/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert raw.recv(12) == b"HTTP/1.1 101"
        yield raw


def is_cut_off(raw: socket.socket) -> bool:
    """Whether the server has ended this connection, once what is under way has been read."""
    raw.settimeout(PATIENCE_S)
    try:
        while raw.recv(1 << 20):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_a_database_that_is_away_for_a_while_costs_no_event(house: House, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_TROUBLE_S", 0.05)
    away = threading.Event()
    app = application.build(house.studio, wiring_serving.idle)
    real = app.state.feed._read

    def read(*arguments: Any, **options: Any) -> Any:
        if away.is_set():
            raise RuntimeError("the database is away")
        return real(*arguments, **options)

    app.state.feed._read = read
    run = house.start(make_production())
    with served(app) as other, listen(other) as client:
        said(client)
        away.set()
        seen = newest(house)
        stir(house, run, 2)
        away.clear()
        heard = heard_until(client, newest(house))
    assert [event["seq"] for event in heard] == list(range(seen + 1, newest(house) + 1))
