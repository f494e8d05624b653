"""Where Dash's background callbacks run: fresh processes that inherit nothing and never outlive the server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diskcache
import multiprocess
from dash import DiskcacheManager


class FreshProcesses(DiskcacheManager):
    """Dash's own way, but for how a process is begun.

    A forked one would keep the locks and the connections of the server open after its end, and could hang on a lock that
    another thread held just then.
    """

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Mapping[str, Any]) -> int:
        """Begin the work; the answer is the id of its process."""
        worker = multiprocess.get_context("spawn").Process(
            target=job_fn, args=(key, self._make_progress_key(key), args, context), daemon=True
        )
        worker.start()
        return int(worker.pid)


def callbacks(folder: Path) -> FreshProcesses:
    """What runs background callbacks; their state is kept in `folder` while they run."""
    return FreshProcesses(diskcache.Cache(str(folder), size_limit=2**26))
