"""Who does the work: the engines that have started, have not ended and are not known to be dead."""

from __future__ import annotations

from collections.abc import Callable

from data.store import Store


class Crew:
    """Counts engines. `is_alive(engine_id, host, pid)` answers for one; of another machine nothing can prove that it died."""

    def __init__(self, is_alive: Callable[[str, str, int], bool]) -> None:
        self._is_alive = is_alive

    def number(self, store: Store) -> int:
        """How many engines are at work."""
        return sum(self._is_alive(row.id, row.host, row.pid) for row in store.engines.alive())
