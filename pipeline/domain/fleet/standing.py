"""How things stand while a decision is made: who is free when, what is left, who holds how much."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import ceil

from pipeline.domain.fleet.jobs import Backlog, FleetJob, Kind
from pipeline.domain.fleet.open_lanes import Need, OpenLane, Queue, Seat, asked
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.workers import Rates, Worker, fits, waits_s

_OVERRUN = 0.5
"""What runs longer than expected is expected to take this much of its overrun more."""
_SCARCE = 0.98
"""Work that only some workers can do holds up everything when they need at least this share of the whole time for it."""
_CRITICAL = 0.5
"""A scene is on the critical path when its rest takes the slowest worker this share of the time that is left."""


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
        self.held_of_run: Counter[str] = Counter()
        self.held_of_project: Counter[str] = Counter()
        self.held_of_group: Counter[str] = Counter()
        self.held_of_scene: Counter[tuple[str, str]] = Counter()
        self.loaded: defaultdict[str, float] = defaultdict(float)
        self.model_work_s: defaultdict[str, float] = defaultdict(float)
        needs: defaultdict[tuple[object, ...], Need] = defaultdict(Need)
        may_start = [
            OpenLane(lane, rates.typical(lane.kind.workflow), needs[asked(lane)])
            for lane in backlog.lanes
            if max(lane.not_before_s, 0) <= now_s and lane.kind.run not in rules.held
        ]
        # What nobody can do competes with nothing.
        can_be_met = {need for need, lane in {lane.need: lane for lane in may_start}.items() if self._is_served(lane)}
        self.lanes = [lane for lane in may_start if lane.need in can_be_met]
        self.priorities = {lane.kind.priority for lane in self.lanes}
        self.waiting_s = sum(lane.left * lane.typical_s for lane in self.lanes)
        self.longest_s = max((lane.typical_s for lane in self.lanes), default=0.0)
        self.rest_s = sum(lane.left * lane.path_s for lane in self.lanes)
        self.open_seats: list[Seat] = []
        self._seats: list[Seat] = []
        self.has_caps = bool(rules.project_caps or rules.group_caps or rules.scene_caps)
        self._count_workers()
        self._weigh_lanes()
        homes = {lane.home for lane in self.lanes} - {""}
        self._homes = {worker.name: worker for worker in workers if worker.name in homes} if homes else {}
        self._homed_s: defaultdict[str, float] = defaultdict(float)
        for lane in self.lanes if homes else ():
            self._homed_s[lane.home] += lane.left * self._at_home_s(lane)
        self._pressing = {lane.kind for lane in self.lanes if self.presses(lane)}
        self._rank()

    @property
    def seats(self) -> list[Seat]:
        """Every worker that is not away, the fastest first; made when somebody asks, which most decisions do not."""
        if not self._seats:
            made = {seat.worker.name: seat for seat in self.open_seats}
            self._seats = [
                made.get(worker.name) or self._seat(worker, self._ready_s(worker)) for worker in self.workers if not worker.away
            ]
            self._seats.sort(key=lambda seat: -seat.speed)
        return self._seats

    def seconds(self, seat: Seat, kind: Kind) -> float:
        """What one job of this kind takes at this worker, without loading."""
        return self._seconds(seat.worker, kind)

    def cost_s(self, seat: Seat, kind: Kind, home: str) -> float:
        """What it costs before the job begins: loading another model, fetching what another worker made."""
        loading_s = seat.worker.switch_s if kind.model and kind.model != seat.model else 0.0
        return loading_s + (self.rules.move_s if home and home != seat.worker.name else 0.0)

    def finish_s(self, seat: Seat, lane: OpenLane) -> float:
        """When this worker would have done the next job of the lane."""
        return seat.ready_s + self.cost_s(seat, lane.kind, lane.home) + self.seconds(seat, lane.kind)

    def is_behind_others(self, seat: Seat) -> bool:
        """Whether its server has to do jobs of somebody else first."""
        return bool(seat.worker.others) and seat.worker.others_until_s > self.now_s

    def may_do(self, seat: Seat, lane: OpenLane) -> bool:
        """Whether this worker can do the jobs of this lane, whenever that is."""
        return fits(seat.worker, lane.kind) and seat.worker.name not in lane.lane.excluded

    def cap_reached(self, kind: Kind) -> tuple[str, int, int] | None:
        """The name, the cap and the number held of what allows no more of this kind."""
        cap = self.rules.group_caps.get(kind.group)
        if cap is not None and self.held_of_group[kind.group] >= cap:
            return kind.group, cap, self.held_of_group[kind.group]
        scene = kind.project, kind.group
        cap = self.rules.scene_caps.get(scene)
        if cap is not None and self.held_of_scene[scene] >= cap:
            return kind.group, cap, self.held_of_scene[scene]
        cap = self.rules.project_caps.get(kind.project)
        if cap is not None and self.held_of_project[kind.project] >= cap:
            return kind.project, cap, self.held_of_project[kind.project]
        return None

    def presses(self, lane: OpenLane) -> bool:
        """Whether its deadline is so near that its jobs go before others of their priority."""
        if lane.kind.deadline_s is None:
            return False
        slack_s = lane.path_s + self.longest_s  # the last jobs are whole ones, and a worker may just have begun another
        return lane.kind.deadline_s - self.now_s < self.rules.deadline_margin * self._alone_s(lane) + slack_s

    def is_lost(self, lane: OpenLane) -> bool:
        """Whether its deadline cannot be met any more, even with the whole fleet to itself."""
        return self.now_s + max(self._alone_s(lane), lane.path_s) > (lane.kind.deadline_s or 0.0)

    def due_before(self, kind: Kind) -> float | None:
        """The earliest deadline that presses of another run of this priority; None where none does."""
        found = (one.deadline_s or 0.0 for one in self._pressing if one.run != kind.run and one.priority == kind.priority)
        return min(found, default=None)

    def sooner(self, seat: Seat, lane: OpenLane) -> Seat | None:
        """Who would have done this job before this worker has, everything else that waits included; None when nobody.

        Behind jobs of somebody else it waits only where nobody would have done it before, whatever else waits: it could not go
        to another worker any more, and that worker is at work in any case.
        """
        finish_s = self.finish_s(seat, lane)
        if self.is_behind_others(seat):
            able = (other for other in self.seats if other is not seat and self.may_do(other, lane))
            first = min(able, key=lambda other: self.finish_s(other, lane), default=None)
            return first if first and self.finish_s(first, lane) < finish_s - 1e-6 else None
        if lane.home and lane.home != seat.worker.name:
            if self._waits_in_vain(lane, finish_s):
                return None
            home = next((other for other in self.seats if other.worker.name == lane.home), None)
            if home and self.may_do(home, lane) and self._home_s(home, lane) <= finish_s:
                return home
        if finish_s <= self.level_s:
            return None
        return self._others(seat, lane, finish_s)

    def give(self, seat: Seat, lane: OpenLane) -> tuple[FleetJob, float, float]:
        """Hand the next job of the lane to this worker. Answers with the job, when it begins and when it will be done."""
        job, kind = next(lane.jobs), lane.kind
        start_s, finish_s = seat.ready_s, self.finish_s(seat, lane)
        if kind.model and kind.model != seat.model:
            self.loaded[seat.model] -= seat.speed
            self.loaded[kind.model] += seat.speed
            seat.model = kind.model
        self.model_work_s[kind.model] -= lane.path_s
        self.waiting_s -= lane.typical_s
        self._homed_s[lane.home] -= self._at_home_s(lane)
        seat.ready_s, seat.held, lane.left = finish_s, seat.held + 1, lane.left - 1
        self._hold(kind, 1)
        self.below[kind.run] = self._is_below_share(kind.run)
        if self.served.get(lane.queue, -1.0) != self.now_s:
            was_overdue = lane.is_overdue
            self.served[lane.queue] = self.now_s
            if was_overdue:
                self._rank()
        return job, start_s, finish_s

    def _home_s(self, home: Seat, lane: OpenLane) -> float:
        """When the worker that made the segment before would have done this job, all else that waits for it there included."""
        return self.finish_s(home, lane) + self._homed_s[lane.home] - self._at_home_s(lane)

    def _at_home_s(self, lane: OpenLane) -> float:
        """What one job of the lane takes at the worker that made the segment before; 0 where that cannot do it any more."""
        home = self._homes.get(lane.home)
        return self._seconds(home, lane.kind) if home and fits(home, lane.kind) else 0.0

    def _waits_in_vain(self, lane: OpenLane, finish_s: float) -> bool:
        """Whether nothing of its run and model has begun for as long as it would take elsewhere: home has other things to do."""
        return self.now_s - self._since_s(lane) >= finish_s - self.now_s

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

    def _seconds(self, worker: Worker, kind: Kind) -> float:
        return kind.units * self.rates.seconds_per_unit(worker, kind.workflow)

    def _count_workers(self) -> None:
        """One pass over the fleet: it is most of what a decision costs."""
        now_s, by_s, speeds = self.now_s, self.now_s + self.rules.ahead_s, self.rates.speeds
        held: list[Kind] = []
        memory: defaultdict[int, float] = defaultdict(float)
        loaded = self.loaded
        speed = filled = 0.0
        latest_s, able, slowest = now_s, 0, float("inf")
        for worker in self.workers:
            holds = worker.holds
            for job in holds:
                held.append(job.kind)
            if worker.away:
                continue
            ready_s = worker.busy_until_s
            if not holds or ready_s <= now_s or worker.others:
                ready_s = self._ready_s(worker)
            own = speeds[worker.name]
            able += 1
            speed += own
            filled += own * ready_s
            if ready_s > latest_s:
                latest_s = ready_s
            loaded[worker.model] += own
            memory[worker.memory_bytes] += own
            if not holds or (ready_s <= by_s and len(holds) < worker.places):
                self.open_seats.append(self._seat(worker, ready_s))
            if own < slowest:
                slowest = own
        self.open_seats.sort(key=lambda seat: -seat.speed)
        self.able, self.speed, self._speed_of_memory = able, speed, memory
        self._slowest = slowest
        following_s = 0.0
        counts = Counter(map(id, held))  # by identity, because most jobs of a kind share it and comparing kinds is slow
        for kind in {id(kind): kind for kind in held}.values():
            count = counts[id(kind)]
            self._hold(kind, count)
            following_s += count * kind.following_units * self.rates.typical(kind.workflow)
        work_s = self.rest_s + following_s
        self.level_s = (filled + work_s) / speed if speed else now_s
        if self.level_s < latest_s:
            self.level_s = self._level(work_s)

    def _is_served(self, lane: OpenLane) -> bool:
        """Whether any worker that is there can do the jobs of this lane."""
        return any(
            not worker.away and worker.name not in lane.lane.excluded and fits(worker, lane.kind) for worker in self.workers
        )

    def _seat(self, worker: Worker, ready_s: float) -> Seat:
        return Seat(worker, ready_s=ready_s, speed=self.rates.speeds[worker.name])

    def _ready_s(self, worker: Worker) -> float:
        late_s = self.now_s - worker.busy_until_s
        own_s = 0.0 if not worker.holds else _OVERRUN * late_s if late_s > 0 else -late_s
        return self.now_s + own_s + waits_s(worker, self.now_s)

    def _hold(self, kind: Kind, count: int) -> None:
        self.held_of_run[kind.run] += count
        self.held_of_project[kind.project] += count
        self.held_of_group[kind.group] += count
        self.held_of_scene[kind.project, kind.group] += count

    def _is_below_share(self, run: str) -> int:
        """0 where this run holds less than its share of the workers, else 1."""
        return 0 if self.held_of_run[run] + 1 <= self.entitled[run] + 1e-9 else 1

    def _level(self, work_s: float) -> float:
        """When everything would be done if work could be poured over the workers like water."""
        speed = filled = 0.0
        level_s = self.now_s
        for seat in sorted(self.seats, key=lambda seat: seat.ready_s):
            if speed and (filled + work_s) / speed <= seat.ready_s:
                break
            speed += seat.speed
            filled += seat.speed * seat.ready_s
            level_s = (filled + work_s) / speed
        return level_s

    def _weigh_lanes(self) -> None:
        """Work by model; workers by shares of projects, and within a project equally by runs that have jobs waiting.

        Work is scarce that only workers with much memory can do and that takes them as long as everything takes all.
        """
        runs: dict[str, set[str]] = {}
        sizes: dict[int, float] = {}
        self.run_rest_s: dict[str, float] = {}
        for lane in self.lanes:
            kind, rest_s = lane.kind, lane.left * lane.path_s
            runs.setdefault(kind.project, set()).add(kind.run)
            self.model_work_s[kind.model] += rest_s
            sizes[kind.memory_bytes] = sizes.get(kind.memory_bytes, 0.0) + rest_s
            self.run_rest_s[kind.run] = self.run_rest_s.get(kind.run, 0.0) + rest_s
        weights = {project: self.rules.shares.get(project, 1.0) for project in runs}
        whole = sum(weights.values()) or 1.0
        self.entitled = {
            run: self.able * weights[project] / whole / len(names) for project, names in runs.items() for run in names
        }
        self.below = {run: self._is_below_share(run) for run in self.entitled}
        scarce_bytes = float("inf")
        for size in sizes:
            speed = sum(speed for memory, speed in self._speed_of_memory.items() if memory >= size or not memory)
            needy_s = sum(rest_s for other, rest_s in sizes.items() if other >= size)
            if 0 < speed < self.speed and needy_s / speed >= _SCARCE * self.rest_s / self.speed:
                scarce_bytes = min(size, scarce_bytes)
        for lane in self.lanes:
            if lane.path_s >= _CRITICAL * self._slowest * (self.level_s - self.now_s):
                lane.urgency = -lane.path_s
            if lane.kind.memory_bytes >= scarce_bytes:
                lane.scarcity = 0

    def _rank(self) -> None:
        """Order the lanes: priority, deadlines that press and can be met, what was passed over for too long, other deadlines."""
        for lane in self.lanes:
            kind, since_s = lane.kind, self._since_s(lane)
            lane.is_overdue = self.now_s - since_s > self.rules.passed_over_s
            presses = self.presses(lane)
            due_s = (kind.deadline_s or 0.0) if presses else 0.0
            is_saved = presses and not self.is_lost(lane)
            lane.rank = (
                -kind.priority,
                0 if is_saved else 1,
                due_s if is_saved else 0.0,
                0 if lane.is_overdue else 1,
                since_s if lane.is_overdue else 0.0,
                0 if presses else 1,
                due_s,
            )
        self.lanes.sort(key=lambda lane: lane.rank)

    def _since_s(self, lane: OpenLane) -> float:
        """From when on it has been passed over."""
        return max(lane.oldest_s, self.served.get(lane.queue, lane.oldest_s))

    def _alone_s(self, lane: OpenLane) -> float:
        """How long a run takes with the whole fleet to itself, if its work could be poured over the workers like water."""
        return self.run_rest_s.get(lane.kind.run, 0.0) / self.speed if self.speed else 0.0
