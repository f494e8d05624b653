"""Why the ready jobs of a run wait, counted by reason; and why one of them does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.domain.fleet.reasons import Reason
from pipeline.domain.fleet.rules import Hold


@dataclass(frozen=True)
class Waits:
    """So many ready jobs of a run that wait for the same reason."""

    reason: Reason
    jobs: int

    @property
    def sentence(self) -> str:
        """`12 jobs wait: the fleet has no workers (to change that: add a worker)`."""
        who, verb = f"{self.jobs:,} {'job' if self.jobs == 1 else 'jobs'}", "waits" if self.jobs == 1 else "wait"
        return with_cure(_told(who, verb, self.reason.words), self.reason)

    @property
    def hold(self) -> Hold:
        """The same as what holds back new generation."""
        return Hold(self.reason.cause, self.reason.words, self.reason.remedy)


@dataclass(frozen=True)
class JobWait:
    """A ready job that a scene waits for: what it makes, and why it waits."""

    job_id: int
    what: str
    reason: Reason

    @property
    def told(self) -> str:
        """`segment 1 waits: gpu-1 is paused`, `segment 2 waits for 07:00 UTC, when quiet hours end`."""
        return _told(self.what, "waits", self.reason.words)

    @property
    def sentence(self) -> str:
        """`segment 1 waits: gpu-1 is paused (to change that: `./stripboard workers enable gpu-1`)`."""
        return with_cure(self.told, self.reason)


def with_cure(told: str, reason: Reason) -> str:
    """A sentence about a job that waits, with what would change that where something would."""
    return f"{told} (to change that: {reason.remedy})" if reason.remedy else told


def _told(who: str, verb: str, words: str) -> str:
    """That somebody waits, and why: words that say so themselves go on from there."""
    rest = words.removeprefix("waits")
    return f"{who} {verb}: {words}" if rest == words else f"{who} {verb}{rest}"


def by_reason(explained: Iterable[tuple[Reason, int]]) -> tuple[Waits, ...]:
    """Reasons with how many jobs have each, counted together: what nobody can do first, then what most wait for.

    Jobs that nobody can do count together where the words are the same; those that wait for their turn by the cause, for
    their words tell of moments.
    """
    told: dict[tuple[bool, str], Reason] = {}
    counts: dict[tuple[bool, str], int] = {}
    for reason, count in explained:
        key = reason.is_stuck, reason.words if reason.is_stuck else reason.cause
        told.setdefault(key, reason)
        counts[key] = counts.get(key, 0) + count
    found = [Waits(told[key], count) for key, count in counts.items()]
    return tuple(sorted(found, key=lambda waits: (not waits.reason.is_stuck, -waits.jobs)))


def is_unserved(waits: Sequence[Waits]) -> bool:
    """Whether jobs wait and no worker can do any of them."""
    return bool(waits) and all(one.reason.is_stuck for one in waits)
