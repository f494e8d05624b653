"""The retry policy: bounded, patient, and never hasty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.retries import POLICIES, FailureClass, decide

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_every_class_has_a_policy() -> None:
    assert set(POLICIES) == set(FailureClass)


@given(st.sampled_from(FailureClass), st.integers(1, 2_000_000))
def test_there_are_never_more_tries_than_the_policy_says(failure: FailureClass, tries: int) -> None:
    assert decide(failure, tries=tries, now=NOW).retry is (tries < POLICIES[failure].tries)


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


def test_an_unknown_class_is_a_backend_error() -> None:
    assert decide("solar flare", tries=1, now=NOW) == decide("backend_error", tries=1, now=NOW)
