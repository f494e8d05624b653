"""Locks that the operating system frees when their holder dies: how the dead are told from the slow."""

from __future__ import annotations

import socket
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout


class ProcessLocks:
    """Named locks below one folder, each held by at most one process of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._held: dict[str, BaseFileLock] = {}
        self.host = socket.gethostname()

    def take(self, name: str, wait_s: float = 0.0) -> bool:
        """Hold the lock of this name until `release` or the end of the process; False when another process has it."""
        self._root.mkdir(parents=True, exist_ok=True)
        # A server is stopped by another thread than the one that started it.
        lock = FileLock(self._root / f"{name}.lock", thread_local=False)
        try:
            lock.acquire(timeout=wait_s)
        except Timeout:
            return False
        self._held[name] = lock
        return True

    def release(self, name: str) -> None:
        """Give the lock back."""
        lock = self._held.pop(name, None)
        if lock is not None:
            lock.release()

    def is_alive(self, engine_id: str, host: str, pid: int) -> bool:
        """Whether the engine holds its lock. One on another machine counts as alive: nothing here can prove otherwise."""
        if host != self.host:
            return True
        name = f"engine-{engine_id}"
        if name in self._held:
            return True
        if self.take(name):
            self.release(name)
            (self._root / f"{name}.lock").unlink(missing_ok=True)
            return False
        return True
