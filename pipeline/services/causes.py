"""Failures of all runs by cause."""

from __future__ import annotations

from data.store import Stores
from pipeline.domain.causes import Cause


class Causes:
    """Reads failed jobs."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def failures(self) -> list[Cause]:
        """Jobs that have failed and were not retried, by cause, the most frequent first."""
        with self._stores.read() as store:
            return [Cause(*row) for row in store.tallies.failed_jobs()]
