"""Work in threads of this process: no start-up cost; right for short work and work that waits."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor

from pipeline.adapters.executors.pool import PoolExecutor


class ThreadExecutor(PoolExecutor):
    """An executor over a thread pool."""

    def open(self) -> Executor:
        """A new thread pool."""
        return ThreadPoolExecutor(self.slots, thread_name_prefix="work")
