"""The engine: turn after turn it takes in results, leases jobs and hands them to performers."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from pipeline.domain.errors import Unavailable
from pipeline.domain.patience import PROGRAM_STOPS_S, STOPPING_S
from pipeline.domain.retries import FailureClass
from pipeline.domain.scheduling import Pace, rest_s, wanted
from pipeline.domain.stages import STAGES, Lane, Stage
from pipeline.domain.work import NO_NEWS, News, Request, Update, UpdateState
from pipeline.domain.workers import FLEET_BACKENDS
from pipeline.engine.progress import ProgressReports
from pipeline.ports import Clock, GeneratorBackend
from pipeline.services.dispatch import Dispatch
from pipeline.services.leases import Adopted, Leases
from pipeline.services.turns import Arrivals, Assignment, Report

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
_NEWS_S = 2.0
"""A heartbeat comes this early when there is progress to tell and no turn has told it."""
_IDLE_S = 0.2
_TROUBLE_S = 1.0
_FINAL = (UpdateState.DONE, UpdateState.FAILED, UpdateState.LOST)


@dataclass
class Running:
    """An attempt that this engine watches. `since` is when it began; while it waits, when it was last seen to wait.

    `is_unpaid` and `is_late` say why it was asked to stop. `paid_s` are the seconds that are reserved for it.

    One that is `is_remote` runs at a worker of the fleet: it takes no slot here, and goes on when this engine ends.
    """

    job_id: int
    job_key: str
    lane: Lane
    backend: GeneratorBackend
    since: float
    limit_s: float
    paid_s: float
    is_remote: bool = False
    has_begun: bool = False
    is_unpaid: bool = False
    is_late: bool = False


class Dispatcher:
    """One engine. `turn` does one round; `run` goes on until told to stop. `only` is the run it works on; None is all.

    `make_ready` is called once, when there is a run whose work a fleet does: its first job follows soon. `close` is called
    when the engine has left.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        leases: Leases,
        *,
        engine_id: str,
        backends: Mapping[str, GeneratorBackend],
        slots: Mapping[Lane, int],
        clock: Clock,
        wake: threading.Event,
        forget: Callable[[str, str], None],
        make_ready: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
        only: int | None = None,
    ) -> None:
        self.engine_id = engine_id
        self._dispatch = dispatch
        self._leases = leases
        self._backends = backends
        self._slots = slots
        self._clock = clock
        self.wake = wake
        self._forget = forget
        self._make_ready: Callable[[], None] | None = make_ready
        self._close = close
        self._only = only
        self._running: dict[str, Running] = {}
        self._unsettled: dict[str, Update] = {}
        self.trouble = ""
        self._paces = {lane: Pace() for lane in slots}
        self._progress = ProgressReports()
        self._beat_at = clock.monotonic()
        self._taking = True
        self._may_find_more = True
        self._resting = threading.Event()
        self._is_alive: Callable[[str, str, int], bool] = lambda engine_id, host, pid: True
        self._look_for_dead = threading.Event()

    def join(self, *, host: str, pid: int, is_alive: Callable[[str, str, int], bool]) -> None:
        """Register, and take over what dead engines left: recovery is normal start-up."""
        self._is_alive = is_alive
        self._leases.register(self.engine_id, host=host, pid=pid, run_id=self._only)
        self._adopt()

    def look_for_dead(self) -> None:
        """Ask the engine, from any thread, to take over the jobs of engines that have died since."""
        self._look_for_dead.set()
        self.wake.set()

    def _adopt(self) -> None:
        for job in self._leases.adopt(self.engine_id, self._is_alive):
            log.info("job %s taken over from a dead engine", job.job_id)
            self._watch(job)

    def _watch(self, job: Adopted) -> None:
        lane = STAGES[Stage(job.stage)].lane
        running = self._watched(job.job_id, f"job-{job.job_id}", lane, job.backend, job.limit_s, job.paid_s)
        if job.ran_s is not None:
            running.has_begun, running.since = True, running.since - job.ran_s
        self._running[job.attempt_id] = running
        if job.request is not None:
            self._hand_over(running, job.request)
        self.wake.set()

    def turn(self, *, look: bool = True) -> bool:
        """One round; True when something moved. Without `look`, the database is asked only when there is something to report."""
        began = self._clock.monotonic()
        if self._look_for_dead.is_set():
            self._look_for_dead.clear()
            self._adopt()
        self._collect()
        free = self._free() if self._taking else {}
        has_room = any(free.values()) or (bool(free) and self._dispatch.has_fleet)
        if not self._unsettled and not (look and has_room):
            self._heartbeat()
            return False
        news = self._progress.due(began)
        meanwhile = partial(self._meanwhile, frozenset(self._unsettled))
        turn = self._dispatch.turn(self.engine_id, self._reports(), free, self._only, news, meanwhile)
        self._progress.stored(news, began)
        if self._make_ready is not None and self._dispatch.has_fleet:
            self._make_ready()
            self._make_ready = None
        for assignment in turn.assignments:
            self._begin(assignment)
        watched = [self._running[update.attempt_id] for _, update in turn.reports]
        ended = Counter(running.lane for running in watched if not running.is_remote)
        for _, update in turn.reports:
            self._forget_attempt(update)
        for lane, pace in self._paces.items():
            pace.note_turn(self._clock.monotonic() - began, settled=ended[lane])
        self._heartbeat()
        self._may_find_more = turn.settled + len(turn.over) > len(turn.reports)
        return bool(turn.reports or turn.assignments or turn.settled)

    def _reports(self, known: Collection[str] = ()) -> list[Report]:
        """What waits to be settled, without these attempts."""
        return [(self._running[key].job_id, update) for key, update in self._unsettled.items() if key not in known]

    def _meanwhile(self, known: Collection[str]) -> Arrivals | None:
        """What has ended since, if anything has: performers wake the engine when something ends."""
        if not self.wake.is_set():
            return None
        self._collect()
        reports = self._reports(known)
        return Arrivals(reports, self._free() if self._taking else {}) if reports else None

    def run(self, is_over: Callable[[], bool]) -> None:
        """Turn until `is_over()`; sleep while nothing moves, until a performer wakes us.

        While the database is away or its disk is full, `trouble` says so; what has been reported is kept and settled
        later.
        """
        look = True
        while True:
            self.wake.clear()
            try:
                if is_over():
                    return
                began = self._clock.monotonic()
                has_moved = self.turn(look=look)
                self._rest(self._clock.monotonic() - began)
                look = self._may_find_more
                self.trouble = ""
            except Unavailable as error:
                log.warning("%s", error)
                self.trouble = str(error)
                has_moved = False
            if not has_moved:
                self.wake.wait(_TROUBLE_S if self.trouble else _IDLE_S)
                look = True

    def _rest(self, turn_s: float) -> None:
        seconds = rest_s(turn_s, remote=sum(running.is_remote for running in self._running.values()))
        if seconds:
            self._resting.wait(seconds)

    def drain(self, patience_s: float, end_workers: Callable[[], None] = lambda: None) -> None:
        """Take no new work; wait at most `patience_s` for what runs here, then give the rest back and leave.

        Programs of the backend `command` are asked to stop and get time for that. `end_workers` ends whatever still runs on
        this machine: before its jobs are ready again for another engine. What runs at workers of the fleet goes on, and is
        watched by the next engine.
        """
        self._taking = False
        until = self._clock.monotonic() + patience_s
        while self._here() and self._clock.monotonic() < until:
            self.wake.clear()
            if not self.turn():
                self.wake.wait(min(_IDLE_S, patience_s))
        for attempt_id, running in self._here().items():
            running.backend.cancel(attempt_id)
        self._see_programs_off()
        end_workers()
        self._call_off(patience_s)
        self._leases.leave(self.engine_id, "the engine was stopped")
        for attempt_id in self._here():
            self._forget(attempt_id, "")
        self._close()
        self._running.clear()

    def _see_programs_off(self) -> None:
        """Wait for the programs that have been asked to stop, at most as long as they may take: only they need time for it."""
        backend = self._backends.get("command")
        left = [attempt_id for attempt_id, running in self._here().items() if running.backend is backend]
        until = self._clock.monotonic() + PROGRAM_STOPS_S
        while backend is not None and left and self._clock.monotonic() < until:
            self.wake.clear()
            left = [update.attempt_id for update in backend.poll(left) if update.state not in _FINAL and update.has_begun]
            if left:
                self.wake.wait(_IDLE_S)

    def _call_off(self, patience_s: float) -> None:
        """See that workers stop what is over, at most so long: after the last engine nobody tells them."""
        with suppress(Unavailable):
            over = [attempt_id for attempt_id in self._beat(NO_NEWS) if self._running[attempt_id].is_remote]
            until = self._clock.monotonic() + patience_s
            while over and self._clock.monotonic() < until:
                self.wake.clear()
                over = [key for key in over if any(one.state not in _FINAL for one in self._running[key].backend.poll([key]))]
                if over:
                    self.wake.wait(_IDLE_S)

    def _here(self) -> dict[str, Running]:
        """The attempts that end with this engine."""
        return {attempt_id: running for attempt_id, running in self._running.items() if not running.is_remote}

    @property
    def busy(self) -> int:
        """How many attempts are under way."""
        return len(self._running)

    def _collect(self) -> None:
        """Ask every performer how its attempts stand; what has ended waits in `_unsettled` until a turn commits."""
        by_backend: dict[int, tuple[GeneratorBackend, list[str]]] = {}
        for attempt_id, running in self._running.items():
            if attempt_id not in self._unsettled:
                by_backend.setdefault(id(running.backend), (running.backend, []))[1].append(attempt_id)
        for backend, attempt_ids in by_backend.values():
            for update in backend.poll(attempt_ids):
                if update.state in _FINAL:
                    self._unsettled[update.attempt_id] = self._explained(update)
                else:
                    self._progress.note(update)
                    self._mind_the_begin(update)
                    self._mind_the_time(update)

    def _mind_the_begin(self, update: Update) -> None:
        """The time of an attempt counts from its begin, which is kept: also when whoever asks its worker has to find it anew."""
        running, now = self._running[update.attempt_id], self._clock.monotonic()
        if running.has_begun:
            return
        if not update.has_begun:
            running.since = now
            return
        running.has_begun = True
        if running.lane is Lane.GENERATION:
            self._progress.begun(update.attempt_id, self._clock.now() - timedelta(seconds=now - running.since))

    def _mind_the_time(self, update: Update) -> None:
        """Ask an attempt that is over its time to stop; one that does not stop either is given up, whatever it still does."""
        running, now = self._running[update.attempt_id], self._clock.monotonic()
        if now - running.since >= running.paid_s and not running.is_unpaid:
            self._beat_at = now - HEARTBEAT_S  # what is not paid for is not waited for
        late = now - running.since - running.limit_s
        if late > 0 and not running.is_late:
            running.is_late = True
            running.backend.cancel(update.attempt_id)
        elif late > STOPPING_S:
            self._unsettled[update.attempt_id] = self._explained(replace(update, state=UpdateState.LOST))

    def _explained(self, update: Update) -> Update:
        """How long an attempt without a result ran. One that we stopped for the budget or its time has failed for that reason."""
        running = self._running[update.attempt_id]
        if update.state is UpdateState.DONE:
            return update
        if running.has_begun:
            update = replace(update, ran_s=self._clock.monotonic() - running.since)
        if not (running.is_unpaid or running.is_late):
            return update
        if running.is_unpaid:
            reason = "it took longer than a budget can pay for. Raise its limit (`./stripboard budgets set`), then retry it."
            return replace(update, state=UpdateState.FAILED, failure_class=FailureClass.BUDGET, reason=reason)
        reason = f"it did not end within {running.limit_s / 60:.0f} minutes, many times what was expected, and was stopped."
        return replace(update, state=UpdateState.FAILED, failure_class=FailureClass.TIMEOUT, reason=reason)

    def _free(self) -> dict[Lane, int]:
        """Room a lane. What has ended takes none, so that its dependents start in the turn that settles it."""
        busy = dict.fromkeys(self._slots, 0)
        for attempt_id, running in self._running.items():
            busy[running.lane] += attempt_id not in self._unsettled and not running.is_remote
        return {lane: max(0, wanted(slots, self._paces[lane]) - busy[lane]) for lane, slots in self._slots.items()}

    def _begin(self, assignment: Assignment) -> None:
        request = assignment.request
        times = assignment.limit_s, assignment.paid_s
        running = self._watched(assignment.job_id, request.job_key, assignment.lane, assignment.backend, *times)
        self._running[request.attempt_id] = running
        self._hand_over(running, request)

    def _hand_over(self, running: Running, request: Request) -> None:
        try:
            running.backend.submit(request)
        except Exception as error:
            log.exception("attempt %s could not be handed over", request.attempt_id)
            reason = f"the backend did not take it: {error}"
            self._unsettled[request.attempt_id] = Update(request.attempt_id, UpdateState.FAILED, reason=reason)

    def _watched(self, job_id: int, job_key: str, lane: Lane, backend: str, limit_s: float, paid_s: float) -> Running:
        is_generation = lane is Lane.GENERATION
        performer = self._backends[backend if is_generation else "stages"]
        is_remote = is_generation and backend in FLEET_BACKENDS
        return Running(job_id, job_key, lane, performer, self._clock.monotonic(), limit_s, paid_s, is_remote)

    def _forget_attempt(self, update: Update) -> None:
        running = self._running.pop(update.attempt_id)
        del self._unsettled[update.attempt_id]
        self._progress.forget(update.attempt_id)
        self._forget(update.attempt_id, running.job_key if update.state is UpdateState.DONE else "")

    def _heartbeat(self) -> None:
        now = self._clock.monotonic()
        news = self._progress.due(now)
        if now - self._beat_at < (_NEWS_S if news else HEARTBEAT_S):
            return
        self._beat(news)

    def _beat(self, news: News) -> Sequence[str]:
        """Keep the leases, and ask what is over or cannot be paid for to stop; the answer is what is over."""
        now = self._beat_at = self._clock.monotonic()
        elapsed = {attempt_id: now - running.since for attempt_id, running in self._running.items()}
        beat = self._leases.heartbeat(self.engine_id, elapsed, news)
        self._progress.stored(news, now)
        for attempt_id, paid_s in beat.paid.items():
            if attempt_id in self._running:
                self._running[attempt_id].paid_s = paid_s
        for attempt_id in beat.unpaid:
            self._running[attempt_id].is_unpaid = True
        for attempt_id in beat.over:
            self._running[attempt_id].paid_s = math.inf
        for attempt_id in (*beat.over, *beat.unpaid):
            self._running[attempt_id].backend.cancel(attempt_id)
        for job in beat.unwatched:
            log.warning("job %s is leased by this engine and was not watched", job.job_id)
            self._watch(job)
        return beat.over
