"""Why a budget does not cover what somebody asks for, in words: of the run, of its production, or of its user."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from data.store import Store
from pipeline.domain.budget import Account, Budget, Quantity, Scope
from pipeline.domain.costs import money
from pipeline.domain.estimates import Estimate
from pipeline.domain.fleet.jobs import FleetJob
from pipeline.domain.fleet.rules import BUDGET, Hold
from pipeline.domain.production import Production
from pipeline.domain.records import Job, Run
from pipeline.domain.stages import Lane, Phase, last_rank
from pipeline.domain.workers import Worker
from pipeline.services.accounts import Accounts, cheapest, cost_of, is_paid
from pipeline.services.prices import Prices
from pipeline.services.shared_budgets import SharedBudgets

_OPTIONS = {Quantity.GPU_SECONDS: "--gpu-hours N", Quantity.MONEY: "--money N", Quantity.DISK_BYTES: "--disk-gb N"}
_FIELDS = {Quantity.GPU_SECONDS: "budget.gpu_hours", Quantity.MONEY: "budget.money", Quantity.DISK_BYTES: "budget.disk_gb"}
_LEAST_IN_HOURS_S, _LEAST_IN_GB_BYTES = 36.0, 1e8
"""Smaller amounts are told in seconds and MB: a need of 0.00 of what is left explains nothing."""
_DIGITS = range(2, 7)
_OF_MONEY = " of money"


def is_bounded(store: Store, run: Run) -> bool:
    """Whether any budget counts what the run uses."""
    own = (run.limit_seconds, run.limit_bytes, run.limit_cost)
    return any(limit is not None for limit in own) or bool(store.budgets.in_force())


def uncovered(store: Store, run: Run, estimate: Estimate, price: float, *, is_new: bool = False) -> str:
    """Which budget does not cover this, its time bought at `price` an hour, in words; empty when all do.

    `is_new` says that the run is not there yet: its limits are those of its file.
    """
    shared = SharedBudgets(store.budgets.in_force())
    shared.know(run)
    stopped = shared.stopped_by(run.id)
    if stopped is not None:
        return stop_words(stopped, store)
    return _uncovered(run, estimate, price, is_new=is_new) or _uncovered_together(store, shared, run, estimate, price)


def shortfalls(store: Store, production: Production, user: str, estimate: Estimate, price: float) -> list[str]:
    """What a run of all of this would lack of the money of its file, and of the budgets of its production and of its user.

    Each is the need, and what there is. Time is bought at `price` an hour.
    """
    wanted = _wanted(estimate, price)
    found, limit, cost = [], production.budget.money, wanted[Quantity.MONEY]
    if limit is not None and cost > limit:
        need, allowed = _both(Quantity.MONEY, cost, limit)
        found.append(f"{need}; the budget allows {allowed.removesuffix(_OF_MONEY)}")
    subjects = {Scope.PROJECT: str(store.runs.find_project(production.title)), Scope.USER: user}
    for budget in store.budgets.in_force():
        if budget.subject != subjects.get(budget.scope):
            continue
        whose, need = f"the budget of {budget.subject if budget.scope is Scope.USER else production.title}", budget.quantity
        if budget.stops is not None:
            has = f"has reached {budget.stops.at_percent:g} % of its limit, at which no new generation starts"
        elif not budget.account.covers(wanted[need]):
            has = f"has {_both(need, wanted[need], budget.account.free)[1]} left"
        else:
            continue
        found.append(f"{_both(need, wanted[need], budget.account.free)[0]}; {whose} {has}")
    return found


def _wanted(estimate: Estimate, price: float) -> dict[Quantity, float]:
    return {
        Quantity.GPU_SECONDS: estimate.generation_seconds,
        Quantity.MONEY: cost_of(estimate.generation_seconds, price),
        Quantity.DISK_BYTES: float(estimate.disk_bytes),
    }


def stop_words(budget: Budget, store: Store | None = None) -> str:
    """That a level of a budget has stopped new work, and the cure."""
    level = budget.stops
    at = f"{level.at_percent:g} %" if level else "a level"
    return (
        f"{_whose(budget, store)} has reached {at} of its limit, at which no new generation starts. "
        f"Raise the limit: {_raising(budget, store)} or the page of budgets."
    )


def stop_hold(budget: Budget, run: Run) -> Hold:
    """The same for what waits in the queue of a run."""
    name = _name_of(budget, run)
    at = f"{budget.stops.at_percent:g} %" if budget.stops else "a level"
    words = f"waits for a higher limit: {at} of the budget of {name} is spent, at which no new generation starts"
    return Hold(BUDGET, words, _cure(budget.scope, name, budget.quantity))


def run_hold(store: Store, accounts: Accounts, run: Run) -> Hold | None:
    """Why budgets let nothing be generated of what a run has ready, its time bought at the cheapest worker, and the cure.

    None where they cover some of it, or nothing is ready. `accounts` has the run.
    """
    stopped = accounts.shared.stopped_by(run.id) if accounts.shared else None
    if stopped is not None:
        return stop_hold(stopped, run)
    if not _has_limits(accounts, run):
        return None
    price, last = cheapest(store, run.backend), last_rank(Phase(run.until))
    free_seconds, free_bytes = accounts.free_seconds(run.id, price), accounts.free_bytes(run.id)
    least = store.jobs.least_beyond(run.id, Lane.GENERATION, last, free_seconds=free_seconds, free_bytes=free_bytes)
    return job_hold(accounts, run, least, price) if least else None


def job_hold(accounts: Accounts, run: Run, job: Job, price: float) -> Hold | None:
    """Which budget does not cover a job that waits, its time bought at `price` an hour, and the cure; None when all do."""
    seconds = job.estimated_seconds if is_paid(job) else 0.0
    needs = {
        Quantity.GPU_SECONDS: seconds,
        Quantity.MONEY: cost_of(seconds, price),
        Quantity.DISK_BYTES: float(job.estimated_bytes),
    }
    shared = [(one, accounts.shared.accounts[one.id]) for one in accounts.shared.of(run.id) if one.scope is not Scope.RUN]
    for quantity, need in needs.items():
        own = accounts.of_run(run.id, quantity)
        if own is not None and not own.covers(need):
            return _need_hold(Scope.RUN, run.name, quantity, need, own)
        for budget, account in shared:
            if budget.quantity is quantity and not account.covers(need):
                return _need_hold(budget.scope, _name_of(budget, run), quantity, need, account)
    return None


def uncovered_jobs(store: Store, accounts: Accounts, workers: Collection[Worker], jobs: Sequence[FleetJob]) -> dict[int, Hold]:
    """Of these jobs those that a budget does not cover now, each where it costs least, of workers with its tags."""
    bounded = {run.id for run in accounts.runs.values() if _has_limits(accounts, run)}
    kinds = {int(job.id): job.kind for job in jobs if int(job.kind.run) in bounded}
    prices = Prices(workers, store.workers.records() if kinds else ())

    def price(job: Job) -> float:
        kind = kinds[job.id]
        return prices.least(kind.tags, kind.workflow, kind.units, job.estimated_seconds)

    found = {
        job.id: job_hold(accounts, accounts.runs[job.run_id], job, price(job)) for job in store.jobs.by_ids(list(kinds)).values()
    }
    return {key: hold for key, hold in found.items() if hold is not None}


def _has_limits(accounts: Accounts, run: Run) -> bool:
    own = (run.limit_seconds, run.limit_bytes, run.limit_cost)
    return bool(accounts.shared.of(run.id)) or any(limit is not None for limit in own)


def _need_hold(scope: Scope, name: str, quantity: Quantity, need: float, account: Account) -> Hold:
    wanted, left = _both(quantity, need, max(0.0, account.free))
    # What runs gives back what it has reserved too much: waiting alone may be enough.
    beside = ", until what runs gives back what it does not need" if _would_fit(need, account) else ""
    words = f"waits for a higher limit: needs {wanted}, and the budget of {name} has {left} free{beside}"
    return Hold(BUDGET, words, _cure(scope, name, quantity))


def _would_fit(need: float, account: Account) -> bool:
    return account.limit is not None and account.reserved > 0 and need <= account.limit - account.spent


def _cure(scope: Scope, name: str, quantity: Quantity) -> str:
    return f'`./stripboard budgets set {scope.value} "{name}" {_OPTIONS[quantity]}`'


def _raising(budget: Budget, store: Store | None) -> str:
    """The command that raises a limit, whole where it is known whose it is."""
    names: dict[str, str] = {budget.subject: budget.subject} if budget.scope is Scope.USER else {}
    if store is not None and budget.scope is Scope.PROJECT:
        names = {str(key): title for key, title in store.budgets.projects().items()}
    elif store is not None and budget.scope is Scope.RUN:
        names = {str(key): run.name for key, run in store.runs.by_ids([int(budget.subject)]).items()}
    name = names.get(budget.subject)
    return _cure(budget.scope, name, budget.quantity) if name else "`./stripboard budgets set`"


def _name_of(budget: Budget, run: Run) -> str:
    return {Scope.PROJECT: run.title, Scope.RUN: run.name, Scope.USER: budget.subject}[budget.scope]


def _whose(budget: Budget, store: Store | None) -> str:
    if budget.scope is Scope.USER:
        return f"The budget of {budget.subject}"
    name = ""
    if budget.scope is Scope.PROJECT and store is not None:
        name = store.budgets.projects().get(int(budget.subject), "")
    word = "production" if budget.scope is Scope.PROJECT else "run"
    return f"The budget of {name}" if name else f"The budget of the {word}"


def _uncovered_together(store: Store, shared: SharedBudgets, run: Run, estimate: Estimate, price: float) -> str:
    """Which budget of the production or user does not cover it beside what other runs spend and hold."""
    wanted = _wanted(estimate, price)
    for budget in shared.of(run.id):
        if budget.scope is not Scope.RUN and not budget.account.covers(wanted[budget.quantity]):
            need, free = _both(budget.quantity, wanted[budget.quantity], budget.account.free)
            return (
                f"{_whose(budget, store)} would need {need} for this and has {free} left ({estimate.basis}). "
                "Submit fewer scenes, or raise it: `./stripboard budgets set`."
            )
    return ""


def _both(quantity: Quantity, need: float, free: float) -> tuple[str, str]:
    """What is needed and what is left, with as many digits as it takes to tell them apart.

    Money is reckoned at the cheapest worker: at others it is more.
    """
    pairs = [(_amount(quantity, need, digits), _amount(quantity, free, digits)) for digits in _DIGITS]
    wanted, left = next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])
    return (f"at least {wanted}" if quantity is Quantity.MONEY and not wanted.startswith("<") else wanted), left


def _amount(quantity: Quantity, value: float, digits: int) -> str:
    if quantity is Quantity.MONEY:
        return f"{money(value) if digits == _DIGITS[0] else f'{value:,.{digits}f}'}{_OF_MONEY}"
    return _generation(value, digits) if quantity is Quantity.GPU_SECONDS else _disk(value, digits - 1)


def _uncovered(run: Run, estimate: Estimate, price: float, *, is_new: bool) -> str:
    """Which budget of the run does not cover this, its time bought at `price` an hour, in words; empty when all do."""
    name = f"A new run of {run.title}" if is_new else f"Run {run.name}"
    scenes = "1 scene" if estimate.cells == 1 else f"{estimate.cells:,} scenes"
    seconds = Account(run.limit_seconds, run.spent_seconds, run.reserved_seconds)
    if not seconds.covers(estimate.generation_seconds):
        need, free = _both(Quantity.GPU_SECONDS, estimate.generation_seconds, seconds.free)
        return (
            f"{name} would need {need} for {scenes} and has {free} left "
            f"({estimate.basis}). {_less_or_more(run, Quantity.GPU_SECONDS, is_new=is_new)}"
        )
    sizes = Account(run.limit_bytes, run.spent_bytes, run.reserved_bytes)
    if not sizes.covers(estimate.disk_bytes):
        need, free = _both(Quantity.DISK_BYTES, estimate.disk_bytes, sizes.free)
        return (
            f"{name} would need {need} of disk for {scenes} and has {free} left. "
            f"{_less_or_more(run, Quantity.DISK_BYTES, is_new=is_new)}"
        )
    paid, cost = Account(run.limit_cost, run.spent_cost, run.reserved_cost), cost_of(estimate.generation_seconds, price)
    if not paid.covers(cost):
        need, free = (words.removesuffix(_OF_MONEY) for words in _both(Quantity.MONEY, cost, paid.free))
        return (
            f"{name} would cost {need} for {scenes}, at the cheapest worker, and has {free} left "
            f"({estimate.basis}). {_less_or_more(run, Quantity.MONEY, is_new=is_new)}"
        )
    return ""


def _less_or_more(run: Run, quantity: Quantity, *, is_new: bool) -> str:
    if is_new:
        return f"Make fewer, shorter or smaller scenes, or raise {_FIELDS[quantity]} of the production. No run was made."
    return f"Submit fewer scenes, or raise the limit: {_cure(Scope.RUN, run.name, quantity)}."


def _generation(seconds: float, digits: int) -> str:
    """GPU-hours, or seconds where hours would read as nothing."""
    if seconds >= _LEAST_IN_HOURS_S:
        return f"{seconds / 3600:,.{digits}f} GPU-hours"
    return f"{max(0.0, seconds):.{digits - 1}f} GPU-seconds"


def _disk(size_bytes: float, digits: int) -> str:
    """GB, or MB where GB would read as nothing."""
    if size_bytes >= _LEAST_IN_GB_BYTES:
        return f"{size_bytes / 1e9:,.{digits}f} GB"
    return f"{max(0.0, size_bytes) / 1e6:.{digits}f} MB"
