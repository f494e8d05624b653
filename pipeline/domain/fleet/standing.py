"""How things stand while a decision is made: who is free when, what is left, who holds how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil

from pipeline.domain.fleet.jobs import Backlog, FleetJob, Kind, Lane
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.workers import Rates, Worker, fits

_OVERRUN = 0.5
"""What runs longer than expected is expected to take this much of its overrun more."""
_SCARCE = 0.98
"""Work that only some workers can do holds up everything when they need at least this share of the whole time for it."""
_CRITICAL = 0.9
"""A scene whose rest takes this share of the time left, at a worker of middling speed, is on the critical path."""
Queue = tuple[str, str]
"""Run and model: what must not be passed over for too long."""


class Seat:
    """A worker during a decision: when it is free, what is loaded then, how many jobs it holds."""

    __slots__ = ("held", "model", "ready_s", "speed", "worker")

    def __init__(self, worker: Worker, now_s: float, speed: float) -> None:
        self.worker = worker
        self.model = worker.model
        self.held = len(worker.holds)
        self.speed = speed
        late_s = now_s - worker.busy_until_s
        self.ready_s = max(now_s, worker.busy_until_s, now_s + _OVERRUN * late_s if self.held else now_s)


class OpenLane:
    """A lane whose jobs may start: how many are left, and how urgent they are whoever does them."""

    __slots__ = ("home", "is_scarce", "jobs", "kind", "lane", "left", "oldest_s", "path_s", "rank", "refused_s", "typical_s")

    def __init__(self, lane: Lane, typical: float) -> None:
        self.lane, self.kind, self.home = lane, lane.kind, lane.home
        self.left = len(lane.jobs)
        self.jobs: Iterator[FleetJob] = iter(lane.jobs.values())
        self.oldest_s = max(lane.oldest.queued_s, lane.not_before_s)
        self.typical_s = self.kind.units * typical
        self.path_s = self.typical_s + self.kind.following_units * typical
        self.rank: tuple[float, ...] = ()
        self.refused_s = float("inf")
        self.is_scarce = False

    @property
    def queue(self) -> Queue:
        """What it belongs to when it comes to being passed over."""
        return self.kind.run, self.kind.model


class Standing:
    """The state of a decision. Made from a snapshot, changed by `give`, and asked afterwards why a job still waits."""

    def __init__(
        self,
        backlog: Backlog,
        workers: Sequence[Worker],
        *,
        now_s: float,
        rules: Rules,
        rates: Rates,
        served: Mapping[Queue, float],
    ) -> None:
        self.now_s, self.rules, self.rates, self.workers = now_s, rules, rates, workers
        self.served = dict(served)
        self.seats = [Seat(worker, now_s, rates.speed(worker)) for worker in workers if not worker.away]
        self.seats.sort(key=lambda seat: -seat.speed)
        self.by_name = {seat.worker.name: seat for seat in self.seats}
        self.speed = sum(seat.speed for seat in self.seats)
        self.lanes = [
            OpenLane(lane, rates.typical(lane.kind.workflow)) for lane in backlog.lanes if max(lane.not_before_s, 0) <= now_s
        ]
        self.held_of_run: Counter[str] = Counter()
        self.held_of_project: Counter[str] = Counter()
        self.held_of_group: Counter[str] = Counter()
        following_s = self._count_held(job.kind for worker in workers for job in worker.holds)
        self.waiting_s = sum(lane.left * lane.typical_s for lane in self.lanes)
        self.level_s = self._level(following_s + sum(lane.left * lane.path_s for lane in self.lanes))
        self._weigh_models()
        self._entitle()
        self._mark_scarce()
        self._rank()

    def seconds(self, seat: Seat, kind: Kind) -> float:
        """What one job of this kind takes at this worker, without loading."""
        return kind.units * self.rates.seconds_per_unit(seat.worker, kind.workflow)

    def cost_s(self, seat: Seat, kind: Kind, home: str) -> float:
        """What it costs before the job begins: loading another model, fetching what another worker made."""
        loading_s = seat.worker.switch_s if kind.model and kind.model != seat.model else 0.0
        return loading_s + (self.rules.move_s if home and home != seat.worker.name else 0.0)

    def finish_s(self, seat: Seat, lane: OpenLane) -> float:
        """When this worker would have done the next job of the lane."""
        return seat.ready_s + self.cost_s(seat, lane.kind, lane.home) + self.seconds(seat, lane.kind)

    def may_do(self, seat: Seat, lane: OpenLane) -> bool:
        """Whether this worker can do the jobs of this lane, whenever that is."""
        return fits(seat.worker, lane.kind) and seat.worker.name not in lane.lane.excluded

    def cap_reached(self, kind: Kind) -> tuple[str, int, int] | None:
        """The name, the cap and the number held of what allows no more of this kind."""
        cap = self.rules.group_caps.get(kind.group)
        if cap is not None and self.held_of_group[kind.group] >= cap:
            return kind.group, cap, self.held_of_group[kind.group]
        cap = self.rules.project_caps.get(kind.project)
        if cap is not None and self.held_of_project[kind.project] >= cap:
            return kind.project, cap, self.held_of_project[kind.project]
        return None

    def is_below_share(self, run: str) -> bool:
        """Whether this run holds less than its share of the workers."""
        return self.held_of_run[run] + 1 <= self.entitled.get(run, 0.0) + 1e-9

    def is_critical(self, lane: OpenLane) -> bool:
        """Whether a scene of this lane would be the last to be done if it had to wait."""
        return lane.path_s >= _CRITICAL * (self.level_s - self.now_s)

    def sooner(self, seat: Seat, lane: OpenLane) -> Seat | None:
        """Who would have done this job before this worker has, everything else that waits included; None when nobody."""
        finish_s = self.finish_s(seat, lane)
        if lane.home and lane.home != seat.worker.name:
            home = self.by_name.get(lane.home)
            if home and self.may_do(home, lane) and self.finish_s(home, lane) <= finish_s:
                return home
        if finish_s <= self.level_s:
            return None
        return self._others(seat, lane, finish_s)

    def give(self, seat: Seat, lane: OpenLane) -> tuple[FleetJob, float, float]:
        """Hand the next job of the lane to this worker. Answers with the job, when it begins and when it will be done."""
        job, kind = next(lane.jobs), lane.kind
        start_s, finish_s = seat.ready_s, self.finish_s(seat, lane)
        if kind.model and kind.model != seat.model:
            self.loaded[seat.model] = self.loaded.get(seat.model, 0.0) - seat.speed
            self.loaded[kind.model] = self.loaded.get(kind.model, 0.0) + seat.speed
            seat.model = kind.model
        self.model_work_s[kind.model] -= lane.path_s
        self.waiting_s -= lane.typical_s
        seat.ready_s, seat.held, lane.left = finish_s, seat.held + 1, lane.left - 1
        self._count_held([kind])
        if self.served.get(lane.queue, -1.0) != self.now_s:
            was_overdue = lane.rank[1] == 0
            self.served[lane.queue] = self.now_s
            if was_overdue:
                self._rank()
        return job, start_s, finish_s

    def _others(self, seat: Seat, lane: OpenLane, finish_s: float) -> Seat | None:
        kind, excluded, before_s = lane.kind, lane.lane.excluded, finish_s - 1e-6
        wanted = max(1, ceil(self.waiting_s / lane.typical_s - 1e-6)) if lane.typical_s else 1
        for other in self.seats:
            spare_s = before_s - other.ready_s
            if spare_s <= 0 or other is seat or not fits(other.worker, kind) or other.worker.name in excluded:
                continue
            spare_s -= self.cost_s(other, kind, lane.home)
            wanted -= max(0, int(spare_s / (self.seconds(other, kind) or 1e-9)))
            if wanted <= 0:
                return other
        return None

    def _count_held(self, kinds: Iterable[Kind]) -> float:
        following_s = 0.0
        for kind in kinds:
            self.held_of_run[kind.run] += 1
            self.held_of_project[kind.project] += 1
            self.held_of_group[kind.group] += 1
            if kind.following_units:
                following_s += kind.following_units * self.rates.typical(kind.workflow)
        return following_s

    def _level(self, work_s: float) -> float:
        """When everything would be done if work could be poured over the workers like water."""
        seats = sorted(self.seats, key=lambda seat: seat.ready_s)
        speed = filled = 0.0
        level_s = self.now_s
        for seat in seats:
            if speed and (filled + work_s) / speed <= seat.ready_s:
                break
            speed += seat.speed
            filled += seat.speed * seat.ready_s
            level_s = (filled + work_s) / speed
        return level_s

    def _weigh_models(self) -> None:
        self.model_work_s: dict[str, float] = {}
        self.loaded: dict[str, float] = {}
        for lane in self.lanes:
            self.model_work_s[lane.kind.model] = self.model_work_s.get(lane.kind.model, 0.0) + lane.left * lane.path_s
        for seat in self.seats:
            self.loaded[seat.model] = self.loaded.get(seat.model, 0.0) + seat.speed

    def _entitle(self) -> None:
        """Workers by shares of projects, and within a project equally by runs that have jobs waiting."""
        runs: dict[str, set[str]] = {}
        for lane in self.lanes:
            runs.setdefault(lane.kind.project, set()).add(lane.kind.run)
        weights = {project: self.rules.shares.get(project, 1.0) for project in runs}
        whole = sum(weights.values()) or 1.0
        self.entitled = {
            run: len(self.seats) * weights[project] / whole / len(names) for project, names in runs.items() for run in names
        }

    def _mark_scarce(self) -> None:
        """Find the work that only workers with much memory can do and that takes them as long as everything takes all."""
        sizes = sorted({lane.kind.memory_bytes for lane in self.lanes}, reverse=True)
        if not self.speed:
            return
        whole_s = sum(lane.left * lane.path_s for lane in self.lanes) / self.speed
        for size in sizes:
            speed = sum(seat.speed for seat in self.seats if not seat.worker.memory_bytes or seat.worker.memory_bytes >= size)
            needy = [lane for lane in self.lanes if lane.kind.memory_bytes >= size]
            if 0 < speed < self.speed and sum(lane.left * lane.path_s for lane in needy) / speed >= _SCARCE * whole_s:
                for lane in needy:
                    lane.is_scarce = True

    def _rank(self) -> None:
        """Order the lanes: priority, then what was passed over for too long, then deadlines that press."""
        rest_s: Counter[str] = Counter()
        for lane in self.lanes:
            rest_s[lane.kind.run] += lane.left * lane.path_s  # type: ignore[assignment]
        for lane in self.lanes:
            kind, since_s = lane.kind, max(lane.oldest_s, self.served.get(lane.queue, lane.oldest_s))
            is_overdue = self.now_s - since_s > self.rules.passed_over_s
            slack_s = (kind.deadline_s or 0.0) - self.now_s
            presses = kind.deadline_s is not None and slack_s < self.rules.deadline_margin * self._alone_s(rest_s[kind.run], lane)
            lane.rank = (
                -kind.priority,
                0 if is_overdue else 1,
                since_s if is_overdue else 0.0,
                0 if presses else 1,
                (kind.deadline_s or 0.0) if presses else 0.0,
            )
        self.lanes.sort(key=lambda lane: lane.rank)

    def _alone_s(self, rest_s: float, lane: OpenLane) -> float:
        """How long a run takes with the whole fleet to itself, and at least as long as one of its scenes."""
        return max(rest_s / self.speed if self.speed else 0.0, lane.path_s)
