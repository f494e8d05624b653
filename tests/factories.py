"""Valid things with defaults: a test names only what matters to it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline import settings, wiring
from pipeline.adapters.backends.local import LocalBackend
from pipeline.adapters.executors.inline import InlineExecutor
from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.matrix import Selection
from pipeline.domain.production import (
    Approvals,
    Budget,
    Character,
    Location,
    Matrix,
    Output,
    Production,
    SceneType,
    Shot,
    Variant,
)
from pipeline.domain.records import Actor, Cell, Event, Job, Run, Still
from pipeline.domain.stages import STAGES, Stage
from pipeline.domain.statuses import CellStatus, JobStatus
from pipeline.engine.dispatcher import Dispatcher
from pipeline.ports import GeneratorBackend
from pipeline.wiring import Studio
from tests.fakes import FakeClock, HoldingBackend, Stagehands

PERSON = Actor("user", "tester")
EVERYTHING = Selection()
AUTO = Approvals("auto", "auto")
HUMAN = Approvals("human", "human")


def make_production(
    *,
    characters: int = 2,
    scene_types: int = 2,
    variants: int = 2,
    segments: int = 2,
    candidates: int = 1,
    outputs: int = 1,
    approvals: Approvals = AUTO,
    budget: Budget | None = None,
    shots: tuple[Shot, ...] = (),
    locations: tuple[Location, ...] = (),
    title: str = "Harbor Nights",
    seed: int = 0,
) -> Production:
    """A production: characters × scene types × variants, and these shots."""
    people = tuple(Character(f"c{number}", (f"c{number}.png",)) for number in range(1, characters + 1))
    kinds = tuple(
        SceneType(f"s{number}", duration_s=1, fps=4, width=64, height=36, segments=segments)
        for number in range(1, scene_types + 1)
    )
    looks = tuple(Variant(f"v{number}", candidates=candidates) for number in range(1, variants + 1))
    names = [tuple(one.name for one in group) for group in (people, kinds, looks)]
    return Production(
        title=title,
        seed=seed,
        characters=people,
        scene_types=kinds,
        variants=looks,
        locations=locations,
        matrix=Matrix(*names) if variants else None,
        shots=shots,
        approvals=approvals,
        budget=budget or Budget(),
        outputs=tuple(Output(f"format_{number}", "out", f"format_{number}") for number in range(1, outputs + 1)),
    )


def make_studio(
    tmp_path: Path,
    url: str,
    clock: FakeClock | None = None,
    checkpoint: Callable[[str], None] | None = None,
) -> Studio:
    """A studio at home in `tmp_path`, on this database."""
    environment = {"STRIPBOARD_HOME": str(tmp_path / "home"), "DATABASE_URL": url, "STRIPBOARD_PARALLEL": "4"}
    return wiring.build_studio(settings.load(environment), clock=clock or FakeClock(), checkpoint=checkpoint)


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder of its own, in memory where the system has room there: what is tested here syncs thousands of files."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="stripboard-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class House:
    """A studio with a clock to move, stagehands to script, and an engine that works at once when it is told to."""

    def __init__(
        self,
        tmp_path: Path,
        url: str,
        *,
        clock: FakeClock | None = None,
        checkpoint: Callable[[str], None] | None = None,
        wrap: Callable[[GeneratorBackend], GeneratorBackend] = lambda backend: backend,
    ) -> None:
        self.folder = tmp_path
        self.url = url
        self.clock = clock or FakeClock()
        self.studio = make_studio(tmp_path, url, self.clock, checkpoint)
        self.hands = Stagehands()
        roots = {"spool_root": self.studio.settings.spool_root, "media_root": self.studio.settings.media_root}
        executor = InlineExecutor(4)
        executors = {stage.value: executor for stage in STAGES}
        options = {"checkpoint": checkpoint} if checkpoint else {}
        local = LocalBackend(self.hands.locate, executors=executors, **roots, **options)
        self.backend = HoldingBackend(wrap(local))
        self._engine: Dispatcher | None = None

    # Doing ------------------------------------------------------------------------------------------------------

    def start(self, production: Production, *, mode: Mode = Mode.MISSING, **options: object) -> Run:
        """Create a run of the production and submit all of it."""
        run = self.create(production, **options)
        self.studio.submission.submit(run, EVERYTHING, mode, PERSON)
        return run

    def create(self, production: Production, **options: object) -> Run:
        """Create a run; its source images are made first."""
        for character in production.characters:
            for image in character.source_images:
                if not (self.folder / image).exists():
                    (self.folder / image).write_bytes(f"picture {image}".encode())
        return self.studio.runs.create(production, self.folder, RunOptions(**options), PERSON)  # type: ignore[arg-type]

    def new_engine(self, backend: GeneratorBackend | None = None, parallel: int = 4) -> Dispatcher:
        """An engine with this performer, or with the house's own."""
        performer = backend or self.backend
        backends = dict.fromkeys(("animatic", "command", "comfyui", "stages"), performer)
        return wiring.build_engine(self.studio, parallel=parallel, backends=backends, forget=self.studio.upkeep.forget)

    @property
    def engine(self) -> Dispatcher:
        """The engine of the house, made at first use."""
        if self._engine is None:
            self._engine = self.new_engine()
        return self._engine

    def work(self, engine: Dispatcher | None = None) -> None:
        """Turn until nothing moves any more; pauses before another try pass at once."""
        engine = engine or self.engine
        for _ in range(5000):
            if not engine.turn() and not self._pass_a_pause():
                return
        raise AssertionError("the engine does not come to rest")

    def _pass_a_pause(self) -> bool:
        with self.studio.stores.read() as store:
            ids = [run.id for run in store.runs.active()]
            waits = store.jobs.next_start(ids) if ids else None
        if waits is None or waits <= self.clock.now():
            return False
        self.clock.advance((waits - self.clock.now()).total_seconds())
        return True

    def rest(self) -> None:
        """Work to the end, then let the broom pass and check that every promise holds."""
        self.work()
        self.check()

    def check(self) -> None:
        """Every promise holds."""
        self.studio.upkeep.sweep()
        assert self.studio.invariants.check() == []

    def die(self) -> None:
        """End as a killed process ends: nothing is tidied up, the system frees the locks."""
        for name in list(self.studio.locks._held):
            self.studio.locks.release(name)
        self.studio.close()

    def close(self) -> None:
        """Leave properly."""
        self.studio.close()

    # Looking ----------------------------------------------------------------------------------------------------

    def run(self, run: Run) -> Run:
        """The run as it is stored now."""
        with self.studio.stores.read() as store:
            return store.runs.by_ids([run.id])[run.id]

    def cells(self, run: Run) -> dict[str, Cell]:
        """The cells by key."""
        return {cell.plan.key: cell for cell in self.studio.reports.matrix(run.id).cells}

    def statuses(self, run: Run) -> Counter[CellStatus]:
        """How many cells stand where."""
        return Counter(cell.status for cell in self.cells(run).values())

    def stills(self, run: Run) -> dict[str, Still]:
        """The stills by kind and key: `variant c1 / v1`."""
        return {f"{still.kind.value} {still.key}": still for still in self.studio.reports.matrix(run.id).stills}

    def jobs(self, run: Run, stage: Stage | None = None) -> list[Job]:
        """The jobs of a run, oldest first."""
        with self.studio.stores.read() as store:
            found = [job for cell in store.cells.of_run(run.id) for job in store.jobs.of("cell", cell.id)]
            found += [job for still in store.stills.of_run(run.id) for job in store.jobs.of("still", still.id)]
            found += [job for delivery in store.deliveries.of_run(run.id) for job in store.jobs.of("delivery", delivery.id)]
        return sorted((job for job in found if stage in (None, job.stage)), key=lambda job: job.id)

    def open_jobs(self, run: Run) -> Counter[JobStatus]:
        """How many jobs stand where, done ones left out."""
        return Counter(job.status for job in self.jobs(run) if job.status is not JobStatus.DONE)

    def events(self, *types: str) -> list[Event]:
        """All events, or those of some types, in order."""
        return [event for event in self.studio.reports.events(0, limit=100_000) if not types or event.type in types]
