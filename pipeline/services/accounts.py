"""The budgets of runs while a transaction works on them: reserved at the claim, charged at the end of an attempt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from data.store import Store
from pipeline.domain.budget import Account, Charge, Quantity
from pipeline.domain.plans import RunBook
from pipeline.domain.records import Job, Run
from pipeline.domain.stages import STAGES, Lane
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.services.prices import Prices
from pipeline.services.shared_budgets import SharedBudgets


def is_paid(job: Job) -> bool:
    """Whether the time of this job counts as generation time."""
    return STAGES[job.stage].lane is Lane.GENERATION


def ran_for(store: Store, jobs: Sequence[Job], watched: Mapping[str, float] | None = None) -> dict[str, float]:
    """What attempts that end without a result have cost, by attempt id: the seconds since they began, at most what they
    had reserved (an attempt found dead after a night has not run all night). What never began has cost nothing.

    `watched` says of attempts for how long they were seen at work; of the others the stored begin counts.
    """
    known, now = watched or {}, store.journal.now
    ran = dict.fromkeys((job.attempt_id or "" for job in jobs), 0.0) | dict(known)
    for attempt in store.jobs.attempts_of([job.id for job in jobs if job.attempt_id not in known]):
        if attempt.begun_at is not None:
            ran[attempt.id] = max(0.0, (now - attempt.begun_at).total_seconds())
    return {job.attempt_id or "": min(job.reserved_seconds, ran[job.attempt_id or ""]) for job in jobs}


def cheapest(store: Store, backend: str, tags: Iterable[str] = (), frame_seconds: Mapping[str, float] | None = None) -> float:
    """What an estimated hour costs where that is least, of workers with these tags; 0 where it costs nothing, or nobody says.

    A worker that is slower than the mean that is estimated by takes longer, which counts. `frame_seconds` is that mean, by work.
    """
    if backend not in FLEET_BACKENDS:
        return 0.0
    shown = store.workers.records() if frame_seconds else ()
    return Prices(store.workers.all(), shown).least_of(tags, frame_seconds or {})


def price_of(store: Store, run: Run, book: RunBook) -> float:
    """What an estimated hour of a run costs where that is least, by what was measured of its work."""
    recipes = book.recipes
    return cheapest(store, run.backend, recipes.production.worker_tags, recipes.cost_keys.frame_seconds(book.history))


def usual_price(store: Store, run: Run) -> float:
    """What an hour costs in the mean of the workers that take work; 0 where time costs nothing, or nobody says."""
    if run.backend not in FLEET_BACKENDS:
        return 0.0
    prices = [worker.cost_per_hour for worker in store.workers.all() if worker.may_work]
    return sum(prices) / len(prices) if prices else 0.0


def payable_seconds(store: Store, run: Run) -> float:
    """How much more generation time all budgets of a run can pay for: hours, and money at the cheapest worker.

    Less than nothing where a level of one of them has stopped new work.
    """
    accounts = Accounts.open(store, {run.id: run})
    price = cheapest(store, run.backend) if run.limit_cost is not None or accounts.shared else 0.0
    return min(accounts.startable_seconds(run.id), accounts.free_seconds(run.id, price))


def payable_bytes(store: Store, run: Run) -> float:
    """How much more disk all budgets of a run allow."""
    return Accounts.open(store, {run.id: run}).free_bytes(run.id)


def cost_of(seconds: float, price: float) -> float:
    """What so many seconds cost at a price for an hour."""
    return seconds * price / 3600


@dataclass
class Accounts:
    """The budgets of the active runs while a transaction works on them: generation time, disk, and the price of that time.

    Whatever is reserved and charged counts for the run, and for every budget of its production and of its user.
    """

    runs: dict[int, Run]
    shared: SharedBudgets = field(default_factory=SharedBudgets)
    seconds: dict[int, Account] = field(default_factory=dict)
    sizes: dict[int, Account] = field(default_factory=dict)
    costs: dict[int, Account] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for run in self.runs.values():
            self.add(run)

    @classmethod
    def open(cls, store: Store, runs: dict[int, Run]) -> Accounts:
        """The budgets of these runs, and those that they share."""
        return cls(runs, SharedBudgets(store.budgets.in_force()))

    def add(self, run: Run) -> None:
        """Open the budgets of one more run."""
        self.runs[run.id] = run
        self.seconds[run.id] = Account(run.limit_seconds, run.spent_seconds, run.reserved_seconds)
        self.sizes[run.id] = Account(run.limit_bytes, run.spent_bytes, run.reserved_bytes)
        self.costs[run.id] = Account(run.limit_cost, run.spent_cost, run.reserved_cost)
        self.shared.know(run)

    def of_run(self, run_id: int, quantity: Quantity) -> Account | None:
        """How a run's own budget stands now; None where the run is not among these."""
        kept = {Quantity.GPU_SECONDS: self.seconds, Quantity.MONEY: self.costs, Quantity.DISK_BYTES: self.sizes}
        return kept[quantity].get(run_id)

    def release(self, job: Job, price: float = 0.0) -> None:
        """A job that was about to start at this price does not: its reservation is free again."""
        if is_paid(job):
            self._charge_time(job.run_id, job.estimated_seconds, 0.0, price)
        self._charge_size(job, 0)

    def reserve(self, job: Job, price: float = 0.0) -> bool:
        """Reserve what the job may cost at a price for an hour; False, and nothing reserved, when a budget does not cover it."""
        seconds = job.estimated_seconds if is_paid(job) else 0.0
        if job.estimated_bytes > self.free_bytes(job.run_id) or not self.covers_time(job.run_id, seconds, price):
            return False
        if self.shared and is_paid(job) and self.shared.stopped_by(job.run_id):
            return False
        self.reserve_time(job.run_id, seconds, price)
        self.sizes[job.run_id] = self.sizes[job.run_id].reserve(job.estimated_bytes)
        self.shared.reserve(job.run_id, Quantity.DISK_BYTES, job.estimated_bytes)
        return True

    def covers_time(self, run_id: int, seconds: float, price: float) -> bool:
        """Whether so much more time at this price may be reserved."""
        cost = cost_of(seconds, price)
        if not self.seconds[run_id].covers(seconds) or not self.costs[run_id].covers(cost):
            return False
        if not self.shared:
            return True
        free_seconds, free_cost = (self.shared.free(run_id, each) for each in (Quantity.GPU_SECONDS, Quantity.MONEY))
        return seconds <= free_seconds and cost <= free_cost

    def reserve_time(self, run_id: int, seconds: float, price: float) -> None:
        """Reserve time and what it costs, both of which the budgets must cover."""
        self.seconds[run_id] = self.seconds[run_id].reserve(seconds)
        self.shared.reserve(run_id, Quantity.GPU_SECONDS, seconds)
        if price:
            self.costs[run_id] = self.costs[run_id].reserve(cost_of(seconds, price))
            self.shared.reserve(run_id, Quantity.MONEY, cost_of(seconds, price))

    def free_seconds(self, run_id: int, price: float) -> float:
        """How much more time at this price all budgets can pay for."""
        free, money = self.seconds[run_id].free, self.costs[run_id].free
        if self.shared:
            free = min(free, self.shared.free(run_id, Quantity.GPU_SECONDS))
            money = min(money, self.shared.free(run_id, Quantity.MONEY))
        return min(free, money * 3600 / price) if price else free

    def paid_s(self, job: Job, reserved: float) -> float:
        """How long an attempt at this job may run by what is reserved for it; infinite where no budget limits its time."""
        return reserved if is_paid(job) and self.free_seconds(job.run_id, job.price) < math.inf else math.inf

    def startable_seconds(self, run_id: int) -> float:
        """How much time what starts now may take; less than nothing where a level of a budget has stopped new work."""
        if self.shared and self.shared.stopped_by(run_id):
            return -1.0
        return self.free_seconds(run_id, 0.0)

    def free_money(self, run_id: int) -> float:
        """How much more money all budgets allow; infinite where nothing limits it."""
        if run_id not in self.costs:
            return math.inf
        money = self.costs[run_id].free
        return min(money, self.shared.free(run_id, Quantity.MONEY)) if self.shared else money

    def free_bytes(self, run_id: int) -> float:
        """How much more disk all budgets allow."""
        free = self.sizes[run_id].free
        return min(free, self.shared.free(run_id, Quantity.DISK_BYTES)) if self.shared else free

    def fits(self, job: Job, size_bytes: int) -> bool:
        """Whether so many bytes of files of the job fit the disk budgets, what it has reserved counted."""
        return size_bytes <= self.free_bytes(job.run_id) + job.estimated_bytes

    def charge(self, job: Job, *, seconds: float, size_bytes: int) -> Charge:
        """An attempt ended having used this much (bytes that fit); the answer is what it was charged with, for its row."""
        charge = Charge(seconds)
        if is_paid(job):
            charge = self._charge_time(job.run_id, job.reserved_seconds, seconds, job.price)
        self._charge_size(job, size_bytes)
        return charge

    def _charge_size(self, job: Job, used: int) -> None:
        self.sizes[job.run_id] = self.sizes[job.run_id].charge(job.estimated_bytes, used)
        self.shared.charge(job.run_id, Quantity.DISK_BYTES, job.estimated_bytes, used)

    def _charge_time(self, run_id: int, reserved: float, used: float, price: float) -> Charge:
        """The run and what it shares are charged the same: what each of them has room for."""
        cost = 0.0
        paid = min(used, self.shared.room(run_id, Quantity.GPU_SECONDS, reserved), self.seconds[run_id].room(reserved))
        self.seconds[run_id] = self.seconds[run_id].charge(reserved, paid)
        self.shared.charge(run_id, Quantity.GPU_SECONDS, reserved, paid)
        if price:
            held, cost = cost_of(reserved, price), cost_of(used, price)
            cost = min(cost, self.shared.room(run_id, Quantity.MONEY, held), self.costs[run_id].room(held))
            self.costs[run_id] = self.costs[run_id].charge(held, cost)
            self.shared.charge(run_id, Quantity.MONEY, held, cost)
        return Charge(paid, cost)

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
        self.shared.store(store)
