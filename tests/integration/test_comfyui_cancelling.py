"""Stopping attempts of the backend `comfyui`: the one that was meant and no other, and success is accepted as an answer."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.domain.work import UpdateState
from pipeline.double import DoubleServer
from tests.comfyui import QUICK, Watched, eventually, is_interrupting, outcomes, segment_request, still_request
from tests.comfyui_fixtures import quick_server, server_of_each_release, watched_backend
from tests.media_factories import character

server = quick_server
either = server_of_each_release
house = watched_backend


def test_a_running_attempt_is_stopped_and_its_neighbours_are_not(either: DoubleServer, house: Watched) -> None:
    first, second = still_request(either.url), still_request(either.url, seed=6)
    with either.gates.held("ImageAddNoise") as gate:
        house.backend.submit(first)
        assert gate.reached.wait(60)
        house.backend.submit(second)
        house.wait(second, lambda update: update.note.startswith("waits for"))
        house.backend.cancel(first.attempt_id)
        eventually(partial(is_interrupting, either))
        gate.open()
        update = house.wait(first)
        assert (update.state, update.reason) == (UpdateState.LOST, "it was asked to stop")
        assert house.wait(second).state == UpdateState.DONE
    assert outcomes(either, first) == ["began", "interrupted"]


def test_a_waiting_attempt_is_taken_out_of_the_queue(either: DoubleServer, house: Watched) -> None:
    first, second = still_request(either.url), still_request(either.url, seed=6)
    with either.gates.held("ImageAddNoise") as gate:
        house.backend.submit(first)
        assert gate.reached.wait(60)
        house.backend.submit(second)
        house.wait(second, lambda update: update.note.startswith("waits for"))
        house.backend.cancel(second.attempt_id)
        assert house.wait(second).state == UpdateState.LOST
        gate.open()
        assert house.wait(first).state == UpdateState.DONE
    assert outcomes(either, second) == []


def test_success_after_a_cancel_is_taken_as_the_answer(server: DoubleServer, house: Watched) -> None:
    request = still_request(server.url)
    with server.gates.held("SaveImage") as gate:
        house.backend.submit(request)
        assert gate.reached.wait(60)
        server.faults.add("drop", route="/jobs", times=1_000_000)
        server.faults.add("drop", route="/interrupt", times=1_000_000)
        house.backend.cancel(request.attempt_id)
        gate.open()
        assert house.wait(request).state == UpdateState.DONE


def test_older_servers_that_interrupt_whatever_runs_are_not_asked_to(tmp_path: Path, house: Watched) -> None:
    with DoubleServer(tmp_path / "server", version="0.3.64", speed=1e6) as server:
        request = still_request(server.url)
        house.backend.submit(request)
        assert house.wait(request).state == UpdateState.DONE
        [known] = house.backend._servers.values()
        known._version = (0, 3, 40)
        known._life = known.listener.connections
        with server.gates.held("ImageAddNoise") as gate:
            second = still_request(server.url, seed=6)
            house.backend.submit(second)
            assert gate.reached.wait(60)
            house.backend.cancel(second.attempt_id)
            assert not threading.Event().wait(3 * QUICK.stop_s)
            assert not is_interrupting(server)
            gate.open()
            assert house.wait(second).state == UpdateState.DONE


def test_a_cancel_before_anything_was_sent_sends_nothing(server: DoubleServer, tmp_path: Path) -> None:
    server.stop()
    with Watched(tmp_path, replace(QUICK, refused_s=60, gone_s=60)) as house:
        start = replace(character(tmp_path, "Mara", 64), role="start")
        request = segment_request(server.url, start)
        house.backend.submit(request)
        house.wait(request, lambda update: update.note == "gpu-1 does not answer")
        house.backend.cancel(request.attempt_id)
        server.start()
        assert house.wait(request).state == UpdateState.LOST
        assert outcomes(server, request) == []


def test_cancelling_the_unknown_is_no_error(house: Watched) -> None:
    house.backend.cancel("00000000-0000-4000-8000-000000000000")


def test_what_was_asked_to_stop_is_stopped_before_we_leave(server: DoubleServer, tmp_path: Path) -> None:
    request = still_request(server.url)
    with server.gates.held("ImageAddNoise") as gate:
        with Watched(tmp_path) as house:
            house.backend.submit(request)
            assert gate.reached.wait(60)
            house.backend.cancel(request.attempt_id)
        assert is_interrupting(server)
