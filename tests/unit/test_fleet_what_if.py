"""What another fleet would change: done when, at what cost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.errors import Invalid
from pipeline.domain.fleet.forecasting import JobsLeft
from pipeline.domain.fleet.what_if import MOST_MORE, Change, Ending, Fleet, changed, ending, with_following
from tests.fleets import FLOW, busy, job, worker

NOW_S = 1000.0
RUN = job().kind.run


def left(count: int = 100) -> list[JobsLeft]:
    """So many jobs of ten units."""
    return [JobsLeft(job(units=10.0).kind, count, 10.0)]


def end(fleet: Fleet, count: int = 100) -> Ending:
    """When it has done so many jobs."""
    found = ending(left(count), fleet, now_s=NOW_S)
    assert found is not None
    return found


def fleet(count: int = 2, price: float = 3.6) -> Fleet:
    """Equal workers."""
    workers = tuple(worker(f"gpu-{number}") for number in range(count))
    return Fleet(workers, {one.name: price for one in workers})


def test_twice_the_workers_take_half_the_time_for_the_same_money() -> None:
    before, after = end(fleet()), end(changed(fleet(), Change("gpu-0", 2)))
    assert after.p50_s - NOW_S == pytest.approx((before.p50_s - NOW_S) / 2, rel=0.1)
    assert after.cost == pytest.approx(before.cost, rel=0.05)
    assert before.p90_s > before.p50_s


def test_more_like_a_worker_may_have_as_many_jobs_at_once() -> None:
    shared = Fleet((worker("gpu-0", places=1),))
    assert [one.places for one in changed(shared, Change("gpu-0", 2)).workers] == [1, 1, 1]
    assert end(shared).p50_s == pytest.approx(end(Fleet((worker("gpu-0", places=8),))).p50_s), "its card does one after the other"


def test_another_price_counts_for_what_is_added() -> None:
    free = end(changed(fleet(), Change("gpu-0", 2, price_per_hour=0.0)))
    dear = end(changed(fleet(), Change("gpu-0", 2, price_per_hour=36.0)))
    assert free.cost < end(fleet()).cost < dear.cost
    assert free.p50_s == pytest.approx(dear.p50_s)


def test_without_a_worker_it_takes_longer_and_without_any_nothing_is_done() -> None:
    assert end(changed(fleet(), Change(without=("gpu-1",)))).p50_s > end(fleet()).p50_s
    assert ending(left(), changed(fleet(1), Change(without=("gpu-0",))), now_s=NOW_S) is None


def test_more_like_a_worker_that_is_away_or_set_aside_are_fit() -> None:
    sick = Fleet((worker("gpu-0", away="it is paused", aside=frozenset({FLOW})),), {"gpu-0": 1.0})
    assert ending(left(), sick, now_s=NOW_S) is None
    assert end(changed(sick, Change("gpu-0", 1))).runs.keys() == {RUN}


def test_what_runs_now_ends_and_costs_too() -> None:
    found = ending([], Fleet((busy("gpu-0", NOW_S + 100),), {"gpu-0": 36.0}), now_s=NOW_S)
    assert found is not None
    assert (found.p50_s, found.cost) == (pytest.approx(NOW_S + 100), pytest.approx(1.0))


@pytest.mark.parametrize(
    "change",
    [
        Change(),
        Change("nobody", 1),
        Change("gpu-0", -1),
        Change("gpu-0", MOST_MORE + 1),
        Change("gpu-0", 1, price_per_hour=-1.0),
        Change("gpu-0", 1, price_per_hour=float("nan")),
        Change(without=("nobody",)),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: Change) -> None:
    with pytest.raises(Invalid):
        changed(fleet(), change)


def test_a_job_and_its_segments_are_as_many_jobs_and_one_path() -> None:
    found = with_following(job(units=10.0, following_units=15.0).kind, 4, [10.0, 5.0])
    assert [(one.kind.units, one.kind.following_units, one.count) for one in found] == [(10, 0, 4), (10, 0, 4), (5, 0, 4)]
    assert found[0].path_units == 25.0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400), st.integers(1, 6))
def test_more_workers_never_end_later_by_more_than_chance(count: int, more: int) -> None:
    before, after = end(fleet(), count), end(changed(fleet(), Change("gpu-0", more)), count)
    assert after.p50_s - NOW_S <= (before.p50_s - NOW_S) * 1.1
