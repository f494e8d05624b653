"""Accounts: whatever is reserved and charged, in whatever order, the limit holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.budget import Account

AMOUNTS = st.floats(0, 1000, allow_nan=False)


@given(AMOUNTS, st.lists(st.tuples(AMOUNTS, AMOUNTS, st.booleans()), max_size=60))
def test_spent_and_reserved_never_exceed_the_limit(limit: float, jobs: list[tuple[float, float, bool]]) -> None:
    account, running = Account(limit, 0.0, 0.0), []
    for estimated, used, ends_now in jobs:
        if account.covers(estimated):
            account = account.reserve(estimated)
            running.append((estimated, used))
        if running and ends_now:
            account = account.charge(*running.pop(0))
        assert account.spent + account.reserved <= limit * (1 + 1e-9) + 1e-6
    for estimated, used in running:
        account = account.charge(estimated, used)
    assert account.spent <= limit * (1 + 1e-9) + 1e-6
    assert abs(account.reserved) < 1e-6


@given(st.lists(AMOUNTS, max_size=20))
def test_without_a_limit_everything_is_covered(amounts: list[float]) -> None:
    account = Account(None, 0.0, 0.0)
    for amount in amounts:
        assert account.covers(amount)
        account = account.reserve(amount)


def test_what_is_not_used_is_free_again() -> None:
    assert Account(10, 0, 0).reserve(8).charge(8, 3).free == 7


def test_what_exceeds_the_reservation_is_paid_from_what_is_free() -> None:
    assert Account(10, 0, 0).reserve(4).charge(4, 6) == Account(10, 6, 0)


def test_a_charge_stops_at_the_limit() -> None:
    assert Account(10, 0, 5).charge(5, 99) == Account(10, 10, 0)


def test_an_overdrawn_account_has_nothing_free() -> None:
    assert Account(10, 12, 0).free == 0


def test_what_is_given_back_leaves_nothing_reserved() -> None:
    account = Account(None, 0.0, 0.0)
    for amount in (0.1, 0.2, 0.7, 1e-5):
        account = account.reserve(amount)
    for amount in (0.7, 0.2, 1e-5, 0.1):
        account = account.charge(amount, 0.0)
    assert account.reserved == 0.0
