"""A server that answers honestly on all routes but one, and there as badly as it can: one kind of badness an address."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from PIL import Image

Respond = Callable[[web.Request, str], Coroutine[Any, Any, web.StreamResponse]]
"""Answers one request; the text is the attempt's id where the server knows it."""


@dataclass(frozen=True)
class Badness:
    """What is bad, in words, and how it is done."""

    name: str
    respond: Respond


def text(name: str, body: str | bytes, *, status: int = 200, **headers: str) -> Badness:
    """A whole answer with a body of bytes."""

    async def respond(request: web.Request, job: str) -> web.StreamResponse:
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        return web.Response(body=content.replace(b"JOB", job.encode()), status=status, headers=headers)

    return Badness(name, respond)


def value(name: str, data: Any) -> Badness:
    """A whole answer in JSON."""
    return text(name, json.dumps(data))


async def _endless(request: web.Request, job: str) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(64):
        await response.write(b" " * 2**20)
    return response


async def _drip(request: web.Request, job: str) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(1000):
        await response.write(b" ")
        await asyncio.sleep(0.05)
    return response


async def _silence(request: web.Request, job: str) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def _cut_off(request: web.Request, job: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    await response.write(b"{")
    assert request.transport is not None
    request.transport.abort()
    return response


async def _nonsense(request: web.Request, job: str) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"\x00\xff HTTP? no\r\n\r\n" * 3)
    request.transport.close()
    return web.Response()


async def _long_header(request: web.Request, job: str) -> web.StreamResponse:
    return web.Response(text="{}", headers={"X-Long": "x" * 100_000})


def history(name: str, **entry: Any) -> Badness:
    """A history of the attempt that asks."""
    whole = {"outputs": {}, "status": {"status_str": "success", "completed": True, "messages": []}} | entry
    return value(name, {"JOB": whole})


def file_named(filename: Any, subfolder: Any = "", kind: Any = "output") -> Badness:
    """A history whose one output file is called so."""
    entry = {"filename": filename, "subfolder": subfolder, "type": kind}
    return history(f"file {filename!r:.30} {subfolder!r:.20} {kind!r:.12}", outputs={"3": {"images": [entry]}})


ANSWERS: list[Badness] = [
    text("empty", ""),
    text("no JSON", "<html>hello</html>"),
    text("half JSON", '{"a": [1, 2'),
    text("deep", "[" * 200_000),
    text("NaN", '{"a": NaN}'),
    text("large number", "9" * 10_000),
    text("lone surrogate", '{"\\ud800": "\\udfff"}'),
    text("no UTF-8", b"\xff\xfe{}"),
    text("zero bytes", b"\x00" * 1000),
    value("null", None),
    value("list", []),
    value("list of lists", [[[[]]]]),
    value("number", 7),
    value("word", "success"),
    value("truth", True),
    value("empty object", {}),
    value("strange object", {"a": {"b": {"c": []}}}),
    value("another job", {"00000000-0000-4000-8000-000000000000": {"outputs": {}, "status": {}}}),
    value("wrong types", {"prompt_id": 7, "number": "x", "node_errors": [], "queue_running": {}, "queue_pending": 3}),
    value("named like ours, empty", {"JOB": None}),
    value("named like ours, a list", {"JOB": [1, 2, 3]}),
    *[text(f"status {status}", "no", status=status) for status in (201, 204, 400, 401, 403, 404, 405, 409, 413, 418, 429)],
    *[text(f"status {status}", "no", status=status) for status in (500, 501, 502, 503, 504, 599)],
    *[
        text(f"redirect {status} to {place}", "", status=status, Location=place)
        for status in (301, 302, 303, 307, 308)
        for place in ("http://169.254.169.254/latest", "file:///etc/passwd", "/elsewhere")
    ],
    text("compressed", gzip.compress(b"{}"), **{"Content-Encoding": "gzip"}),
    text("compressed bomb", gzip.compress(bytes(50_000_000)), **{"Content-Encoding": "gzip"}),
    text("unknown encoding", "{}", **{"Content-Encoding": "brotli-or-so"}),
    Badness("endless", _endless),
    Badness("drip", _drip),
    Badness("silence", _silence),
    Badness("cut off", _cut_off),
    Badness("no HTTP", _nonsense),
    Badness("long header", _long_header),
]
HISTORIES: list[Badness] = [
    *[
        file_named(*names)
        for names in [
            ("../../../etc/passwd",), ("/etc/passwd",), ("..\\..\\x.png",), ("a.png", "../.."), ("a.png", "/tmp"),
            ("a\0b.png",), ("\n.png",), ("x" * 100_000 + ".png",), (7,), (None,), ({"a": 1},), (["a.png"],), ("",), (".png",),
            ("a.png", 7), ("a.png", None), ("a.png", "", "temp"), ("a.png", "", "input"), ("a.png", "", 7), ("a.png", "", ""),
            ("a.exe",), ("a.png?filename=b",), ("a.png#x",), ("%2e%2e%2fpasswd.png",), ("\ud800.png",), ("CON.png",), ("a.png ",),
        ]
    ],
    history("outputs a list", outputs=[1, 2]),
    history("outputs null", outputs=None),
    history("node a list", outputs={"3": [1]}),
    history("images an object", outputs={"3": {"images": {"a": 1}}}),
    history("images words", outputs={"3": {"images": ["a.png", 7, None]}}),
    history("many files", outputs={"3": {"images": [{"filename": f"{n}.png", "type": "output"} for n in range(30_000)]}}),
    history("status null", status=None, outputs={}),
    history("status a word", status="success"),
    history("status unknown", status={"status_str": "well"}),
    history("messages strange", status={"status_str": "success", "messages": [1, [], ["x"], ["execution_start", 7], [{}, {}]]}),
    history("times strange", status={"status_str": "success", "messages": [["execution_start", {"timestamp": "x"}]]}),
    history("times endless", status={
        "status_str": "success",
        "messages": [["execution_start", {"timestamp": 1}], ["execution_success", {"timestamp": 1e308}]],
    }),
    history("error without words", status={"status_str": "error", "messages": []}),
    history("error of wrong types", status={"status_str": "error", "messages": [["execution_error", {
        "node_type": 7, "exception_type": [], "exception_message": {"a": 1}, "traceback": "x",
    }]]}),
    history("error with everything in it", status={"status_str": "error", "messages": [["execution_error", {
        "node_type": "<script>/etc/passwd", "exception_type": "E" * 10_000,
        "exception_message": "/home/ann/secret.txt C:\\Users\\ann " * 10_000, "traceback": ["File \"/home/ann/x.py\", line 1"],
    }]]}),
]  # fmt: skip
PICTURES: list[Badness] = [
    text("no picture", b"GIF89a" + bytes(100)),
    text("half a picture", b"\x89PNG\r\n\x1a\n" + bytes(20)),
    text("a program", b"\x7fELF" + bytes(1000)),
    text("a playlist", b"#EXTM3U\nfile:///etc/passwd\n"),
    text("a drawing", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    text("a huge picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (10**6).to_bytes(4) * 2 + bytes(20)),
]
FRAMES: list[str | bytes] = [
    "", "{", "null", "[]", "7", "[" * 50_000, '{"type": 7}', '{"type": "executing"}', '{"type": "executing", "data": null}',
    '{"type": "progress_state", "data": {"prompt_id": "JOB", "nodes": []}}',
    '{"type": "progress_state", "data": {"prompt_id": "JOB", "nodes": {"3": null, "2": [], "1": {"value": "x", "max": -1}}}}',
    '{"type": "progress", "data": {"prompt_id": "JOB", "node": 7, "value": 1e999, "max": NaN}}',
    '{"type": "execution_cached", "data": {"prompt_id": "JOB", "nodes": {"a": 1}}}',
    '{"type": "executing", "data": {"prompt_id": "JOB", "node": {"a": 1}}}',
    '{"type": "executing", "data": {"prompt_id": "JOB", "node": null}}',
    b"", b"\x00", b"\x00\x00\x00\x04", b"\x00\x00\x00\x04\xff\xff\xff\xff", b"\x00\x00\x00\x04\x00\x00\x00\x02{}", bytes(100_000),
    b"\x00\x00\x00\x04\x00\x00\x00\x03\xff\xff\xff",
]  # fmt: skip


def png() -> bytes:
    """A picture of the size that is asked for."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (9, 200, 9)).save(buffer, "PNG")
    return buffer.getvalue()


CASES: dict[str, tuple[str, Badness]] = {
    f"{route} {badness.name}": (route, badness)
    for route, kinds in {
        "/prompt": ANSWERS,
        "/history": ANSWERS + HISTORIES,
        "/queue": ANSWERS,
        "/view": ANSWERS + PICTURES,
        "/upload": ANSWERS,
        "/ws": ANSWERS,
    }.items()
    for badness in kinds
}
"""Every case by its name: the route, and what is bad there."""


class Hostile:
    """The server, in a thread of its own. `url(number)` is the address where case `number` is at home."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.jobs: dict[str, str] = {}
        self.cases = list(CASES.values())
        self.port = 0
        self.visited: list[str] = []

    def __enter__(self) -> Hostile:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()

    def url(self, number: int) -> str:
        """Where this case is at home."""
        return f"http://127.0.0.1:{self.port}/{number}"

    async def _start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{number:[0-9]+}{rest:/.*}", self._answer)
        application.router.add_route("*", "/{rest:.*}", self._strayed)
        self.runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def _strayed(self, request: web.Request) -> web.StreamResponse:
        self.visited.append(request.path)
        return web.Response(status=404)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        number, path = request.match_info["number"], request.match_info["rest"]
        job = self.jobs.get(number, "")
        if path == "/prompt" and request.method == "POST":
            job = self.jobs[number] = (await request.json())["prompt_id"]
        route, badness = self.cases[int(number)] if int(number) < len(self.cases) else ("", ANSWERS[0])
        if route and path.startswith(route):
            return await badness.respond(request, job)
        return await self._honest(request, path, job)

    async def _honest(self, request: web.Request, path: str, job: str) -> web.StreamResponse:
        if path == "/ws":
            return await self._socket(request)
        if path == "/prompt":
            return web.json_response({"prompt_id": job, "number": 1, "node_errors": {}})
        if path.startswith("/history"):
            files = {"3": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]}}
            return web.json_response({job: {"outputs": files, "status": {"status_str": "success", "messages": []}}})
        if path == "/view":
            return web.Response(body=png()) if request.query.get("type") == "output" else web.Response(status=404)
        if path == "/upload/image":
            return web.json_response({"name": "a.png", "subfolder": "", "type": "input"})
        return web.json_response({"queue_running": [], "queue_pending": []})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        """Every frame that is no message, all the time."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        number = request.match_info["number"]
        try:
            for frame in FRAMES:
                job = self.jobs.get(number, "").encode()
                if isinstance(frame, bytes):
                    await socket.send_bytes(frame)
                else:
                    await socket.send_str(frame.replace("JOB", job.decode()))
            async for _ in socket:
                pass
        except ConnectionError:
            pass
        return socket
