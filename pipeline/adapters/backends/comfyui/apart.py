"""Work that would hold up the loop, done in a slot of an executor and waited for in the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from pipeline.ports import Executor

_T = TypeVar("_T")


async def apart(executor: Executor, function: Callable[..., _T], *arguments: Any) -> _T:
    """What `function(*arguments)` returns or raises; both may have to be sent to another process.

    Raises BrokenExecutor when the process died over it.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def done(value: _T, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, future, value, error)

    executor.start(done, function, *arguments)
    return await future


def _settle(future: asyncio.Future[_T], value: _T, error: BaseException | None) -> None:
    if future.done():  # whoever waited was stopped
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
