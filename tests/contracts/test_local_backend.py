"""What every performer promises by its three verbs, and what only a local one can: results that outlive its process."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from pipeline.adapters.backends.local import LocalBackend
from pipeline.adapters.executors import EXECUTORS
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Request, Result, Update, UpdateState
from pipeline.double import DoubleServer
from pipeline.ports import GeneratorBackend, StageFunction, Workspace
from tests.comfyui import Watched, still_request
from tests.fakes import MemoryBackend, Stagehands, failing

PATIENCE_S = 60


def make_request(stage: str = "scene_generation", fingerprint: str = "f" * 64) -> Request:
    """An attempt of its own."""
    attempt = str(uuid.uuid4())
    return Request(attempt_id=attempt, job_key=f"job-{attempt[:4]}", stage=stage, backend="animatic", fingerprint=fingerprint)


def make_local(
    folder: Path, locate: Callable[[str], StageFunction], executor: str = "inline", wake: Callable[[], None] = lambda: None
) -> LocalBackend:
    """A local performer at home in the folder."""
    pool = EXECUTORS[executor](2)
    stages = ("scene_generation", "assembly")
    roots = {"spool_root": folder / "spool", "media_root": folder / "media"}
    return LocalBackend(locate, executors=dict.fromkeys(stages, pool), wake=wake, **roots)


@dataclass
class Performer:
    """A performer under test: the backend, and requests that it can perform."""

    backend: GeneratorBackend
    request: Callable[[], Request] = make_request
    roles: tuple[str, ...] = ("segment", "last_frame")

    def ended(self, *requests: Request) -> list[Update]:
        """How these attempts have ended, in order; fails when they do not within a minute."""
        ids = [request.attempt_id for request in requests]
        ends: dict[str, Update] = {}
        deadline = time.monotonic() + PATIENCE_S
        while len(ends) < len(ids):
            waiting = [attempt_id for attempt_id in ids if attempt_id not in ends]
            updates = self.backend.poll(waiting)
            assert [update.attempt_id for update in updates] == waiting
            ends |= {update.attempt_id: update for update in updates if update.state is not UpdateState.RUNNING}
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        return [ends[attempt_id] for attempt_id in ids]


@pytest.fixture(params=["memory", "local", "comfyui"])
def performer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Performer]:
    if request.param == "memory":
        yield Performer(MemoryBackend())
    elif request.param == "local":
        yield Performer(make_local(tmp_path, Stagehands().locate))
    else:
        with DoubleServer(tmp_path / "server", is_instant=True) as server, Watched(tmp_path) as watched:
            yield Performer(watched.backend, partial(still_request, server.url), ("still",))


def test_an_attempt_it_has_performed_is_done_with_its_result(performer: Performer) -> None:
    request = performer.request()
    performer.backend.submit(request)
    [update] = performer.ended(request)
    assert update.state is UpdateState.DONE
    assert update.result is not None
    assert tuple(file.role for file in update.result.outputs) == performer.roles


def test_an_attempt_it_does_not_know_is_lost(performer: Performer) -> None:
    [update] = performer.backend.poll(["somebody else's"])
    assert (update.attempt_id, update.state) == ("somebody else's", UpdateState.LOST)
    assert update.reason


def test_polling_answers_for_every_id_in_one_call(performer: Performer) -> None:
    requests = [performer.request() for _ in range(3)]
    for request in requests:
        performer.backend.submit(request)
    ids = [request.attempt_id for request in requests] + ["unknown"]
    assert [update.attempt_id for update in performer.backend.poll(ids)] == ids


def test_every_attempt_has_an_end_of_its_own(performer: Performer) -> None:
    requests = [performer.request() for _ in range(5)]
    for request in requests:
        performer.backend.submit(request)
    assert {update.state for update in performer.ended(*requests)} == {UpdateState.DONE}


def test_cancelling_the_unknown_is_no_error(performer: Performer) -> None:
    performer.backend.cancel("unknown")


def test_cancelling_what_has_ended_changes_nothing(performer: Performer) -> None:
    request = performer.request()
    performer.backend.submit(request)
    performer.ended(request)
    performer.backend.cancel(request.attempt_id)


def test_sending_an_attempt_twice_performs_it_once(tmp_path: Path) -> None:
    hands = Stagehands()
    backend = make_local(tmp_path, hands.locate)
    request = make_request()
    backend.submit(request)
    backend.submit(request)
    assert len(hands.performed) == 1


def test_a_result_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    request = make_request()
    make_local(tmp_path, Stagehands().locate).submit(request)
    hands = Stagehands()
    [update] = make_local(tmp_path, hands.locate).poll([request.attempt_id])
    assert update.state is UpdateState.DONE
    assert hands.performed == []


def test_a_failure_keeps_its_class_and_reason(tmp_path: Path) -> None:
    hands = Stagehands()
    hands.troubles = failing("scene_generation", lambda: WorkFailed("timeout", "too slow"))
    backend = make_local(tmp_path, hands.locate)
    request = make_request()
    backend.submit(request)
    [update] = backend.poll([request.attempt_id])
    assert (update.state, update.failure_class, update.reason) == (UpdateState.FAILED, "timeout", "too slow")


@pytest.mark.parametrize(
    ("error", "failure_class"),
    [
        (MemoryError(), "out_of_memory"),
        (OSError(28, "No space left on device"), "disk_full"),
        (OSError(5, "I/O"), "backend_error"),
    ],
)
def test_errors_of_the_machine_get_their_class(tmp_path: Path, error: BaseException, failure_class: str) -> None:
    hands = Stagehands()
    hands.troubles = failing("scene_generation", lambda: error)
    backend = make_local(tmp_path, hands.locate)
    request = make_request()
    backend.submit(request)
    assert backend.poll([request.attempt_id])[0].failure_class == failure_class


def test_every_start_is_in_the_ledger(tmp_path: Path) -> None:
    backend = make_local(tmp_path, Stagehands().locate)
    requests = [make_request(), make_request("assembly")]
    for request in requests:
        backend.submit(request)
    lines = (tmp_path / "spool" / "ledger.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert requests[1].attempt_id in lines[1]


def dying(stage: str) -> StageFunction:
    """A stage function whose process dies; the second time it is well."""
    return _die_once


def _die_once(request: Request, workspace: Workspace) -> Result:
    marker = workspace.kept / "died"
    if not marker.exists():
        marker.touch()
        os._exit(9)
    path = workspace.scratch / "file"
    path.write_text("well")
    return Result((workspace.publish(path, role="segment", media_type="video/mp4"),))


def test_a_worker_process_that_dies_is_a_crash_and_another_try_succeeds(tmp_path: Path) -> None:
    ended = threading.Event()
    backend = make_local(tmp_path, dying, "processes", ended.set)
    first = make_request()
    backend.submit(first)
    assert ended.wait(PATIENCE_S)
    [update] = backend.poll([first.attempt_id])
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "crashed")
    ended.clear()
    second = Request(str(uuid.uuid4()), first.job_key, first.stage, first.backend, first.fingerprint)
    backend.submit(second)
    assert ended.wait(PATIENCE_S)
    assert backend.poll([second.attempt_id])[0].state is UpdateState.DONE
    backend._executors["assembly"].close()


def waiting(request: Request, workspace: Workspace) -> Result:
    """Reports until it is stopped."""
    while True:
        workspace.report(0.5)
        threading.Event().wait(0.005)


def test_a_cancelled_attempt_stops_at_its_next_report(tmp_path: Path) -> None:
    ended = threading.Event()
    backend = make_local(tmp_path, lambda stage: waiting, "threads", ended.set)
    request = make_request()
    backend.submit(request)
    assert backend.poll([request.attempt_id])[0].state is UpdateState.RUNNING
    backend.cancel(request.attempt_id)
    assert ended.wait(PATIENCE_S)
    assert backend.poll([request.attempt_id]) == [Update(request.attempt_id, UpdateState.LOST, reason="it was asked to stop")]
    backend._executors["assembly"].close()
