"""A server in a process of its own, a real browser before it, and listeners that stand for open tabs."""

from __future__ import annotations

import importlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from pipeline.bench import chromium
from pipeline.domain.errors import Unavailable

MISSING = (
    "This bench drives a real browser. `./stripboard test --set-up` gets everything that it needs: Playwright, and as root on "
    "Debian Chromium too; elsewhere install Chromium or Chrome."
)
_START_S = 60.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """A board that answers: where, and which process."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def memory_mb(self) -> float:
        """The resident memory of its process."""
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(done.stdout) / 1024


@contextmanager
def server_over(home: Path) -> Iterator[Server]:
    """The board over a home, without an engine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = ["env", f"STRIPBOARD_HOME={home}", sys.executable, "-m", "pipeline", "up", "--no-engine", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    server = Server(port, process.pid)
    try:
        give_up_at = time.monotonic() + _START_S
        while not _is_ready(server):
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"the server did not start:\n{(home / 'server.log').read_text()}")
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait()


def _is_ready(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def plain_server(pages: Mapping[str, str]) -> Iterator[str]:
    """These pages with Plotly beside them, from a server that does nothing else; yields its address."""
    with tempfile.TemporaryDirectory(prefix="stripboard-bench-") as folder:
        for name, content in pages.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        shutil.copy2(str(files("plotly").joinpath("package_data/plotly.min.js")), folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def browser() -> Iterator[Any]:
    """A window of the real browser. Raises Unavailable where there is none, with what to do."""
    program = chromium.find()
    try:
        playwright = importlib.import_module("playwright.sync_api")
    except ImportError:
        raise Unavailable(MISSING) from None
    if program is None:
        raise Unavailable(MISSING)
    with playwright.sync_playwright() as started:
        window = started.chromium.launch(executable_path=program, args=list(chromium.ARGUMENTS))
        context = window.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(60_000)
        yield context
        window.close()


@dataclass
class Listener:
    """One open tab as the server sees it: a socket that is told every event. `heard` is when each number came.

    `is_told` is set by the server's first word: from then on nothing that is committed passes it by.
    """

    client: ClientConnection
    heard: dict[int, float] = field(default_factory=dict)
    is_told: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Until the connection is closed."""
        try:
            for message in self.client:
                now, said = time.time(), json.loads(message)
                self.is_told.set()
                for event in said.get("events", ()):
                    self.heard[event["seq"]] = now
        except ConnectionClosed:
            return


@contextmanager
def listeners(server: Server, count: int, run_id: int) -> Iterator[list[Listener]]:
    """So many open feeds of a run, each read by a thread."""
    address = f"ws://127.0.0.1:{server.port}/ws/events?run={run_id}"
    with ExitStack() as open_ones:
        found = [Listener(open_ones.enter_context(connect(address, max_size=None))) for _ in range(count)]
        threads = [threading.Thread(target=one.listen, daemon=True) for one in found]
        for thread in threads:
            thread.start()
        if not all(one.is_told.wait(_START_S) for one in found):
            raise RuntimeError("the feed did not begin")
        yield found
        for one in found:
            one.client.close()
        for thread in threads:
            thread.join()


@contextmanager
def listeners_apart(server: Server, count: int, run_id: int) -> Iterator[None]:
    """The same in a process of their own, so that they cost the caller nothing."""
    command = [sys.executable, "-m", "pipeline.bench.tabs", str(server.port), str(count), str(run_id)]
    child = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    with child.stdout, child.stdin:
        child.stdout.readline()
        yield
    child.wait()


if __name__ == "__main__":
    with listeners(Server(int(sys.argv[1]), 0), int(sys.argv[2]), int(sys.argv[3])):
        print("listening", flush=True)
        sys.stdin.read()
