"""A studio with two doubles, of which the first is to go wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.domain.records import Run
from pipeline.domain.statuses import AttemptOutcome
from pipeline.domain.workers import Worker
from pipeline.double import DoubleServer
from tests.factories import PERSON, quick_folder
from tests.fates import Fate, RacingClock
from tests.fleet_storms import BRISK, DoublesHouse

PATIENCE_S = 90


@contextmanager
def open_pair() -> Iterator[Pair]:
    """A pair in a folder of its own, ended at the end whatever happens."""
    with quick_folder() as folder:
        found = Pair(folder)
        try:
            yield found
        finally:
            found.close()


class Pair:
    """A studio with two doubles. What a test plans for the first happens while it does all of a run."""

    def __init__(self, folder: Path) -> None:
        servers = [DoubleServer(folder / "servers" / name, name=name, is_instant=True) for name in ("gpu-1", "gpu-2")]
        self.ill, self.well = (server.start() for server in servers)
        self.folder, self.clock = folder, RacingClock()
        self.house = self._open()
        for server in (self.ill, self.well):
            self.house.studio.workers.register(server.setup.name, server.url, PERSON)
        self.house.studio.workers.look()

    def _open(self, **times: float) -> DoublesHouse:
        timing = replace(BRISK, gone_s=20.0, answer_s=20.0, refused_s=5.0, **times)
        url = f"sqlite:///{self.folder / 'stripboard.db'}"
        return DoublesHouse(self.folder, url, clock=self.clock, fate=Fate(), timing=timing)

    def start_again(self) -> None:
        """Our process dies, and another one takes over."""
        self.house.die()
        self.house = self._open()

    def impatient(self, **times: float) -> None:
        """Our process starts anew with these times to wait."""
        self.house.close()
        self.house = self._open(**times)

    def worker(self, name: str) -> Worker:
        """As it is stored."""
        return self.house.studio.workers.find(name)

    def turn_until(self, claim: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
        """Let the engine work until it is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not claim():
            assert time.monotonic() < deadline, f"it never came true: {self._told()}"
            self.house.engine.wake.clear()
            if not self.house.engine.turn():
                meanwhile()
                self.house.engine.wake.wait(0.05)

    def _told(self) -> str:
        """How everybody stands, for whoever reads that something never came true."""
        workers = [f"{one.worker.name} {one.worker.health.value}" for one in self.house.studio.workers.all()]
        with self.house.studio.stores.read() as store:
            jobs = [f"{job.stage} {job.status} {job.reason}" for job in store.jobs.running()]
        return ", ".join([*workers, *jobs])

    def work(self, run: Run, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Let the engine work until the run has nothing open."""
        self.turn_until(lambda: not self.house.open_jobs(run), meanwhile)

    def ended_badly(self, run: Run, worker: str) -> Counter[str]:
        """The attempts of a run that failed or were lost at a worker, by class."""
        attempts = [one for found in self.house.attempts(self.house.jobs(run)).values() for one in found]
        bad = (AttemptOutcome.FAILED, AttemptOutcome.LOST)
        return Counter(one.failure_class for one in attempts if one.worker == worker and one.outcome in bad)

    def close(self) -> None:
        """End everything."""
        self.house.close()
        for server in (self.ill, self.well):
            server.faults.clear()
            server.gates.open_all()
            server.stop()
