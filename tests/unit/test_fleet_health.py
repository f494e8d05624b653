"""Which worker is kept from what, where a failed job goes next, and how fast each worker is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fleet.health import Try, asides, canary_due_s, next_try
from pipeline.domain.fleet.speeds import NEWEST, Sample, measured, speeds
from tests.fleets import FLOW, GB, job, worker

KEY = ("gpu-1", FLOW)


def tried(*failures: str, worker: str = "gpu-1") -> list[Try]:
    """Tries of different jobs, one a second."""
    return [Try(worker, FLOW, f"job {n}", float(n), failure_class=failure) for n, failure in enumerate(failures)]


def canary(at_s: float, failure_class: str = "") -> Try:
    return Try("gpu-1", FLOW, "canary", at_s, failure_class=failure_class, is_canary=True)


def test_three_failures_of_a_kind_put_a_worker_aside_for_that_workflow() -> None:
    assert asides(tried("crashed", "crashed")) == {}
    aside = asides(tried("crashed", "crashed", "crashed"))[KEY]
    assert aside.since_s == 2
    assert aside.words == f"put aside for {FLOW} after crashed, until a canary has come through"


def test_a_success_in_between_clears_the_worker() -> None:
    assert asides(tried("crashed", "crashed", "", "crashed", "crashed")) == {}


def test_failures_of_different_kinds_are_not_added_up() -> None:
    assert asides(tried("crashed", "timeout", "crashed", "timeout")) == {}


@pytest.mark.parametrize("failure", ["bad_input", "server_gone", "lost", "budget"])
def test_what_is_not_the_workers_fault_never_counts(failure: str) -> None:
    assert asides(tried(*[failure] * 9)) == {}


def test_a_canary_brings_a_worker_back() -> None:
    failed = tried("crashed", "crashed", "crashed")
    assert asides([*failed, canary(70)]) == {}
    aside = asides([*failed, canary(70, "crashed")])[KEY]
    assert canary_due_s(aside) == 70 + 120


def test_the_first_canary_comes_after_a_minute_and_they_never_wait_longer_than_an_hour() -> None:
    failed = tried("crashed", "crashed", "crashed")
    assert canary_due_s(asides(failed)[KEY]) == 62
    many = [canary(100.0 + n, "crashed") for n in range(30)]
    assert canary_due_s(asides([*failed, *many])[KEY]) == 129 + 3600


def test_a_missing_model_puts_aside_at_once_until_somebody_has_looked() -> None:
    missing = tried("missing")
    aside = asides(missing)[KEY]
    assert aside.needs_look and canary_due_s(aside) is None
    assert KEY in asides([*missing, canary(50)])
    assert asides(missing, {KEY: 10.0}) == {}


def test_a_job_that_fails_on_three_workers_is_at_fault_itself() -> None:
    faulty = [Try(f"gpu-{n}", FLOW, "bad job", n, failure_class="crashed") for n in (1, 2, 3)]
    assert asides([*tried("crashed", "crashed"), *faulty]) == {}


def test_out_of_memory_asks_for_more_of_it() -> None:
    small, big = worker("small", memory_bytes=24 * GB), worker("big", memory_bytes=48 * GB)
    after = next_try(job(), "out_of_memory", worker=small, fleet=[small, big])
    assert after is not None
    assert after.excluded == {"small"} and 24 * GB < after.kind.memory_bytes <= 48 * GB


def test_out_of_memory_on_the_largest_goes_to_another_of_its_size() -> None:
    fleet = [worker("one", memory_bytes=24 * GB), worker("two", memory_bytes=24 * GB)]
    after = next_try(job(), "out_of_memory", worker=fleet[0], fleet=fleet)
    assert after is not None and after.kind.memory_bytes == 0 and after.excluded == {"one"}


def test_three_different_workers_may_try_a_job() -> None:
    fleet = [worker(f"gpu-{n}") for n in range(4)]
    second = next_try(job(excluded=["gpu-0"]), "crashed", worker=fleet[1], fleet=fleet)
    assert second is not None and second.excluded == {"gpu-0", "gpu-1"}
    assert next_try(second, "crashed", worker=fleet[2], fleet=fleet) is None


def test_a_server_that_is_gone_is_not_the_jobs_fault() -> None:
    fleet = [worker(f"gpu-{n}") for n in range(9)]
    after = next_try(job(excluded=[f"gpu-{n}" for n in range(5)]), "server_gone", worker=fleet[6], fleet=fleet)
    assert after is not None and "gpu-6" in after.excluded


def test_lost_work_may_go_anywhere() -> None:
    assert next_try(job(), "lost", worker=worker(), fleet=[worker()]) == job()


def test_speeds_are_means_without_outliers() -> None:
    found = speeds([Sample("gpu-1", FLOW, 10, seconds) for seconds in (20, 21, 19, 20, 400)])[KEY]
    assert found.seconds_per_unit == pytest.approx(2.0)
    assert found.samples == 4 and 0 < found.spread < 0.1 and found.error < found.spread


def test_only_the_newest_samples_count() -> None:
    found = speeds([Sample("gpu-1", FLOW, 1, 9.0)] * 100 + [Sample("gpu-1", FLOW, 1, 2.0)] * NEWEST)
    assert found[KEY].seconds_per_unit == 2.0


def test_few_samples_take_the_spread_that_is_usual() -> None:
    usual = [Sample("gpu-1", FLOW, 1, seconds) for seconds in (1.0, 1.1, 0.9, 1.0)]
    found = speeds([*usual, Sample("gpu-2", FLOW, 1, 3.0)])
    assert found["gpu-2", FLOW].spread == found[KEY].spread
    assert found["gpu-2", FLOW].seconds_per_unit == 3.0


def test_nothing_measured_is_no_speed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        measured(())


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30))
def test_a_speed_lies_within_what_was_measured(values: list[float]) -> None:
    found = measured(tuple(values))
    assert min(values) * 0.999 <= found.seconds_per_unit <= max(values) * 1.001
    assert 1 <= found.samples <= len(values) and found.spread >= 0
