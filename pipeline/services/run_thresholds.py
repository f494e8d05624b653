"""The levels of a run's own limits, as its production file gives them."""

from __future__ import annotations

from collections.abc import Collection

from data.repositories.budgets import accounts_of_run
from data.store import Store
from pipeline.domain.budget import Quantity, Scope, reached
from pipeline.domain.production import Budget
from pipeline.domain.records import Run


def keep_thresholds(store: Store, run: Run, budget: Budget, quantities: Collection[Quantity] = tuple(Quantity)) -> None:
    """Store the levels of a run for those of these quantities that it limits; a file without any leaves what people have set.

    Levels that stay as they were fire no second time.
    """
    before = {one.quantity: one for one in store.budgets.of_run(run.id)}
    accounts = accounts_of_run(vars(run))
    for quantity in quantities:
        account = accounts[quantity]
        known = before.get(quantity)
        if account.limit is None and known is not None:
            store.budgets.remove(known.id)
        if account.limit is None or not budget.thresholds:
            continue
        fired = 0
        if known is not None and known.thresholds == budget.thresholds:
            fired = min(known.fired, reached(budget.thresholds, account))
        values = {"run_id": run.id, "thresholds": budget.thresholds, "fired": fired}
        store.budgets.put(Scope.RUN, str(run.id), quantity, values=values, now=store.journal.now)
