"""The workers of a fleet as a decision sees them, and how long each takes for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median

from pipeline.domain.fleet.jobs import FleetJob, Kind

DEFAULT_SECONDS_PER_UNIT = 3.0
"""What a unit takes where nothing was ever measured: one frame of a small video model on an ordinary card."""
DEFAULT_PLACES = 2
"""One job that runs and one that waits at the server: so the server has its next one when it ends one."""
UNSEEN = "not seen yet"
"""Why a worker takes nothing that nobody has looked at: its address may be wrong."""
USUAL_JOB_S = 60.0
"""What a job of somebody else is taken to last at a worker that has shown nothing yet."""
_ROUNDS = 6
"""Medians by worker and by workflow key in turn settle quickly; not every worker was measured with every key."""


@dataclass(frozen=True)
class Worker:
    """One place that takes generation jobs.

    `seconds_per_unit` holds what was measured, by workflow key. `model` is what is loaded once everything in `holds` is done,
    and `busy_until_s` when that is expected. `places` bounds what it holds: one job that runs and those that wait at it; where
    it holds more, it takes nothing new until it holds less. `others` are the jobs of somebody else at its server, behind which
    a new one waits until about `others_until_s`.
    `away` says in a word why it takes nothing new (`paused`, `draining`, `unreachable`), and is empty while it does.
    `aside` are the workflow keys that it is kept from; `lacks` says by graph what it has not installed for it. A memory of
    0 bytes is unknown, and then everything may be tried.
    """

    name: str
    memory_bytes: int = 0
    seconds_per_unit: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    switch_s: float = 0.0
    holds: tuple[FleetJob, ...] = ()
    busy_until_s: float = 0.0
    places: int = DEFAULT_PLACES
    tags: frozenset[str] = frozenset()
    away: str = ""
    aside: frozenset[str] = frozenset()
    lacks: Mapping[str, str] = field(default_factory=dict)
    others: int = 0
    others_until_s: float = 0.0


def usual_job_s(seconds_per_unit: Mapping[str, float], kinds: Iterable[Kind]) -> float:
    """What one of these kinds of jobs takes in the mean at this speed; a stated time where none of them was measured.

    Nobody tells how long a job of somebody else takes: it is taken to be like ours.
    """
    found = [kind.units * seconds for kind in kinds if (seconds := seconds_per_unit.get(kind.workflow))]
    return fmean(found) if found else USUAL_JOB_S


def waits_s(worker: Worker, now_s: float) -> float:
    """How long a new job is expected to wait at this worker behind those of somebody else."""
    return max(0.0, worker.others_until_s - now_s)


def fits(worker: Worker, kind: Kind) -> bool:
    """Whether this worker can do such a job at all, whatever else it does now."""
    if worker.name in kind.too_dear:
        return False
    has_memory = kind.memory_bytes <= worker.memory_bytes or not worker.memory_bytes
    return has_memory and kind.workflow not in worker.aside and kind.graph not in worker.lacks and kind.tags <= worker.tags


class Rates:
    """Seconds per unit of every worker and workflow key, measured or concluded.

    What was not measured at a worker is what is typical for the workflow key, times how slow the worker is with what was
    measured at it. `speeds` says by name how many times as fast as a middling worker one is. Nothing here depends on what is
    loaded or held, so one table serves as long as the measurements stand.
    """

    def __init__(self, workers: Iterable[Worker], default: float = DEFAULT_SECONDS_PER_UNIT) -> None:
        workers = tuple(workers)
        measured = [
            (worker.name, workflow, seconds)
            for worker in workers
            for workflow, seconds in worker.seconds_per_unit.items()
            if seconds > 0
        ]
        self._slowness = dict.fromkeys((worker.name for worker in workers), 1.0)
        self._typical: dict[str, float] = {}
        for _ in range(_ROUNDS):
            before = self._slowness
            self._typical = _medians((workflow, seconds / before[name]) for name, workflow, seconds in measured)
            self._slowness = before | _medians((name, seconds / self._typical[workflow]) for name, workflow, seconds in measured)
            if self._slowness == before:
                break
        middle = median(self._slowness.values()) if measured else 1.0
        self._slowness = {name: slowness / middle for name, slowness in self._slowness.items()}
        self._typical = {workflow: seconds * middle for workflow, seconds in self._typical.items()}
        self._default = median(self._typical.values()) if measured else default
        self.speeds = {name: 1 / slowness for name, slowness in self._slowness.items()}
        self._seconds: dict[tuple[str, str], float] = {}

    def typical(self, workflow: str) -> float:
        """Seconds per unit at a worker of middling speed."""
        return self._typical.get(workflow, self._default)

    def seconds_per_unit(self, worker: Worker, workflow: str) -> float:
        """Of this worker for this workflow key."""
        key = worker.name, workflow
        found = self._seconds.get(key)
        if found is None:
            found = worker.seconds_per_unit.get(workflow) or self.typical(workflow) * self._slowness[worker.name]
            self._seconds[key] = found
        return found


def _medians(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    grouped: dict[str, list[float]] = {}
    for name, value in values:
        grouped.setdefault(name, []).append(value)
    return {name: median(found) for name, found in grouped.items()}
