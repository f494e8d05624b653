"""What the workers of a fleet will do next, as far as it can be told from what waits now."""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain.fleet.choosing import Assignment, choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet.workers import Worker


def ahead(backlog: Backlog, standing: Standing, *, horizon_s: float, each: int) -> tuple[Assignment, ...]:
    """The scenes that each worker is expected to begin within the horizon, at most so many, in the order of their begin.

    It is the choice itself, made as if workers could be given work that long before they are free, and as if a worker that
    begins a scene made it to its end, for that is what the choice prefers: so an answer lasts from the begin of the job that
    waits to the end of the last segment that follows it. What will arrive in other ways is not in it.
    """
    workers = [_until_its_scenes_end(worker, standing, each) for worker in standing.workers]
    rules = replace(standing.rules, ahead_s=horizon_s)
    choice = choose(backlog.of_whole_scenes(), workers, now_s=standing.now_s, rules=rules, served=standing.served)
    return tuple(sorted(choice.assignments, key=lambda given: (given.start_s, given.job.id)))


def _until_its_scenes_end(worker: Worker, standing: Standing, each: int) -> Worker:
    """The worker as it will be once it has made the scenes that it has begun, with room for so many more."""
    following_s = sum(seconds_after(job, worker, standing) for job in worker.holds)
    until_s = max(worker.busy_until_s, standing.now_s) + following_s if following_s else worker.busy_until_s
    return replace(worker, places=len(worker.holds) + each, busy_until_s=until_s)


def seconds_after(job: FleetJob, worker: Worker, standing: Standing) -> float:
    """What the segments after this one take this worker."""
    return job.kind.following_units * standing.rates.seconds_per_unit(worker, job.kind.workflow)
