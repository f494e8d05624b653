"""What happens when so much of a budget is spent: people are told, new work stops, or what runs is stopped as well.

Works in the transaction that it is handed, after what has ended was charged and before anything new is claimed.
"""

from __future__ import annotations

from data.store import Store
from pipeline.domain.budget import Account, Action, Budget, Scope, Threshold, reached
from pipeline.domain.records import ENGINE, Job
from pipeline.domain.statuses import AttemptOutcome, JobStatus
from pipeline.services.accounts import Accounts, is_paid, ran_for
from pipeline.services.shared_budgets import concerns


def act(store: Store, accounts: Accounts) -> None:
    """Act on every level that was reached since; each once.

    A stopped attempt costs what it ran, and its job waits again: it begins anew when the limit is raised. Who performs the
    attempt learns of it with the next heartbeat, as of a cancelled one.
    """
    for budget in list(accounts.shared.budgets.values()):
        account = _account(accounts, budget)
        count = reached(budget.thresholds, account)
        if count <= budget.fired:
            continue
        store.budgets.set_fired(budget.id, count)
        accounts.shared.has_fired(budget.id, count)
        fresh = budget.thresholds[budget.fired : count]
        for level in fresh:
            _tell(store, budget, level, account)
        if any(level.action is Action.CANCEL for level in fresh):
            _stop(store, accounts, budget)


def _account(accounts: Accounts, budget: Budget) -> Account:
    """How a budget stands now, in this transaction."""
    if budget.scope is Scope.RUN:
        return accounts.of_run(int(budget.subject), budget.quantity) or budget.account
    return accounts.shared.accounts[budget.id]


def _tell(store: Store, budget: Budget, level: Threshold, account: Account) -> None:
    """The event, and with it its row of the audit log."""
    data = {
        "scope": budget.scope.value, "of": budget.subject, "quantity": budget.quantity.value, "action": level.action.value,
        "at_percent": level.at_percent, "limit": account.limit, "spent": account.spent,
    }  # fmt: skip
    run_id = int(budget.subject) if budget.scope is Scope.RUN else None
    store.journal.record("budget.reached", actor=ENGINE, subject="budget", subject_id=budget.id, run_id=run_id, data=data)


def _stop(store: Store, accounts: Accounts, budget: Budget) -> None:
    """End the generation that this budget pays for; what else was reserved is free again."""
    store.flush()
    running = [job for job in store.jobs.running() if is_paid(job)]
    unknown = {job.run_id for job in running} - set(accounts.runs)
    for run in store.runs.by_ids(list(unknown)).values() if unknown else ():
        accounts.add(run)
    ours = [job for job in running if concerns(budget, accounts.runs[job.run_id])]
    costs = ran_for(store, ours)
    reason = "a level of a budget was reached that stops what runs"
    for job in ours:
        _end(store, accounts, job, reason, costs[job.attempt_id or ""])


def _end(store: Store, accounts: Accounts, job: Job, reason: str, seconds: float) -> None:
    now = store.journal.now
    charge = accounts.charge(job, seconds=seconds, size_bytes=0)
    tries = max(0, job.tries - 1)
    store.jobs.end(job, JobStatus.READY, AttemptOutcome.CANCELLED, now=now, charge=charge, reason=reason, tries=tries)
    store.journal.record(
        "job.returned", actor=ENGINE, subject="job", subject_id=job.id, run_id=job.run_id, data={"reason": reason}
    )
