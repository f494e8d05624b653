"""The backend `comfyui` when something goes wrong: nothing runs twice, nothing waits for ever, and the reason is told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.domain.work import InputFile, UpdateState
from pipeline.double import DoubleServer
from tests.comfyui import (
    QUICK,
    STILL_GRAPH,
    Watched,
    eventually,
    is_interrupting,
    left_at_work,
    outcomes,
    segment_request,
    still_request,
)
from tests.comfyui_fixtures import quick_server, server_of_each_release, watched_backend
from tests.media_factories import character

server = quick_server
either = server_of_each_release
house = watched_backend


# Restarts of ours ---------------------------------------------------------------------------------------------------


def test_an_attempt_that_runs_on_over_our_restart_is_found_again_and_taken_in(server: DoubleServer, tmp_path: Path) -> None:
    request = still_request(server.url)
    with left_at_work(server, tmp_path, request) as gate, Watched(tmp_path) as house:
        house.take_over(request)
        assert house.poll(request).state == UpdateState.RUNNING
        assert house.wait(request, lambda update: update.has_begun)
        gate.open()
        assert house.wait(request).state == UpdateState.DONE
    assert outcomes(server, request) == ["began", "success"]


def test_an_attempt_that_ended_while_we_were_away_is_taken_in(server: DoubleServer, tmp_path: Path) -> None:
    request = still_request(server.url)
    with left_at_work(server, tmp_path, request) as gate:
        gate.open()
        eventually(lambda: outcomes(server, request) == ["began", "success"])
    with Watched(tmp_path) as house:
        house.take_over(request)
        assert house.wait(request).state == UpdateState.DONE
    with Watched(tmp_path) as house:
        server.stop()
        house.take_over(request)
        assert house.poll(request).state == UpdateState.DONE, "the spool knows it without the server"
    assert outcomes(server, request) == ["began", "success"]


def test_sending_an_attempt_again_after_our_restart_does_not_run_it_again(server: DoubleServer, tmp_path: Path) -> None:
    request = still_request(server.url)
    with server.gates.held("ImageAddNoise") as gate:
        with Watched(tmp_path) as house:
            house.backend.submit(request)
            house.backend.submit(request)
            assert gate.reached.wait(60)
        with Watched(tmp_path) as house:
            house.take_over(request)
            house.take_over(request)
            gate.open()
            assert house.wait(request).state == UpdateState.DONE
    assert outcomes(server, request) == ["began", "success"]


def test_an_attempt_that_was_never_handed_over_is_lost_at_once(house: Watched) -> None:
    update = house.poll(still_request("http://127.0.0.1:1"))
    assert update.state == UpdateState.LOST
    assert update.reason


def test_an_attempt_that_we_died_before_sending_is_lost_and_not_sent(server: DoubleServer, house: Watched) -> None:
    house.take_over(request := still_request(server.url))
    update = house.wait(request)
    assert update.state == UpdateState.LOST
    assert update.reason.endswith("or the engine ended before it had sent it.")
    assert outcomes(server, request) == []


def test_a_loss_of_power_that_took_the_folder_of_an_attempt_takes_nothing_else(server: DoubleServer, tmp_path: Path) -> None:
    request = still_request(server.url)
    with left_at_work(server, tmp_path, request) as gate:
        shutil.rmtree(tmp_path / "spool" / "attempts")
        with Watched(tmp_path) as house:
            house.take_over(request)
            gate.open()
            assert house.wait(request).state == UpdateState.DONE
    assert outcomes(server, request) == ["began", "success"]


def test_a_cancelled_attempt_is_stopped_after_our_restart_too(server: DoubleServer, tmp_path: Path) -> None:
    request = still_request(server.url)
    with left_at_work(server, tmp_path, request) as gate, Watched(tmp_path) as house:
        house.take_over(request)
        house.backend.cancel(request.attempt_id)
        eventually(partial(is_interrupting, server))
        gate.open()
        assert house.wait(request).state == UpdateState.LOST


# Restarts of theirs -------------------------------------------------------------------------------------------------


def test_a_job_lost_by_a_restart_of_its_server_is_called_lost(server: DoubleServer, house: Watched) -> None:
    request = still_request(server.url)
    with server.gates.held("ImageAddNoise") as gate:
        house.backend.submit(request)
        assert gate.reached.wait(60)
        server.restart()
        update = house.wait(request)
    assert update.state == UpdateState.LOST
    assert "gpu-1" in update.reason
    assert house.performed(still_request(server.url)).state == UpdateState.DONE, "and the next one is performed"


def test_a_server_that_stays_dead_is_given_up(server: DoubleServer, house: Watched) -> None:
    request = still_request(server.url)
    with server.gates.held("ImageAddNoise") as gate:
        house.backend.submit(request)
        assert gate.reached.wait(60)
        server.kill()
        update = house.wait(request)
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "worker_gone")
    assert house.performed(still_request(server.url)).failure_class == "worker_gone"


def test_a_server_that_comes_up_late_gets_its_job(tmp_path: Path, server: DoubleServer) -> None:
    server.stop()
    with Watched(tmp_path, replace(QUICK, refused_s=30)) as house:
        request = still_request(server.url)
        house.backend.submit(request)
        house.wait(request, lambda update: update.note == "gpu-1 does not answer")
        server.start()
        assert house.wait(request).state == UpdateState.DONE
    assert outcomes(server, request) == ["began", "success"]


@pytest.mark.parametrize("point", ["before_accept", "after_accept", "mid_job", "after_job"])
def test_a_server_that_dies_at_any_point_never_leaves_an_attempt_waiting(
    server: DoubleServer, house: Watched, point: str
) -> None:
    server.faults.add("kill", point=point)
    request = still_request(server.url)
    update = house.performed(request)
    assert update.state in (UpdateState.DONE, UpdateState.LOST) or update.failure_class == "worker_gone", update
    assert outcomes(server, request).count("began") <= 1


# The wire -----------------------------------------------------------------------------------------------------------


def test_a_submission_whose_answer_was_lost_is_found_and_runs_once(either: DoubleServer, tmp_path: Path) -> None:
    either.faults.add("reset_after", route="/prompt")
    request = still_request(either.url)
    with Watched(tmp_path, replace(QUICK, answer_s=1.0)) as house:
        update = house.performed(request)
    assert update.state == UpdateState.DONE, update
    assert outcomes(either, request) == ["began", "success"]


@pytest.mark.parametrize(
    ("kind", "details", "failure"),
    [
        ("drop", {}, "worker_gone"),
        ("garbage", {}, "worker_gone"),
        ("wrong_types", {}, "worker_gone"),
        ("status", {"status": 500}, "backend_error"),
        ("status", {"status": 502}, "worker_gone"),
        ("huge", {"size_bytes": 20_000_000}, "worker_gone"),
    ],
)
def test_a_submission_that_did_not_arrive_has_failed_and_is_not_sent_again_under_its_id(
    either: DoubleServer, house: Watched, kind: str, details: dict[str, float], failure: str
) -> None:
    either.faults.add(kind, route="/prompt", **details)
    request = still_request(either.url)
    update = house.performed(request)
    assert either.faults.taken == [kind]
    assert (update.state, update.failure_class) == (UpdateState.FAILED, failure), update
    assert outcomes(either, request) == []


def test_a_submission_that_arrives_late_runs_once(either: DoubleServer, tmp_path: Path) -> None:
    """The server gets to it long after we have given it up: had it been sent again, it would run twice."""
    either.faults.add("stall", route="/prompt", seconds=1.5)
    late, next_one = still_request(either.url), still_request(either.url, seed=6)
    with Watched(tmp_path, replace(QUICK, answer_s=0.5)) as house:
        assert house.performed(late).failure_class == "worker_gone"
        assert house.performed(next_one).state == UpdateState.DONE
        eventually(lambda: outcomes(either, late) in (["began", "success"], ["began", "interrupted"]))
    assert outcomes(either, next_one) == ["began", "success"]


@pytest.mark.parametrize("route", ["/history", "/view", "/queue"])
@pytest.mark.parametrize("kind", ["drop", "reset_after", "stall", "garbage", "wrong_types", "status", "huge"])
def test_what_goes_wrong_once_on_the_way_to_the_result_is_tried_again(
    server: DoubleServer, tmp_path: Path, route: str, kind: str
) -> None:
    details = {"stall": {"seconds": 2.0}, "status": {"status": 503}, "huge": {"size_bytes": 20_000_000}}
    server.faults.add(kind, route=route, **details.get(kind, {}))
    with Watched(tmp_path, replace(QUICK, answer_s=1.0)) as house:
        request = still_request(server.url)
        update = house.performed(request)
    # A file is not known by its look: what was handed out wrong, but whole, fails when it is decoded.
    is_wrong_file = route == "/view" and kind in ("garbage", "wrong_types", "huge")
    assert update.state == UpdateState.DONE or (is_wrong_file and update.failure_class == "corrupt_output"), update
    assert outcomes(server, request) == ["began", "success"]


@pytest.mark.parametrize("kind", ["half_open_socket", "silent_socket"])
def test_a_dead_socket_costs_no_result(server: DoubleServer, house: Watched, kind: str) -> None:
    server.faults.add(kind, route="/ws", times=2)
    requests = [still_request(server.url, seed=seed) for seed in range(3)]
    for request in requests:
        assert house.performed(request).state == UpdateState.DONE
        assert outcomes(server, request) == ["began", "success"]


def test_a_socket_that_never_speaks_of_a_running_job_is_opened_anew(server: DoubleServer, house: Watched) -> None:
    server.faults.add("silent_socket", route="/ws")
    with server.gates.held("ImageAddNoise") as gate:
        first = still_request(server.url)
        house.backend.submit(first)
        assert gate.reached.wait(60)
        [known] = house.backend._servers.values()
        eventually(lambda: known.listener.connections == 2)
        gate.open()
        assert house.wait(first).state == UpdateState.DONE
    with server.gates.held("ImageAddNoise") as gate:
        second = still_request(server.url, seed=6)
        house.backend.submit(second)
        assert house.wait(second, lambda update: update.note == "ImageAddNoise").progress > 0, "the new socket speaks"
        gate.open()
        assert house.wait(second).state == UpdateState.DONE


def test_a_dropped_socket_is_opened_again_under_another_name(server: DoubleServer, house: Watched) -> None:
    assert house.performed(still_request(server.url)).state == UpdateState.DONE
    [known] = house.backend._servers.values()
    before = known.listener.client_id
    server.restart()
    eventually(lambda: known.listener.client_id not in ("", before))


# Workers that do not work -------------------------------------------------------------------------------------------


def test_a_lost_history_is_a_lost_attempt(server: DoubleServer, house: Watched) -> None:
    server.faults.add("lose_history")
    request = still_request(server.url)
    update = house.performed(request)
    assert update.state == UpdateState.LOST
    assert outcomes(server, request)[0] == "began"


def test_a_server_that_accepts_and_never_runs_is_found_out(server: DoubleServer, house: Watched) -> None:
    server.faults.add("dead_worker", form="a")
    first, second = still_request(server.url), still_request(server.url, seed=6)
    house.backend.submit(first)
    house.backend.submit(second)
    updates = [house.wait(request) for request in (first, second)]
    assert "worker_gone" in [update.failure_class for update in updates], updates
    assert all(update.state in (UpdateState.FAILED, UpdateState.LOST) for update in updates)
    assert outcomes(server, first) + outcomes(server, second) == []


def test_a_job_that_hangs_runs_until_the_engine_has_it_stopped(server: DoubleServer, house: Watched) -> None:
    server.faults.add("dead_worker", form="b")
    request = still_request(server.url)
    house.backend.submit(request)
    house.wait(request, lambda update: update.has_begun)
    house.backend.cancel(request.attempt_id)
    server.restart()
    assert house.wait(request).state == UpdateState.LOST


# Failures of the work -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["corrupt_output", "truncate_output"])
@pytest.mark.parametrize("stage", ["still", "segment"])
def test_a_damaged_file_is_corrupt_output(house: Watched, tmp_path: Path, kind: str, stage: str) -> None:
    start: InputFile = replace(character(tmp_path, "Mara", 64), role="start")
    # Much damage in the middle of H.264 still decodes to some picture; in real frames of this seed the decoder sees it.
    with DoubleServer(tmp_path / "painter") as server:
        server.faults.add(kind)
        request = still_request(server.url) if stage == "still" else segment_request(server.url, start, seed=7)
        update = house.performed(request)
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "corrupt_output"), update
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


def test_a_server_without_memory_says_so_and_is_asked_to_free_some(server: DoubleServer, house: Watched) -> None:
    server.faults.add("out_of_memory")
    update = house.performed(still_request(server.url))
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "out_of_memory")
    assert "/" not in update.reason


def test_a_graph_that_is_taken_in_part_is_cancelled_and_fails(either: DoubleServer, house: Watched) -> None:
    graph = STILL_GRAPH | {"8": {"class_type": "SaveImage", "inputs": {"images": ["99", 0], "filename_prefix": "x"}}}
    with either.gates.held("ImageAddNoise"):
        request = still_request(either.url, graph=graph)
        update = house.performed(request)
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "bad_input")
    assert "SaveImage" in update.reason
    eventually(lambda: outcomes(either, request) in ([], ["began", "interrupted"]))


def test_a_node_that_the_server_lacks_is_missing(either: DoubleServer, house: Watched) -> None:
    graph = STILL_GRAPH | {"2": {"class_type": "NoSuchNode", "inputs": {"image": ["1", 0]}}}
    update = house.performed(still_request(either.url, graph=graph))
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "missing_model")
    assert "NoSuchNode" in update.reason


def test_a_model_that_the_server_lacks_is_missing(either: DoubleServer, house: Watched) -> None:
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "none.safetensors"}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48, "batch_size": 1}},
        "3": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["1", 2]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
    }
    update = house.performed(still_request(either.url, graph=graph))
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "missing_model")
    assert "none.safetensors" in update.reason


def test_a_cached_run_whose_file_is_gone_fails_and_the_cache_is_emptied(server: DoubleServer, house: Watched) -> None:
    graph = STILL_GRAPH | {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 9}}}
    server.gates.close("SaveImage")
    request = still_request(server.url, graph=graph)
    house.backend.submit(request)
    server.faults.add("status", route="/view", status=404)
    server.gates.open_all()
    update = house.wait(request)
    assert update.failure_class == "corrupt_output"
    assert house.performed(still_request(server.url, graph=graph)).state == UpdateState.DONE
