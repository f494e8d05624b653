"""Keeps the recipes of the runs that are being worked on, so that no turn reads a run's configuration again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from data.store import Store
from pipeline.domain.cost_keys import CostKeys
from pipeline.domain.estimates import History, Rate
from pipeline.domain.plans import RunBook
from pipeline.domain.requests import Recipes

_KEPT = 8


class RunBooks:
    """Run id -> RunBook. A run's configuration never changes, so a kept book is always right; what was measured is refreshed."""

    def __init__(self) -> None:
        self._books: OrderedDict[int, RunBook] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, store: Store, run_id: int) -> RunBook:
        """The book of a run, from memory or read once."""
        with self._lock:
            book = self._books.get(run_id)
            if book is None:
                book = RunBook(Recipes(store.runs.config(run_id)))
                book.history = history_of(store, book.recipes.cost_keys)
                self._books[run_id] = book
                if len(self._books) > _KEPT:
                    self._books.popitem(last=False)
            self._books.move_to_end(run_id)
            return book

    def measure(self, store: Store, run_id: int) -> None:
        """Take newly measured times of one run into account, whichever process has measured them."""
        book = self.get(store, run_id)
        book.history = history_of(store, book.recipes.cost_keys)

    def refresh_rates(self, store: Store) -> None:
        """Take newly measured times into account."""
        for book in list(self._books.values()):
            book.history = history_of(store, book.recipes.cost_keys)


def history_of(store: Store, keys: CostKeys) -> History:
    """What was measured of the work of a production."""
    found = store.jobs.rates((*keys.segments.values(), *keys.stills))

    def of(named: Mapping[str, str]) -> dict[str, Rate]:
        return {name: found[key] for name, key in named.items() if key in found}

    return History(of(keys.segments), of(keys.images), of(keys.plates))
