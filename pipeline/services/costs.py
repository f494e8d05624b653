"""What runs have cost beside what was expected, and how budgets burn down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from data.store import Store, Stores
from pipeline.domain import estimates
from pipeline.domain.budget import Budget, Quantity, Scope
from pipeline.domain.costs import BurnDown, By, CostLine, Point, burn_down, total
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus, RunStatus
from pipeline.ports import Clock
from pipeline.services.accounts import cost_of, usual_price
from pipeline.services.runbooks import RunBooks
from pipeline.services.shared_budgets import concerns

_BACK = timedelta(days=30)
_STEPS = 120
_SHORTEST_S = 60


@dataclass(frozen=True)
class CostReport:
    """The costs of a run in lines, and all together."""

    by: By
    lines: tuple[CostLine, ...]
    total: CostLine


class Costs:
    """Reads costs; nothing here writes."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

    def of_run(self, run_id: int, by: By) -> CostReport:
        """Actual against estimate of everything of a run that has ended. Raises NotFound."""
        with self._stores.read() as store:
            if not store.runs.by_ids([run_id]):
                raise NotFound(f"There is no run {run_id}.")
            lines, jobs = store.costs.lines(run_id, by), store.costs.jobs(run_id)
        return CostReport(by, tuple(lines), total(lines, jobs))

    def burn_down(self, budget: Budget) -> BurnDown:
        """How a budget of time or money was spent over the last month, and where that leads; of disk only how it stands."""
        now = self._clock.now()
        with self._stores.read() as store:
            runs = [run for run in store.runs.all() if concerns(budget, run)]
            began = min((run.created_at for run in runs), default=now)
            since = max(began, now - _BACK)
            bucket_s = max(_SHORTEST_S, int((now - since).total_seconds() / _STEPS))
            spent = _spent(store, budget, since, bucket_s)
            left = sum(self._left(store, run, budget.quantity) for run in runs if run.status is RunStatus.RUNNING)
        points = _course(budget.spent, spent, since=since, bucket_s=bucket_s, now=now)
        return burn_down(points, limit=budget.limit, left=left, now=now)

    def _left(self, store: Store, run: Run, quantity: Quantity) -> float:
        """What the scenes that are asked for and not made yet are expected to need."""
        if quantity is Quantity.DISK_BYTES:
            return 0.0
        book = self._books.get(store, run.id)
        open_cells = store.cells.with_status(run.id, CellStatus.QUEUED, CellStatus.GENERATING)
        seconds = estimates.estimate(book.recipes.production, [cell.plan for cell in open_cells], book.history).generation_seconds
        return seconds if quantity is Quantity.GPU_SECONDS else cost_of(seconds, usual_price(store, run))


def _spent(store: Store, budget: Budget, since: datetime, bucket_s: int) -> Sequence[tuple[int, float]]:
    if budget.quantity is Quantity.DISK_BYTES:
        return []
    where: dict[str, Any] = {"user": budget.subject}
    if budget.scope is not Scope.USER:
        where = {"project_id" if budget.scope is Scope.PROJECT else "run_id": int(budget.subject)}
    column = 1 if budget.quantity is Quantity.GPU_SECONDS else 2
    return [(row[0], row[column]) for row in store.costs.spent_since(since, bucket_s=bucket_s, **where)]


def _course(
    spent: float, steps: Sequence[tuple[int, float]], *, since: datetime, bucket_s: int, now: datetime
) -> Sequence[Point]:
    """Backwards from what is spent now: what ended in each step was not spent before it."""
    sums: Mapping[int, float] = dict(steps)
    level = max(0.0, spent - sum(sums.values()))
    points = [Point(since, level)]
    for step in sorted(sums):
        level += sums[step]
        at = datetime.fromtimestamp((step + 1) * bucket_s, UTC)
        points.append(Point(min(at, now), min(level, spent)))
    return [*points, Point(now, spent)]
