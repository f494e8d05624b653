"""Attempts that were given up at a server which may still have them, or may still get them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container

log = logging.getLogger(__name__)

MOST = 1_000


class GivenUp:
    """The newest attempts that nobody waits for any more at one server; whichever is seen there is taken back at once.

    Lives in the loop. This memory only makes it faster, and ends with the process: whoever looks at the server from outside
    knows by the database what was given up. `take_back` raises nothing.
    """

    def __init__(self, take_back: Callable[[str], Awaitable[bool]], most: int = MOST) -> None:
        self._take_back = take_back
        self._most = most
        self._known: dict[str, None] = {}
        self._stopping: dict[str, asyncio.Task[None]] = {}

    def add(self, job_id: str) -> None:
        """From now on nobody waits for it."""
        self._known[job_id] = None
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def seen(self, there: Container[str]) -> None:
        """What is on the server, everybody's: whatever of it was given up is taken back, beside whatever else goes on."""
        for job_id in [job_id for job_id in self._known if job_id in there and job_id not in self._stopping]:
            log.info("%s was given up, and is on its server: it is stopped there", job_id)
            self._stopping[job_id] = asyncio.get_running_loop().create_task(self._stop(job_id))

    async def _stop(self, job_id: str) -> None:
        try:
            if await self._take_back(job_id):
                self._known.pop(job_id, None)
        finally:
            del self._stopping[job_id]

    async def close(self) -> None:
        """Leave; what has not been stopped is seen again by others."""
        tasks = list(self._stopping.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
