"""The only place that knows concrete classes: settings in, a working studio out.

Heavy rooms are imported by the function that needs them, so that a command that only reads a file starts at once.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adapters import file_facts, screenplays, workflow_files, yaml_files
from pipeline.services.productions import LoadedProduction as LoadedProduction
from pipeline.services.productions import Productions
from pipeline.settings import Settings

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.adapters.process_locks import ProcessLocks
    from pipeline.adapters.storage.media_store import MediaStore
    from pipeline.adapters.storage.workspace import Spool
    from pipeline.domain.delivery import VerificationReport
    from pipeline.domain.files import FileFact
    from pipeline.domain.packages import Entry
    from pipeline.domain.presets import Presets
    from pipeline.domain.workflows.library import Reference
    from pipeline.engine.dispatcher import Dispatcher
    from pipeline.engine.scheduler import Scheduler
    from pipeline.ports import Clock, GeneratorBackend, GpuProbe, Servers
    from pipeline.services.activity import Activity
    from pipeline.services.boards import Boards
    from pipeline.services.budgets import Budgets
    from pipeline.services.causes import Causes
    from pipeline.services.cells import Cells
    from pipeline.services.costs import Costs
    from pipeline.services.deliveries import Deliveries
    from pipeline.services.dispatch import Dispatch
    from pipeline.services.firing import FiringRules
    from pipeline.services.fleet_forecasts import FleetForecasts
    from pipeline.services.fleet_pages import FleetPages
    from pipeline.services.invariants import Invariants
    from pipeline.services.leases import Leases
    from pipeline.services.live_work import LiveWork
    from pipeline.services.media_files import MediaFiles
    from pipeline.services.messages import Messages
    from pipeline.services.overview import Overview
    from pipeline.services.packages import Packages
    from pipeline.services.planning import Planning
    from pipeline.services.previews import Previews
    from pipeline.services.reports import Reports
    from pipeline.services.retakes import Retakes
    from pipeline.services.review import Review
    from pipeline.services.runbooks import RunBooks
    from pipeline.services.runs import RunsService
    from pipeline.services.schedules import Schedules
    from pipeline.services.search import Search
    from pipeline.services.submission import Submission
    from pipeline.services.telemetry import Telemetry
    from pipeline.services.test_shots import TestShots
    from pipeline.services.trigger_console import TriggerConsole
    from pipeline.services.trigger_pages import TriggerPages
    from pipeline.services.trigger_views import TriggerViews
    from pipeline.services.triggers import Triggers
    from pipeline.services.upkeep import Upkeep
    from pipeline.services.workers import Workers
    from pipeline.services.workflows import Workflows


_COLLECT_AFTER = (20_000, 10, 20)
"""A turn of the engine makes some thousand objects that die by themselves; looking for loops among them costs 7 % of its time."""


def build_productions(stores: Stores | None = None) -> Productions:
    """What reads and checks production files. Registered workflows are looked for in `stores`; without them the database of
    this installation is opened when a production names one, and not before.
    """
    return Productions(
        load=yaml_files.load,
        load_screenplay=screenplays.load,
        probe=partial(file_facts.probe, look_into_workflow=workflow_files.look),
        presets=yaml_files.load_presets(),
        look_up=partial(_registered, stores),
    )


def _registered(stores: Stores | None, references: Collection[Reference]) -> Mapping[Reference, FileFact]:
    from pipeline import settings
    from pipeline.services.registered import facts

    if stores is not None:
        return facts(stores, references)
    here, _, _ = _open(settings.load(), None)
    try:
        return facts(here, references)
    finally:
        here.close()


@dataclass(frozen=True)
class Studio:
    """Everything wired: the services that the doors call, and what the engine is made of."""

    settings: Settings
    clock: Clock
    presets: Presets
    stores: Stores
    media: MediaStore
    spool: Spool
    locks: ProcessLocks
    productions: Productions
    runs: RunsService
    submission: Submission
    review: Review
    deliveries: Deliveries
    packages: Packages
    causes: Causes
    reports: Reports
    search: Search
    upkeep: Upkeep
    invariants: Invariants
    dispatch: Dispatch
    leases: Leases
    planning: Planning
    previews: Previews
    boards: Boards
    files: MediaFiles
    cells: Cells
    retakes: Retakes
    overview: Overview
    activity: Activity
    workers: Workers
    telemetry: Telemetry
    fleet_pages: FleetPages
    budgets: Budgets
    schedules: Schedules
    costs: Costs
    workflows: Workflows
    test_shots: TestShots
    fleet_forecasts: FleetForecasts
    live_work: LiveWork
    messages: Messages
    trigger_console: TriggerConsole
    trigger_pages: TriggerPages
    triggers: Triggers
    trigger_views: TriggerViews
    firing: FiringRules

    def close(self) -> None:
        """Give the database connections back."""
        self.stores.close()


def build_studio(
    settings: Settings,
    *,
    clock: Clock | None = None,
    checkpoint: Callable[[str], None] | None = None,
    verify_package: Callable[[Path], list[str]] | None = None,
    servers: Servers | None = None,
    probe: GpuProbe | None = None,
) -> Studio:
    """Open (and if need be create) the database and wire every service.

    `checkpoint` is for crash tests. `verify_package` lets the invariants look into sealed packages (see
    `package_faults`); without it they check only that the packages are stored whole. `servers` and
    `probe` stand in for those of the fleet and for the cards of this machine (tests).
    """
    from pipeline.adapters.clock import SystemClock
    from pipeline.adapters.process_locks import ProcessLocks
    from pipeline.services.deliveries import Deliveries
    from pipeline.services.dispatch import Dispatch
    from pipeline.services.invariants import Invariants
    from pipeline.services.leases import Leases
    from pipeline.services.packages import Packages
    from pipeline.services.planning import Planning
    from pipeline.services.previews import Previews
    from pipeline.services.reports import Reports
    from pipeline.services.runbooks import RunBooks
    from pipeline.services.upkeep import Upkeep
    from pipeline.wiring_views import build_views

    now = clock or SystemClock()
    stores, media, spool = _open(settings, checkpoint)
    productions = build_productions(stores)
    books = RunBooks()
    logs = partial(settings.logs_root.glob, "*.log")
    return Studio(
        settings=settings,
        clock=now,
        presets=productions.presets,
        stores=stores,
        media=media,
        spool=spool,
        locks=ProcessLocks(settings.locks_root),
        productions=productions,
        deliveries=Deliveries(stores, books, now, media.copy_out),
        packages=Packages(stores, lambda sha256: _package_contents(media.stored(sha256)), Deliveries.package_name),
        reports=Reports(stores, books, now),
        upkeep=Upkeep(stores, books, media=media, spool=spool, clock=now),
        invariants=Invariants(stores, media=media, spool=spool, clock=now, logs=logs, verify_package=verify_package),
        dispatch=Dispatch(
            stores, books, media=media, clock=now, new_id=lambda: str(uuid.uuid4()), delivery_options=_delivery_options(settings)
        ),
        leases=Leases(stores, now),
        planning=Planning(stores, hash_file),
        previews=Previews(stores, media.copy_out, lambda folder: shutil.rmtree(folder, ignore_errors=True)),
        **_fleet(settings, stores, now, servers=servers, probe=probe),
        **_decisions(stores, books, now, media, productions.presets),
        **_triggers(settings, stores, books, now),
        **_workflows(stores, now, media),
        **build_views(settings, stores, books, now, media=media, spool=spool),
    )


def _fleet(settings: Settings, stores: Stores, now: Clock, *, servers: Servers | None, probe: GpuProbe | None) -> dict[str, Any]:
    """The services of the fleet."""
    from pipeline.wiring_fleet import build_telemetry, build_workers

    return {
        "workers": build_workers(stores, now, servers),
        "telemetry": build_telemetry(stores, now, settings.gpu_limits, probe),
    }


def _workflows(stores: Stores, now: Clock, media: MediaStore) -> dict[str, Any]:
    """The services of registered workflows."""
    from pipeline.services.workflows import Workflows
    from pipeline.wiring_shots import build_test_shots

    return {
        "workflows": Workflows(stores, now, workflow_files.load),
        "test_shots": build_test_shots(stores, now, media),
    }


def _decisions(stores: Stores, books: RunBooks, now: Clock, media: MediaStore, presets: Presets) -> dict[str, Any]:
    """The services by which people ask for scenes and judge them."""
    from pipeline.services.budgets import Budgets
    from pipeline.services.retakes import Retakes
    from pipeline.services.review import Review
    from pipeline.services.runs import RunsService
    from pipeline.services.schedules import Schedules
    from pipeline.services.submission import Submission

    return {
        "runs": RunsService(stores, books, media=media, clock=now, presets=presets, load_workflow=workflow_files.load),
        "budgets": Budgets(stores, now),
        "schedules": Schedules(stores, now),
        "submission": Submission(stores, books, now),
        "review": Review(stores, books, now),
        "retakes": Retakes(stores, books, now),
    }


def _triggers(settings: Settings, stores: Stores, books: RunBooks, now: Clock) -> dict[str, Any]:
    """The services of rules."""
    from pipeline.wiring_messages import channels
    from pipeline.wiring_triggers import build_triggers

    return build_triggers(stores, books, now, tuple(channels(settings)))


def _open(settings: Settings, checkpoint: Callable[[str], None] | None) -> tuple[Stores, MediaStore, Spool]:
    """The database, brought to the newest schema, and the folders beside it."""
    from data.schema import migrate
    from data.store import Stores
    from pipeline.adapters.storage.media_store import MediaStore, nothing
    from pipeline.adapters.storage.workspace import Spool

    point = checkpoint or nothing
    settings.home.mkdir(parents=True, exist_ok=True)
    stores = Stores(settings.database_url, point)
    migrate(stores.engine)
    return stores, MediaStore(settings.media_root, point), Spool(settings.spool_root, settings.media_root, point)


def build_engine(
    studio: Studio,
    *,
    parallel: int | None = None,
    executor: str | None = None,
    backends: Mapping[str, GeneratorBackend] | None = None,
    checkpoint: Callable[[str], None] | None = None,
    only: Collection[int] | None = None,
) -> Dispatcher:
    """An engine over the studio: registered, and with the leases of dead engines taken over.

    `executor` overrides each stage's own choice; `backends` replaces the performers (tests, benchmarks);
    `only` are the runs to work on.
    """
    from pipeline.domain.stages import Lane
    from pipeline.engine.dispatcher import Dispatcher
    from pipeline.wiring_performers import FleetPerformer, performers

    slots = parallel or studio.settings.parallel
    wake = threading.Event()
    fleet = FleetPerformer(studio.settings, wake, checkpoint)
    engine_id = str(uuid.uuid4())
    studio.locks.take(f"engine-{engine_id}")
    engine = Dispatcher(
        studio.dispatch,
        studio.leases,
        engine_id=engine_id,
        backends=backends or {**performers(studio.settings, slots, executor, wake, checkpoint), "comfyui": fleet},
        slots={Lane.GENERATION: slots, Lane.CPU: slots},
        clock=studio.clock,
        wake=wake,
        forget=studio.upkeep.forget,
        close=fleet.close,
        only=only,
    )
    engine.join(host=studio.locks.host, pid=os.getpid(), is_alive=studio.locks.is_alive)
    if not gc.get_freeze_count():  # what is loaded by now stays: going through all of it costs a pause of some 40 ms now and then
        gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    return engine


def end_workers() -> None:
    """End the worker processes of this process; an engine that has left needs none."""
    from pipeline.adapters.executors import processes

    processes.end_workers()


def build_scheduler(studio: Studio, engine: Dispatcher) -> Scheduler:
    """The safety-net loop; it starts only in the one process that gets its lock."""
    from pipeline.engine.scheduler import Scheduler
    from pipeline.wiring_shots import build_driver
    from pipeline.wiring_triggers import build_rule_engine

    return Scheduler(
        studio.upkeep,
        studio.workers,
        studio.telemetry,
        take_lock=lambda: studio.locks.take("scheduler"),
        release_lock=lambda: studio.locks.release("scheduler"),
        look_for_dead=engine.look_for_dead,
        wake=engine.wake,
        send_messages=studio.messages.send_due,
        rules=build_rule_engine(studio.stores, studio.firing, engine.wake),
        shots=build_driver(
            studio.settings, studio.test_shots, media=studio.media, spool=studio.spool, forget=studio.upkeep.forget
        ),
    )


def hash_file(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def package_faults(path: Path) -> list[str]:
    """What is wrong with a sealed package, checked from outside."""
    from pipeline.adapters.packaging.verify import verify

    return [f"{check.area} {check.subject}: {check.message}" for check in verify(path).failures]


def _package_contents(path: Path) -> list[Entry]:
    from pipeline.adapters.packaging.contents import contents

    return contents(path)


def verify_delivery(package: Path, authorities: Path | None = None) -> VerificationReport:
    """Check a delivery package from outside. `authorities` is a PEM file of certificate authorities to trust."""
    from pipeline.adapters.packaging.verify import verify

    return verify(package, anchors=authorities.read_bytes() if authorities else None)


def _delivery_options(settings: Settings) -> dict[str, object]:
    options: dict[str, object] = {"credentials_dir": str(settings.credentials_root)}
    if settings.certificate_chain and settings.certificate_key:
        options["certificate"] = {"chain_path": str(settings.certificate_chain), "key_path": str(settings.certificate_key)}
    return options
