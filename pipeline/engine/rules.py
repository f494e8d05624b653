"""Fires rules in the one process that has the lock of the scheduler, as soon as something is committed."""

from __future__ import annotations

import logging
import threading

from pipeline.domain.errors import Unavailable
from pipeline.services.firing import FiringRules

log = logging.getLogger(__name__)

_LOOK_S = 0.05
"""How often it looks for what other processes have committed."""
_TROUBLE_S = 1.0


class RuleEngine:
    """A thread that turns while there is something to do. `wake` is set after each turn in which something was taken in."""

    def __init__(self, firing: FiringRules, wake: threading.Event) -> None:
        self._firing = firing
        self._wake = wake
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Something was committed; to be called from any thread."""
        self._news.set()

    def start(self) -> None:
        """Begin; what has happened since rules were last fired is made up for."""
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def thin(self) -> None:
        """Remove the oldest verdicts beyond what is kept."""
        self._firing.thin()

    def stop(self) -> None:
        """End after the turn that is under way."""
        self._over.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._over.is_set():
            self._news.clear()
            if self._turn():
                self._wake.set()
            elif self._firing.has_rules:
                self._news.wait(_LOOK_S)
            else:  # commits wake nobody then: looking after each of them would cost the engine its time
                self._over.wait(_LOOK_S)

    def _turn(self) -> bool:
        """Whether something was taken in. A database that is away is asked again later; what else goes wrong is logged."""
        try:
            return self._firing.turn() > 0
        except Unavailable as error:
            log.warning("%s", error)
        except Exception:
            log.exception("rules could not be fired")
        self._over.wait(_TROUBLE_S)
        return False
