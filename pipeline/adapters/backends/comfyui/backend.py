"""The backend `comfyui`: the three verbs of a performer over a fleet of ComfyUI servers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
import uvloop

from pipeline.adapters.backends.comfyui.calls import Calls, checked_url, new_session, new_socket_session
from pipeline.adapters.backends.comfyui.files import keep_preview, make_ready
from pipeline.adapters.backends.comfyui.job import Job
from pipeline.adapters.backends.comfyui.messages import Preview
from pipeline.adapters.backends.comfyui.performing import Performance
from pipeline.adapters.backends.comfyui.server import Server
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.adapters.backends.updates import update_of
from pipeline.adapters.storage.media_store import nothing
from pipeline.adapters.storage.workspace import Spool
from pipeline.domain.errors import Invalid
from pipeline.domain.work import Request, Result, Update, UpdateState
from pipeline.ports import Executor

_PREVIEW_BYTES = 8 * 1024**2
_CLOSING_S = 10.0


class ComfyBackend:
    """Performs attempts on the servers that their requests name as their place.

    Everything happens in one loop in one thread of its own, which begins with `make_ready` or the first attempt, and ends with
    `close`. What came from a server is decoded and published by `readers`, which are closed with it: where they are processes, a
    file of a server on which a media library falls over takes a reader down, and not the engine.
    `wake` is called from that thread whenever an attempt has ended.
    """

    def __init__(
        self,
        *,
        spool_root: Path,
        media_root: Path,
        readers: Executor,
        wake: Callable[[], None] = lambda: None,
        checkpoint: Callable[[str], None] = nothing,
        timing: Timing | None = None,
    ) -> None:
        self._spool = Spool(spool_root, media_root, checkpoint)
        self._wake = wake
        self._timing = timing or Timing()
        self._jobs: dict[str, Job] = {}
        self._ended: dict[str, Update] = {}
        self._servers: dict[str, Server] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._shown_at: dict[str, float] = {}
        self._sessions: tuple[aiohttp.ClientSession, ...] = ()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._readers = readers
        self._starting = threading.Lock()

    # The three verbs --------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> None:
        """Begin the attempt; a second submission of the same attempt changes nothing.

        Raises Invalid when the request names no server.
        """
        if request.place is None:
            raise Invalid("The attempt was given to no worker of the fleet. Add a worker, and retry.")
        checked_url(request.place.url)
        if request.attempt_id in self._jobs or request.attempt_id in self._ended:
            return
        if not request.is_again or self._spool.result(request.attempt_id) is None:
            self._accept(Job(request, request.place))

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """Where these attempts stand. Of one that was not handed over here the spool may have the result."""
        return [self._stand(attempt_id) for attempt_id in attempt_ids]

    def cancel(self, attempt_id: str) -> None:
        """Ask the attempt to stop. When it succeeds all the same, it is done."""
        job = self._jobs.get(attempt_id)
        if job is not None and self._loop is not None:
            job.is_cancelled = True
            self._loop.call_soon_threadsafe(job.nudge.set)

    def make_ready(self) -> None:
        """Start what the first attempt would else wait for: the loop, and the readers, which load for half a second."""
        self._start_loop()

    def close(self) -> None:
        """Leave the fleet: what runs there goes on, and is found again by the next one to ask."""
        with self._starting:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._leave(), loop).result(_CLOSING_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_CLOSING_S)
        self._readers.close()

    def _stand(self, attempt_id: str) -> Update:
        job = self._jobs.get(attempt_id)  # before what has ended: the loop moves it from the one to the other
        ended = self._ended.pop(attempt_id, None)
        if ended is not None:
            return ended
        if job is not None:
            return job.update()
        result = self._spool.result(attempt_id)
        if result is not None:
            return Update(attempt_id, UpdateState.DONE, result=result)
        return Update(attempt_id, UpdateState.LOST, reason="it was not handed over to a worker")

    # The loop ---------------------------------------------------------------------------------------------------

    def _accept(self, job: Job) -> None:
        job.words = f"waits for {job.place.name}"
        self._jobs[job.id] = job
        self._start_loop().call_soon_threadsafe(self._begin, job)

    def _start_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = uvloop.new_event_loop()
                self._thread = threading.Thread(target=self._run_loop, args=(self._loop,), name="comfyui", daemon=True)
                self._thread.start()
                for _ in range(self._readers.slots):
                    self._readers.start(_ignored, make_ready)
            return self._loop

    @staticmethod
    def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:  # what is still open when it stops is ended in order
            runner.get_loop().run_forever()

    def _begin(self, job: Job) -> None:
        self._tasks[job.id] = asyncio.get_running_loop().create_task(self._perform(job))

    async def _perform(self, job: Job) -> None:
        result: Result | None = None
        error: BaseException | None = None
        try:
            result = await self._performed(job)
        except Exception as raised:
            error = raised
        self._ended[job.id] = update_of(job.id, result, error)
        self._shown_at.pop(job.id, None)
        self._tasks.pop(job.id, None)
        del self._jobs[job.id]
        self._wake()

    async def _performed(self, job: Job) -> Result:
        server = self._server(job.place.url)
        server.join(job)
        performance = Performance(job, server, spool=self._spool, readers=self._readers, timing=self._timing)
        try:
            return await performance.run()
        except Exception:
            if performance.may_be_there:
                server.give_up(job.id)
            raise
        finally:
            server.part(job)

    def _server(self, url: str) -> Server:
        address = checked_url(url)
        if address not in self._servers:
            if not self._sessions:
                self._sessions = (new_session(), new_socket_session())
            session, sockets = self._sessions
            calls = Calls(session, address, answer_s=self._timing.answer_s)
            self._servers[address] = Server(calls, sockets, self._timing, self._show)
        return self._servers[address]

    def _show(self, job: Job, preview: Preview) -> None:
        """Keep a preview while somebody looks, at most so many a second: called by the socket, so nothing is waited for."""
        now = time.monotonic()
        if now - self._shown_at.get(job.id, 0.0) >= self._timing.preview_s and len(preview.picture) <= _PREVIEW_BYTES:
            self._shown_at[job.id] = now
            if not self._spool.is_preview_wanted(job.id):
                return
            self._readers.start(_ignored, keep_preview, preview.picture, self._spool.attempt_folder(job.id))

    async def _leave(self) -> None:
        stopping = [task for attempt_id, task in self._tasks.items() if self._jobs[attempt_id].is_cancelled]
        if stopping:  # whoever asks an attempt to stop and leaves at once still means it
            await asyncio.wait(stopping, timeout=self._timing.stop_s)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self._servers.values():
            await server.close()
        for session in self._sessions:
            await session.close()
        # Connections are closed a turn of the loop after their session.
        await asyncio.sleep(0)


def _ignored(value: object, error: BaseException | None) -> None:
    """Nobody waits for it, and nothing is lost when it fails."""
