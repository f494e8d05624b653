"""Work at once, in the caller's own thread: deterministic, and the cheapest way to do little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.adapters.executors.pool import Done


class InlineExecutor:
    """Runs everything inside `start`. An exception that is not an error (a crash in a test, Ctrl-C) goes through."""

    def __init__(self, slots: int) -> None:
        self.slots = slots

    def start(self, done: Done, function: Callable[..., Any], *arguments: Any) -> None:
        """Run it now."""
        try:
            value = function(*arguments)
        except Exception as error:
            done(None, error)
        else:
            done(value, None)

    def close(self) -> None:
        """Nothing to give back."""
