"""What stands before every request: who may call from where, how much may be sent, and what browsers are told."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.api.problems import MEDIA_TYPE, document

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_LOOPBACK_NAMES = {"localhost"}
_MOST_BODY_BYTES = 16 * 1024 * 1024


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
        answer = self._with_headers(send) if scope["type"] == "http" else send
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(scope, answer, *refusal)
        else:
            await self._app(scope, _limited(receive) if scope["type"] == "http" else receive, answer)

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
        if not length.isdigit() or int(length) > _MOST_BODY_BYTES:
            return 413, f"The request is larger than {_MOST_BODY_BYTES // 1024 // 1024} MiB. Send less at a time."
        return None

    def _is_known(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname if host.isascii() and " " not in host else None
        if name is None:
            return False
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
    return origin is None or urlsplit(origin).netloc == host


def _limited(receive: Receive) -> Receive:
    """The body, cut off where it is larger than it may be: a sender need not say its length beforehand."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= _MOST_BODY_BYTES else {"type": "http.disconnect"}

    return counted


async def _refuse(scope: Scope, send: Send, status: int, detail: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": detail[:120]})
        return
    body = json.dumps(document(status, detail)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
