"""Which models each worker should still work with before everything is done: whole jobs packed into what is left of the time.

While much is left, any worker may do anything and it comes out even. Near the end it does not: a model that is loaded for two
jobs costs more than it brings, and half a job is of no use. So the work of each model is laid out over the workers that lose
least with it, within the shortest time in which all of it finds room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from pipeline.domain.fleet.open_lanes import OpenLane, Seat
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet.workers import fits

_MOST_JOBS = 24
"""For each worker: with more left than that, laying out the rest would say nothing about what to do now."""
_MOST_WORKERS = 64
_FIRST, _WIDER, _STEPS = 0.005, 1.15, 40
"""The first time that is tried is so much longer than if work could be poured; each further step is so much wider."""
_HAIR = 1e-6


@dataclass(frozen=True)
class Packing:
    """The workers that should do jobs of each model, by the name of the model, and when all of it would be done."""

    takers: Mapping[str, Sequence[Seat]]
    end_s: float

    def others_for(self, seat: Seat) -> frozenset[str]:
        """The models whose jobs other workers should do rather than this one."""
        name = seat.worker.name
        return frozenset(model for model, takers in self.takers.items() if all(taker.worker.name != name for taker in takers))


NO_PACKING = Packing({}, float("inf"))
"""Says nothing about anybody."""


def packing(standing: Standing) -> Packing:
    """The layout within the shortest time that is found; none where too much is left for it to matter."""
    workers = len(standing.workers)
    jobs = sum(lane.left * (1 + lane.kind.following_units / (lane.kind.units or 1.0)) for lane in standing.lanes)
    if not 0 < workers <= _MOST_WORKERS or jobs > _MOST_JOBS * workers:
        return NO_PACKING
    piles = _piles(standing)
    if len(piles) < 2:
        return NO_PACKING
    rooms = [_Room(seat, frozenset(pile.model for pile in piles if fits(seat.worker, pile.lane.kind))) for seat in standing.seats]
    for step in range(_STEPS):
        end_s = standing.level_s + (standing.level_s - standing.now_s) * _FIRST * _WIDER**step
        if _is_laid_out(piles, rooms, end_s):
            models = [pile.model for pile in piles]
            return Packing({model: [room.seat for room in rooms if model in room.models] for model in models}, end_s)
    return NO_PACKING


def is_left_to_others(standing: Standing, packed: Packing, seat: Seat, lane: OpenLane) -> bool:
    """Whether this worker, which should not do such jobs, would be done after everything else, and one that should may do it."""
    if standing.finish_s(seat, lane) <= packed.end_s:
        return False
    return any(standing.may_do(taker, lane) for taker in packed.takers.get(lane.kind.model, ()))


@dataclass(frozen=True)
class _Pile:
    """All work that needs one model, in seconds of a middling worker, and its longest job; one of its lanes says who fits."""

    model: str
    lane: OpenLane
    work_s: float
    longest_s: float


class _Room:
    """What is left of a worker's time, and the models of what is laid into it; the last one is loaded."""

    __slots__ = ("able", "left_s", "model", "models", "seat")

    def __init__(self, seat: Seat, able: frozenset[str]) -> None:
        self.seat, self.able = seat, able
        self.empty(0.0)

    def empty(self, end_s: float) -> None:
        """Nothing is laid into it, and it has room until then."""
        self.left_s, self.model = end_s - self.seat.ready_s, self.seat.model
        self.models: list[str] = []

    def loading_s(self, pile: _Pile) -> float:
        """What it costs to begin with this pile."""
        return self.seat.worker.switch_s if pile.model and pile.model != self.model else 0.0

    def lost_share(self, pile: _Pile, later: Sequence[_Pile]) -> float | None:
        """How much of its time is lost with as many of these jobs as find room, and then another pile; None without room."""
        loading_s, job_s = self.loading_s(pile), pile.longest_s / self.seat.speed
        free_s = self.left_s - loading_s
        if pile.model not in self.able or free_s < job_s:
            return None
        rest_s = free_s % job_s
        lost_s, filled_s = rest_s, rest_s - self.seat.worker.switch_s
        for other in later:
            other_s = other.longest_s / self.seat.speed
            if other.model in self.able and filled_s >= other_s:
                lost_s = min(lost_s, self.seat.worker.switch_s + filled_s % other_s)
        return (loading_s + lost_s) / self.left_s

    def take(self, pile: _Pile, work_s: float) -> float:
        """Lay in so much of the pile as finds room; how much that was."""
        loading_s, job_s = self.loading_s(pile), pile.longest_s / self.seat.speed
        jobs = min(int((self.left_s - loading_s) / job_s + _HAIR), ceil(work_s / pile.longest_s - _HAIR))
        self.left_s -= loading_s + jobs * job_s
        self.model = pile.model
        self.models.append(pile.model)
        return jobs * pile.longest_s


def _piles(standing: Standing) -> list[_Pile]:
    """What waits, and what will follow it and what runs: first what needs most memory, then the longest jobs."""
    lanes: dict[str, list[OpenLane]] = {}
    for lane in standing.lanes:
        lanes.setdefault(lane.kind.model, []).append(lane)
    following_s = dict.fromkeys(lanes, 0.0)
    for kind in (job.kind for worker in standing.workers for job in worker.holds if job.kind.model in lanes):
        following_s[kind.model] += kind.following_units * standing.rates.typical(kind.workflow)
    piles = []
    for model, found in lanes.items():
        work_s = following_s[model] + sum(lane.left * lane.path_s for lane in found)
        needy = max(found, key=lambda lane: lane.kind.memory_bytes)
        piles.append(_Pile(model, needy, work_s, max(lane.typical_s for lane in found) or _HAIR))
    return sorted(piles, key=lambda pile: (-pile.lane.kind.memory_bytes, -pile.longest_s))


def _is_laid_out(piles: Sequence[_Pile], rooms: Sequence[_Room], end_s: float) -> bool:
    for room in rooms:
        room.empty(end_s)
    return all(_is_laid(pile, piles[number + 1 :], rooms) for number, pile in enumerate(piles))


def _is_laid(pile: _Pile, later: Sequence[_Pile], rooms: Sequence[_Room]) -> bool:
    """Give the pile to those who have its model loaded, then to those who lose least with it; whether all of it found room."""
    offers = []
    for number, room in enumerate(rooms):
        lost = room.lost_share(pile, later)
        if lost is not None:
            offers.append((room.model != pile.model, lost, number))
    left_s = pile.work_s
    for _, _, number in sorted(offers):
        if left_s <= _HAIR:
            break
        left_s -= rooms[number].take(pile, left_s)
    return left_s <= _HAIR
