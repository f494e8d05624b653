"""Budgets that runs share: whatever is reserved and charged, in whatever order, every limit holds and every sum agrees."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.budget import Account, Action, Budget, Quantity, Scope, Threshold, in_order, parse_levels, reached
from pipeline.domain.errors import Invalid
from pipeline.domain.records import Job, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus, RunStatus
from pipeline.services.accounts import Accounts
from pipeline.services.shared_budgets import SharedBudgets

RUNS = {
    number: Run(
        id=number, project_id=1 + number % 2, title="T", number=number, status=RunStatus.RUNNING, backend="animatic", base_dir="",
        until="finalize", accept_flags=False, auto_deliver=True, priority=0, created_at=datetime(2026, 1, 1, tzinfo=UTC),
        limit_seconds=None, limit_bytes=None, spent_seconds=0.0, reserved_seconds=0.0, spent_bytes=0, reserved_bytes=0,
        created_by="Ann" if number < 3 else "Ben",
    )
    for number in (1, 2, 3, 4)
}  # fmt: skip
AMOUNTS = st.floats(0, 500, allow_nan=False)
STEPS = st.lists(st.tuples(st.sampled_from(sorted(RUNS)), AMOUNTS, AMOUNTS, st.booleans()), max_size=50)
LIMITS = st.dictionaries(
    st.sampled_from([(Scope.PROJECT, "1"), (Scope.PROJECT, "2"), (Scope.USER, "Ann"), (Scope.USER, "Ben")]), AMOUNTS, max_size=4
)


def job(run_id: int, number: int, seconds: float) -> Job:
    """A job of generation."""
    return Job(
        id=number, run_id=run_id, stage=Stage.SCENE_GENERATION, subject="cell", subject_id=1, take=1, part=1,
        status=JobStatus.READY, urgency=0, epoch=0, tries=0, inputs=(), options={}, fingerprint="", estimated_seconds=seconds,
        estimated_bytes=int(seconds),
    )  # fmt: skip


@given(LIMITS, st.dictionaries(st.sampled_from(sorted(RUNS)), AMOUNTS), STEPS)
def test_no_limit_is_ever_passed_and_shared_budgets_are_the_sums_of_their_runs(
    limits: dict[tuple[Scope, str], float], own: dict[int, float], steps: list[tuple[int, float, float, bool]]
) -> None:
    budgets = [
        Budget(number, scope, subject, Quantity.GPU_SECONDS, limit, 0.0, 0.0)
        for number, ((scope, subject), limit) in enumerate(limits.items(), 1)
    ]
    accounts = Accounts({key: replace(run, limit_seconds=own.get(key)) for key, run in RUNS.items()}, SharedBudgets(budgets))
    running: list[tuple[Job, float]] = []
    for number, (run_id, estimated, used, ends_now) in enumerate(steps):
        new = job(run_id, number, estimated)
        if accounts.reserve(new):
            running.append((replace(new, reserved_seconds=estimated), used))
        if running and ends_now:
            ended, seconds = running.pop(0)
            accounts.charge(ended, seconds=seconds, size_bytes=0)
        for budget in budgets:
            account = accounts.shared.accounts[budget.id]
            assert account.spent + account.reserved <= (budget.limit or 0) * (1 + 1e-9) + 1e-6
            concerned = [run.id for run in RUNS.values() if budget.subject in (str(run.project_id), run.created_by)]
            assert account.spent == pytest.approx(sum(accounts.seconds[key].spent for key in concerned), abs=1e-6)
            assert account.reserved == pytest.approx(sum(accounts.seconds[key].reserved for key in concerned), abs=1e-6)
        for key, limit in own.items():
            assert accounts.seconds[key].spent + accounts.seconds[key].reserved <= limit * (1 + 1e-9) + 1e-6


@given(st.lists(st.floats(0.5, 100), unique=True, max_size=10), AMOUNTS, AMOUNTS)
def test_levels_are_reached_from_the_lowest_up_and_more_spending_reaches_no_fewer(
    shares: list[float], spent: float, more: float
) -> None:
    levels = in_order(Threshold(share, Action.NOTIFY) for share in shares)
    count = reached(levels, Account(500.0, spent, 0.0))
    assert all(spent * 1.000001 >= 5 * level.at_percent for level in levels[:count])
    assert all(spent < 5 * level.at_percent for level in levels[count:])
    assert reached(levels, Account(500.0, spent + more, 0.0)) >= count
    assert reached(levels, Account(None, spent, 0.0)) == 0


def test_a_level_that_stops_lets_no_generation_start_but_what_needs_none() -> None:
    stop = (Threshold(50, Action.FINISH),)
    budget = Budget(1, Scope.USER, "Ann", Quantity.GPU_SECONDS, 100.0, 60.0, 0.0, stop, fired=1)
    accounts = Accounts(dict(RUNS), SharedBudgets([budget]))
    assert not accounts.reserve(job(1, 1, 1.0))
    assert accounts.reserve(replace(job(1, 2, 1.0), stage=Stage.SCENE_QA))
    assert accounts.reserve(job(3, 3, 1.0)), "a run of somebody else"
    assert accounts.startable_seconds(1) < 0 < accounts.free_seconds(1, 0.0)


def test_levels_are_read_as_people_write_them() -> None:
    found = parse_levels("95%:finish, 80 ; 100:cancel")
    assert [(level.at_percent, level.action) for level in found] == [
        (80, Action.NOTIFY),
        (95, Action.FINISH),
        (100, Action.CANCEL),
    ]
    assert parse_levels("") == ()
    for text in ("often", "80:explode", "0", "nan", "80, 80"):
        with pytest.raises(Invalid):
            parse_levels(text)
