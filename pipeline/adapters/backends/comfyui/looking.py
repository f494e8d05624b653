"""Questions about one server, asked from any thread that has no loop of its own: what it is, whether it works, free memory.

Each function makes a connection of its own and closes it. All raise Invalid for what is no address of a server, and
Unavailable, with the reason, when there is no answer to go by.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from pipeline.adapters.backends.comfyui.answers import parse_queue
from pipeline.adapters.backends.comfyui.calls import Calls, NoAnswer, new_session
from pipeline.adapters.backends.comfyui.numbers import finite, row, table, text
from pipeline.adapters.backends.comfyui.server import QUEUE_LIMIT, Server
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.domain.errors import Unavailable

OBJECT_INFO_LIMIT = 64 * 1024**2
_DEVICES_LIMIT = 64
_CANARY_LOOK_S = 0.02
_IDS_LIMIT = 5_000
STOPPED_AT_ONCE = 50
_STOPPING_S = 10.0
_OURS = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CANARY = "0ca4a127"
"""The id of every canary begins so: whoever reads the history of a server can tell them from work."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Device:
    """A device that a server computes on. Memory in bytes; `free_bytes` counts cached models as used."""

    name: str
    kind: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Stand:
    """How a server stands: its version, its devices, and how many jobs run and wait there, everybody's.

    `ids` are those of them whose ids could be ours, at most so many.
    """

    version: str
    devices: tuple[Device, ...]
    running: int
    pending: int
    answered_in_s: float
    ids: frozenset[str] = frozenset()


def look(url: str, *, timeout_s: float = 5.0) -> Stand:
    """How the server stands."""
    return _asked(url, timeout_s, _look)


def object_info(url: str, *, timeout_s: float = 30.0) -> Mapping[str, Mapping[str, Any]]:
    """Every node class that the server has, with its schema; the options of loaders are the model files that it has."""
    return _asked(url, timeout_s, _object_info)


def canary(url: str, *, timeout_s: float = 10.0) -> float:
    """Have the server perform a tiny graph, the only proof that it works; how many seconds it took from end to end."""
    return _asked(url, timeout_s, lambda calls: _canary(calls, timeout_s))


def free(url: str, *, timeout_s: float = 5.0) -> None:
    """Ask the server to unload its models and forget what it has cached, once its running job has ended."""
    _asked(url, timeout_s, lambda calls: _server(calls).free())


def stop(url: str, job_ids: Collection[str], *, timeout_s: float = 5.0, whole_s: float = _STOPPING_S) -> None:
    """Ask the server to stop these jobs, and no others; of many, some. No promise: look again.

    All of it takes at most `whole_s`, whatever the server does, and a job that it does not stop keeps none of the others.
    """
    _asked(url, timeout_s, lambda calls: _stop(calls, job_ids, whole_s))


def _server(calls: Calls) -> Server:
    """The server as whoever asks one thing of it needs it: nobody listens at its socket."""
    return Server(calls, calls.session, Timing(), lambda job, preview: None)


def _asked(url: str, timeout_s: float, ask: Callable[[Calls], Awaitable[_T]]) -> _T:
    async def answer() -> _T:
        async with new_session() as session:
            return await ask(Calls(session, url, answer_s=timeout_s))

    return asyncio.run(answer())


async def _look(calls: Calls) -> Stand:
    began = time.monotonic()
    stats = table(await calls.ask("/system_stats"))
    version = text(table(stats.get("system")).get("comfyui_version"), 40)
    if not version:
        raise NoAnswer("It is no ComfyUI server: it does not tell its version.")
    queue = parse_queue(await calls.ask("/queue", limit=QUEUE_LIMIT))
    return Stand(
        version=version,
        devices=tuple(_device(table(device)) for device in row(stats.get("devices"))[:_DEVICES_LIMIT]),
        running=len(queue.running),
        pending=len(queue.pending),
        answered_in_s=time.monotonic() - began,
        ids=frozenset(islice(filter(_OURS.fullmatch, (*queue.running, *queue.pending)), _IDS_LIMIT)),
    )


def _device(facts: dict[str, Any]) -> Device:
    return Device(
        name=text(facts.get("name")),
        kind=text(facts.get("type"), 40),
        total_bytes=max(0, int(finite(facts.get("vram_total")))),
        free_bytes=max(0, int(finite(facts.get("vram_free")))),
    )


async def _stop(calls: Calls, job_ids: Collection[str], whole_s: float) -> None:
    server = _server(calls)
    # Drawn by chance: those that it never stops would else be the same at every look, and hide the rest.
    some = random.sample(list(job_ids), min(STOPPED_AT_ONCE, len(job_ids)))
    with suppress(TimeoutError):
        async with asyncio.timeout(whole_s):
            for job_id in some:
                with suppress(Unavailable):
                    await server.stop(job_id)


async def _object_info(calls: Calls) -> Mapping[str, Mapping[str, Any]]:
    classes = await calls.ask("/object_info", limit=OBJECT_INFO_LIMIT)
    if not isinstance(classes, dict) or not all(isinstance(schema, dict) for schema in classes.values()):
        raise NoAnswer("Its list of node classes cannot be read.")
    return classes


async def _canary(calls: Calls, timeout_s: float) -> float:
    """A picture of 8x8 pixels in a colour of its own: else it would be answered from the cache."""
    began, job = time.monotonic(), CANARY + str(uuid.uuid4())[len(CANARY) :]
    graph = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": random.randrange(1 << 24)},
        },
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    answer = await calls.post("/prompt", {"prompt": graph, "prompt_id": job, "client_id": uuid.uuid4().hex})
    if answer.status != 200 or table(table(answer.data).get("node_errors")):
        raise NoAnswer(f"It refuses the smallest of all graphs (HTTP status {answer.status}).")
    server = _server(calls)
    while time.monotonic() - began < timeout_s:
        sighting = await server.sight(job)
        if sighting.ended is not None and sighting.ended.is_success:
            return time.monotonic() - began
        if sighting.ended is not None:
            raise NoAnswer("It fails at the smallest of all graphs.")
        await asyncio.sleep(_CANARY_LOOK_S)
    await server.stop(job)
    raise Unavailable(
        f"It did not perform the smallest of all graphs within {timeout_s:.0f} s: it is busy, or its worker is dead."
    )
