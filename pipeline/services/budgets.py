"""Budgets of productions, users and runs: set, raised, removed, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.repositories.budgets import accounts_of_run, limit_column
from data.store import Store, Stores
from pipeline.domain.budget import Account, Budget, Quantity, Scope, Threshold, in_order, reached
from pipeline.domain.errors import Conflict, Invalid, NotFound, Refused
from pipeline.domain.names import did_you_mean, fold
from pipeline.domain.records import Actor
from pipeline.ports import Clock

_UNITS = {
    Quantity.GPU_SECONDS: (3600.0, "GPU-hours"),
    Quantity.MONEY: (1.0, "of money"),
    Quantity.DISK_BYTES: (1e9, "GB"),
}
_MOST = 1e15


@dataclass(frozen=True)
class Subject:
    """Whose budget it is: its number or name as it is kept, and in words."""

    scope: Scope
    key: str
    name: str


class Budgets:
    """Every verb on budgets."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def all(self) -> list[Budget]:
        """Every budget: of productions, of users, then of runs, the newest run first."""
        with self._stores.read() as store:
            found = store.budgets.all()
        scopes, quantities = list(Scope), list(Quantity)
        return sorted(
            found,
            key=lambda one: (
                scopes.index(one.scope), _newest_first(one), one.name.casefold(), quantities.index(one.quantity)
            ),
        )  # fmt: skip

    def subject(self, scope: Scope, name: str) -> Subject:
        """The production of this title or number, the run of this name or number, or the user. Raises NotFound."""
        if scope is Scope.USER:
            if not name.strip():
                raise Invalid("A user has a name. Give one.")
            return Subject(scope, name.strip(), name.strip())
        with self._stores.read() as store:
            named = store.budgets.projects() if scope is Scope.PROJECT else {run.id: run.name for run in store.runs.all()}
        for key, title in named.items():
            if name == str(key) or fold(title) == fold(name):
                return Subject(scope, str(key), title)
        word = "production" if scope is Scope.PROJECT else "run"
        raise NotFound(f'There is no {word} "{name}". {did_you_mean(name, list(named.values()))}'.rstrip())

    def of(self, subject: Subject) -> list[Budget]:
        """The budgets of one thing."""
        return [one for one in self.all() if (one.scope, one.subject) == (subject.scope, subject.key)]

    def find(self, scope: Scope, name: str, quantity: Quantity) -> Budget:
        """One budget. Raises NotFound."""
        subject = self.subject(scope, name)
        for budget in self.of(subject):
            if budget.quantity == quantity:
                return budget
        raise NotFound(f"There is no budget of {_UNITS[quantity][1].removeprefix('of ')} for {subject.name}.")

    def put(
        self,
        subject: Subject,
        quantity: Quantity,
        actor: Actor,
        *,
        limit: float,
        thresholds: Sequence[Threshold] | None = None,
    ) -> Budget:
        """Set a budget, or give it another limit or other levels; None leaves the levels. A limit is in seconds, money or bytes.

        A higher limit arms the levels again that are not reached any more; other levels are all armed. Raises Refused for a
        limit below what is spent and reserved already, Invalid for levels that cannot be.
        """
        if not 0 <= limit <= _MOST:
            raise Invalid("A limit is a number from 0 up, and not beyond all reason.")
        levels = None if thresholds is None else in_order(thresholds)
        with self._stores.begin(self._clock.now()) as store:
            before = _kept(store, subject, quantity)
            account = _account(store, subject, quantity)
            if limit < account.spent + account.reserved - 1e-6:
                raise Refused(_too_low(subject, quantity, account, limit))
            kept = levels if levels is not None else before.thresholds if before else ()
            is_same = before is not None and kept == before.thresholds
            now_reached = reached(kept, Account(limit, account.spent, account.reserved))
            values = {"thresholds": kept, "fired": min(before.fired, now_reached) if before and is_same else 0}
            if subject.scope is Scope.RUN:
                exact = int(limit) if quantity is Quantity.DISK_BYTES else limit
                store.runs.change(int(subject.key), **{limit_column(quantity): exact})
                values |= {"run_id": int(subject.key)}
            else:
                values |= {"limit_amount": limit, "spent": account.spent, "reserved": account.reserved}
            if subject.scope is Scope.PROJECT:
                values |= {"project_id": int(subject.key)}
            key = store.budgets.put(subject.scope, subject.key, quantity, values=values, now=store.journal.now)
            _record(store, "budget.set", subject, quantity, actor, key=key, limit=limit, levels=kept)
        return self.find(subject.scope, subject.key, quantity)

    def remove(self, budget: Budget, actor: Actor) -> None:
        """Forget a budget: nothing bounds this any more, and what its levels have stopped goes on."""
        subject = Subject(budget.scope, budget.subject, budget.name)
        with self._stores.begin(self._clock.now()) as store:
            if budget.id:
                store.budgets.remove(budget.id)
            if budget.scope is Scope.RUN:
                store.runs.change(int(budget.subject), **{limit_column(budget.quantity): None})
            _record(store, "budget.removed", subject, budget.quantity, actor, key=budget.id, limit=None, levels=())


def _newest_first(budget: Budget) -> int:
    return -int(budget.subject) if budget.scope is Scope.RUN else 0


def _kept(store: Store, subject: Subject, quantity: Quantity) -> Budget | None:
    wanted = (subject.scope, subject.key, quantity)
    return next((one for one in store.budgets.all() if one.id and (one.scope, one.subject, one.quantity) == wanted), None)


def _account(store: Store, subject: Subject, quantity: Quantity) -> Account:
    """What has been spent and reserved so far: a new budget counts from the beginning."""
    if subject.scope is Scope.RUN:
        found = store.runs.by_ids([int(subject.key)])
        if not found:
            raise Conflict(f"{subject.name} is there no more.")
        return accounts_of_run(vars(found[int(subject.key)]))[quantity]
    return Account(None, *store.budgets.sums(subject.scope, subject.key, quantity))


def _exact(value: float) -> str:
    """Two decimals, or two figures of what is less: a small number is not told as none."""
    return f"{value:,.2f}" if value >= 0.1 or not value else f"{value:.2g}"


def _too_low(subject: Subject, quantity: Quantity, account: Account, limit: float) -> str:
    size, unit = _UNITS[quantity]
    used = account.spent + account.reserved
    return (
        f"{subject.name} has spent and reserved {_exact(used / size)} {unit} already, "
        f"which is more than {_exact(limit / size)}. "
        "Choose a higher limit; to stop new work, pause its runs."
    )


def _record(
    store: Store, type: str, subject: Subject, quantity: Quantity, actor: Actor, *, key: int, limit: float | None,
    levels: Sequence[Threshold],
) -> None:  # fmt: skip
    told = {
        "scope": subject.scope.value, "of": subject.key, "quantity": quantity.value, "limit": limit,
        "thresholds": [[level.at_percent, level.action.value] for level in levels],
    }  # fmt: skip
    run_id = int(subject.key) if subject.scope is Scope.RUN else None
    store.journal.record(type, actor=actor, subject="budget", subject_id=key, run_id=run_id, data=told)
