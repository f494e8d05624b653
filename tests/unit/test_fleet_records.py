"""What a worker's record becomes: its speed, and whether it is set aside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fleet import records
from pipeline.domain.retries import FailureClass
from pipeline.domain.workers import WorkRecord

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NEW = WorkRecord(1, "dance")


def after(*failures: str) -> WorkRecord:
    """The record after these failures in a row."""
    record = NEW
    for failure in failures:
        record = records.failed(record, failure, "it said so", NOW)
    return record


def test_three_failures_of_a_kind_in_a_row_set_a_worker_aside_until_a_test_in_a_minute() -> None:
    assert after("backend_error", "backend_error").aside_since is None
    found = after("backend_error", "backend_error", "backend_error")
    assert (found.aside_since, found.test_at) == (NOW, NOW + timedelta(minutes=1))


def test_failures_of_different_kinds_are_not_in_a_row() -> None:
    assert after("backend_error", "timeout", "backend_error", "timeout").aside_since is None


def test_a_success_in_between_begins_anew() -> None:
    record = records.succeeded(after("backend_error", "backend_error"), 1.0)
    assert records.failed(record, "backend_error", "", NOW).aside_since is None


def test_what_is_not_installed_sets_aside_at_once_and_no_test_is_asked() -> None:
    found = after("missing_model")
    assert found.aside_since == NOW and records.needs_install(found)


def test_a_worker_that_was_taken_back_is_set_aside_by_the_next_failure_for_longer() -> None:
    back = records.taken_back(after("timeout", "timeout", "timeout"))
    assert back.aside_since is None
    again = records.failed(back, "timeout", "", NOW)
    assert again.aside_since == NOW and again.test_at == NOW + timedelta(minutes=2)


def test_tests_that_fail_come_less_and_less_often_but_at_least_hourly() -> None:
    record, waits = after("timeout", "timeout", "timeout"), []
    for _ in range(10):
        record = records.failed_test(record, NOW)
        assert record.test_at is not None
        waits.append(record.test_at - NOW)
    assert waits == sorted(waits) and waits[0] == timedelta(minutes=2) and waits[-1] == records.LONGEST_WAIT


@pytest.mark.parametrize("failure", FailureClass)
def test_only_failures_of_the_worker_speak_against_it(failure: FailureClass) -> None:
    innocent = {"bad_input", "lost_input", "disk_full", "lost", "worker_gone", "worker_busy", "budget"}
    assert records.speaks_against(failure) == (failure.value not in innocent)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=records.REMEMBERED))
def test_the_speed_of_few_samples_is_their_mean(values: list[float]) -> None:
    record = NEW
    for value in values:
        record = records.succeeded(record, value)
    assert record.samples == len(values)
    assert record.seconds_per_frame == pytest.approx(fmean(values))
    assert record.spread <= max(values) - min(values) + 1e-9


def test_old_speeds_fade_out() -> None:
    record = NEW
    for value in [10.0] * 100 + [1.0] * 200:
        record = records.succeeded(record, value)
    assert record.seconds_per_frame == pytest.approx(1.0, abs=0.05)


def test_an_attempt_that_tells_nothing_about_speed_is_still_a_success() -> None:
    record = records.succeeded(after("timeout"), None)
    assert (record.samples, record.failures) == (0, 0)
