"""What happens after a failed attempt: a pure table from failure class to policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.domain.names import listed


class FailureClass(StrEnum):
    """Why an attempt failed, as far as the answer differs."""

    BAD_INPUT = "bad_input"  # the same input will fail again
    LOST_INPUT = "lost_input"  # a stored file that it needs is gone or damaged: that is made anew before it is tried again
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CORRUPT_OUTPUT = "corrupt_output"  # the result is not what was asked for
    DISK_FULL = "disk_full"  # this machine has no room; nothing is wrong with the job
    BACKEND_ERROR = "backend_error"
    CRASHED = "crashed"  # the worker process died while performing it
    LOST = "lost"  # the performer does not know the attempt any more
    MISSING_MODEL = "missing_model"  # the worker lacks a node or a model file of the workflow; another one may have it
    WORKER_GONE = "worker_gone"  # the worker does not answer, or takes no work any more
    WORKER_BUSY = "worker_busy"  # the worker does somebody else's work and never comes to ours
    BUDGET = "budget"  # the attempt ran longer than the budget can pay for


MOST_WORKERS = 3
"""So many workers of a fleet may end a job badly, in whatever way: after that the job is suspect, and spares the others."""


@dataclass(frozen=True)
class Policy:
    """At most `tries` attempts in all; the first pause is `pause_s`, doubled each time, never over `longest_s`.

    `at_workers`: at most so many attempts that workers of a fleet have ended in this way; 0 sets no limit beside `tries`.
    In a fleet, both of these send the job to another worker. `puts_aside`: one such failure keeps the worker from that kind of
    work until what it can do has changed. `blames_worker`: several of them in a row do so until it has proved itself.
    `spares_job`: it says nothing of the job, and is no bad ending.
    """

    tries: int
    pause_s: float = 0.0
    longest_s: float = 60.0
    puts_aside: bool = False
    blames_worker: bool = False
    at_workers: int = 0
    spares_job: bool = False


POLICIES: dict[FailureClass, Policy] = {
    FailureClass.BAD_INPUT: Policy(tries=1),
    FailureClass.LOST_INPUT: Policy(tries=1),
    FailureClass.OUT_OF_MEMORY: Policy(tries=3, pause_s=5, blames_worker=True),
    FailureClass.TIMEOUT: Policy(tries=2, pause_s=1, blames_worker=True),
    FailureClass.CORRUPT_OUTPUT: Policy(tries=2, blames_worker=True),
    FailureClass.DISK_FULL: Policy(tries=1_000_000, pause_s=5, longest_s=30),
    FailureClass.BACKEND_ERROR: Policy(tries=3, pause_s=1, blames_worker=True),
    FailureClass.CRASHED: Policy(tries=3, pause_s=0.5, blames_worker=True),
    FailureClass.LOST: Policy(tries=20, at_workers=2),  # a death of our own process loses what it did itself, and blames no job
    FailureClass.MISSING_MODEL: Policy(tries=3, pause_s=1, puts_aside=True),
    FailureClass.WORKER_GONE: Policy(tries=3, pause_s=1, longest_s=30),
    FailureClass.WORKER_BUSY: Policy(tries=1_000_000, pause_s=15, longest_s=600, spares_job=True),
    FailureClass.BUDGET: Policy(tries=1),
}


@dataclass(frozen=True)
class Ending:
    """An attempt that has ended badly at a worker of a fleet."""

    worker: str
    failure_class: str


@dataclass(frozen=True)
class Decision:
    """Try again (not before `not_before`), or give up; `because` adds to the reason of the failure why it is given up."""

    retry: bool
    not_before: datetime | None = None
    because: str = ""


def policy_for(failure_class: str) -> Policy:
    """The policy of a failure class; an unknown one is a backend error."""
    try:
        return POLICIES[FailureClass(failure_class)]
    except ValueError:
        return POLICIES[FailureClass.BACKEND_ERROR]


def decide(failure_class: str, *, tries: int, now: datetime, endings: Sequence[Ending] = ()) -> Decision:
    """What to do after attempt number `tries` failed for `failure_class`; an unknown class is a backend error.

    `endings` are the attempts of the job that workers of a fleet have ended badly, this one included.
    """
    policy = policy_for(failure_class)
    bad = [one for one in endings if not policy_for(one.failure_class).spares_job]
    spared = len(endings) - len(bad)
    tries = spared if policy.spares_job else tries - spared
    workers = list(dict.fromkeys(one.worker for one in bad))
    if len(workers) >= MOST_WORKERS:
        return Decision(retry=False, because=f"It has failed at {listed(workers)}, and is tried at no other worker.")
    if policy.at_workers and sum(one.failure_class == failure_class for one in endings) >= policy.at_workers:
        return Decision(retry=False, because=f"That has happened {policy.at_workers} times, so it is not tried again.")
    if tries >= policy.tries:
        return Decision(retry=False)
    if not policy.pause_s:
        return Decision(retry=True)
    doublings = min(max(0, tries - 1), 16)
    return Decision(retry=True, not_before=now + timedelta(seconds=min(policy.pause_s * 2**doublings, policy.longest_s)))
