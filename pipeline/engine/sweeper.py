"""Removes what ended work has left, beside the engine: on a slow disk that takes longer than the turn that ended it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)


class Sweeper:
    """Calls `forget` with an attempt and its job, one after the other, in a thread of its own.

    What a crash leaves undone is removed at the next start, with all other folders of ended attempts.
    """

    def __init__(self, forget: Callable[[str, str], None]) -> None:
        self._forget = forget
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sweeper")

    def forget(self, attempt_id: str, job_key: str) -> None:
        """Have it removed soon."""
        self._thread.submit(self._remove, attempt_id, job_key)

    def close(self) -> None:
        """Return when everything is removed."""
        self._thread.shutdown()

    def _remove(self, attempt_id: str, job_key: str) -> None:
        try:
            self._forget(attempt_id, job_key)
        except Exception:
            log.exception("what attempt %s has left could not be removed", attempt_id)
