"""Which worker is kept from what, and where a job that failed is tried next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipeline.domain.fleet.jobs import FleetJob
from pipeline.domain.fleet.workers import Worker
from pipeline.domain.retries import Where, policy_for

WORKERS_TO_TRY = 3
"""A job that failed on so many different workers is at fault itself."""
FAILURES_IN_A_ROW = 3
"""A worker that failed so often in one way with one workflow, and never succeeded in between, is put aside for it."""
FIRST_CANARY_S = 60.0
LONGEST_CANARY_S = 3600.0


@dataclass(frozen=True)
class Try:
    """How an attempt at a worker ended: `failure_class` is empty when well. A canary is a tiny job that only tests the worker."""

    worker: str
    workflow: str
    job: str
    at_s: float
    failure_class: str = ""
    is_canary: bool = False


@dataclass(frozen=True)
class Aside:
    """A worker is kept from a workflow key since a failure; `canaries` have failed since. It needs a person, or a canary."""

    worker: str
    workflow: str
    failure_class: str
    since_s: float
    last_s: float
    canaries: int = 0

    @property
    def needs_look(self) -> bool:
        """Whether it stays aside until its nodes and models were looked at again."""
        return policy_for(self.failure_class).puts_aside

    @property
    def words(self) -> str:
        """What is shown beside the worker."""
        until = "its nodes and models were looked at again" if self.needs_look else "a canary has come through"
        return f"put aside for {self.workflow} after {self.failure_class.replace('_', ' ')}, until {until}"


def asides(tries: Iterable[Try], looked_at_s: Mapping[tuple[str, str], float] | None = None) -> dict[tuple[str, str], Aside]:
    """Who is aside for what, by worker and workflow key, from tries in order of time.

    `looked_at_s` says when a worker was last found to have everything a workflow key needs. Failures of a job that failed
    on three different workers do not count against any of them.
    """
    tries = tuple(tries)
    looked = looked_at_s or {}
    faulty = _faulty_jobs(tries)
    found: dict[tuple[str, str], Aside] = {}
    in_a_row: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for one in tries:
        key = one.worker, one.workflow
        aside = found.get(key)
        if not one.failure_class:
            if aside is None or (one.is_canary and not aside.needs_look):
                found.pop(key, None)
                _forget(in_a_row, key)
            continue
        if aside is not None:
            if one.is_canary:
                found[key] = replace(aside, canaries=aside.canaries + 1, last_s=one.at_s)
            continue
        policy = policy_for(one.failure_class)
        is_old = one.at_s <= looked.get(key, float("-inf"))
        if one.job in faulty or is_old or not (policy.puts_aside or policy.blames_worker):
            continue
        in_a_row[*key, one.failure_class] += 1
        if policy.puts_aside or in_a_row[*key, one.failure_class] >= FAILURES_IN_A_ROW:
            found[key] = Aside(*key, one.failure_class, since_s=one.at_s, last_s=one.at_s)
    return found


def canary_due_s(aside: Aside) -> float | None:
    """When to try a canary: a minute after the last failure, then twice as long each time; None where it would not help."""
    if aside.needs_look:
        return None
    return aside.last_s + min(FIRST_CANARY_S * 2.0 ** min(aside.canaries, 16), LONGEST_CANARY_S)


def next_try(job: FleetJob, failure_class: str, *, worker: Worker, fleet: Iterable[Worker]) -> FleetJob | None:
    """The job as it waits after it failed on this worker; None when it was tried on enough different workers.

    `retries.decide` says whether and when it is tried again; this says where.
    """
    where = policy_for(failure_class).where
    if where is Where.ANY:
        return job
    excluded = job.excluded | {worker.name}
    if len(excluded) >= WORKERS_TO_TRY and policy_for(failure_class).blames_worker:
        return None
    others = [other for other in fleet if other.name not in excluded]
    if where is Where.MORE_MEMORY and any(other.memory_bytes > worker.memory_bytes for other in others):
        return replace(job, excluded=excluded, kind=replace(job.kind, memory_bytes=worker.memory_bytes + 1))
    return replace(job, excluded=excluded)


def _faulty_jobs(tries: Iterable[Try]) -> set[str]:
    failed_on: defaultdict[str, set[str]] = defaultdict(set)
    for one in tries:
        if one.failure_class and not one.is_canary and policy_for(one.failure_class).blames_worker:
            failed_on[one.job].add(one.worker)
    return {job for job, workers in failed_on.items() if len(workers) >= WORKERS_TO_TRY}


def _forget(in_a_row: defaultdict[tuple[str, str, str], int], key: tuple[str, str]) -> None:
    for known in [known for known in in_a_row if known[:2] == key]:
        del in_a_row[known]
