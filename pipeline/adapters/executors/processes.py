"""Work in processes: all cores, and a crash of a media library takes one attempt with it, not the engine."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pipeline.adapters.executors.pool import Done, PoolExecutor

_PR_SET_PDEATHSIG = 1
_WATCH_S = 0.5


class ProcessExecutor(PoolExecutor):
    """An executor over a pool of fresh (spawned) processes. A pool that broke is replaced at the next start."""

    def open(self) -> Executor:
        """A new process pool."""
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.slots, mp_context=context, initializer=_prepare, initargs=(os.getpid(),))

    def start(self, done: Done, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` in a slot; queue it when all are busy."""
        try:
            super().start(done, function, *arguments)
        except BrokenProcessPool:
            self.close()
            super().start(done, function, *arguments)


def _prepare(parent: int) -> None:
    """In each worker: leave Ctrl-C to the engine, and never outlive it.

    A worker that outlived its engine could finish a render that the next engine has begun again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)
