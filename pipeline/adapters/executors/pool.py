"""What the pooled executors share: futures that tell their end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

Done = Callable[[Any, BaseException | None], None]


class PoolExecutor:
    """An `Executor` (see `pipeline.ports`) over a pool of `concurrent.futures`, opened at the first start."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._pool: Executor | None = None

    def open(self) -> Executor:
        """A new pool."""
        raise NotImplementedError

    def start(self, done: Done, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` in a slot; queue it when all are busy."""
        if self._pool is None:
            self._pool = self.open()
        self._pool.submit(function, *arguments).add_done_callback(lambda future: tell(done, future))

    def close(self) -> None:
        """Drop what waits, wait for what runs, give the slots back."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def tell(done: Done, future: Future[Any]) -> None:
    """Tell `done` how the future ended."""
    try:
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    done(None if error else future.result(), error)
