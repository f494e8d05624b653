"""Whose generation begins in the slots of this machine, where several runs have some to do.

Works in the transaction that it is handed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from data.store import Store
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.plans import RunBook
from pipeline.domain.records import Run
from pipeline.domain.slot_shares import Claimant, shared_out
from pipeline.services.starting import Starting

_RECKON = timedelta(seconds=5)
"""So old may the rest of a run be: it is counted from all that waits, and only says whether its deadline presses."""


@dataclass(frozen=True)
class Part:
    """So many slots may go to this run."""

    run: Run
    most: int


class Slots:
    """Remembers when each run was last given a slot. One per engine."""

    def __init__(self, book_of: Callable[[Store, int], RunBook]) -> None:
        self._book_of = book_of
        self._served: dict[int, datetime] = {}
        self._rests: dict[int, tuple[datetime, float]] = {}

    def parts(self, store: Store, runs: Sequence[Run], room: int, starting: Starting, now: datetime) -> list[Part]:
        """How the free slots are parted among these runs, those that get none last.

        One run alone may have them all, and costs nothing to ask about.
        """
        if len(runs) > 1 and room > 0:
            runs = [run for run in runs if store.schedules.has_waiting(run.id, now)]
        if len(runs) < 2 or room <= 0:
            return [Part(run, room) for run in runs]
        held = store.schedules.generating_here()
        claimants = [self._claimant(store, run, held[run.id], now) for run in runs]
        order = Counter(shared_out(claimants, room, now_s=now.timestamp(), rules=starting.rules(Rules())))
        known = {str(run.id): run for run in runs}
        self._served |= {known[key].id: now for key in order}
        return [Part(known[key], order[key]) for key in dict.fromkeys([*order, *known])]

    def _claimant(self, store: Store, run: Run, held: int, now: datetime) -> Claimant:
        return Claimant(
            str(run.id),
            str(run.project_id),
            priority=run.priority,
            deadline_s=run.deadline.timestamp() if run.deadline else None,
            since_s=self._served.get(run.id, run.created_at).timestamp(),
            rest_s=self._rest_s(store, run, now) if run.deadline else 0.0,
            held=held,
        )

    def _rest_s(self, store: Store, run: Run, now: datetime) -> float:
        """What waits, with the segments that follow it."""
        reckoned, rest_s = self._rests.get(run.id, (None, 0.0))
        if reckoned is None or not timedelta(0) <= now - reckoned < _RECKON:
            recipes = self._book_of(store, run.id).recipes
            rest_s = 0.0
            for waiting in store.schedules.waiting(run.id):
                segments = recipes.scene_types[waiting.scene_type].segments if waiting.scene_type else waiting.part
                rest_s += waiting.seconds * max(1, segments - waiting.part + 1)
            self._rests[run.id] = now, rest_s
        return rest_s
