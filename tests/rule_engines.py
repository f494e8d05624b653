"""Engines of rules in processes of their own, on one database."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.factories import make_studio

_CONTEXT = multiprocessing.get_context("spawn")
_PATIENCE_S = 120.0
_LOOK_S = 0.005
_NOT_READY = -1


def fire_until_over(folder: str, url: str, taken: Any, over: Any) -> None:
    """Fire rules; count the events that were taken in. Ends when it is over and all is quiet."""
    studio = make_studio(Path(folder), url)
    taken.value = 0
    while True:
        is_over = over.is_set()
        count = studio.firing.turn()
        with taken.get_lock():
            taken.value += count
        if is_over and not count:
            break
        if not count:
            over.wait(_LOOK_S)
    studio.close()


class Engines:
    """Processes that fire rules. `taken` tells how many events each of them has taken in."""

    def __init__(self, folder: Path, url: str) -> None:
        self._given = str(folder), url
        self._over = _CONTEXT.Event()
        self._counts: list[Any] = []
        self._processes: list[Any] = []

    def start(self) -> None:
        """One more process."""
        count = _CONTEXT.Value("l", _NOT_READY)
        process = _CONTEXT.Process(target=fire_until_over, args=(*self._given, count, self._over), daemon=True)
        process.start()
        self._counts.append(count)
        self._processes.append(process)

    def kill(self, number: int) -> None:
        """End one as a crash ends it."""
        os.kill(self._processes[number].pid, signal.SIGKILL)
        self._processes[number].join(_PATIENCE_S)

    @property
    def are_ready(self) -> bool:
        """Whether all of them have opened the database."""
        return all(count.value != _NOT_READY for count in self._counts)

    @property
    def taken(self) -> list[int]:
        """How many events each has taken in."""
        return [count.value for count in self._counts]

    def finish(self) -> list[int]:
        """Let them come to rest and end; how they ended."""
        self._over.set()
        give_up_at = time.monotonic() + _PATIENCE_S
        for process in self._processes:
            process.join(max(0.0, give_up_at - time.monotonic()))
        return [process.exitcode for process in self._processes]

    def end(self) -> None:
        """Whatever still runs ends now."""
        for process in self._processes:
            if process.is_alive():
                process.kill()
                process.join(_PATIENCE_S)


@contextmanager
def engines(folder: Path, url: str, count: int) -> Iterator[Engines]:
    """So many engines of rules on one database."""
    made = Engines(folder, url)
    try:
        for _ in range(count):
            made.start()
        yield made
    finally:
        made.end()
