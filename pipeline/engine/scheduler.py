"""The safety-net loop: missed wake-ups, dead engines, measured rates, orphans, telemetry. Never the way things normally move."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from pipeline.engine.rules import RuleEngine
from pipeline.engine.shots import ShotDriver
from pipeline.services.telemetry import Telemetry
from pipeline.services.upkeep import Upkeep
from pipeline.services.workers import Workers

log = logging.getLogger(__name__)

_CATCH_UP_S = 30
_ADOPT_S = 10
_RATES_S = 60
_SWEEP_S = 600
_LOOK_S = 10
_READ_S = 10
_THIN_S = 60
_SHOTS_S = 1
_SEND_S = 1
_PLACE_S = 2
_FREE_S = 60
_TAKE_OVER_S = 5.0


class Scheduler:
    """APScheduler in exactly one process: the one that holds the lock. The others wait for it to be free."""

    def __init__(
        self,
        upkeep: Upkeep,
        workers: Workers,
        telemetry: Telemetry,
        *,
        take_lock: Callable[[], bool],
        release_lock: Callable[[], None],
        look_for_dead: Callable[[], None],
        wake: threading.Event,
        rules: RuleEngine,
        shots: ShotDriver,
        send_messages: Callable[[], object] = lambda: None,
        place_deliveries: Callable[[], object] = lambda: None,
        free_idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._upkeep = upkeep
        self._workers = workers
        self._telemetry = telemetry
        self._take_lock = take_lock
        self._release_lock = release_lock
        self._look_for_dead = look_for_dead
        self._wake = wake
        self._rules = rules
        self._shots = shots
        self._send_messages = send_messages
        self._place_deliveries = place_deliveries
        self._free_idle = free_idle
        self._loop: BackgroundScheduler | None = None
        self._waiting: threading.Thread | None = None
        self._over = threading.Event()

    def start(self) -> bool:
        """Start the loop; False when another process has it: then it starts here when that one has ended."""
        if self._begin():
            return True
        self._waiting = threading.Thread(target=self._wait, name="scheduler", daemon=True)
        self._waiting.start()
        return False

    def _wait(self) -> None:
        while not self._over.wait(_TAKE_OVER_S):
            if self._begin():
                log.info("the safety net is here now: the process that had it has ended")
                return

    def _begin(self) -> bool:
        if not self._take_lock():
            return False
        self._loop = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
        chores = {
            self.catch_up: _CATCH_UP_S,
            self._look_for_dead: _ADOPT_S,
            self._upkeep.refresh_rates: _RATES_S,
            self._upkeep.sweep: _SWEEP_S,
            self.look_at_workers: _LOOK_S,
            self.test_workers: _LOOK_S,
            self._telemetry.read_here: _READ_S,
            self._telemetry.thin: _THIN_S,
            self._shots.turn: _SHOTS_S,
            self._send_messages: _SEND_S,
            self._place_deliveries: _PLACE_S,
            self._free_idle: _FREE_S,
            self._rules.thin: _SWEEP_S,
        }
        for chore, seconds in chores.items():
            self._loop.add_job(_fenced(chore), "interval", seconds=seconds)
        _fenced(self._upkeep.clear_folders)()  # what those who were killed have left
        self._loop.start()
        self._rules.start()
        return True

    def catch_up(self) -> None:
        """Start what was missed, and say so: it should not happen."""
        missed = self._upkeep.catch_up()
        if missed:
            log.warning("the safety net started %s cells that nothing else had started", missed)
            self._wake.set()

    def look_at_workers(self) -> None:
        """See how the workers of the fleet are."""
        self._telemetry.keep_looks(self._workers.look())

    def test_workers(self) -> None:
        """Let workers that were set aside show whether they work again: beside the looks, which do not wait for that."""
        if self._workers.test_those_aside():
            self._wake.set()

    def stop(self) -> None:
        """End the loop and give the lock back."""
        self._over.set()
        if self._waiting is not None:
            self._waiting.join()
        if self._loop is not None:
            self._rules.stop()
            self._loop.shutdown(wait=True)
            self._loop = None
            self._shots.close()
            self._release_lock()


def _fenced(chore: Callable[[], object]) -> Callable[[], None]:
    """One chore's error is logged and stops neither the loop nor the other chores."""

    def run() -> None:
        try:
            chore()
        except Exception:
            log.exception("the chore %s failed", getattr(chore, "__name__", chore))

    return run
