"""Who does the work: the engines that have started, have not ended and are not known to be dead."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from data.repositories.engines import EngineRow
from data.store import Store


class Crew:
    """Counts engines, which work on all runs or on one alone.

    `is_alive(engine_id, host, pid)` answers for one; of another machine nothing can prove that it died.
    """

    def __init__(self, is_alive: Callable[[str, str, int], bool]) -> None:
        self._is_alive = is_alive

    def number(self, store: Store, run_id: int | None = None) -> int:
        """How many engines are at work; of a run, how many work on it."""
        alive = self._alive(store)
        return len(alive) if run_id is None else sum(row.run_id in (None, run_id) for row in alive)

    def unattended(self, store: Store, run_ids: Iterable[int]) -> frozenset[int]:
        """Those of the runs that no engine works on."""
        served = {row.run_id for row in self._alive(store)}
        return frozenset() if None in served else frozenset(run_ids) - served

    def _alive(self, store: Store) -> list[EngineRow]:
        return [row for row in store.engines.alive() if self._is_alive(row.id, row.host, row.pid)]
