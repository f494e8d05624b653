"""Work at once, in the caller's own thread: deterministic, and the cheapest way to do nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class InlineExecutor:
    """Runs everything inside `start`. An exception that is not an error (a crash in a test, Ctrl-C) goes through."""

    def __init__(self, slots: int, wake: Callable[[], None]) -> None:
        self.slots = slots
        self._wake = wake
        self._ended: list[tuple[str, Any, BaseException | None]] = []

    def start(self, attempt_id: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Run it now."""
        try:
            self._ended.append((attempt_id, function(*arguments), None))
        except Exception as error:
            self._ended.append((attempt_id, None, error))
        self._wake()

    def finished(self) -> list[tuple[str, Any, BaseException | None]]:
        """What ran since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """Nothing to give back."""
