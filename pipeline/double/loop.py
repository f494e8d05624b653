"""One event loop in one thread for all doubles of a process: a hundred servers cost no more than their jobs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
_lock = threading.Lock()
_users = 0
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def join() -> asyncio.AbstractEventLoop:
    """The running loop; the first user starts it. Every call needs one of `leave`."""
    global _users, _loop, _thread
    with _lock:
        _users += 1
        if _loop is None:
            _loop = uvloop.new_event_loop()
            _thread = threading.Thread(target=_loop.run_forever, name="doubles", daemon=True)
            _thread.start()
        return _loop


def leave() -> None:
    """The last user stops the loop and closes it."""
    global _users, _loop, _thread
    with _lock:
        _users -= 1
        if _users or _loop is None or _thread is None:
            return
        _loop.call_soon_threadsafe(_loop.stop)
        _thread.join()
        _loop.close()
        _loop = _thread = None


def run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop's thread and wait for it; must not be called from that thread."""
    return asyncio.run_coroutine_threadsafe(work, loop).result()
