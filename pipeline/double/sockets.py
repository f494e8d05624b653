"""The WebSockets of one life of a server: one sending loop for all clients, no replay, no time limits (PROTOCOL, /ws)."""

from __future__ import annotations

import asyncio
import json
import struct
import uuid
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import ClientError, WSMsgType, web

from pipeline.double.faults import Faults

PREVIEW, PREVIEW_WITH_FACTS = 1, 4
_IMAGE_FORMATS = {"JPEG": 1, "PNG": 2}


class Sockets:
    """Who listens, and the single queue of what is said. All methods but `say` belong to the loop.

    `client_id` is the owner of the running job and `last_node` the node it is at; both are read at a reconnect.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, features: Mapping[str, Any], faults: Faults) -> None:
        self.loop, self.features, self.faults = loop, features, faults
        self.open: dict[str, web.WebSocketResponse] = {}
        self.flags: dict[str, Mapping[str, Any]] = {}
        self.client_id: str | None = None
        self.last_node: str | None = None
        self._said: deque[tuple[str | int, Any, str | None]] = deque()
        self._rung = asyncio.Event()
        self._is_rung = False
        self._silent: set[web.WebSocketResponse] = set()

    def say(self, kind: str | int, data: Any, to: str | None) -> None:
        """Queue a message from any thread; `to` None means everybody. After the loop's end it is lost."""
        self._said.append((kind, data, to))
        if not self._is_rung:  # the loop is woken once for all that is said before it comes to it
            self._is_rung = True
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._rung.set)

    def wants_facts(self, client_id: str | None) -> bool:
        """Whether this client asked for previews that say whose they are."""
        return bool(self.flags.get(client_id or "", {}).get("supports_preview_metadata"))

    async def send_forever(self) -> None:
        """The sending loop: one message at a time, one client at a time. Whoever does not read holds up everybody."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            self._is_rung = False
            while self._said:
                await self._send(*self._said.popleft())

    async def _send(self, kind: str | int, data: Any, to: str | None) -> None:
        receivers = list(self.open.values()) if to is None else [self.open[to]] if to in self.open else []
        for socket in receivers:
            if socket in self._silent:
                continue
            with suppress(ClientError, ConnectionError, RuntimeError):
                if isinstance(kind, int):
                    await socket.send_bytes(frame(kind, data))
                else:
                    await socket.send_str(json.dumps({"type": kind, "data": data}))

    async def serve(self, request: web.Request, status: Mapping[str, Any]) -> web.WebSocketResponse:
        """One client from its connect to its close. A known clientId replaces the older socket without closing it."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client_id = request.rel_url.query.get("clientId", "") or uuid.uuid4().hex
        self.open.pop(client_id, None)
        self.open[client_id] = socket
        self.flags[client_id] = {}
        if self.faults.take("silent_socket", "/ws"):
            self._silent.add(socket)
        try:
            await self._send("status", {"status": status, "sid": client_id}, client_id)
            if self.client_id == client_id and self.last_node is not None:
                await self._send("executing", {"node": self.last_node}, client_id)
            if self.faults.take("half_open_socket", "/ws") and request.transport:
                self._silent.add(socket)
                request.transport.pause_reading()
            await self._listen(socket, client_id)
        finally:
            # By name, not by socket: the older of two closing makes the newer one deaf, as on the real server.
            self.open.pop(client_id, None)
            self.flags.pop(client_id, None)
            self._silent.discard(socket)
        return socket

    async def _listen(self, socket: web.WebSocketResponse, client_id: str) -> None:
        is_first = True
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            with suppress(ValueError, AttributeError):
                data = json.loads(message.data)
                if is_first and data.get("type") == "feature_flags":
                    self.flags[client_id] = data.get("data", {})
                    await self._send("feature_flags", self.features, client_id)
                is_first = False


def frame(kind: int, data: tuple[str, bytes, Mapping[str, Any]]) -> bytes:
    """A binary message: `data` is the format (JPEG, PNG), the image's bytes and whose it is."""
    image_format, image, facts = data
    if kind == PREVIEW:
        return struct.pack(">II", PREVIEW, _IMAGE_FORMATS[image_format]) + image
    told = json.dumps({**facts, "image_type": f"image/{image_format.lower()}"}).encode()
    return struct.pack(">II", PREVIEW_WITH_FACTS, len(told)) + told + image
