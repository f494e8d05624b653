"""Work in processes: all cores, and a crash of a media library takes one attempt with it, not the engine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait
from typing import Any

from pipeline.adapters.executors.pool import Done, tell

_Task = tuple[Done, Callable[..., Any], tuple[Any, ...]]


class ProcessExecutor:
    """An executor over fresh (spawned) processes: one pool of one process a slot, because a pool dies as a whole.

    So a process that dies takes one attempt with it; its pool is replaced at the next start.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._lock = threading.Lock()
        self._idle: list[Executor] = []
        self._busy: set[Executor] = set()
        self._broken: list[Executor] = []
        self._waiting: deque[_Task] = deque()

    def start(self, done: Done, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` in a slot; queue it when all are busy."""
        self._bury()
        with self._lock:
            self._waiting.append((done, function, arguments))
        self._fill()

    def close(self) -> None:
        """Drop what waits, wait for what runs, give the slots back."""
        with self._lock:
            dropped, self._waiting = self._waiting, deque()
            pools = [*self._idle, *self._busy]
        for done, _, _ in dropped:
            done(None, CancelledError())
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)
        self._bury()
        with self._lock:
            self._idle.clear()

    def _fill(self) -> None:
        """Give what waits to free slots."""
        while True:
            with self._lock:
                if not self._waiting or len(self._busy) >= self.slots:
                    return
                task = self._waiting.popleft()
                pool = self._idle.pop() if self._idle else _new_pool()
                self._busy.add(pool)
            self._give(pool, task)

    def _give(self, pool: Executor, task: _Task) -> None:
        done, function, arguments = task
        try:
            future = pool.submit(function, *arguments)
        except BrokenProcessPool:
            with self._lock:
                self._busy.discard(pool)
                self._broken.append(pool)
                self._waiting.appendleft(task)
            return
        except Exception as error:  # no process could be made: that is the end of this work, not of the slot
            with self._lock:
                self._busy.discard(pool)
            done(None, error)
            return
        future.add_done_callback(partial(self._end, pool, done))

    def _end(self, pool: Executor, done: Done, future: Future[Any]) -> None:
        """Let the slot go on, and tell the end. A broken pool is shutting down already: this is its thread."""
        is_broken = not future.cancelled() and isinstance(future.exception(), BrokenProcessPool)
        with self._lock:
            self._busy.discard(pool)
            (self._broken if is_broken else self._idle).append(pool)
        self._fill()
        tell(done, future)

    def _bury(self) -> None:
        """Wait for the threads of broken pools: the interpreter must not end while one of them closes its pipe."""
        with self._lock:
            broken, self._broken = self._broken, []
        for pool in broken:
            pool.shutdown(wait=True)


def end_workers() -> None:
    """End every worker of this process at once: what they still work on has been given back."""
    for worker in multiprocessing.active_children():
        worker.kill()


def _new_pool() -> Executor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_prepare)


def _prepare() -> None:
    """In each worker: leave Ctrl-C to the engine, and never outlive it.

    A worker that outlived its engine could finish a render that the next engine has begun again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process the moment its engine's process ends. (Linux can signal this too, but at the end of a thread.)"""
    wait([sentinel])
    os._exit(1)
