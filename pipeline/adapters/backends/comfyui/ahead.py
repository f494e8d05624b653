"""Files fetched before it is certain that they are wanted: the socket says what was made, the history decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from pipeline.adapters.backends.comfyui.answers import MadeFile


class FetchedAhead:
    """At most one fetching of an attempt's files, which are named by number: a wrong one ends before another begins."""

    def __init__(self, fetch: Callable[[list[MadeFile]], Coroutine[Any, Any, list[Path]]]) -> None:
        self._fetch = fetch
        self._files: list[MadeFile] = []
        self._task: asyncio.Task[list[Path]] | None = None

    def begin(self, files: list[MadeFile]) -> None:
        """These are likely wanted. Does nothing once some are being fetched."""
        if self._task is None and files:
            self._files, self._task = files, asyncio.create_task(self._fetch(files))

    async def paths(self, files: list[MadeFile]) -> list[Path]:
        """Where these files lie, in this order: those begun with, or fetched now. Raises what `fetch` raises."""
        if self._task is None or files != self._files:
            await self.stop()
            return await self._fetch(files)
        return await self._task

    async def stop(self) -> None:
        """What is under way is not wanted any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
