"""The socket to one server: always drained, opened anew under a new name when it is lost."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from pipeline.adapters.backends.comfyui.messages import Message, parse
from pipeline.adapters.backends.comfyui.timing import Timing

log = logging.getLogger(__name__)

FRAME_LIMIT = 64 * 1024**2
_FRAMES = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
_FEATURES = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
_SETTLED_S = 10.0
"""A connection that lasted so long was a good one: the next pause is short again."""


class Listener:
    """One socket, opened in the session `sockets`. `hear` is called with each message, in the loop, and must not wait.

    Every connection has a name of its own: a server forgets a name whose older connection closes late, and would then go
    on in silence. What is said to an old name is lost, which does no harm, since the history is polled.
    """

    def __init__(self, sockets: aiohttp.ClientSession, url: str, hear: Callable[[Message], None], timing: Timing) -> None:
        self._sockets = sockets
        parts = urlsplit(url)
        self._address = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, f"{parts.path}/ws", "", ""))
        self._hear = hear
        self._timing = timing
        self._tried = asyncio.Event()
        self._hurry = asyncio.Event()
        self._again = asyncio.Event()
        self.client_id = ""
        self.connections = 0

    async def ready(self) -> str:
        """The name under which messages arrive; a name that nobody hears when the socket cannot be opened soon."""
        if not self.client_id:
            self._tried.clear()
            self._hurry.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), self._timing.socket_s)
        return self.client_id or uuid.uuid4().hex

    def reconnect(self) -> None:
        """Give up this connection, which has gone silent, for a new one."""
        self._again.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            began = time.monotonic()
            self._hurry.clear()
            try:
                await self._connection()
            except Exception as error:  # whatever a socket fails of, the answer is a pause, and the history is polled
                log.debug("the socket of %s was lost: %r", self._address, error)
                self._leave_if_asked()
            finally:
                self._tried.set()
                self.client_id = ""
            failures = 0 if time.monotonic() - began > _SETTLED_S or self._again.is_set() else failures + 1
            self._again.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), self._pause(failures))

    @staticmethod
    def _leave_if_asked() -> None:
        """A socket that is reset while it is being closed answers the cancellation with an error of its own."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    def _pause(self, failures: int) -> float:
        """Longer after each failure, and never the same for all who lost the server at one moment."""
        pause = min(self._timing.longest_backoff_s, self._timing.backoff_s * 2.0 ** min(failures, 16))
        return pause * random.uniform(0.5, 1.0)

    async def _connection(self) -> None:
        client_id = uuid.uuid4().hex
        async with asyncio.timeout(self._timing.answer_s):
            opened = await self._sockets.ws_connect(
                f"{self._address}?clientId={client_id}",
                max_msg_size=FRAME_LIMIT, heartbeat=self._timing.ping_s, timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )  # fmt: skip
        async with opened as socket:
            await socket.send_str(_FEATURES)
            self.client_id = client_id
            self.connections += 1
            self._tried.set()
            drain = asyncio.create_task(self._drain(socket))
            again = asyncio.create_task(self._again.wait())
            try:
                await asyncio.wait({drain, again}, return_when=asyncio.FIRST_COMPLETED)
                if drain.done():
                    drain.result()
            finally:
                drain.cancel()
                again.cancel()
                await asyncio.gather(drain, again, return_exceptions=True)

    async def _drain(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take every frame at once: a client that stops reading stops the server's messages to all of its clients."""
        async for frame in socket:
            message = parse(frame.data) if frame.type in _FRAMES else None
            if message is not None:
                self._hear(message)
