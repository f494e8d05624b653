"""What a worker's record becomes when an attempt has ended there: how quick it is, and whether it is set aside."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import sqrt

from pipeline.domain.retries import FailureClass, policy_for
from pipeline.domain.workers import WorkRecord

REMEMBERED = 30
"""So many samples count: machines change with their drivers, their neighbours and the season."""
FAILURES_IN_A_ROW = 3
FIRST_TEST = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
_LEFT = (FailureClass.WORKER_GONE, FailureClass.LOST)


def speaks_against(failure_class: str) -> bool:
    """Whether a failure is one of the worker: the job is tried elsewhere. After the others it may well go on where it was."""
    policy = policy_for(failure_class)
    return policy.blames_worker or policy.puts_aside


def is_fault(failure_class: str) -> bool:
    """Whether a failure is told as a fault of the worker: what speaks against it, and that it went away, stood still, or lost
    what it had. For the latter it is set aside by its health, not by its record."""
    return speaks_against(failure_class) or failure_class in _LEFT


def succeeded(record: WorkRecord, seconds_per_frame: float | None) -> WorkRecord:
    """After an attempt that ended well: no failure in a row any more. None when its time says nothing about speed.

    Mean and deviation are those of the newest `REMEMBERED` samples, older ones fading out.
    """
    well = replace(record, failures=0, failure_class="", reason="", aside_since=None, test_at=None)
    if seconds_per_frame is None or seconds_per_frame <= 0:
        return well
    samples = min(record.samples + 1, REMEMBERED)
    off = seconds_per_frame - record.seconds_per_frame
    mean = record.seconds_per_frame + off / samples
    variance = (record.spread**2 * (samples - 1) + off * (seconds_per_frame - mean)) / samples
    return replace(well, samples=samples, seconds_per_frame=mean, spread=sqrt(max(0.0, variance)))


def taken_back(record: WorkRecord) -> WorkRecord:
    """It gets such work again. The count of its failures stays, so that one more sets it aside at once, for longer."""
    return replace(record, aside_since=None, test_at=None)


def failed_test(record: WorkRecord, now: datetime) -> WorkRecord:
    """A test has failed: the next one comes after twice the time."""
    return replace(record, failures=record.failures + 1, test_at=now + _wait(record.failures + 1))


def needs_install(record: WorkRecord) -> bool:
    """Whether something is missing at the worker, which no test would find."""
    return policy_for(record.failure_class).puts_aside


def failed(record: WorkRecord, failure_class: str, reason: str, now: datetime) -> WorkRecord:
    """After a failure that speaks against the worker: counted, and from the third of a kind on it is set aside."""
    failures = record.failures + 1 if record.failure_class == failure_class else 1
    changed = replace(record, failures=failures, failure_class=failure_class, reason=reason[:300])
    if failures < FAILURES_IN_A_ROW and not policy_for(failure_class).puts_aside:
        return changed
    return replace(changed, aside_since=record.aside_since or now, test_at=now + _wait(failures))


def _wait(failures: int) -> timedelta:
    doublings = min(max(0, failures - FAILURES_IN_A_ROW), 16)
    return min(FIRST_TEST * (1 << doublings), LONGEST_WAIT)
