"""A studio whose fleet of doubles goes wrong in every way that they know, drawn from a seed, while this side dies as well."""

from __future__ import annotations

import gc
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from pipeline import wiring
from pipeline.adapters.backends.comfyui.backend import ComfyBackend
from pipeline.adapters.backends.comfyui.looking import CANARY
from pipeline.adapters.backends.comfyui.sightings import idle_tried, sight, stopped, tried
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.adapters.executors.threads import ThreadExecutor
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Conflict
from pipeline.domain.production import Production
from pipeline.domain.records import Attempt, Job, Run
from pipeline.domain.statuses import AttemptOutcome, JobStatus
from pipeline.double import DoubleServer
from pipeline.double.faults import KINDS
from pipeline.engine.dispatcher import Dispatcher
from pipeline.wiring_fleet import build_workers
from tests.factories import EVERYTHING, PERSON, House
from tests.fakes import Crashed
from tests.fates import Fate, RacingClock
from tests.fleet import WORKFLOWS

PATIENCE_S = 240
NOTICED_S = 20
"""When nothing has ended for so long, a person sees who is set aside, and takes them back."""
BRISK = Timing(
    poll_s=0.05, refused_s=0.3, gone_s=2.0, answer_s=1.5, socket_s=0.3, deaf_s=0.3, wedged_s=0.2, stuck_s=1.0,
    stop_s=0.1, linger_s=2.0, ping_s=2.0, backoff_s=0.05, longest_backoff_s=0.3, preview_s=1.0,
)  # fmt: skip
ON_THE_WIRE = ("drop", "reset_after", "status", "garbage", "wrong_types", "stall", "drip", "huge")
_ROUTES = ("/prompt", "/history", "/queue", "/view", "/upload/image", "/ws", "/system_stats", "")
_IN_THE_SERVER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("kill", {"point": "before_accept"}), ("kill", {"point": "after_accept"}), ("kill", {"point": "mid_job"}),
    ("kill", {"point": "after_job"}), ("lose_history", {}), ("lose_history", {}), ("dead_worker", {"form": "a"}),
    ("dead_worker", {"form": "b"}), ("out_of_memory", {}), ("corrupt_output", {}), ("truncate_output", {}),
    ("half_open_socket", {"route": "/ws"}), ("silent_socket", {"route": "/ws"}),
    ("late", {"seconds": 0.3}), ("late", {"seconds": 2.0}),
)  # fmt: skip
_PLANNED = 5
_ENDED_BADLY = (AttemptOutcome.FAILED, AttemptOutcome.LOST, AttemptOutcome.CANCELLED)


class DoublesHouse(House):
    """A house whose generation is done by real doubles through the real backend; the rest by stagehands."""

    def __init__(self, folder: Path, url: str, *, clock: RacingClock, fate: Fate, timing: Timing = BRISK) -> None:
        super().__init__(folder, url, clock=clock, checkpoint=fate)  # type: ignore[arg-type]
        self.woken, at = threading.Event(), self.studio.settings
        self.fleet = ComfyBackend(
            spool_root=at.spool_root, media_root=at.media_root, readers=ThreadExecutor(4), wake=self.woken.set,
            checkpoint=fate, timing=timing,
        )  # fmt: skip
        self.studio = self.studio.with_services(workers=build_workers(self.studio.stores, clock, HurriedLooks()))

    def create(self, production: Production, **options: object) -> Run:
        """Create a run whose scenes and looks are made by graphs from real pictures."""
        for name, graph in (("video.json", "image_to_video.json"), ("still.json", "image_to_image.json")):
            shutil.copy2(WORKFLOWS / graph, self.folder / name)
        for number, character in enumerate(production.characters):
            for image in character.source_images:
                Image.new("RGB", (64, 36), (number * 20 % 256, 90, 120)).save(self.folder / image)
        kinds = tuple(replace(kind, workflow="video.json") for kind in production.scene_types)
        looks = tuple(replace(look, workflow="still.json") for look in production.variants)
        return super().create(replace(production, backend="comfyui", scene_types=kinds, variants=looks), **options)

    def new_engine(self, backend: Any = None, parallel: int = 4) -> Dispatcher:
        """An engine over the fleet of doubles."""
        backends = {"animatic": self.backend, "comfyui": backend or self.fleet, "stages": self.backend}
        engine = wiring.build_engine(self.studio, parallel=parallel, backends=backends, forget=self.studio.upkeep.forget)
        self.woken = engine.wake
        self.fleet._wake = engine.wake.set
        return engine

    def die(self) -> None:
        """The backend's tasks stop where they stand, nothing is tidied up."""
        self.fleet.close()
        super().die()

    def close(self) -> None:
        """Leave properly."""
        self.fleet.close()
        super().close()

    def attempts(self, jobs: list[Job]) -> dict[int, list[Attempt]]:
        """The attempts of these jobs by job, oldest first."""
        found: dict[int, list[Attempt]] = defaultdict(list)
        with self.studio.stores.read() as store:
            for attempt in store.jobs.attempts_of([job.id for job in jobs]):
                found[attempt.job_id].append(attempt)
        return found


class HurriedLooks:
    """Real looks that wait a moment instead of seconds before they call a server wedged."""

    look = staticmethod(partial(sight, wait=lambda seconds: threading.Event().wait(0.02) and None))
    test = staticmethod(tried)
    test_idle = staticmethod(partial(idle_tried, timeout_s=2.0))
    stop = staticmethod(stopped)

    def free(self, url: str) -> None:
        """Nobody asks."""


class Storm:
    """Some servers, a house, and what happens to them. `faults` planned so far; the weather ends when `most` have happened."""

    def __init__(self, folder: Path, url: str, *, seed: int, servers: int = 4, most: int = 150, crashes: int = 0) -> None:
        self.folder, self.url = folder, url
        self.chance = Random(seed)
        self.most, self.crashes = most, crashes
        self.clock = RacingClock()
        self.restarts = self.deaths = 0
        self.servers = [self._server(number) for number in range(servers)]
        self._looked = self._tended = 0.0
        self._looking: Future[object] | None = None
        self._eyes = ThreadPoolExecutor(1, thread_name_prefix="eyes")
        self._open_house(self._fate())
        for server in self.servers:
            self.house.studio.workers.register(server.setup.name, server.url, PERSON)
        self.house.studio.workers.look()

    def _server(self, number: int) -> DoubleServer:
        """The last two write into one output folder."""
        home = self.folder / "servers" / f"gpu-{number + 1}"
        home.mkdir(parents=True)
        if number == 3:
            (home / "output").symlink_to(self.servers_home(2) / "output", target_is_directory=True)
        version = ("0.33.0", "0.3.64")[number % 2]
        return DoubleServer(home, name=home.name, version=version, is_instant=True).start()

    def servers_home(self, number: int) -> Path:
        """The folder of a server."""
        return self.folder / "servers" / f"gpu-{number + 1}"

    # What happens -----------------------------------------------------------------------------------------------

    @property
    def happened(self) -> Counter[str]:
        """The faults that have happened so far, by kind."""
        return Counter(kind for server in self.servers for kind in server.faults.taken)

    @property
    def is_over(self) -> bool:
        """Whether enough has happened, and something of every kind."""
        return self.happened.total() >= self.most and self.deaths >= self.crashes and not self._missing()

    def _missing(self) -> list[str]:
        """The kinds of faults that have not happened yet; none when the weather is to be calm."""
        happened = self.happened
        return [kind for kind in KINDS if not happened[kind]] if self.most else []

    def weather(self) -> None:
        """Plan what goes wrong next, have dead servers started again after a while, look at the workers now and then."""
        now = time.monotonic()
        for server in self.servers:
            if self.most and not self.is_over:
                self._plan_more(server)
            if (server.life is None or server.life.over.is_set() or not server.is_working) and self.chance.random() < 0.25:
                self._start_again(server)
        if now - self._tended > 0.7 and not self.is_over:
            self._tended = now
            if self.chance.random() < 0.2:
                self._delete_files(self.chance.choice(self.servers))
        if now - self._looked > 0.4 and (self._looking is None or self._looking.done()):
            self._looked = now
            self._looking = self._eyes.submit(self._look)

    def _look(self) -> None:
        """As the safety net does it: beside the engine, which does not wait for servers that stall."""
        with suppress(Crashed):
            self.house.studio.workers.look()
            self.house.studio.workers.test_those_aside()

    def _close_eyes(self) -> None:
        """The look that is under way belongs to the house that is about to close."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.result()

    def _plan_more(self, server: DoubleServer) -> None:
        """A few at a time. In the end only what is missing: the rest may be planned for a route that nobody takes any more."""
        planned = {fault["kind"] for fault in server.faults.planned()}
        if self.happened.total() >= self.most and not planned & set(self._missing()):
            server.faults.clear()
        if len(server.faults.planned()) < _PLANNED:
            self._plan(server)
        elif self.happened.total() >= self.most and self.chance.random() < 0.1:
            self._start_again(server)  # some faults need a new connection

    def _plan(self, server: DoubleServer) -> None:
        missing = self._missing() if self.happened.total() >= self.most else KINDS
        if self.chance.random() < 0.7 and set(missing) & set(ON_THE_WIRE):
            kind, route = self.chance.choice(ON_THE_WIRE), self.chance.choice(_ROUTES)
            if kind == "huge" and self.chance.random() < 0.6:
                kind = "drop"
            details = {
                "stall": {"seconds": self.chance.choice((0.1, 2.0))},
                "drip": {"seconds": self.chance.choice((0.2, 2.0))},
                "status": {"status": self.chance.choice((500, 502, 503))},
                "huge": {"size_bytes": 17_000_000},
            }.get(kind, {})
            server.faults.add(kind, route=route, times=self.chance.randint(1, 4), **details)
            return
        kind, details = self.chance.choice([one for one in _IN_THE_SERVER if one[0] in missing] or _IN_THE_SERVER)
        server.faults.add(kind, probability=0.3, seed=self.chance.randrange(1 << 30), **details)

    def _start_again(self, server: DoubleServer) -> None:
        server.restart()
        self.restarts += 1

    @staticmethod
    def _delete_files(server: DoubleServer) -> None:
        """Somebody empties the output folder: what is answered from the cache now names files that are gone."""
        for path in list((server.setup.home / "output").rglob("*.*")):
            path.unlink(missing_ok=True)

    def calm(self) -> None:
        """From now on all is well."""
        self.most = self.crashes = 0
        for server in self.servers:
            server.faults.clear()
            self._start_again(server)
        self._die(Fate())
        self.house.studio.workers.look()

    # This side --------------------------------------------------------------------------------------------------

    def _fate(self) -> Fate:
        return Fate(self.chance.randint(30, 900) if self.deaths < self.crashes else 0)

    def _open_house(self, fate: Fate) -> None:
        """A house that has opened; until its engine has joined, nothing strikes."""
        self.fate = fate
        self.house = DoublesHouse(self.folder, self.url, clock=self.clock, fate=Fate())
        self.house.close()
        self.house = DoublesHouse(self.folder, self.url, clock=self.clock, fate=fate)

    def _die(self, fate: Fate) -> None:
        self._close_eyes()
        self.house.die()
        self._open_house(fate)

    def weathered(self, step: Callable[[], object]) -> None:
        """One step of this side; it may be its last, and then another one takes over."""
        try:
            step()
        except Crashed:
            self.fate.has_struck = True
        if self.fate.has_struck:
            self.deaths += 1
            self._die(self._fate())

    def work(self) -> None:
        """Turn until nothing is to be done any more; that nothing ends for so long is a failure."""
        deadline, ended = 0.0, -1
        while self.is_busy():
            now, before, ended = time.monotonic(), ended, self.ended()
            deadline = now + PATIENCE_S if ended != before else deadline
            assert now < deadline, self.standing()
            if now > deadline - PATIENCE_S + NOTICED_S:
                self.weathered(self._take_back)
            self.weathered(self._turns)

    def _take_back(self) -> None:
        for one in self.house.studio.workers.all():
            for record in one.records:
                if record.aside_since:
                    with suppress(Conflict):  # it has just come back by itself
                        self.house.studio.workers.take_back(one.worker, record.work, PERSON)

    def _turns(self) -> None:
        engine = self.house.engine
        until = time.monotonic() + 0.25
        while time.monotonic() < until and not self.fate.has_struck:
            engine.wake.clear()
            self.weather()
            if not engine.turn():
                engine.wake.wait(0.03)

    def is_busy(self) -> bool:
        """Whether any job of any run is open."""
        return any(self.open_jobs().values())

    def ended(self) -> int:
        """How many jobs of all runs have ended, in whatever way."""
        return sum(self._stand().values()) - sum(self.open_jobs().values())

    def open_jobs(self) -> Counter[JobStatus]:
        """The jobs of all runs that have not ended, by status."""
        found = self._stand()
        return Counter({status: found[status] for status in (JobStatus.READY, JobStatus.RUNNING)})

    def _stand(self) -> Counter[JobStatus]:
        """How many jobs of all runs stand where."""
        found: Counter[JobStatus] = Counter()
        with self.house.studio.stores.read() as store:
            for run in store.runs.all():
                for (_, status), count in store.jobs.open_stages(run.id).items():
                    found[status] += count
        return found

    def submit(self, production: Production) -> Run:
        """Start a run of the production. This side does not die meanwhile: nobody would ask for it a second time."""
        self.weathered(lambda: None)  # who died of a look has a successor before that
        with self.fate.held():
            run = self.house.create(production)
            self.house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
        return run

    def standing(self) -> str:
        """How things stand, for a test that waits too long."""
        workers = [
            (one.worker.name, one.worker.health.value, one.busy, one.worker.health_reason)
            for one in self.house.studio.workers.all()
        ]
        aside = [
            (record.work, record.reason)
            for one in self.house.studio.workers.all()
            for record in one.records
            if record.aside_since
        ]
        return f"{self.open_jobs()} {workers} {aside} {self.happened} died {self.deaths} restarted {self.restarts}"

    # What must hold ---------------------------------------------------------------------------------------------

    def executions(self) -> dict[str, int]:
        """How often each attempt was really begun, by the ledgers of all servers."""
        return dict(
            Counter(line["prompt_id"] for server in self.servers for line in server.ledger.lines() if line["event"] == "began")
        )

    def check(self) -> None:
        """Nothing ran twice without a recorded reason, everything has ended or says why, every promise holds.

        A job may have run more than once where that is on record: a workflow that arrived late may begin before it is stopped,
        as an attempt that was given up, with its reason and under an id of its own. Its result is never taken in.
        """
        begun = self.executions()
        twice = {attempt: count for attempt, count in begun.items() if count > 1}
        known: set[str] = set()
        for run in self.house.studio.runs.all():
            jobs = self.house.jobs(run)
            attempts = self.house.attempts(jobs)
            known |= {attempt.id for found in attempts.values() for attempt in found}
            for job in jobs:
                self._check_job(job, [attempt for attempt in attempts[job.id] if begun.get(attempt.id)], attempts[job.id])
        assert not twice, f"executed more than once under one id: {twice}"
        ours = {attempt for attempt in begun if not attempt.startswith(CANARY)} - known
        tests = [line for server in self.servers for line in server.ledger.lines() if line["prompt_id"] in ours]
        assert not tests, f"executed and not known here: {tests[:3]}"
        self.house.check()
        self._check_files()

    @staticmethod
    def _check_job(job: Job, executed: list[Attempt], attempts: list[Attempt]) -> None:
        told = [(attempt.outcome.value, attempt.failure_class, attempt.reason) for attempt in attempts]
        assert job.status in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED), f"job {job.id} is stuck: {told}"
        assert all(attempt.reason for attempt in attempts if attempt.outcome in _ENDED_BADLY), told
        again = [attempt for attempt in executed if attempt.outcome not in _ENDED_BADLY]
        assert len(again) <= 1, f"job {job.id} was executed again without a reason: {told}"
        if job.status is JobStatus.FAILED:
            assert attempts[-1].outcome in _ENDED_BADLY and attempts[-1].failure_class, told

    def _check_files(self) -> None:
        """Everything that this side has written lies in its home."""
        mine = {"home", "servers", "video.json", "still.json", "stripboard.db", "stripboard.db-wal", "stripboard.db-shm"}
        strange = [path.name for path in self.folder.iterdir() if path.name not in mine and path.suffix != ".png"]
        assert not strange
        homes = {path.name for path in self.servers_home(0).iterdir()}
        assert homes <= {"input", "output", "temp", "web", "ledger.jsonl"}

    def close(self) -> None:
        """End everything."""
        self._close_eyes()
        self._eyes.shutdown()
        self.house.close()
        for server in self.servers:
            server.faults.clear()
            server.gates.open_all()
            server.stop()
        gc.collect()  # what was broken off is complained of here, and not in another test
