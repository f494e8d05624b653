"""Budgets that several runs share, and the levels of every budget, while a transaction works on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from data.store import Store
from pipeline.domain.budget import Account, Budget, Quantity, Scope
from pipeline.domain.records import Run


class SharedBudgets:
    """What the budgets of productions and users allow the runs that they concern. Empty where nobody has set any."""

    def __init__(self, budgets: Iterable[Budget] = ()) -> None:
        self.budgets = {budget.id: budget for budget in budgets}
        self.accounts = {budget.id: budget.account for budget in self.budgets.values() if budget.scope is not Scope.RUN}
        self._concern: dict[int, tuple[Budget, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.budgets)

    def know(self, run: Run) -> None:
        """Find out which of them concern a run."""
        if self.budgets:
            self._concern[run.id] = tuple(budget for budget in self.budgets.values() if concerns(budget, run))

    def of(self, run_id: int) -> tuple[Budget, ...]:
        """The budgets that concern a run, those of the run itself included."""
        return self._concern.get(run_id, ())

    def stopped_by(self, run_id: int) -> Budget | None:
        """The budget because of whose level no new generation of the run starts, if there is one."""
        return next((budget for budget in self.of(run_id) if budget.stops is not None), None)

    def has_fired(self, budget_id: int, fired: int) -> None:
        """So many levels of a budget have been acted on now."""
        changed = replace(self.budgets[budget_id], fired=fired)
        self.budgets[budget_id] = changed
        for run_id, known in self._concern.items():
            self._concern[run_id] = tuple(changed if one.id == budget_id else one for one in known)

    def free(self, run_id: int, quantity: Quantity) -> float:
        """What all of them let the run reserve."""
        return min((self.accounts[key].free for key in self._shared(run_id, quantity)), default=float("inf"))

    def room(self, run_id: int, quantity: Quantity, reserved: float) -> float:
        """The most that all of them let be charged to who holds `reserved`."""
        return min((self.accounts[key].room(reserved) for key in self._shared(run_id, quantity)), default=float("inf"))

    def reserve(self, run_id: int, quantity: Quantity, amount: float) -> None:
        """Reserve what all of them cover."""
        for key in self._shared(run_id, quantity):
            self.accounts[key] = self.accounts[key].reserve(amount)

    def charge(self, run_id: int, quantity: Quantity, reserved: float, used: float) -> None:
        """Charge what there is room for."""
        for key in self._shared(run_id, quantity):
            self.accounts[key] = self.accounts[key].charge(reserved, used)

    def store(self, store: Store) -> None:
        """Write what has changed; one row a budget."""
        for key, account in self.accounts.items():
            before = self.budgets[key].account
            if account != before:
                tidy = Account(account.limit, account.spent, max(0.0, account.reserved))
                store.budgets.spend(key, tidy)

    def _shared(self, run_id: int, quantity: Quantity) -> list[int]:
        budgets = self._concern.get(run_id, ())
        return [one.id for one in budgets if one.quantity is quantity and one.scope is not Scope.RUN]


def concerns(budget: Budget, run: Run) -> bool:
    """Whether what this run spends counts for the budget."""
    subject = {Scope.PROJECT: str(run.project_id), Scope.USER: run.created_by, Scope.RUN: str(run.id)}[budget.scope]
    return budget.subject == subject
