"""Servers that are only said to be there, for tests of what is stored about workers."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pipeline.double
from pipeline import wiring
from pipeline.domain.production import Production
from pipeline.domain.records import Run
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import Request, Update, UpdateState
from pipeline.domain.workers import Health, Sighting
from pipeline.engine.dispatcher import Dispatcher
from pipeline.ports import GeneratorBackend
from pipeline.wiring_fleet import Standing, build_workers
from tests.factories import PERSON, House

WORKFLOWS = Path(pipeline.double.__file__).parent / "workflows"

WELL = Sighting(Health.WELL, version="0.33.0", gpu="H100", memory_bytes=80_000, free_bytes=79_000, catalogue={"SaveImage": {}})


@dataclass
class PretendedServers:
    """Answers for the servers whose sightings a test has put in; the others are away."""

    sightings: dict[str, Sighting] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    freed: list[str] = field(default_factory=list)
    stopped: set[tuple[str, str]] = field(default_factory=set)

    def look(self, urls: Sequence[str], catalogue_of: Collection[str] = ()) -> Mapping[str, Sighting]:
        """What the test has put in."""
        return {url: self.sightings.get(url, Sighting(Health.AWAY, "connection refused")) for url in urls}

    def test(self, url: str) -> str:
        """What the test has put in, else nothing."""
        return self.broken.get(url, "")

    def test_idle(self, urls: Collection[str]) -> Mapping[str, str]:
        """What the test has put in, of those that are not busy."""
        return {url: self.test(url) for url in urls if url not in self.busy}

    def free(self, url: str) -> None:
        """Noted."""
        self.freed.append(url)

    def stop(self, jobs: Mapping[str, Collection[str]]) -> None:
        """Noted."""
        self.stopped |= {(url, job_id) for url, job_ids in jobs.items() for job_id in job_ids}


class PretendedFleet:
    """A performer whose places a test can hold back or let fail; what it does itself, `inner` does.

    `sent` lists (worker, stage, job key) in order, `cancelled` the attempts that were asked to stop, `requests` are what was
    sent, by attempt, `taken_over` what was handed over again; `let_go` are keys of jobs that end although their worker is
    held back.
    """

    def __init__(self, inner: GeneratorBackend) -> None:
        self._inner = inner
        self.requests: dict[str, Request] = {}
        self.taken_over: list[Request] = []
        self.sent: list[tuple[str, str, str]] = []
        self.cancelled: list[str] = []
        self.holding: set[str] = set()
        self.let_go: set[str] = set()
        self.failing: dict[str, str] = {}

    def submit(self, request: Request) -> None:
        """Note where it goes; let it be done unless its worker is to fail. What is taken over goes on, if it was ever sent."""
        assert request.place is not None
        if request.is_again:
            self.taken_over.append(request)
            return
        self.requests[request.attempt_id] = request
        self.sent.append((request.place.name, request.stage, request.job_key))
        if request.place.name not in self.failing:
            self._inner.submit(request)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """What is held back runs; what fails has failed."""
        return [self._stand(attempt_id) for attempt_id in attempt_ids]

    def _stand(self, attempt_id: str) -> Update:
        request = self.requests.get(attempt_id)
        if request is None or request.place is None:
            return self._inner.poll([attempt_id])[0]
        if request.place.name in self.holding and request.job_key not in self.let_go:
            return Update(attempt_id, UpdateState.RUNNING)
        failure = self.failing.get(request.place.name)
        if failure:
            state = UpdateState.LOST if failure == FailureClass.LOST else UpdateState.FAILED
            return Update(attempt_id, state, failure_class=failure, reason=f"{failure} at {request.place.name}")
        return self._inner.poll([attempt_id])[0]

    def cancel(self, attempt_id: str) -> None:
        """Noted, and passed on."""
        self.cancelled.append(attempt_id)
        self._inner.cancel(attempt_id)


class FleetHouse(House):
    """A house with workers instead of slots for generation. Productions are given graphs, unless they bring their own."""

    gives_graphs = True

    def __init__(self, tmp_path: Path, url: str) -> None:
        super().__init__(tmp_path, url)
        self.servers = PretendedServers()
        self.fleet = PretendedFleet(self.backend)
        self.studio = self.studio.with_services(workers=build_workers(self.studio.stores, self.clock, self.servers))

    def create(self, production: Production, **options: object) -> Run:
        """Create a run whose scenes and looks are made by graphs."""
        if not self.gives_graphs:
            return super().create(production, **options)
        for name, graph in (("video.json", "image_to_video.json"), ("still.json", "image_to_image.json")):
            shutil.copy2(WORKFLOWS / graph, self.folder / name)
        kinds = tuple(replace(kind, workflow="video.json") for kind in production.scene_types)
        looks = tuple(replace(look, workflow="still.json") for look in production.variants)
        return super().create(replace(production, backend="comfyui", scene_types=kinds, variants=looks), **options)

    def add(
        self,
        *names: str,
        memory_bytes: int = 80_000,
        cost_per_hour: float = 0.0,
        places: int = 2,
        catalogue: Mapping[str, object] | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        """Workers that are well. Without a `catalogue` nobody knows what they have."""
        for name in names:
            worker = self.studio.workers.register(name, name, PERSON, cost_per_hour=cost_per_hour, places=places, tags=tags)
            self.servers.sightings[worker.url] = replace(WELL, memory_bytes=memory_bytes, catalogue=catalogue or {})
        self.studio.workers.look()

    def new_engine(self, backend: GeneratorBackend | None = None, parallel: int = 4, only: int | None = None) -> Dispatcher:
        """An engine over the fleet, for all runs or for one."""
        backends = {"animatic": self.backend, "comfyui": backend or self.fleet, "stages": self.backend}
        forget = self.studio.upkeep.forget
        return wiring.build_engine(self.studio, parallel=parallel, backends=backends, forget=forget, only=only)

    def worker(self, name: str) -> Standing:
        """How a worker stands."""
        return next(one for one in self.studio.workers.all() if one.worker.name == name)
