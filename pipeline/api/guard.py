"""What stands before every request: who may call from where, how much may be sent, and what browsers are told."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
from collections.abc import Callable, Collection, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.api.problems import MEDIA_TYPE, document

log = logging.getLogger(__name__)

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_LOOPBACK_NAMES = {"localhost"}
_MOST_BODY_BYTES = 16 * 1024 * 1024
_MOST_LENGTH_DIGITS = 15
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_TOO_LARGE = 413, f"The request is larger than {_MOST_BODY_BYTES // 1024 // 1024} MiB. Send less at a time."
_UNEXPECTED = 500, "Something unexpected happened here. The log of the server has the whole story."

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """One ASGI guard. Refuses with problem documents; adds the security headers to every answer.

    A Host that is a name must be known, so that no foreign name can be pointed at this server (DNS rebinding); an address
    cannot be rebound. A request that changes something, and every WebSocket, must come from a page of this server: browsers
    say where a request comes from, and programs that are no browsers say nothing. `script_hashes` are the inline scripts
    that a page may run, asked for when the page is there.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] = (), script_hashes: Callable[[], Sequence[str]] = tuple) -> None:
        self._app = app
        self._hosts = _LOOPBACK_NAMES | {host.casefold() for host in hosts}
        self._script_hashes = script_hashes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        call = _Call(self._with_headers(send)) if scope["type"] == "http" else None
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(scope, call.send if call else send, *refusal)
        elif call is None:
            await self._app(scope, receive, send)
        else:
            await call.through(self._app, scope, receive)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._is_known(host):
            return 403, (
                f'This server does not answer to the name "{host[:100]}". '
                "Use its address, or name it in STRIPBOARD_HOSTS when you start it."
            )
        is_unsafe = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if is_unsafe and not _is_same_origin(headers, host):
            return 403, "The request comes from another site. Open Stripboard itself and try again."
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return 400, "The length of the request is not a number."
        return _TOO_LARGE if len(length) > _MOST_LENGTH_DIGITS or int(length) > _MOST_BODY_BYTES else None

    def _is_known(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].strip("[]")
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.casefold() in self._hosts
        return True

    def _with_headers(self, send: Send) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                headers["Content-Security-Policy"] = _policy(self._script_hashes() if is_page else ())
                headers.update(_HEADERS)
            await send(message)

        return answer


def _policy(script_hashes: Sequence[str]) -> str:
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",  # Plotly and AG Grid set styles on elements
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _is_same_origin(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].casefold() == host.casefold()


class _Call:
    """One request on its way through: its body is counted, and it gets an answer whatever happens."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._seen = 0
        self._has_begun = False

    async def through(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Let the application answer. A body without a known length is cut off where it is larger than it may be."""

        async def counted() -> Message:
            message = await receive()
            self._seen += len(message.get("body", b""))
            return {"type": "http.disconnect"} if self._is_too_large else message

        try:
            await app(scope, counted, self.send)
        except Exception:
            if not self._is_too_large:
                log.exception("%s %s failed", scope["method"], scope["path"])
            if self._has_begun:
                raise
            await _refuse(scope, self._begin, *(_TOO_LARGE if self._is_too_large else _UNEXPECTED))
        else:
            if self._is_too_large and not self._has_begun:
                await _refuse(scope, self._begin, *_TOO_LARGE)

    @property
    def _is_too_large(self) -> bool:
        return self._seen > _MOST_BODY_BYTES

    async def send(self, message: Message) -> None:
        """Pass the answer on; what the application says of a body that was cut off is not its own to say."""
        if self._has_begun or not self._is_too_large:
            await self._begin(message)

    async def _begin(self, message: Message) -> None:
        self._has_begun = True
        await self._send(message)


async def _refuse(scope: Scope, send: Send, status: int, detail: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": detail[:120]})
        return
    body = json.dumps(document(status, detail)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
