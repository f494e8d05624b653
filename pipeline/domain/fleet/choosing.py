"""Who does what next: one pure function for the live choice, for simulation and for what-if.

Order of claims on a worker: priority, then deadlines that press and can be met, then what was passed over for too long, then
other deadlines that press, then runs below their share, then work that only workers with much memory can do and that holds up
everything, then the models that this worker should do by the packing of the rest, then what costs least (the loaded model),
then scenes on the critical path, then what needs no move from the worker that made the segment before, then who holds least,
then scenes that have begun, then the model with most work for the workers that have it, then age. A worker is left without
when others would have done the job sooner, everything else that waits included. Where somebody else has jobs at a server, a
worker is free when these are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.open_lanes import Need, OpenLane, Queue, Seat
from pipeline.domain.fleet.packing import NO_PACKING, Packing, is_left_to_others, packing
from pipeline.domain.fleet.reasons import Reason, explain
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet.workers import Rates, Worker

_NEVER = float("inf")


@dataclass(frozen=True)
class Assignment:
    """This job goes to this worker; it is expected to begin and to be done then."""

    job: FleetJob
    worker: str
    start_s: float
    finish_s: float


@dataclass(frozen=True)
class Choice:
    """What a decision came to. It explains jobs as things stood when it was made."""

    assignments: tuple[Assignment, ...]
    standing: Standing

    def explain(self, job: FleetJob) -> Reason:
        """Why this job waits, and what would change that; for a job that was given out, where it goes."""
        for given in self.assignments:
            if given.job.id == job.id:
                return Reason("assigned", f"goes to {given.worker}", "")
        return explain(self.standing, job)


def choose(
    backlog: Backlog,
    workers: Sequence[Worker],
    *,
    now_s: float,
    rules: Rules | None = None,
    rates: Rates | None = None,
    served: Mapping[Queue, float] | None = None,
) -> Choice:
    """Give waiting jobs to workers that are free, or nearly. Equal arguments give equal answers; nothing is changed.

    `served` says when a job of a run and model was last started; without it only the age of jobs counts against passing
    over. `rates` may be kept between decisions while the workers are the same and nothing new was measured. Explanations read
    the backlog no more, so it may change afterwards.
    """
    standing = Standing(backlog, workers, now_s=now_s, rules=rules or Rules(), rates=rates or Rates(workers), served=served or {})
    by_s = now_s + standing.rules.ahead_s
    open_seats = [(seat.ready_s, number, seat) for number, seat in enumerate(standing.open_seats) if seat.is_open(by_s)]
    heapify(open_seats)
    packed = packing(standing) if open_seats else NO_PACKING
    given: list[Assignment] = []
    while open_seats and standing.lanes:
        _, number, seat = heappop(open_seats)
        lane = _best(standing, seat, packed)
        if lane is None:
            continue
        job, start_s, finish_s = standing.give(seat, lane)
        given.append(Assignment(job, seat.worker.name, start_s, finish_s))
        if not lane.left:
            standing.lanes.remove(lane)
        if seat.is_open(by_s):
            heappush(open_seats, (seat.ready_s, number, seat))
    return Choice(tuple(given), standing)


def _best(standing: Standing, seat: Seat, packed: Packing) -> OpenLane | None:
    """The lane with the first claim on this worker, if it is not done sooner without it."""
    refused: set[Need] = set()
    while True:
        lane = _first_claim(standing, seat, refused, packed)
        if lane is None or standing.sooner(seat, lane) is None:
            return lane
        refused.add(lane.need)
        if not lane.home and not standing.is_behind_others(seat):
            lane.need.refused_s = min(lane.need.refused_s, standing.finish_s(seat, lane))


def _first_claim(standing: Standing, seat: Seat, refused: set[Need], packed: Packing) -> OpenLane | None:
    """The lane whose claim is strongest. Claims are compared by their first, cheap half as far as that decides."""
    best: OpenLane | None = None
    best_half: tuple[float, ...] = ()
    best_rest: tuple[float, ...] = ()
    below, has_caps, for_others = standing.below, standing.has_caps, packed.others_for(seat)
    for lane in standing.lanes:
        if best is not None and lane.rank != best.rank:
            break
        if lane.need in refused:
            continue
        is_for_others = lane.kind.model in for_others
        half = below[lane.kind.run], lane.scarcity, is_for_others, standing.cost_s(seat, lane.kind, ""), lane.urgency
        if best is not None and half > best_half:
            continue
        if not standing.may_do(seat, lane) or (has_caps and standing.cap_reached(lane.kind)):
            continue
        if is_for_others and is_left_to_others(standing, packed, seat, lane):
            continue
        if lane.need.refused_s < _NEVER and standing.finish_s(seat, lane) >= lane.need.refused_s:
            continue
        rest = _rest_of_claim(standing, seat, lane)
        if best is None or half < best_half or rest < best_rest:
            best, best_half, best_rest = lane, half, rest
    return best


def _rest_of_claim(standing: Standing, seat: Seat, lane: OpenLane) -> tuple[float, ...]:
    """What decides between lanes of one rank that press as much and cost as much; the smallest goes first."""
    kind = lane.kind
    return (
        1 if lane.home and lane.home != seat.worker.name else 0,
        standing.held_of_project[kind.project] / standing.rules.shares.get(kind.project, 1.0),
        standing.held_of_run[kind.run],
        0 if lane.home else 1,
        -standing.model_work_s[kind.model] / (standing.loaded[kind.model] + seat.speed),
        lane.queued_s,  # what is tried again keeps its place
    )
