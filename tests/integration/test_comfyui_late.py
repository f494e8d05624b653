"""A workflow that seems lost and arrives after all: stopped as soon as it is seen, never fetched, and nothing else is touched."""

from __future__ import annotations

import pytest

from pipeline.domain.records import Attempt, Run
from pipeline.domain.statuses import AttemptOutcome, CellStatus
from pipeline.domain.work import Request, UpdateState
from pipeline.domain.workers import WorkerState
from pipeline.double import DoubleServer
from pipeline.double.application import LATE_POINT
from pipeline.double.gates import Gate
from tests.comfyui import Watched, eventually, fate_of, foreign_job, is_interrupting, outcomes, place_of, still_request
from tests.comfyui_fixtures import pair_of_servers, server_of_each_release, watched_backend
from tests.factories import PERSON, make_production
from tests.fleet_pairs import Pair

either = server_of_each_release
house = watched_backend
pair = pair_of_servers
STILL_NODE = "ImageAddNoise"
LOOK_NODE = "StripboardImageToImage"


# The backend, at once -----------------------------------------------------------------------------------------------


def given_up(server: DoubleServer, house: Watched) -> tuple[Request, Gate]:
    """An attempt that was given up while it was on its way, and the gate that lets it arrive."""
    server.faults.add("late", route="/prompt", seconds=0)
    way = server.gates.close(*LATE_POINT)
    late = still_request(server.url)
    assert house.performed(late).failure_class == "worker_gone"
    assert way.reached.wait(60) and place_of(server, late.attempt_id) == ""
    return late, way


def is_stopped(server: DoubleServer, job_id: str) -> bool:
    """Whether a job that has begun there is asked to stop, or has stopped already."""
    return is_interrupting(server) or fate_of(server, job_id) == ["began", "interrupted"]


def test_what_arrives_late_at_a_busy_server_is_cancelled_before_it_begins(either: DoubleServer, house: Watched) -> None:
    late, way = given_up(either, house)
    with either.gates.held(STILL_NODE) as gate:
        other, next_one = foreign_job(either), still_request(either.url, seed=6)
        assert gate.reached.wait(60)
        way.open()
        eventually(lambda: place_of(either, late.attempt_id) == "waits")
        house.backend.submit(next_one)
        eventually(lambda: place_of(either, late.attempt_id) == "")
        assert place_of(either, other) == "runs" and not is_interrupting(either)
    assert house.wait(next_one).state == UpdateState.DONE
    assert outcomes(either, late) == []
    assert fate_of(either, other) == outcomes(either, next_one) == ["began", "success"]


def test_what_arrives_late_at_an_idle_server_is_interrupted_by_what_the_socket_says(either: DoubleServer, house: Watched) -> None:
    late, way = given_up(either, house)
    with either.gates.held(STILL_NODE):
        way.open()
        eventually(lambda: fate_of(either, late.attempt_id) != [])
        other = foreign_job(either)
        eventually(lambda: is_stopped(either, late.attempt_id))
    eventually(lambda: fate_of(either, other) == ["began", "success"])
    assert outcomes(either, late) == ["began", "interrupted"]
    assert not [path for path in (house.home / "media").rglob("*") if path.is_file()], "nothing of it was fetched"


# In a studio, by its database ---------------------------------------------------------------------------------------


def late_attempt(pair: Pair, run: Run) -> Attempt:
    """The one attempt of the run that was given up."""
    [late] = [
        attempt
        for attempts in pair.house.attempts(pair.house.jobs(run)).values()
        for attempt in attempts
        if attempt.outcome is AttemptOutcome.FAILED
    ]
    assert (late.worker, late.failure_class) == ("gpu-1", "worker_gone")
    return late


def work_with_one_on_its_way(pair: Pair, *, is_restarted: bool) -> tuple[str, Gate]:
    """A run that is done while a workflow of it is still on its way to the first server; its id, and the gate that holds it."""
    pair.ill.faults.add("late", route="/prompt", seconds=0)
    way = pair.ill.gates.close(*LATE_POINT)
    run = pair.house.start(make_production(characters=1))
    pair.turn_until(way.reached.is_set)
    pair.house.studio.workers.set_state(pair.worker("gpu-1"), WorkerState.PAUSED, PERSON)  # else it would have most in its cache
    pair.work(run)
    assert pair.house.statuses(run) == {CellStatus.APPROVED: 4}
    late = late_attempt(pair, run)
    if is_restarted:
        pair.start_again()
    return late.id, way


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_look_cancels_what_waits_at_a_busy_server_before_it_begins(pair: Pair, is_restarted: bool) -> None:
    late, way = work_with_one_on_its_way(pair, is_restarted=is_restarted)
    with pair.ill.gates.held(STILL_NODE) as gate:
        running, waiting = foreign_job(pair.ill), foreign_job(pair.ill)
        assert gate.reached.wait(60)
        way.open()
        eventually(lambda: place_of(pair.ill, late) == "waits")
        pair.house.studio.workers.look()
        assert [place_of(pair.ill, job) for job in (late, running, waiting)] == ["", "runs", "waits"]
        assert not is_interrupting(pair.ill)
    eventually(lambda: fate_of(pair.ill, running) == fate_of(pair.ill, waiting) == ["began", "success"])
    assert fate_of(pair.ill, late) == []
    pair.house.check()


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_look_interrupts_what_has_begun_at_an_idle_server(pair: Pair, is_restarted: bool) -> None:
    late, way = work_with_one_on_its_way(pair, is_restarted=is_restarted)
    with pair.ill.gates.held(LOOK_NODE):
        way.open()
        eventually(lambda: fate_of(pair.ill, late) != [])
        other = foreign_job(pair.ill)
        eventually(lambda: bool(pair.house.studio.workers.look()) and is_stopped(pair.ill, late))
    eventually(lambda: fate_of(pair.ill, other) == ["began", "success"])
    assert fate_of(pair.ill, late) == ["began", "interrupted"]
    pair.house.check()


def test_a_look_stops_nothing_of_what_runs(pair: Pair) -> None:
    with pair.ill.gates.held(LOOK_NODE) as gate, pair.well.gates.held(LOOK_NODE):
        run = pair.house.start(make_production(characters=1))
        pair.turn_until(gate.reached.is_set)
        pair.house.studio.workers.look()
        assert not is_interrupting(pair.ill) and not is_interrupting(pair.well)
    pair.work(run)
    assert pair.house.statuses(run) == {CellStatus.APPROVED: 4}
    attempts = [attempt for found in pair.house.attempts(pair.house.jobs(run)).values() for attempt in found]
    assert {attempt.outcome for attempt in attempts} <= {AttemptOutcome.DONE, AttemptOutcome.REUSED}
