"""The retry policy: bounded, patient, and never hasty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.retries import MOST_WORKERS, POLICIES, Decision, Ending, FailureClass, decide

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_every_class_has_a_policy() -> None:
    assert set(POLICIES) == set(FailureClass)


@given(st.sampled_from(FailureClass), st.integers(1, 2_000_000))
def test_there_are_never_more_tries_than_the_policy_says(failure: FailureClass, tries: int) -> None:
    policy = POLICIES[failure]
    assert decide(failure, tries=tries, now=NOW).retry is (policy.spares_job or tries < policy.tries), (
        "what spares it is not counted"
    )


@given(st.sampled_from(FailureClass), st.integers(1, 1000))
def test_pauses_grow_and_stay_within_their_bound(failure: FailureClass, tries: int) -> None:
    first, second = (decide(failure, tries=number, now=NOW) for number in (tries, tries + 1))
    longest = NOW + timedelta(seconds=POLICIES[failure].longest_s)
    if first.retry and second.retry:
        assert (first.not_before or NOW) <= (second.not_before or NOW) <= longest


@pytest.mark.parametrize(("tries", "pause_s"), [(1, 1), (2, 2)])
def test_a_backend_error_waits_a_second_and_then_twice_as_long(tries: int, pause_s: int) -> None:
    assert decide("backend_error", tries=tries, now=NOW).not_before == NOW + timedelta(seconds=pause_s)


def test_bad_input_is_never_tried_again() -> None:
    assert not decide("bad_input", tries=1, now=NOW).retry


def test_a_full_disk_is_waited_for_as_long_as_it_takes() -> None:
    decision = decide("disk_full", tries=900_000, now=NOW)
    assert decision.not_before == NOW + timedelta(seconds=30)


def test_lost_work_is_tried_again_at_once() -> None:
    assert decide("lost", tries=1, now=NOW).not_before is None


def test_what_workers_have_lost_twice_is_not_tried_again() -> None:
    once, twice = [Ending("gpu-1", "lost")], [Ending("gpu-1", "lost"), Ending("gpu-2", "lost")]
    assert decide("lost", tries=1, now=NOW, endings=once).retry
    given_up = decide("lost", tries=2, now=NOW, endings=twice)
    assert not given_up.retry and "2 times" in given_up.because


def test_other_failures_do_not_count_as_losses() -> None:
    endings = [Ending("gpu-1", "backend_error"), Ending("gpu-1", "backend_error"), Ending("gpu-2", "lost")]
    assert decide("lost", tries=3, now=NOW, endings=endings).retry


def test_workers_that_are_busy_with_others_say_nothing_of_a_job() -> None:
    busy = [Ending(f"gpu-{number}", FailureClass.WORKER_BUSY) for number in range(50)]
    again = decide(FailureClass.WORKER_BUSY, tries=50, now=NOW, endings=busy)
    assert again == Decision(retry=True, not_before=NOW + timedelta(minutes=10))
    for failure in (FailureClass.OUT_OF_MEMORY, FailureClass.TIMEOUT, FailureClass.BACKEND_ERROR):
        alone = decide(failure, tries=1, now=NOW, endings=[Ending("gpu-1", failure)])
        assert alone.retry and decide(failure, tries=51, now=NOW, endings=[*busy, Ending("gpu-1", failure)]) == alone


@pytest.mark.parametrize("failure", [one for one in FailureClass if one is not FailureClass.WORKER_BUSY])
def test_no_job_goes_to_a_fourth_worker(failure: FailureClass) -> None:
    endings = [Ending(f"gpu-{number}", failure) for number in range(MOST_WORKERS)]
    decision = decide(failure, tries=1, now=NOW, endings=endings)
    assert not decision.retry
    assert "gpu-0, gpu-1, gpu-2" in decision.because


def test_one_job_cannot_take_a_fleet_down() -> None:
    assert POLICIES[FailureClass.WORKER_GONE].tries <= MOST_WORKERS


def test_an_unknown_class_is_a_backend_error() -> None:
    assert decide("solar flare", tries=1, now=NOW) == decide("backend_error", tries=1, now=NOW)
