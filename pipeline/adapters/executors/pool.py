"""What the pooled executors share: futures by attempt, and a queue of what ended."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any


class PoolExecutor:
    """An `Executor` (see `pipeline.ports`) over a pool of `concurrent.futures`; `wake` is called whenever work ends."""

    def __init__(self, slots: int, wake: Callable[[], None]) -> None:
        self.slots = slots
        self._wake = wake
        self._ended: queue.SimpleQueue[tuple[str, Future[Any]]] = queue.SimpleQueue()
        self._pool: Executor | None = None

    def open(self) -> Executor:
        """A new pool."""
        raise NotImplementedError

    def start(self, attempt_id: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` in a slot; queue it when all are busy."""
        if self._pool is None:
            self._pool = self.open()
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda ended: self._note(attempt_id, ended))

    def _note(self, attempt_id: str, future: Future[Any]) -> None:
        self._ended.put((attempt_id, future))
        self._wake()

    def finished(self) -> list[tuple[str, Any, BaseException | None]]:
        """(attempt_id, value, error) of everything that ended since the last call."""
        ended = []
        while not self._ended.empty():
            attempt_id, future = self._ended.get()
            try:
                error = future.exception()
            except CancelledError as cancelled:
                error = cancelled
            ended.append((attempt_id, None if error else future.result(), error))
        return ended

    def close(self) -> None:
        """Drop what waits, wait for what runs, give the slots back."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
