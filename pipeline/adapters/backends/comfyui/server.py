"""One server of the fleet, as far as this process knows it: its attempts, its socket, its uploads, its queue."""

from __future__ import annotations

import asyncio
import mimetypes
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from pipeline.adapters.backends.comfyui.answers import Ended, Garbled, Queue, parse_history, parse_queue
from pipeline.adapters.backends.comfyui.calls import Calls, NoAnswer
from pipeline.adapters.backends.comfyui.given_up import GivenUp
from pipeline.adapters.backends.comfyui.job import Job
from pipeline.adapters.backends.comfyui.listening import Listener
from pipeline.adapters.backends.comfyui.messages import Message, Preview
from pipeline.adapters.backends.comfyui.numbers import table, text
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.domain.work import InputFile

QUEUE_LIMIT = 64 * 1024**2
_WEDGED_LOOKS = 3
_TIMES_TAKEN_BACK = 3
_INTERRUPTS_BY_ID = (0, 3, 64)
"""From this version on an interrupt that names a job is known to spare all others."""


@dataclass(frozen=True)
class Sighting:
    """Where a job was seen. `ended` is set when it is in the history."""

    is_running: bool = False
    is_pending: bool = False
    ended: Ended | None = None

    @property
    def is_known(self) -> bool:
        """Whether the server knows the job at all."""
        return self.is_running or self.is_pending or self.ended is not None


class Server:
    """The state of one server. Lives in the loop. All calls raise NoAnswer or Garbled when there is no answer to go by."""

    def __init__(
        self, calls: Calls, sockets: aiohttp.ClientSession, timing: Timing, show: Callable[[Job, Preview], None]
    ) -> None:
        self.calls = calls
        self.listener = Listener(sockets, calls.url, self._hear, timing)
        self.why_wedged = ""
        """Why it will run nothing of what it has accepted, in words; empty while it works."""
        self._timing = timing
        self._show = show
        self._jobs: dict[str, Job] = {}
        self._given_up = GivenUp(self.take_back)
        self._listening: asyncio.Task[None] | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._uploads: dict[str, str] = {}
        self._schemas: dict[str, Any] = {}
        self._version: tuple[int, ...] = ()
        self._life = -1
        self._asked_to_stop: dict[str, float] = {}
        self._others_since: dict[str, float] = {}
        self._idle_looks = 0
        self._idle_since = 0.0

    def join(self, job: Job) -> None:
        """The attempt is this server's from now on; the socket is opened where it is not."""
        self._jobs[job.id] = job
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self._listening is None:
            self._listening = asyncio.create_task(self.listener.run())

    def part(self, job: Job) -> None:
        """The attempt has ended. The socket is closed a while after the last one."""
        self._jobs.pop(job.id, None)
        if not self._jobs and self._rest is None:
            self._rest = asyncio.get_running_loop().call_later(self._timing.linger_s, self._hang_up)

    def give_up(self, job_id: str) -> None:
        """Nobody waits for the attempt any more, and the server may have it, or get it late: it is stopped when it is seen."""
        self._given_up.add(job_id)

    def _hang_up(self) -> None:
        self._rest = None
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def close(self) -> None:
        """Close the socket."""
        await self._given_up.close()
        if self._rest is not None:
            self._rest.cancel()
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    def _hear(self, message: Message) -> None:
        job = self._jobs.get(message.job)
        if job is None:
            self._given_up.seen((message.job,))
            return
        job.hear(message)
        if isinstance(message, Preview):
            self._show(job, message)

    async def sight(self, job_id: str) -> Sighting:
        """Look for a job: in the history, in the queue, and in the history again, for it may have moved in between."""
        ended = await self._history(job_id)
        if ended is not None:
            return Sighting(ended=ended)
        queue = await self.queue()
        if job_id in queue:
            return Sighting(is_running=job_id in queue.running, is_pending=job_id in queue.pending)
        return Sighting(ended=await self._history(job_id))

    async def _history(self, job_id: str) -> Ended | None:
        return parse_history(await self.calls.ask(f"/history/{job_id}"), job_id)

    async def queue(self) -> Queue:
        """The queue as it is now; each look may find what was given up, and that the server is wedged, or is no longer.

        It is when jobs wait and none runs, again and again, and when something runs on that was asked to stop long ago.
        """
        queue = parse_queue(await self.calls.ask("/queue", limit=QUEUE_LIMIT))
        self._given_up.seen(queue)
        now = time.monotonic()
        self._asked_to_stop = {job_id: at for job_id, at in self._asked_to_stop.items() if job_id in queue}
        self._others_since = {job_id: self._others_since.get(job_id, now) for job_id in queue.running - self._jobs.keys()}
        if queue.running or not queue.pending:
            self._idle_looks = 0
        else:
            self._idle_since = self._idle_since if self._idle_looks else now
            self._idle_looks += 1
        is_idle = self._idle_looks >= _WEDGED_LOOKS and now - self._idle_since >= self._timing.wedged_s
        self.why_wedged = "accepts jobs but runs none" if is_idle else ""
        if any(self.is_stuck(job_id) for job_id in queue.running):
            self.why_wedged = f"did not end a job within {self._timing.stuck_s:.0f} s of being asked to, and runs nothing else"
        return queue

    @property
    def others(self) -> frozenset[str]:
        """The running jobs that are not of this process."""
        return frozenset(self._others_since)

    @property
    def others_run_s(self) -> float:
        """For how long one of them has been seen to run, the longest where there are several."""
        return time.monotonic() - min(self._others_since.values()) if self._others_since else 0.0

    def is_stuck(self, job_id: str) -> bool:
        """Whether a job was still there in the last look, long after the server was asked to stop it."""
        at = self._asked_to_stop.get(job_id)
        return at is not None and time.monotonic() - at >= self._timing.stuck_s

    async def uploaded(self, file: InputFile) -> str:
        """The name by which graphs load this file; it is sent when the server does not have it yet.

        The name is made of the content, so sending twice does no harm. After a restart of the server it is looked up again.
        """
        self._note_life()
        if file.sha256 not in self._uploads:
            path = Path(file.path)
            name = f"{file.sha256}{mimetypes.guess_extension(file.media_type) or '.png'}"
            if await self.calls.uploaded_bytes(name) != path.stat().st_size:
                name = await self.calls.upload(path, name=name, media_type=file.media_type)
            self._uploads[file.sha256] = name
        return self._uploads[file.sha256]

    async def schemas(self, classes: Sequence[str]) -> Mapping[str, Any]:
        """What the server says of these node classes; asked once a life of the server."""
        self._note_life()
        for name in classes:
            if name not in self._schemas:
                self._schemas[name] = table(await self.calls.ask(f"/object_info/{quote(name, safe='')}")).get(name)
        return self._schemas

    def forget_uploads(self) -> None:
        """The server does not find what it was sent: send it again next time."""
        self._uploads.clear()

    def _note_life(self) -> None:
        """Every new connection may be one to a new process, of another version and with an empty input folder."""
        life = self.listener.connections if self.listener.client_id else -1
        if life < 0 or life != self._life:
            self._life = life
            self._uploads.clear()
            self._schemas.clear()
            self._version = ()

    async def stop(self, job_id: str) -> None:
        """Ask the server to stop one job, by the newest way that it knows. No promise: look again."""
        answer = await self.calls.post(f"/api/jobs/{job_id}/cancel", {})
        if answer.status == 200 and isinstance(table(answer.data).get("cancelled"), bool):
            self._asked_to_stop.setdefault(job_id, time.monotonic())
            return
        if answer.status not in (404, 405):
            raise NoAnswer(f"It does not stop jobs (HTTP status {answer.status}).")
        await self.calls.post("/queue", {"delete": [job_id]})
        self._asked_to_stop.setdefault(job_id, time.monotonic())
        if job_id in (await self.queue()).running and await self._interrupts_by_id():
            await self.calls.post("/interrupt", {"prompt_id": job_id})

    async def take_back(self, job_id: str) -> bool:
        """Have it stopped, and again while it is still there: a server that is just taking it from its queue hears nothing.

        True when it has ended: it will not be seen again. Raises nothing.
        """
        with suppress(NoAnswer, Garbled):
            for _ in range(_TIMES_TAKEN_BACK):
                await self.stop(job_id)
                sighting = await self.sight(job_id)
                if sighting.ended is not None or not sighting.is_known:
                    return sighting.ended is not None
                await asyncio.sleep(self._timing.poll_s)
        return False

    async def _interrupts_by_id(self) -> bool:
        """Older servers stop whatever runs, whoever it belongs to; there a running job is left to end."""
        self._note_life()
        if not self._version:
            system = table(table(await self.calls.ask("/system_stats")).get("system"))
            self._version = version_numbers(text(system.get("comfyui_version")))
        return self._version >= _INTERRUPTS_BY_ID

    async def free(self) -> None:
        """Ask the server to unload its models and forget what it has cached, once the running job has ended."""
        answer = await self.calls.post("/free", {"unload_models": True, "free_memory": True})
        if answer.status != 200:
            raise NoAnswer(f"It does not free its memory (HTTP status {answer.status}).")


def version_numbers(version: str) -> tuple[int, ...]:
    """`0.3.64` as (0, 3, 64); (0,) for what is no version."""
    found = re.match(r"v?(\d{1,6}(?:\.\d{1,6}){0,3})", version)
    return tuple(int(part) for part in found[1].split(".")) if found else (0,)
