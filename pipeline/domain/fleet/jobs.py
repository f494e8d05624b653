"""What waits for a worker of a fleet: jobs, and lanes of jobs that are equal to the scheduler."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property


@dataclass(frozen=True)
class Kind:
    """What jobs of one kind have in common.

    `workflow` is the workflow key, a workflow at a resolution, by which speeds are measured. `units` are what the time grows
    with, usually frames; `following_units` are those of the segments that come after this one in its scene. `model` is the
    one key of all models that must be loaded. `graph` names the graph that makes it, for what a worker must have installed.
    `group` is the scene type, for its cap. Higher `priority` goes first. `too_dear` are workers that no budget pays for.
    """

    run: str
    workflow: str
    project: str = ""
    units: float = 1.0
    following_units: float = 0.0
    model: str = ""
    graph: str = ""
    memory_bytes: int = 0
    priority: int = 0
    deadline_s: float | None = None
    group: str = ""
    tags: frozenset[str] = frozenset()
    too_dear: frozenset[str] = frozenset()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Kept, because lanes and counts are looked up by kind all the time."""
        return hash((self.run, self.workflow, self.units, self.following_units, self.priority, self.deadline_s, self.group))


@dataclass(frozen=True)
class FleetJob:
    """One job of a kind. `home` is the worker that made the segment before; `excluded` are workers that it failed on."""

    id: str
    kind: Kind
    queued_s: float = 0.0
    not_before_s: float = 0.0
    scene: str = ""
    part: int = 1
    home: str = ""
    excluded: frozenset[str] = frozenset()


@dataclass
class Lane:
    """Jobs that a decision need not tell apart, in the order in which they came."""

    kind: Kind
    not_before_s: float
    home: str
    excluded: frozenset[str]
    jobs: OrderedDict[str, FleetJob] = field(default_factory=OrderedDict)

    @property
    def oldest(self) -> FleetJob:
        """The job that goes first."""
        return next(iter(self.jobs.values()))


_Key = tuple[Kind, float, str, frozenset[str]]


class Backlog:
    """All waiting jobs, kept in lanes, so that a decision costs by kinds and not by jobs."""

    def __init__(self, jobs: Iterable[FleetJob] = ()) -> None:
        self._lanes: dict[_Key, Lane] = {}
        self._lane_of: dict[str, Lane] = {}
        for job in jobs:
            self.add(job)

    def __len__(self) -> int:
        return len(self._lane_of)

    def __iter__(self) -> Iterator[FleetJob]:
        return (job for lane in self._lanes.values() for job in lane.jobs.values())

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._lane_of

    def job(self, job_id: str) -> FleetJob | None:
        """The job of this id; None when it does not wait."""
        lane = self._lane_of.get(job_id)
        return lane.jobs[job_id] if lane else None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Every lane that has a job, in the order in which they came."""
        return tuple(self._lanes.values())

    def of_whole_scenes(self) -> Backlog:
        """The same jobs, each as long as it and all that follows it in its scene; costs by lanes. It is only to be read."""
        found = Backlog()
        for key, lane in self._lanes.items():
            whole = replace(lane.kind, units=lane.kind.units + lane.kind.following_units, following_units=0.0)
            found._lanes[key] = Lane(whole, lane.not_before_s, lane.home, lane.excluded, lane.jobs)
        return found

    def add(self, job: FleetJob) -> None:
        """Put a job into its lane; one that is older than the lane's first goes before it. Raises ValueError for a known id."""
        if job.id in self._lane_of:
            raise ValueError(f"{job.id} waits already")
        key = job.kind, job.not_before_s, job.home, job.excluded
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(*key)
        is_older = bool(lane.jobs) and job.queued_s < lane.oldest.queued_s
        lane.jobs[job.id] = job
        if is_older:
            lane.jobs.move_to_end(job.id, last=False)
        self._lane_of[job.id] = lane

    def remove(self, job_id: str) -> FleetJob:
        """Take a job out. Raises KeyError when it does not wait."""
        lane = self._lane_of.pop(job_id)
        job = lane.jobs.pop(job_id)
        if not lane.jobs:
            del self._lanes[lane.kind, lane.not_before_s, lane.home, lane.excluded]
        return job
