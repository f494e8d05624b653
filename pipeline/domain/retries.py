"""What happens after a failed attempt: a pure table from failure class to policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class FailureClass(StrEnum):
    """Why an attempt failed, as far as the answer differs."""

    BAD_INPUT = "bad_input"  # the same input will fail again
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CORRUPT_OUTPUT = "corrupt_output"  # the result is not what was asked for
    DISK_FULL = "disk_full"  # this machine has no room; nothing is wrong with the job
    BACKEND_ERROR = "backend_error"
    CRASHED = "crashed"  # the worker process died while performing it
    MISSING = "missing"  # this worker lacks a node or a model that the workflow needs
    SERVER_GONE = "server_gone"  # the worker went away with the attempt, or does not answer
    LOST = "lost"  # the performer does not know the attempt any more
    MISSING_MODEL = "missing_model"  # the worker lacks a node or a model file of the workflow; another one may have it
    WORKER_GONE = "worker_gone"  # the worker does not answer, or takes no work any more
    BUDGET = "budget"  # the attempt ran longer than the budget can pay for


class Where(StrEnum):
    """Which worker of a fleet tries a job next; on this machine there is only one place."""

    ANY = "any"
    OTHER = "other"  # one that it has not failed on
    MORE_MEMORY = "more_memory"  # another one, with more memory if there is one


@dataclass(frozen=True)
class Policy:
    """At most `tries` attempts in all; the first pause is `pause_s`, doubled each time, never over `longest_s`.

    In a fleet, `where` says who tries next. `puts_aside`: one such failure keeps the worker from that workflow until somebody
    has looked at it. `blames_worker`: several of them in a row do so until it has proved itself.
    """

    tries: int
    pause_s: float = 0.0
    longest_s: float = 60.0
    where: Where = Where.ANY
    puts_aside: bool = False
    blames_worker: bool = False


POLICIES: dict[FailureClass, Policy] = {
    FailureClass.BAD_INPUT: Policy(tries=1),
    FailureClass.OUT_OF_MEMORY: Policy(tries=2, pause_s=5, where=Where.MORE_MEMORY, blames_worker=True),
    FailureClass.TIMEOUT: Policy(tries=2, pause_s=1, where=Where.OTHER, blames_worker=True),
    FailureClass.CORRUPT_OUTPUT: Policy(tries=2, where=Where.OTHER, blames_worker=True),
    FailureClass.DISK_FULL: Policy(tries=1_000_000, pause_s=5, longest_s=30, where=Where.OTHER, blames_worker=True),
    FailureClass.BACKEND_ERROR: Policy(tries=3, pause_s=1, where=Where.OTHER, blames_worker=True),
    FailureClass.CRASHED: Policy(tries=3, pause_s=0.5, where=Where.OTHER, blames_worker=True),
    FailureClass.MISSING: Policy(tries=20, where=Where.OTHER, puts_aside=True),
    FailureClass.SERVER_GONE: Policy(tries=20, where=Where.OTHER),
    FailureClass.LOST: Policy(tries=20),
    FailureClass.MISSING_MODEL: Policy(tries=3, pause_s=1),
    FailureClass.WORKER_GONE: Policy(tries=20, pause_s=1, longest_s=30),
    FailureClass.BUDGET: Policy(tries=1),
}


@dataclass(frozen=True)
class Decision:
    """Try again (not before `not_before`), or give up."""

    retry: bool
    not_before: datetime | None = None


def policy_for(failure_class: str) -> Policy:
    """The policy of a failure class; an unknown one is a backend error."""
    try:
        return POLICIES[FailureClass(failure_class)]
    except ValueError:
        return POLICIES[FailureClass.BACKEND_ERROR]


def decide(failure_class: str, *, tries: int, now: datetime) -> Decision:
    """What to do after attempt number `tries` failed for `failure_class`; an unknown class is a backend error."""
    policy = policy_for(failure_class)
    if tries >= policy.tries:
        return Decision(retry=False)
    if not policy.pause_s:
        return Decision(retry=True)
    doublings = min(tries - 1, 16)
    return Decision(retry=True, not_before=now + timedelta(seconds=min(policy.pause_s * 2**doublings, policy.longest_s)))
