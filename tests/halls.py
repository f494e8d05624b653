"""A hall of GPU workers: a studio whose clock, servers and cards a test moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline import settings, wiring
from pipeline.domain.telemetry.readings import Reading
from pipeline.domain.workers import Worker, WorkerState
from pipeline.ports import Clock
from tests.cards import FakeProbe, reading
from tests.factories import PERSON
from tests.fakes import FakeClock
from tests.fleet import WELL, PretendedServers


class Hall:
    """A studio with workers, a clock to move, and cards on this machine to put in."""

    def __init__(self, folder: Path, url: str, *, clock: Clock | None = None, **environment: str) -> None:
        self.clock = FakeClock()
        self.probe = FakeProbe()
        self.servers = PretendedServers()
        named = {"STRIPBOARD_HOME": str(folder / "home"), "DATABASE_URL": url, **environment}
        loaded = settings.load(named)
        self.studio = wiring.build_studio(loaded, clock=clock or self.clock, servers=self.servers, probe=self.probe)

    def add(self, name: str = "gpu-1", url: str = "") -> Worker:
        """A worker that is well."""
        worker = self.studio.workers.register(name, url or name, PERSON)
        self.servers.sightings[worker.url] = replace(WELL, gpu="cuda:0 NVIDIA H100 80GB HBM3 : native")
        [seen] = self.studio.workers.look([worker])
        return seen

    def tell(self, worker: Worker, *celsius: float, **changes: Any) -> None:
        """The worker's card tells these temperatures, ten seconds apart."""
        for value in celsius:
            self.clock.advance(10)
            self.studio.telemetry.take(worker, [reading(self.clock.now(), temperature_c=value, **changes)])

    def state(self, worker: Worker) -> WorkerState:
        """Whether it takes work."""
        return self.studio.workers.find(worker.name).state

    def events(self) -> list[str]:
        """What the cards did to workers."""
        return [event.type for event in self.studio.reports.events(0) if event.actor == "system:telemetry"]

    def told(self, worker: Worker, *, hours: float = 200, points: int = 10_000) -> list[Reading]:
        """What is stored of a worker."""
        now = self.clock.now()
        since = now - timedelta(hours=hours)
        return self.studio.telemetry.history(worker, since=since, until=now, points=points)
