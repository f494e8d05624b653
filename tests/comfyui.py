"""A fleet's backend under test: requests with small workflows, short times, and a watcher that waits for what happens."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from pipeline.adapters.backends.comfyui.backend import ComfyBackend
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.adapters.executors.threads import ThreadExecutor
from pipeline.domain.work import InputFile, Place, Request, Update, UpdateState
from pipeline.double import DoubleServer
from pipeline.double.gates import Gate
from pipeline.ports import Executor

PATIENCE_S = 60
QUICK = Timing(
    poll_s=0.1, refused_s=1.0, gone_s=3.0, answer_s=5.0, socket_s=5.0, deaf_s=0.5, wedged_s=0.4, stop_s=0.2,
    linger_s=5.0, ping_s=2.0, backoff_s=0.05, longest_backoff_s=0.2, preview_s=0.0,
)  # fmt: skip
STILL_GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 2244761}},
    "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": 1, "strength": 0.3}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
SEGMENT_GRAPH: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "none.png"}},
    "2": {
        "class_type": "ImageScale",
        "inputs": {"image": ["1", 0], "upscale_method": "bilinear", "width": 8, "height": 8, "crop": "disabled"},
    },
    "3": {"class_type": "RepeatImageBatch", "inputs": {"image": ["2", 0], "amount": 1}},
    "4": {"class_type": "ImageAddNoise", "inputs": {"image": ["3", 0], "seed": 1, "strength": 0.3}},
}
ENDS: dict[str, dict[str, Any]] = {
    "mp4": {
        "5": {"class_type": "CreateVideo", "inputs": {"images": ["4", 0], "fps": 1.0}},
        "6": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["5", 0], "filename_prefix": "x", "format": "mp4", "codec": "h264", "format.codec": "h264"},
        },
    },
    "webm": {
        "6": {
            "class_type": "SaveWEBM",
            "inputs": {"images": ["4", 0], "filename_prefix": "x", "codec": "vp9", "fps": 1.0, "crf": 20.0},
        }
    },
    "webp": {
        "6": {
            "class_type": "SaveAnimatedWEBP",
            "inputs": {
                "images": ["4", 0], "filename_prefix": "x", "fps": 1.0, "lossless": True, "quality": 90, "method": "default",
            },
        }
    },
    "png": {"6": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "x"}}},
}  # fmt: skip
_RATE_NODES = {"mp4": "5", "webm": "6", "webp": "6"}


def binding(slot: str, node: str, name: str, kind: str = "integer") -> dict[str, str]:
    """Where a value goes in a graph."""
    return {"slot": slot, "node": node, "input": name, "type": kind}


def still_request(url: str, *, graph: dict[str, Any] | None = None, **changes: Any) -> Request:
    """An attempt at a still of 64x48 pixels on the server at `url`."""
    bindings = [binding("width", "1", "width"), binding("height", "1", "height"), binding("seed", "2", "seed")]
    asked = {"width": 64, "height": 48, "seed": 5} | changes
    workflow = {"kind": "still", "graph": graph or STILL_GRAPH, "bindings": [] if graph else bindings, "outputs": []}
    return new_request("variant_generation", url, (), {"workflow": workflow, **asked})


def segment_request(url: str, start: InputFile, end: str = "mp4", **changes: Any) -> Request:
    """An attempt at a segment of 12 frames of 64x48 pixels, from a picture, saved in the format of `end`."""
    bindings = [
        binding("start_image", "1", "image", "image"),
        binding("width", "2", "width"),
        binding("height", "2", "height"),
        binding("frames", "3", "amount"),
        binding("seed", "4", "seed"),
    ]
    if end in _RATE_NODES:
        bindings.append(binding("fps", _RATE_NODES[end], "fps", "number"))
    workflow = {"kind": "segment", "graph": SEGMENT_GRAPH | ENDS[end], "bindings": bindings, "outputs": ["6"]}
    asked = {"frames": 12, "fps": 25, "width": 64, "height": 48, "seed": 5} | changes
    return new_request("scene_generation", url, (start,), {"workflow": workflow, **asked})


def new_request(stage: str, url: str, inputs: Sequence[InputFile], parameters: dict[str, Any]) -> Request:
    """An attempt of its own."""
    attempt = str(uuid.uuid4())
    return Request(
        attempt_id=attempt,
        job_key=f"job-{attempt[:6]}",
        stage=stage,
        backend="comfyui",
        fingerprint="f" * 64,
        inputs=tuple(inputs),
        parameters=parameters,
        place=Place("gpu-1", url),
    )


class Watched:
    """A backend at home in a folder, and the waiting for its attempts. `close` it, or use it as a context."""

    def __init__(self, home: Path, timing: Timing = QUICK, readers: Executor | None = None) -> None:
        self.woken = threading.Event()
        self.home = home
        self.backend = ComfyBackend(
            spool_root=home / "spool",
            media_root=home / "media",
            readers=readers or ThreadExecutor(4),
            wake=self.woken.set,
            timing=timing,
        )

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.backend.close()

    def poll(self, request: Request) -> Update:
        """How it stands now."""
        [update] = self.backend.poll([request.attempt_id])
        return update

    def wait(
        self, request: Request, until: Callable[[Update], bool] = lambda update: update.state != UpdateState.RUNNING
    ) -> Update:
        """How it stands once `until` says so: when it has ended, if nothing else is asked. Fails after a minute."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.woken.clear()
            update = self.poll(request)
            if until(update):
                return update
            assert update.state == UpdateState.RUNNING, update
            self.woken.wait(0.02)
        raise AssertionError(f"it waits for ever: {update}")

    def take_over(self, request: Request) -> None:
        """Go on with what another process may have sent."""
        self.backend.submit(replace(request, is_again=True))

    def performed(self, request: Request) -> Update:
        """Send it, and wait for its end."""
        self.backend.submit(request)
        return self.wait(request)

    def path(self, sha256: str) -> Path:
        """Where a published file lies."""
        return self.home / "media" / sha256[:2] / sha256[2:]


@contextmanager
def left_at_work(server: DoubleServer, home: Path, request: Request) -> Iterator[Gate]:
    """A program has handed the attempt over and ended; the gate holds it at its server."""
    with server.gates.held("ImageAddNoise") as gate:
        with Watched(home) as house:
            house.backend.submit(request)
            assert gate.reached.wait(PATIENCE_S)
        yield gate


def eventually(claim: Callable[[], bool]) -> None:
    """Wait until it is true; fails after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline, "it never came true"
        threading.Event().wait(0.02)


def outcomes(server: DoubleServer, request: Request) -> list[str]:
    """What the server's ledger says of the attempt."""
    return fate_of(server, request.attempt_id)


def is_interrupting(server: DoubleServer) -> bool:
    """Whether the server has been asked to interrupt what runs."""
    return server.life is not None and server.life.interrupted.is_set()


def foreign_job(server: DoubleServer) -> str:
    """Somebody else's job in the queue of the server; the answer is its id."""
    graph = STILL_GRAPH | {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}}}
    body = {"prompt": graph, "prompt_id": str(uuid.uuid4())}
    assert requests.post(f"{server.url}/prompt", json=body, timeout=PATIENCE_S).status_code == 200
    return body["prompt_id"]


def fate_of(server: DoubleServer, job_id: str) -> list[str]:
    """What the server's ledger says of a job: `began`, and how it ended."""
    return [line.get("outcome", line["event"]) for line in server.ledger.lines() if line["prompt_id"] == job_id]


def place_of(server: DoubleServer, job_id: str) -> str:
    """Where a job is on the server: it runs, it waits, or it is not there."""
    assert server.life is not None
    running, pending = server.life.queue.current()
    return "runs" if job_id in [entry[1] for entry in running] else "waits" if job_id in [entry[1] for entry in pending] else ""
