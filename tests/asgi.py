"""Asks an ASGI application directly: no network, and headers that no client library would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

HOST = "localhost:8050"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that it must be."""
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert {"type", "title", "status", "detail"} <= set(found)
        assert found["status"] == self.status
        return found


def ask(
    app: ASGIApp,
    path: str = "/",
    *,
    method: str = "GET",
    host: str = HOST,
    headers: Mapping[str, str] | None = None,
    chunks: Sequence[bytes] = (),
) -> Answer:
    """One request. The body is sent in these pieces, and its length only when a header says it."""
    sent: list[Message] = []
    pieces = list(chunks) or [b""]
    waiting = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)} for number, piece in enumerate(pieces, 1)
    ]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(_scope("http", path, host, headers, method=method), receive, send))
    start = sent[0]
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


def connect(app: ASGIApp, path: str, *, host: str = HOST, headers: Mapping[str, str] | None = None) -> list[Message]:
    """Try a WebSocket and leave at once; the answer is what the server said."""
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(_scope("websocket", path, host, headers), receive, send))
    return sent


def _scope(kind: str, path: str, host: str, headers: Mapping[str, str] | None, **more: Any) -> dict[str, Any]:
    named = {"host": host, **(headers or {})}
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8050),
        "subprotocols": [],
        "state": {},
        **more,
    }
