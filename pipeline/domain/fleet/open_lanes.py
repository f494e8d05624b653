"""What a decision is made between: lanes of jobs that may start, and seats at workers."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.domain.fleet.jobs import FleetJob, Lane
from pipeline.domain.fleet.workers import Worker

Queue = tuple[str, str]
"""Run and model: what must not be passed over for too long."""


class Seat:
    """A worker during a decision: when it is free, what is loaded then, how many jobs it holds."""

    __slots__ = ("held", "model", "ready_s", "speed", "worker")

    def __init__(self, worker: Worker, *, ready_s: float, speed: float) -> None:
        self.worker = worker
        self.model = worker.model
        self.held = len(worker.holds)
        self.ready_s = ready_s
        self.speed = speed

    @property
    def is_full(self) -> bool:
        """Whether all of its places are taken, or more."""
        return self.held >= self.worker.places

    def is_open(self, by_s: float) -> bool:
        """Whether it may be given a job: it has room, and nothing to do from then on."""
        return not self.is_full and (not self.held or self.ready_s <= by_s)


class Need:
    """What a lane asks of a worker, and from when on none of them did its jobs first. Lanes with equal needs share one."""

    __slots__ = ("refused_s",)

    def __init__(self) -> None:
        self.refused_s = float("inf")


class OpenLane:
    """A lane whose jobs may start: how many are left, and how urgent they are whoever does them."""

    __slots__ = (
        "home",
        "is_overdue",
        "jobs",
        "kind",
        "lane",
        "left",
        "need",
        "oldest_s",
        "path_s",
        "queued_s",
        "rank",
        "scarcity",
        "typical_s",
        "urgency",
    )

    def __init__(self, lane: Lane, typical: float, need: Need) -> None:
        self.need = need
        self.lane, self.kind, self.home = lane, lane.kind, lane.home
        self.left = len(lane.jobs)
        self.jobs: Iterator[FleetJob] = iter(lane.jobs.values())
        self.queued_s = lane.oldest.queued_s
        self.oldest_s = max(self.queued_s, lane.not_before_s)
        self.typical_s = self.kind.units * typical
        self.path_s = self.typical_s + self.kind.following_units * typical
        self.rank: tuple[float, ...] = ()
        self.is_overdue = False
        self.urgency = 0.0
        self.scarcity = 1

    @property
    def queue(self) -> Queue:
        """What it belongs to when it comes to being passed over."""
        return self.kind.run, self.kind.model


def asked(lane: Lane) -> tuple[object, ...]:
    """Equal for lanes that can be done by the same workers and take as long there."""
    kind = lane.kind
    fit = kind.graph, kind.memory_bytes, kind.tags, kind.too_dear, lane.excluded
    return kind.workflow, kind.units, kind.model, lane.home, *fit
