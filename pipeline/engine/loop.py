"""An engine and its safety net in threads of their own, from start to clean stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pipeline.engine.dispatcher import Dispatcher
from pipeline.engine.scheduler import Scheduler

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0


class EngineLoop:
    """One engine in the background. `error` is what ended it against its will."""

    def __init__(self, engine: Dispatcher, scheduler: Scheduler, end_workers: Callable[[], None]) -> None:
        self.engine = engine
        self._scheduler = scheduler
        self._end_workers = end_workers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self.error: Exception | None = None

    @property
    def trouble(self) -> str:
        """Why nothing moves, if so; empty otherwise."""
        return f"The engine has stopped: {self.error}" if self.error is not None else self.engine.trouble

    def start(self) -> None:
        """Begin to work."""
        self._scheduler.start()
        self._thread.start()

    def stop(self) -> None:
        """Take no new work, let what runs finish for a moment, give back the rest."""
        self._over.set()
        self.engine.wake.set()
        self._thread.join()
        self._scheduler.stop()
        self.engine.drain(_PATIENCE_S, self._end_workers)

    def _work(self) -> None:
        try:
            self.engine.run(self._over.is_set)
        except Exception as error:
            log.exception("the engine has stopped")
            self.error = error
