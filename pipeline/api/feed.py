"""`/ws/events`: committed events in order, resumable by sequence number. The event table is the source."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from pipeline.domain.records import Event

log = logging.getLogger(__name__)
router = APIRouter()

_LOOK_EVERY_S = 0.05
_TROUBLE_S = 1.0
_AT_ONCE = 1000
_MOST_BACKLOG = 20_000
_MOST_WAITING = 200
_PING_S = 20.0
_PATIENCE_S = 10.0
_LARGEST_ID = 2**63 - 1
TOO_SLOW = 4008
"""The code a connection is closed with that does not keep up; the page connects again from where it was."""
TRY_AGAIN = 1013
"""The code a connection is closed with when the database does not answer."""

Read = Callable[..., Sequence[Event]]


def as_json(event: Event) -> dict[str, Any]:
    """An event as it is sent."""
    return {
        "seq": event.seq,
        "at": event.at.isoformat(),
        "type": event.type,
        "run_id": event.run_id,
        "subject": event.subject,
        "subject_id": event.subject_id,
        "actor": event.actor,
        "cause": event.cause,
        "data": dict(event.data),
    }


class Told(NamedTuple):
    """An event as text, written once for all that it is sent to."""

    seq: int
    run_id: int | None
    text: str


class Feed:
    """Reads new events once for all listeners of this process, and only while somebody listens."""

    def __init__(self, read: Read, last_seq: Callable[[], int]) -> None:
        self._read = read
        self._last_seq = last_seq
        self._listeners: set[asyncio.Queue[list[Told]]] = set()
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[asyncio.Queue[list[Told]]]:
        """New events in batches; a listener that lets them pile up gets an empty batch, and nothing after that."""
        queue: asyncio.Queue[list[Told]] = asyncio.Queue(_MOST_WAITING + 1)
        self._listeners.add(queue)
        try:
            await self._read_on()
            yield queue
        finally:
            self._listeners.discard(queue)
            if not self._listeners and self._reader is not None:
                self._reader.cancel()
                self._reader = None

    async def _read_on(self) -> None:
        """One reader, however many listeners come at once; it stands at a known number before any of them goes on."""
        async with self._starting:
            if self._reader is None:
                seq = await self.newest()
                self._reader = asyncio.create_task(self._go_on(seq))

    async def since(self, seq: int, run_id: int | None) -> list[Told]:
        """The events after `seq`, at most a batch."""
        return await asyncio.to_thread(self._since, seq, run_id)

    def _since(self, seq: int, run_id: int | None) -> list[Told]:
        events = self._read(seq, limit=_AT_ONCE, run_id=run_id)
        return [Told(event.seq, event.run_id, json.dumps(as_json(event))) for event in events]

    async def newest(self) -> int:
        """The number of the newest event."""
        return await asyncio.to_thread(self._last_seq)

    async def _go_on(self, seq: int) -> None:
        while True:
            try:
                events = await self.since(seq, None)
            except Exception as error:  # whatever the database has, the listeners must not be left without a reader
                log.warning("the feed waits: %s", error)
                await asyncio.sleep(_TROUBLE_S)
                continue
            if events:
                seq = events[-1].seq
                for queue in list(self._listeners):
                    self._put(queue, events)
            if len(events) < _AT_ONCE:
                await asyncio.sleep(_LOOK_EVERY_S)

    def _put(self, queue: asyncio.Queue[list[Told]], events: list[Told]) -> None:
        if queue.qsize() >= _MOST_WAITING:
            self._listeners.discard(queue)
            events = []
        queue.put_nowait(events)


@router.websocket("/ws/events")
async def events(
    socket: WebSocket,
    run: int | None = Query(None, ge=0, le=_LARGEST_ID),
    after: int = Query(-1, ge=-1, le=_LARGEST_ID),
) -> None:
    """Every committed event after `after` (-1: from now on), of one run when given, as `{seq, events}` messages.

    `seq` is where to resume: it may be larger than the last event's, because events of other runs are left out.
    A client that is too far behind is told `{"reset": true, "seq": …}`: it reads everything anew and goes on from there.
    A silent client is sent `{}` from time to time, so that a dead connection is noticed.
    """
    await socket.accept()
    feed: Feed = socket.app.state.feed
    try:
        async with feed.listen() as queue, asyncio.TaskGroup() as group:
            group.create_task(_until_closed(socket))
            await _send(socket, feed, queue, run, after)
    except* WebSocketDisconnect:
        pass
    except* TimeoutError:
        await _close(socket, TOO_SLOW, "too slow")
    except* Exception as group:
        log.warning("the feed of a page ended: %s", "; ".join(map(str, group.exceptions)))
        await _close(socket, TRY_AGAIN, "the server has trouble")


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """Say good-bye, to whoever still listens."""
    with suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
        await asyncio.wait_for(socket.close(code, reason), _PATIENCE_S)


async def _until_closed(socket: WebSocket) -> None:
    """Raises WebSocketDisconnect when the client is gone; what it says is of no interest."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))


async def _say(socket: WebSocket, text: str) -> None:
    """Send one message. Raises TimeoutError where the client takes nothing for too long."""
    await asyncio.wait_for(socket.send_text(text), _PATIENCE_S)


async def _send(socket: WebSocket, feed: Feed, queue: asyncio.Queue[list[Told]], run: int | None, after: int) -> None:
    seq = await _catch_up(socket, feed, run, after)
    while True:
        try:
            batch = await asyncio.wait_for(queue.get(), _PING_S)
        except TimeoutError:
            await _say(socket, "{}")
            continue
        if not batch:
            raise TimeoutError
        fresh = [event for event in batch if event.seq > seq]
        if fresh:
            seq = fresh[-1].seq
            await _tell(socket, seq, [event for event in fresh if run is None or event.run_id == run])


async def _catch_up(socket: WebSocket, feed: Feed, run: int | None, after: int) -> int:
    """Send what happened since the client was last connected; the answer is the number it has seen now."""
    newest = await feed.newest()
    if after < 0 or after > newest or newest - after > _MOST_BACKLOG:
        await _say(socket, json.dumps({"reset": after >= 0, "seq": newest}))
        return newest
    while events := await feed.since(after, run):
        after = events[-1].seq
        await _tell(socket, after, events)
    if after < newest:
        await _tell(socket, newest, [])
    return max(after, newest)


async def _tell(socket: WebSocket, seq: int, events: Sequence[Told]) -> None:
    if events or seq:
        await _say(socket, f'{{"seq": {seq}, "events": [{", ".join(event.text for event in events)}]}}')
