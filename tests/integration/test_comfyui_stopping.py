"""Many jobs that a server is to stop: it is asked for some of them a look, for a bounded time, and one error is one job's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.adapters.backends.comfyui.looking import STOPPED_AT_ONCE, stop


class Stopper(ThreadingHTTPServer):
    """Notes which jobs it is to stop; it refuses those in `refused`, and is silent while `silent`, until `over`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.silent = False
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Stopper

    def do_POST(self) -> None:
        """Stop one job."""
        job = self.path.split("/")[-2]
        self.server.asked.append(job)
        if self.server.silent:
            self.server.over.wait(60)
        content = b'{"cancelled": true}'
        self.send_response(500 if job in self.server.refused else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Stopper]:
    """One that runs."""
    with Stopper() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.over.set()
        found.shutdown()
        thread.join()


def ids(count: int) -> list[str]:
    """So many ids of jobs."""
    return [str(uuid.uuid4()) for _ in range(count)]


def test_a_job_that_is_not_stopped_keeps_none_of_the_others(server: Stopper) -> None:
    jobs = ids(5)
    server.refused |= set(jobs[:3])
    stop(server.url, jobs)
    assert sorted(server.asked) == sorted(jobs)


def test_of_many_jobs_some_are_stopped_at_one_look_and_others_at_the_next(server: Stopper) -> None:
    jobs = ids(1000)
    stop(server.url, jobs)
    first = set(server.asked)
    assert len(server.asked) == len(first) == STOPPED_AT_ONCE and first < set(jobs)
    stop(server.url, jobs)
    assert len(server.asked) == 2 * STOPPED_AT_ONCE
    assert set(server.asked) > first, "those that it still shows do not hide the rest"


def test_a_silent_server_costs_no_more_than_the_whole_time(server: Stopper) -> None:
    server.silent = True
    stop(server.url, ids(3), timeout_s=50, whole_s=0.3)
    assert len(server.asked) <= 1, "it was left before it answered"
