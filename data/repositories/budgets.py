"""Budgets of productions and users, and the levels of every budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update

from data.batch import Batch
from data.budget_models import budgets
from data.models import production_runs as runs
from data.models import projects
from data.reads import Read
from data.tables import fixed
from pipeline.domain.budget import Account, Action, Budget, Quantity, Scope, Threshold
from pipeline.domain.statuses import RunStatus

_LIMITS = {
    Quantity.GPU_SECONDS: ("limit_seconds", "spent_seconds", "reserved_seconds"),
    Quantity.MONEY: ("limit_cost", "spent_cost", "reserved_cost"),
    Quantity.DISK_BYTES: ("limit_bytes", "spent_bytes", "reserved_bytes"),
}
"""The columns of a run that hold its own limit, what it has spent and what it has reserved."""
_OF_RUN = [runs.c[name] for names in _LIMITS.values() for name in names]
_COLUMNS = [column for column in budgets.c if column.name != "created_at"]
_WITH_RUN = select(*_COLUMNS, *_OF_RUN).outerjoin(runs, runs.c.id == budgets.c.run_id)
_RUNNING = or_(budgets.c.run_id.is_(None), runs.c.status.in_(fixed(RunStatus.RUNNING.value)))
_IN_FORCE = Read(lambda many: _WITH_RUN.where(_RUNNING).order_by(budgets.c.id))
_SPEND = (
    update(budgets).where(budgets.c.id == bindparam("b_id")).values(spent=bindparam("b_spent"), reserved=bindparam("b_reserved"))
)


class Budgets:
    """Sets, finds and charges budgets."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def in_force(self) -> list[Budget]:
        """Those of productions and users, and the levels of runs that are running; without their names."""
        return [_budget(row) for row in _IN_FORCE.rows(self._connection, {})]

    def all(self) -> list[Budget]:
        """Every budget with its name: of productions, users and runs, those of runs also where they have no levels."""
        kept = [*self._connection.execute(_WITH_RUN)]
        titles = self.projects()
        limited = or_(*(runs.c[names[0]].is_not(None) for names in _LIMITS.values()))
        with_levels = [row.run_id for row in kept if row.run_id is not None]
        columns = (runs.c.id, runs.c.title, runs.c.number, *_OF_RUN)
        of_runs = {
            row.id: row for row in self._connection.execute(select(*columns).where(or_(limited, runs.c.id.in_(with_levels))))
        }
        found = [_budget(row, _name(row, titles, of_runs)) for row in kept]
        known = {(budget.subject, budget.quantity) for budget in found if budget.scope is Scope.RUN}
        for row in of_runs.values():
            found += [
                _plain(row, quantity, account)
                for quantity, account in accounts_of_run(row._mapping).items()
                if account.limit is not None and (str(row.id), quantity) not in known
            ]
        return found

    def of_run(self, run_id: int) -> list[Budget]:
        """The levels of one run."""
        return [_budget(row) for row in self._connection.execute(_WITH_RUN.where(budgets.c.run_id == run_id))]

    def projects(self) -> dict[int, str]:
        """The title of every production."""
        return {row.id: row.title for row in self._connection.execute(select(projects.c.id, projects.c.title))}

    def put(self, scope: Scope, subject: str, quantity: Quantity, *, values: Mapping[str, Any], now: datetime) -> int:
        """Store the budget of this subject and quantity, new or with other values; the answer is its number."""
        same = (budgets.c.scope == scope.value, budgets.c.subject == subject, budgets.c.quantity == quantity.value)
        row = {name: _plain_thresholds(value) if name == "thresholds" else value for name, value in values.items()}
        known = self._connection.execute(select(budgets.c.id).where(*same)).scalar()
        if known is not None:
            self._connection.execute(update(budgets).where(budgets.c.id == known).values(**row))
            return known
        new = {"scope": scope.value, "subject": subject, "quantity": quantity.value, "created_at": now, **row}
        return self._connection.execute(insert(budgets).returning(budgets.c.id), new).scalar_one()

    def remove(self, budget_id: int) -> None:
        """Forget a budget."""
        self._connection.execute(delete(budgets).where(budgets.c.id == budget_id))

    def spend(self, budget_id: int, account: Account) -> None:
        """Store what is spent and reserved of a budget now; at once, because the same transaction may read it again."""
        self._batch.add(_SPEND, {"b_id": budget_id, "b_spent": account.spent, "b_reserved": account.reserved})
        self._batch.flush()

    def set_fired(self, budget_id: int, fired: int) -> None:
        """So many of its levels have been acted on."""
        self._connection.execute(update(budgets).where(budgets.c.id == budget_id).values(fired=fired))

    def sums(self, scope: Scope, subject: str, quantity: Quantity) -> tuple[float, float]:
        """What the runs of a production or of a user have spent and reserved, all together."""
        _, spent, reserved = _LIMITS[quantity]
        condition: ColumnElement[bool] = runs.c.created_by == subject
        if scope is Scope.PROJECT:
            condition = runs.c.project_id == int(subject)
        query = select(func.sum(runs.c[spent]), func.sum(runs.c[reserved])).where(condition)
        found = self._connection.execute(query).one()
        return float(found[0] or 0), float(found[1] or 0)


def accounts_of_run(row: Mapping[str, Any]) -> dict[Quantity, Account]:
    """A run's own limits by quantity, from its columns."""
    return {quantity: Account(*(row[name] for name in names)) for quantity, names in _LIMITS.items()}


def limit_column(quantity: Quantity) -> str:
    """The column of a run that holds its own limit."""
    return _LIMITS[quantity][0]


def _budget(row: Any, name: str = "") -> Budget:
    scope, quantity = Scope(row.scope), Quantity(row.quantity)
    account = Account(row.limit_amount, row.spent, row.reserved)
    if scope is Scope.RUN:
        account = Account(*(getattr(row, column) for column in _LIMITS[quantity]))
    levels = tuple(Threshold(float(at), Action(action)) for at, action in row.thresholds)
    return Budget(
        id=row.id, scope=scope, subject=row.subject, quantity=quantity, limit=account.limit, spent=account.spent,
        reserved=account.reserved, thresholds=levels, fired=row.fired, name=name,
    )  # fmt: skip


def _plain(row: Any, quantity: Quantity, account: Account) -> Budget:
    """The limit of a run that has no levels; it has no number of its own."""
    name = f"{row.title} #{row.number}"
    return Budget(0, Scope.RUN, str(row.id), quantity, account.limit, account.spent, account.reserved, name=name)


def _name(row: Any, titles: Mapping[int, str], of_runs: Mapping[int, Any]) -> str:
    if row.run_id is not None:
        run = of_runs[row.run_id]
        return f"{run.title} #{run.number}"
    return titles.get(row.project_id, row.subject) if row.scope == Scope.PROJECT.value else row.subject


def _plain_thresholds(levels: Iterable[Threshold]) -> Sequence[Sequence[Any]]:
    return [[level.at_percent, level.action.value] for level in levels]
