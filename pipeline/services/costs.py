"""What runs have cost beside what was expected, and how budgets burn down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from data.store import Store, Stores
from pipeline.domain import completion, estimates
from pipeline.domain.budget import Budget, Quantity, Scope
from pipeline.domain.costs import BurnDown, By, CostLine, Point, Work, burn_down, total
from pipeline.domain.errors import NotFound
from pipeline.domain.overview import RunOverview
from pipeline.domain.progress import GOES_ON, Outlook
from pipeline.domain.records import Run
from pipeline.domain.schedule import Schedule
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind
from pipeline.ports import Clock
from pipeline.services.accounts import cost_of, usual_price
from pipeline.services.runbooks import RunBooks
from pipeline.services.shared_budgets import concerns

_BACK = timedelta(days=30)
_STEPS = 120
_SHORTEST_S = 60
_GOES_ON = GOES_ON | {Outlook.BUDGET}
"""Where nobody has to decide anything for the work itself."""


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

    def at_work(self, budget: Budget) -> list[int]:
        """The runs under way that a budget pays for."""
        with self._stores.read() as store:
            return [run.id for run in store.runs.all() if run.status is RunStatus.RUNNING and concerns(budget, run)]

    def burn_down(self, budget: Budget, overviews: Iterable[RunOverview]) -> BurnDown:
        """How a budget of time or money was spent over the last month, and where that leads; of disk only how it stands.

        `overviews` are those of its runs at work: it ends when they say.
        """
        now = self._clock.now()
        with self._stores.read() as store:
            runs = {run.id: run for run in store.runs.all() if concerns(budget, run)}
            began = min((run.created_at for run in runs.values()), default=now)
            since = max(began, now - _BACK)
            bucket_s = max(_SHORTEST_S, int((now - since).total_seconds() / _STEPS))
            spent = _spent(store, budget, since, bucket_s)
            works = [self._work(store, runs[one.run_id], one, budget.quantity) for one in overviews if one.run_id in runs]
        points = _course(budget.spent, spent, since=since, bucket_s=bucket_s, now=now)
        return burn_down(points, works, limit=budget.limit, now=now, is_stopped=budget.stops is not None)

    def _work(self, store: Store, run: Run, overview: RunOverview, quantity: Quantity) -> Work:
        """What a run is expected to need until it ends or waits for people."""
        held_back = store.tallies.held_back(run.id)
        held = overview.held[0].words if overview.held else ""
        left = 0.0
        if quantity is not Quantity.DISK_BYTES and overview.outlook in _GOES_ON:
            seconds = self._seconds_left(store, run, held_back)
            left = seconds if quantity is Quantity.GPU_SECONDS else cost_of(seconds, usual_price(store, run))
        return Work(left, sum(held_back.values()), overview.rests_at, held)

    def _seconds_left(self, store: Store, run: Run, held_back: Mapping[str, int]) -> float:
        recipes, tallies = (book := self._books.get(store, run.id)).recipes, store.tallies
        schedule = store.schedules.all().get(run.project_id) or Schedule()
        cells = completion.going_on(tallies.cells(run.id), held_back, schedule.paused)
        jobs = completion.jobs_left(cells, tallies.segments_under_way(run.id), {}, {}, recipes.scene_types, outputs=0)
        segments = {name: count for (stage, name), (count, _) in jobs.items() if stage is Stage.SCENE_GENERATION}
        pictures = Counter[StillKind]()
        for (kind, status), (_, candidates) in tallies.stills(run.id).items():
            pictures[kind] += candidates if status in (CellStatus.QUEUED, CellStatus.GENERATING) else 0
        return estimates.seconds_left(recipes.production, segments, pictures, book.history)


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
