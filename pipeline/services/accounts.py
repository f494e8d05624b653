"""The budgets of runs while a transaction works on them: reserved at the claim, charged at the end of an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from data.store import Store
from pipeline.domain.budget import Account
from pipeline.domain.records import Job, Run
from pipeline.domain.stages import STAGES, Lane
from pipeline.domain.workers import FLEET_BACKENDS


def is_paid(job: Job) -> bool:
    """Whether the time of this job counts as generation time."""
    return STAGES[job.stage].lane is Lane.GENERATION


def ran_for(store: Store, jobs: Sequence[Job]) -> dict[str, float]:
    """What attempts that end without a result have cost, by attempt id: the seconds since they began, at most what they
    had reserved (an attempt found dead after a night has not run all night)."""
    began = {attempt.id: attempt.started_at for attempt in store.jobs.attempts_of([job.id for job in jobs])}
    now = store.journal.now
    found = {}
    for job in jobs:
        attempt_id = job.attempt_id or ""
        found[attempt_id] = min(job.reserved_seconds, max(0.0, (now - began[attempt_id]).total_seconds()))
    return found


def cheapest(store: Store, run: Run) -> float:
    """What an hour costs at the cheapest worker that takes work; 0 where time costs nothing, or nobody says."""
    if run.backend not in FLEET_BACKENDS:
        return 0.0
    return min((worker.cost_per_hour for worker in store.workers.all() if worker.may_work), default=0.0)


def payable_seconds(store: Store, run: Run) -> float:
    """How much more generation time the budgets of a run can pay for: its hours, and its money at the cheapest worker."""
    return Accounts({run.id: run}).free_seconds(run.id, cheapest(store, run) if run.limit_cost is not None else 0.0)


def cost_of(seconds: float, price: float) -> float:
    """What so many seconds cost at a price for an hour."""
    return seconds * price / 3600


@dataclass
class Accounts:
    """The budgets of the active runs while a transaction works on them: generation time, disk, and the price of that time."""

    runs: dict[int, Run]
    seconds: dict[int, Account] = field(default_factory=dict)
    sizes: dict[int, Account] = field(default_factory=dict)
    costs: dict[int, Account] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for run in self.runs.values():
            self.add(run)

    def add(self, run: Run) -> None:
        """Open the budgets of one more run."""
        self.runs[run.id] = run
        self.seconds[run.id] = Account(run.limit_seconds, run.spent_seconds, run.reserved_seconds)
        self.sizes[run.id] = Account(run.limit_bytes, run.spent_bytes, run.reserved_bytes)
        self.costs[run.id] = Account(run.limit_cost, run.spent_cost, run.reserved_cost)

    def release(self, job: Job, price: float = 0.0) -> None:
        """A job that was about to start at this price does not: its reservation is free again."""
        if is_paid(job):
            self._charge_time(job.run_id, job.estimated_seconds, 0.0, price)
        self.sizes[job.run_id] = self.sizes[job.run_id].charge(job.estimated_bytes, 0.0)

    def reserve(self, job: Job, price: float = 0.0) -> bool:
        """Reserve what the job may cost at a price for an hour; False, and nothing reserved, when a budget does not cover it."""
        seconds = job.estimated_seconds if is_paid(job) else 0.0
        if not self.sizes[job.run_id].covers(job.estimated_bytes) or not self.covers_time(job.run_id, seconds, price):
            return False
        self.reserve_time(job.run_id, seconds, price)
        self.sizes[job.run_id] = self.sizes[job.run_id].reserve(job.estimated_bytes)
        return True

    def covers_time(self, run_id: int, seconds: float, price: float) -> bool:
        """Whether so much more time at this price may be reserved."""
        return self.seconds[run_id].covers(seconds) and self.costs[run_id].covers(cost_of(seconds, price))

    def reserve_time(self, run_id: int, seconds: float, price: float) -> None:
        """Reserve time and what it costs, both of which the budgets must cover."""
        self.seconds[run_id] = self.seconds[run_id].reserve(seconds)
        if price:
            self.costs[run_id] = self.costs[run_id].reserve(cost_of(seconds, price))

    def free_seconds(self, run_id: int, price: float) -> float:
        """How much more time at this price both budgets can pay for."""
        free = self.seconds[run_id].free
        return min(free, self.costs[run_id].free * 3600 / price) if price else free

    def charge(self, job: Job, *, seconds: float, size_bytes: int) -> bool:
        """An attempt ended having used this much; False, and no bytes charged, when its files do not fit the disk budget."""
        if is_paid(job):
            self._charge_time(job.run_id, job.reserved_seconds, seconds, job.price)
        account = self.sizes[job.run_id]
        fits = size_bytes <= account.free + job.estimated_bytes
        self.sizes[job.run_id] = account.charge(job.estimated_bytes, size_bytes if fits else 0)
        return fits

    def _charge_time(self, run_id: int, reserved: float, used: float, price: float) -> None:
        self.seconds[run_id] = self.seconds[run_id].charge(reserved, used)
        if price:
            self.costs[run_id] = self.costs[run_id].charge(cost_of(reserved, price), cost_of(used, price))

    def store(self, store: Store) -> None:
        """Write what has changed; one row a run."""
        for run_id, run in self.runs.items():
            seconds, sizes, costs = self.seconds[run_id], self.sizes[run_id], self.costs[run_id]
            values = {
                "spent_seconds": seconds.spent,
                "reserved_seconds": max(0.0, seconds.reserved),
                "spent_bytes": int(sizes.spent),
                "reserved_bytes": max(0, int(sizes.reserved)),
                "spent_cost": costs.spent,
                "reserved_cost": max(0.0, costs.reserved),
            }
            if any(getattr(run, name) != value for name, value in values.items()):
                store.runs.spend(run_id, values)
