"""Replays recorded traffic of real ComfyUI servers against a double, and compares what cannot differ.

What is told apart by meaning: ids and file names that the server makes are paired at their first sight and must stay paired;
times, tracebacks, addresses and the texts of node schemas are only looked at for their kind. What depends on real time is held
by gates: a job stands at the very node at which the recording has a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from PIL import Image

from pipeline.double import DoubleServer
from pipeline.double.life import Life
from tests.comfyui_holds import holds, is_submit
from tests.comfyui_pairs import Mismatch, Pairs, same_shape

RECORDINGS = Path(__file__).parent / "data" / "comfyui"
MODELS = {"text_encoders": ("random_clip_l.safetensors",), "diffusion_models": ("tiny_random_t2v.safetensors",)}
DEADLINE_S = 60
SHAPE_ONLY = ("/system_stats", "/extensions", "/internal/logs")
EARLIER = ("/history?max_items=1", "/api/jobs?")
"""Answers that list jobs of earlier scenarios too."""
DIFFERENT_BYTES = {"Content-Length", "Etag", "Last-Modified", "Content-Range", "Date", "Server"}


def recordings(version: str) -> dict[str, dict[str, Any]]:
    """Every scenario of a release by its name."""
    return json.loads(gzip.decompress((RECORDINGS / f"traffic_{version}.json.gz").read_bytes()))


def is_thinned(message: Any) -> bool:
    """Progress between a first and a last step without a picture: which of them are told is a matter of time."""
    if not isinstance(message, dict) or "type" not in message:
        return False
    data = message["data"]
    if message["type"] == "progress":
        return data["max"] > 50 and 1 < data["value"] < data["max"]
    if message["type"] == "progress_state":
        return any(node["max"] > 50 and 1 < node["value"] < node["max"] for node in data["nodes"].values())
    return False


class Listener:
    """One WebSocket: what came, in order."""

    def __init__(self, client: aiohttp.ClientWebSocketResponse) -> None:
        self.client = client
        self.messages: list[Any] = []
        self.task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self.client:
            data = json.loads(message.data) if message.type == aiohttp.WSMsgType.TEXT else decoded(message.data)
            if not is_thinned(data):
                self.messages.append(data)


def decoded(data: bytes) -> dict[str, Any]:
    """A binary message as recordings write it, without what the picture decides."""
    kind, second = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
    if kind == 1:
        return {"event_type": 1, "format_code": second, "image_magic_hex": data[8:12].hex(" ")}
    metadata = json.loads(data[8 : 8 + second])
    return {"event_type": kind, "metadata": metadata, "image_magic_hex": data[8 + second : 12 + second].hex(" ")}


def expected(body: dict[str, Any]) -> dict[str, Any]:
    """A recorded message in the same form."""
    if not body.get("binary"):
        return body
    wanted = ("event_type", "format_code", "metadata", "image_magic_hex")
    return {key: body[key] for key in wanted if key in body}


class Replay:
    """One scenario against one double."""

    def __init__(self, server: DoubleServer, events: list[dict[str, Any]], *, order: str = "jobs") -> None:
        """`order` is what of the order of messages is compared: `all`, `jobs` (each job's, and the lengths of the queue), or
        `ends` (of those lengths only the first and the last: jobs raced with requests in the recording).
        """
        self.server, self.events, self.order = server, events, order
        self.pairs = Pairs(server.setup.home)
        self.holds = holds(events)
        self.listeners: dict[str, Listener] = {}
        self.recorded: dict[str, list[Any]] = {}
        self.etags: dict[str, str] = {}
        self.stalled: socket.socket | None = None
        self.deletes_next = False
        self.compared = 0

    async def run(self) -> None:
        """Play every event in order; raises Mismatch."""
        self._start_counter()
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self.session:
            try:
                for index, event in enumerate(self.events):
                    await self._play(index, event)
                for label in list(self.listeners):
                    await self._close(label)
            finally:
                self.server.gates.open_all()
                if self.stalled is not None:
                    self.stalled.close()
                for listener in self.listeners.values():
                    await listener.client.close()
                    listener.task.cancel()

    def _start_counter(self) -> None:
        """The recorded server had taken jobs before."""
        for event in self.events:
            is_answer = event["channel"] == "http" and event["direction"] == "response"
            if is_answer and is_submit(event) and event["status"] == 200 and isinstance(event["body"]["number"], int):
                assert self.server.life is not None
                before = sum(1 for other in self.events[: self.events.index(event)] if _counts(other))
                self.server.life.queue.counter = abs(event["body"]["number"]) - before + 1
                return

    async def _play(self, index: int, event: dict[str, Any]) -> None:
        channel, direction = event["channel"], event.get("direction")
        if channel == "note":
            await self._note(index, event["body"])
        elif channel == "http" and direction == "request":
            await self._request(index, event)
        elif channel == "ws":
            await self._socket(index, event)

    async def _note(self, index: int, body: Any) -> None:
        if isinstance(body, str) and "is sent signal" in body:
            await self._caught_up()
            await self._until_reached(index)
            await asyncio.to_thread(self.server.kill if "9" in body else self.server.stop)
            self._release(index)
        elif isinstance(body, dict) and "server_up_again_after_s" in body:
            await asyncio.to_thread(self.server.start)
        elif isinstance(body, str) and body.startswith("output file deleted"):
            self.deletes_next = True
        elif isinstance(body, str) and "never reads" in body:
            self.stalled = await asyncio.to_thread(stalled_client, self.server)
        elif isinstance(body, str) and "goes away" in body and self.stalled is not None:
            await self._caught_up()  # who has connected meanwhile is known to the server before the flood begins
            self.stalled.close()

    async def _socket(self, index: int, event: dict[str, Any]) -> None:
        label, direction = event["label"], event["direction"]
        if direction == "connect":
            address = self.server.url + self.pairs.translated(event["path"])
            await self._until_reached(index)
            self.recorded[label] = []
            self.listeners[label] = Listener(await self.session.ws_connect(address, max_msg_size=0))
        elif direction == "out":
            body = event["body"]
            await self.listeners[label].client.send_str(body if isinstance(body, str) else json.dumps(body))
        elif direction == "in":
            if not is_thinned(event["body"]):
                self.recorded[label].append(expected(event["body"]))
            if any(hold.release == index for hold in self.holds):
                await self._caught_up()
                self._release(index)
        elif direction == "closed":
            await self._caught_up()
            await self._close(label)

    async def _close(self, label: str) -> None:
        listener = self.listeners.pop(label)
        await self._wait(lambda: len(listener.messages) >= len(self.recorded[label]), label)
        await listener.client.close()
        await listener.task
        self._compare_messages(label, self.recorded[label], listener.messages)

    def _compare_messages(self, label: str, recorded: list[Any], real: list[Any]) -> None:
        """Job by job in order; the lengths of the queue in order; how the two interleave is a matter of time."""
        groups = [{"all": messages} if self.order == "all" else _by_job(messages) for messages in (recorded, real)]
        for group in groups[0]:
            one, other = groups[0][group], groups[1].get(self.pairs.real.get(group, group), [])
            if group == "status" and self.order == "ends":
                one, other = [one[0], one[-1]], [other[0], other[-1]]
            for number, (then, now) in enumerate(zip(one, other, strict=False)):
                self.pairs.compare(then, now, f"{label} {group} message {number}")
                self.compared += 1
            if len(one) > len(other):
                raise Mismatch(f"{label} {group}: {len(one)} messages recorded, {len(other)} now")

    async def _request(self, index: int, event: dict[str, Any]) -> None:
        answer = self._answer_of(index)
        await self._caught_up()
        for hold in self.holds:
            if hold.submit == index:
                hold.gate = self.server.gates.close(hold.class_type, hold.point, node_id=hold.node_id)
        await self._until_reached(index)
        try:
            if answer["direction"] == "error":
                await self._refused(event)
                return
            await self._exchange(index, event, answer)
        finally:
            self._release(index)

    async def _refused(self, event: dict[str, Any]) -> None:
        try:
            async with self.session.request(event["method"], self.server.url + event["path"]):
                raise Mismatch(f"{event['path']} was answered; the recording has an error")
        except aiohttp.ClientError:
            self.compared += 1

    async def _exchange(self, index: int, event: dict[str, Any], answer: dict[str, Any]) -> None:
        where = f"#{index} {event['method']} {event['path']}"
        if event["method"] == "GET" and event["path"].startswith("/history/") and answer.get("body"):
            await self._wait(lambda: self.pairs.translated(event["path"]).split("/")[-1] in self.server.life.queue.history, where)
        status, headers, data = await self._send(event)
        if status != answer["status"]:
            raise Mismatch(f"{where}: {answer['status']} recorded, {status} now: {data[:600]!r}")
        self._compare_headers(answer, headers, where)
        self._compare_body(event, answer, data, headers, where)
        self.compared += 1
        await self._settled(event, status)
        if self.deletes_next and event["path"].startswith("/history/"):
            self.deletes_next = False
            shown = next(iter(next(iter(json.loads(data).values()))["outputs"].values()))["images"][0]
            (self.server.setup.home / "output" / shown["subfolder"] / shown["filename"]).unlink()

    async def _send(self, event: dict[str, Any]) -> tuple[int, Any, bytes]:
        headers = dict(event.get("headers") or {})
        if headers.get("Origin", "").startswith("http://127.0.0.1:"):
            headers["Origin"] = self.server.url
        if "If-None-Match" in headers:
            headers["If-None-Match"] = self.etags[headers["If-None-Match"]]
        keywords = self._payload(event.get("body"))
        url = self.server.url + self.pairs.translated(event["path"])
        async with self.session.request(event["method"], url, headers=headers, **keywords) as response:
            return response.status, response.headers, await response.read()

    def _payload(self, body: Any) -> dict[str, Any]:
        if body is None:
            return {}
        if isinstance(body, str):
            return {"data": io.BytesIO(b" " * 105_906_176) if body.startswith("<JSON body") else body.encode()}
        if isinstance(body, dict) and "multipart" in body:
            return {"data": form(body["multipart"])}
        return {"data": self.pairs.translated(json.dumps(body)), "skip_auto_headers": ()}

    def _compare_headers(self, answer: dict[str, Any], headers: Any, where: str) -> None:
        for name, value in answer.get("headers", {}).items():
            if name not in headers and not (name == "Content-Length" and answer["method"] == "HEAD"):
                raise Mismatch(f"{where}: header {name} is missing")
            if name == "Etag":
                self.etags[value] = headers[name]
            if name not in DIFFERENT_BYTES and self.pairs.translated(value) != headers[name]:
                raise Mismatch(f"{where}: header {name} is {headers[name]!r}, recorded {value!r}")

    def _compare_body(self, event: dict[str, Any], answer: dict[str, Any], data: bytes, headers: Any, where: str) -> None:
        recorded, path = answer.get("body"), event["path"]
        if recorded is None:
            if data and event["method"] != "HEAD" and answer["status"] != 404:
                raise Mismatch(f"{where}: a body, none recorded")
        elif isinstance(recorded, dict) and recorded.get("binary"):
            magic = bytes.fromhex(recorded["first_bytes_hex"].replace(" ", ""))[:4]
            if not data.startswith(magic) and not path.endswith("webp"):
                raise Mismatch(f"{where}: begins with {data[:8]!r}")
        elif "json" not in headers.get("Content-Type", ""):
            self.pairs.compare(recorded, data.decode(), where)
        elif any(part in path for part in SHAPE_ONLY):
            same_shape(recorded, json.loads(data), where)
        elif path == "/api/jobs" or any(path.startswith(part) for part in EARLIER):
            self._compare_listed(recorded, json.loads(data), where)
        else:
            self.pairs.compare(recorded, json.loads(data), where)

    def _compare_listed(self, recorded: Any, real: Any, where: str) -> None:
        """Of lists that hold jobs of earlier scenarios, only the jobs of this one."""
        if "error" in recorded or "jobs" not in recorded:
            self.pairs.compare(recorded, real, where) if "error" in recorded else None
            return
        known = [job for job in recorded["jobs"] if job["id"] in self.pairs.real or job["id"] in self.pairs.recorded]
        for then, now in zip(known, real["jobs"], strict=False):
            self.pairs.compare(then, now, where)
        self.pairs.compare(sorted(recorded["pagination"]), sorted(real["pagination"]), where)

    async def _settled(self, event: dict[str, Any], status: int) -> None:
        """The next request must not overtake the worker: it has taken the job, or acted on the flag."""
        life = self.server.life
        if event["method"] != "POST" or status != 200 or life is None or not self.server.is_working:
            return
        if event["path"] == "/prompt":
            is_held = any(hold.gate is not None and not hold.gate.opened.is_set() for hold in self.holds)
            await self._wait(lambda: self._is_settled(life, is_held), "taken")
        if event["path"] == "/free":
            await self._wait(lambda: life.queue.has_no_flags() or life.queue.running, "freed")

    def _is_settled(self, life: Life, is_held: bool) -> bool:
        """The worker has taken the job if one is held, and is done with it if none is."""
        is_taken = life.queue.running or not life.queue.pending if is_held else life.queue.remaining() == 0
        return is_taken or not self.server.is_working

    async def _caught_up(self) -> None:
        """Everything that the recording has heard so far has been heard here too."""
        for label, listener in self.listeners.items():
            await self._wait(lambda: len(listener.messages) >= len(self.recorded[label]), label)  # noqa: B023

    async def _until_reached(self, index: int) -> None:
        for hold in self.holds:
            if hold.gate is not None and hold.first <= index <= hold.release and not hold.gate.opened.is_set():
                await self._wait(hold.gate.reached.is_set, f"{hold.class_type} at {hold.point}")

    def _release(self, index: int) -> None:
        for hold in self.holds:
            if hold.gate is not None and hold.release == index:
                hold.gate.open()

    async def _wait(self, is_so: Any, what: str) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                while not is_so():
                    await asyncio.sleep(0.003)
            return
        heard = {label: [message.get("type") for message in listener.messages][-6:] for label, listener in self.listeners.items()}
        raise Mismatch(f"{what}: waited in vain; heard last {heard}")

    def _answer_of(self, request: int) -> dict[str, Any]:
        event = self.events[request]
        for other in self.events[request + 1 :]:
            same = other["channel"] == "http" and (other["method"], other["path"]) == (event["method"], event["path"])
            if same and other["direction"] in ("response", "error"):
                return other
        raise Mismatch(f"the recording has no answer to {event['path']}")


def _counts(event: dict[str, Any]) -> bool:
    """Whether a request takes a number from the server's counter."""
    if event["channel"] != "http" or event["direction"] != "request" or not is_submit(event):
        return False
    return not isinstance(event["body"], str) and "number" not in event["body"]


def _by_job(messages: list[Any]) -> dict[str, list[Any]]:
    """Messages by the job they are about; those of no job by their type."""
    groups: dict[str, list[Any]] = {}
    job = ""
    for message in messages:
        data = message.get("data", message.get("metadata", {}))
        if "event_type" in message and "metadata" not in message:
            key = job
        else:
            key = data.get("prompt_id") or message.get("type", "binary")
            job = data.get("prompt_id") or job
        groups.setdefault(key, []).append(message)
    return groups


def form(fields: dict[str, Any]) -> aiohttp.FormData:
    """A multipart body as the recording describes it; equal sizes stand for equal bytes."""
    data = aiohttp.FormData()
    for name, value in fields.items():
        match = re.fullmatch(r"<file filename=(.+) (\d+) bytes>", value or "")
        if match:
            data.add_field(name, io.BytesIO(content(match[1], int(match[2]))), filename=match[1])
        elif value is not None:
            data.add_field(name, value)
    if not data.is_multipart:
        data.add_field("nothing", "", content_type="text/plain")
    return data


def content(name: str, size_bytes: int) -> bytes:
    """A file of this size; a picture if it is called one, unless it is the one that only pretends."""
    if name.startswith("note") or not name.endswith(".png"):
        return b"x" * size_bytes
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (size_bytes % 256, 90, 60)).save(buffer, "PNG")
    return buffer.getvalue().ljust(size_bytes, b"\0")


def stalled_client(server: DoubleServer) -> socket.socket:
    """A WebSocket client that is told the first status, which says that it is known to the server, and then never reads."""
    address = urlsplit(server.url)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    client.sendall(
        b"GET /ws?clientId=client-stalled HTTP/1.1\r\nHost: " + address.netloc.encode() + b"\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    heard = b""
    while b"client-stalled" not in heard:
        heard += client.recv(64)
    return client
