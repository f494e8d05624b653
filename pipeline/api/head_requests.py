"""`HEAD` is answered as `GET` is, without the body: for pages, files and the API alike, whatever their routes take."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS_ALONE = "stripboard.headers_alone"
"""In the scope of a request whose body will be dropped: who would read a large file for it need not."""


class HeadRequests:
    """An ASGI layer inside the guard. What follows sees a `GET`, so nothing but reading can be asked for by `HEAD`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body"}
            await send(message)

        await self._app({**scope, "method": "GET", HEADERS_ALONE: True}, receive, without_body)
