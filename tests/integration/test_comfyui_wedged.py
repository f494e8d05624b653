"""Servers whose worker thread has died: whatever waits there goes elsewhere, and a test brings the worker back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from pipeline.adapters.backends.comfyui.sightings import idle_tried
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.domain.patience import STOPPING_S
from pipeline.domain.statuses import CellStatus
from pipeline.domain.work import UpdateState
from pipeline.domain.workers import Health
from pipeline.double import DoubleServer
from tests.comfyui import QUICK, Watched, eventually, outcomes, still_request
from tests.comfyui_fixtures import pair_of_servers, server_of_each_release, watched_backend
from tests.factories import EVERYTHING, PERSON, make_production
from tests.fleet_pairs import Pair

either = server_of_each_release
house = watched_backend
pair = pair_of_servers
HASTY = replace(QUICK, stuck_s=1.0)


def queued(server: DoubleServer) -> int:
    """How many jobs wait on the server."""
    assert server.life is not None
    return len(server.life.queue.current()[1])


def test_the_engine_waits_long_enough_to_hear_that_a_job_does_not_stop() -> None:
    timing = Timing()
    assert timing.stuck_s + 2 * timing.poll_s + timing.stop_s < STOPPING_S


def test_what_waits_behind_a_job_that_does_not_stop_is_taken_back(either: DoubleServer, tmp_path: Path) -> None:
    either.faults.add("dead_worker", form="b")
    dead, behind = still_request(either.url), still_request(either.url, seed=6)
    with Watched(tmp_path, HASTY) as house:
        house.backend.submit(dead)
        house.wait(dead, lambda update: update.has_begun)
        house.backend.submit(behind)
        house.wait(behind, lambda update: update.note.startswith("waits for") and queued(either) == 1)
        house.backend.cancel(dead.attempt_id)
        ends = [house.wait(request) for request in (dead, behind)]
        assert [(end.state, end.failure_class) for end in ends] == [(UpdateState.FAILED, "worker_gone")] * 2
        assert all(end.wedged and end.wedged.worker == "gpu-1" for end in ends), "and the worker is known to run nothing"
        assert queued(either) == 0 and outcomes(either, behind) == []
        later = house.performed(still_request(either.url, seed=7))
        assert later.wedged and queued(either) == 0, "as long as it hangs, nothing waits there for long"
        either.restart()
        assert house.performed(still_request(either.url, seed=8)).state == UpdateState.DONE


def test_what_waits_behind_somebody_elses_job_is_taken_back_in_time(either: DoubleServer, tmp_path: Path) -> None:
    foreign, ours = still_request(either.url), still_request(either.url, seed=6)
    impatient = replace(QUICK, others_s=0.5)
    with Watched(tmp_path / "others") as others, Watched(tmp_path / "ours", impatient) as house:
        with either.gates.held("ImageAddNoise") as gate:
            others.backend.submit(foreign)
            assert gate.reached.wait(60)
            end = house.performed(ours)
            assert (end.state, end.failure_class) == (UpdateState.FAILED, "worker_busy")
            assert end.wedged and "at somebody else's job" in end.reason
            assert queued(either) == 0 and outcomes(either, ours) == []
        assert others.wait(foreign).state == UpdateState.DONE, "and the job that was in the way is left alone"
        assert house.performed(still_request(either.url, seed=7)).state == UpdateState.DONE


def test_what_waits_behind_a_long_job_of_our_own_stays(either: DoubleServer, tmp_path: Path) -> None:
    first, second = still_request(either.url), still_request(either.url, seed=6)
    with Watched(tmp_path, replace(QUICK, others_s=0.01)) as house:
        with either.gates.held("ImageAddNoise") as gate:
            house.backend.submit(first)
            assert gate.reached.wait(60)
            house.backend.submit(second)
            house.wait(second, lambda update: update.note.startswith("waits for") and queued(either) == 1)
        assert [house.wait(request).state for request in (first, second)] == [UpdateState.DONE] * 2


def test_attempts_that_no_worker_thread_takes_say_that_the_worker_runs_nothing(either: DoubleServer, house: Watched) -> None:
    either.faults.add("dead_worker", form="a")
    requests = [still_request(either.url, seed=seed) for seed in range(3)]
    for request in requests:
        house.backend.submit(request)
    ends = [house.wait(request) for request in requests]
    assert sum(end.wedged is not None for end in ends) >= 2, "the first one may be lost by the thread that died of it"
    assert queued(either) == 0


def test_a_server_that_has_jobs_is_not_tested(tmp_path: Path, house: Watched) -> None:
    with DoubleServer(tmp_path / "busy", speed=1e6) as busy, DoubleServer(tmp_path / "idle", speed=1e6) as idle:
        request = still_request(busy.url)
        with busy.gates.held("ImageAddNoise") as gate:
            house.backend.submit(request)
            assert gate.reached.wait(60)
            assert idle_tried([busy.url, idle.url, "http://127.0.0.1:1"]) == {idle.url: ""}
        assert house.wait(request).state == UpdateState.DONE


def test_tests_of_several_servers_wait_at_the_same_time(tmp_path: Path) -> None:
    servers = [DoubleServer(tmp_path / f"dead-{number}", speed=1e6).start() for number in range(4)]
    for server in servers:
        server.faults.add("dead_worker", form="a")
    began = time.monotonic()
    answers = idle_tried([server.url for server in servers], timeout_s=2.0)
    took_s = time.monotonic() - began
    for server in servers:
        server.stop()
    assert len(answers) == 4 and all(answers.values())
    assert took_s < 7, "one after the other they would take eight seconds"


# In a studio --------------------------------------------------------------------------------------------------------


def test_a_worker_that_runs_nothing_is_set_aside_at_once_and_comes_back_by_a_test(pair: Pair) -> None:
    pair.ill.faults.add("dead_worker", form="a")
    run = pair.house.start(make_production(characters=4))

    pair.work(run, meanwhile=pair.house.studio.workers.look)

    assert pair.house.statuses(run) == {CellStatus.APPROVED: 16}
    assert pair.worker("gpu-1").health is Health.WEDGED
    assert "Restart its process" in pair.worker("gpu-1").why_not
    assert len(pair.house.events("worker.wedged")) == 1 and not pair.house.events("worker.well")[2:]
    swallowed = pair.ended_badly(run, "gpu-1").total()
    assert 1 <= swallowed <= 4, "no more than what it had when it was found out"

    pair.house.studio.workers.look()
    assert pair.worker("gpu-1").health is Health.WEDGED, "that nothing waits there does not make it well"
    pair.ill.restart()
    assert pair.house.studio.workers.test_those_aside() == 1
    assert pair.worker("gpu-1").health is Health.WELL


def test_a_job_that_hangs_takes_no_other_with_it(pair: Pair) -> None:
    pair.ill.faults.add("dead_worker", form="b")
    run = pair.house.start(make_production(characters=4))
    pair.turn_until(lambda: pair.ill.life is not None and queued(pair.ill) > 0)
    eventually(lambda: any(line["event"] == "began" for line in pair.ill.ledger.lines()))

    pair.turn_until(lambda: pair.house.studio.workers.standing(pair.worker("gpu-1").id).busy > 1)
    pair.clock.advance(900)
    pair.work(run)

    assert pair.house.statuses(run) == {CellStatus.APPROVED: 16}
    assert pair.worker("gpu-1").health is Health.WEDGED
    assert queued(pair.ill) == 0
    ends = pair.ended_badly(run, "gpu-1")
    assert ends["timeout"] == 1 and ends["worker_gone"] >= 1 and ends.total() <= 4, ends
    assert pair.house.studio.workers.test_those_aside() == 0, "something runs there, so no test is sent"
    pair.ill.restart()
    assert pair.house.studio.workers.test_those_aside() == 1
    pair.house.check()


def test_a_cancelled_job_that_does_not_stop_is_noticed_too(pair: Pair) -> None:
    pair.ill.faults.add("dead_worker", form="b")
    first = pair.house.start(make_production(characters=1, title="First"))
    pair.turn_until(lambda: any(line["event"] == "began" for line in pair.ill.ledger.lines()))

    pair.house.studio.submission.cancel(first, EVERYTHING, PERSON)
    pair.turn_until(lambda: pair.worker("gpu-1").health is Health.WEDGED)

    second = pair.house.start(make_production(characters=1, title="Second"))
    pair.work(second)
    assert pair.house.statuses(second) == {CellStatus.APPROVED: 4}
    assert not pair.ended_badly(second, "gpu-1"), "nothing more is given to it"


def test_a_worker_that_works_for_somebody_else_is_left_alone_until_it_is_through(pair: Pair) -> None:
    pair.impatient(others_s=0.5)
    with pair.ill.gates.held("ImageAddNoise") as gate, Watched(pair.folder / "others") as others:
        foreign = still_request(pair.ill.url)
        others.backend.submit(foreign)
        assert gate.reached.wait(60)
        run = pair.house.start(make_production(characters=4))
        pair.work(run, meanwhile=pair.house.studio.workers.look)
        assert pair.house.statuses(run) == {CellStatus.APPROVED: 16}
        ends = pair.ended_badly(run, "gpu-1")
        assert 1 <= ends["worker_busy"] <= 2 and ends.total() == ends["worker_busy"], "as many as had been sent there"
        assert pair.worker("gpu-1").health is Health.OCCUPIED
        assert "somebody else" in pair.worker("gpu-1").why_not
        pair.house.studio.workers.look()
        assert pair.worker("gpu-1").health is Health.OCCUPIED
    pair.turn_until(lambda: pair.worker("gpu-1").health is Health.WELL, meanwhile=pair.house.studio.workers.look)
    assert outcomes(pair.ill, foreign) == ["began", "success"]
    assert [event.type for event in pair.house.events("worker.occupied")] == ["worker.occupied"]
    pair.house.check()
