"""Work in processes: all cores, and a crash of a media library takes one attempt with it, not the engine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from typing import Any

from pipeline.adapters.executors.pool import Done, PoolExecutor

_SPAWN = multiprocessing.get_context("spawn")


class ProcessExecutor(PoolExecutor):
    """An executor over fresh (spawned) processes. One that dies takes its one attempt with it; the next start makes another.

    A thread for each slot speaks with a process over a pipe. The standard library's pool of processes dies as a whole, and
    hands each task through two more threads, which all wait for the interpreter.
    """

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self._idle: list[_Process] = []

    def open(self) -> Executor:
        """A new pool of threads; processes are made when they are needed."""
        return ThreadPoolExecutor(self.slots, thread_name_prefix="process")

    def start(self, done: Done, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` in a slot; queue it when all are busy."""
        super().start(done, self._perform, function, *arguments)

    def close(self) -> None:
        """Drop what waits, wait for what runs, give the slots back."""
        super().close()
        while self._idle:
            self._idle.pop().end()

    def _perform(self, function: Callable[..., Any], *arguments: Any) -> Any:
        process = self._free()
        value, error = process.perform(function, arguments)
        if process.is_alive:
            self._idle.append(process)
        if error is not None:
            raise error
        return value

    def _free(self) -> _Process:
        with contextlib.suppress(IndexError):
            while True:
                process = self._idle.pop()
                if process.is_alive:
                    return process
        return _Process()


class _Process:
    """A process that performs one task after the other."""

    def __init__(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        """Whether it can take a task."""
        return not self._pipe.closed and self._process.is_alive()

    def perform(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
        """What the function returned, or the error it ended with: BrokenExecutor when the process died over it."""
        try:
            self._pipe.send((function, arguments))
            value, error = self._pipe.recv()
        except (EOFError, OSError):
            self.end()
            return None, BrokenExecutor(f"exit code {self._process.exitcode}")
        except Exception as unsent:  # it cannot be pickled: nothing has been sent
            return None, unsent
        return value, error

    def end(self) -> None:
        """Let it end, and wait for that."""
        self._pipe.close()
        self._process.join()


def end_workers() -> None:
    """End every worker of this process at once: what they still work on has been given back."""
    for worker in multiprocessing.active_children():
        worker.kill()


def _serve(pipe: Connection[Any, Any]) -> None:
    """In each worker: leave Ctrl-C to the engine, answer one task after the other, and never outlive the engine.

    A worker that outlived its engine could finish a render that the next engine has begun again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the other end is closed
        while True:
            answer = _answer(pipe.recv_bytes())
            try:
                pipe.send(answer)
            except OSError:
                return
            except Exception as unsent:
                pipe.send((None, TypeError(f"what came out cannot be sent: {unsent}")))


def _answer(task: bytes) -> tuple[Any, BaseException | None]:
    try:
        function, arguments = pickle.loads(task)
        return function(*arguments), None
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        return None, error


def _end_with(sentinel: int) -> None:
    """End this process the moment its engine's process ends. (Linux can signal this too, but at the end of a thread.)"""
    wait([sentinel])
    os._exit(1)
