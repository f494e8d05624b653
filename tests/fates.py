"""What a house in a storm is given: a clock that races, and the moment of its death."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests.fakes import Crashed


class RacingClock:
    """Twenty times as fast as the wall clock, so that pauses, heartbeats and leases of a day fit into a test."""

    def __init__(self, speed: float = 20.0) -> None:
        self._speed, self._began = speed, time.monotonic()

    def now(self) -> datetime:
        """From the first of January 2030 on."""
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (time.monotonic() - self._began) * self._speed

    def advance(self, seconds: float) -> None:
        """So much has passed at once."""
        self._began -= seconds / self._speed


class Fate:
    """A checkpoint function: at the call with the number `at` this side dies, in whatever thread that is."""

    def __init__(self, at: int = 0) -> None:
        self._left = at
        self._lock = threading.Lock()
        self._is_held = False
        self.has_struck = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile nothing strikes."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False

    def __call__(self, name: str) -> None:
        if self._is_held:
            return
        with self._lock:
            self._left -= 1
            self.has_struck = self.has_struck or self._left == 0
        if self.has_struck:
            raise Crashed(name)
