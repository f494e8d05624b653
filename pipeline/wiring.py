"""The only place that knows concrete classes: settings in, a working studio out.

Heavy rooms are imported by the function that needs them, so that a command that only reads a file starts at once.
"""

from __future__ import annotations

import gc
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.services.productions import LoadedProduction as LoadedProduction
from pipeline.services.productions import Productions as Productions
from pipeline.settings import Settings
from pipeline.wiring_productions import build_productions as build_productions
from pipeline.wiring_productions import open_stores
from pipeline.wiring_studio import Studio as Studio

if TYPE_CHECKING:
    from pipeline.domain.delivery import VerificationReport
    from pipeline.engine.dispatcher import Dispatcher as Dispatcher
    from pipeline.engine.scheduler import Scheduler
    from pipeline.ports import Clock, GeneratorBackend, GpuProbe, Servers


_COLLECT_AFTER = (20_000, 10, 20)
"""A turn of the engine makes some thousand objects that die by themselves; looking for loops among them costs 7 % of its time."""


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
    from pipeline.services.runbooks import RunBooks

    stores, media, spool = open_stores(settings, checkpoint)
    return Studio(
        settings,
        clock=clock or SystemClock(),
        stores=stores,
        media=media,
        spool=spool,
        locks=ProcessLocks(settings.locks_root),
        books=RunBooks(),
        verify_package=verify_package,
        servers=servers,
        probe=probe,
    )


def build_engine(
    studio: Studio,
    *,
    parallel: int | None = None,
    executor: str | None = None,
    backends: Mapping[str, GeneratorBackend] | None = None,
    checkpoint: Callable[[str], None] | None = None,
    forget: Callable[[str, str], None] | None = None,
    only: int | None = None,
) -> Dispatcher:
    """An engine over the studio: registered, and with the leases of dead engines taken over.

    `executor` overrides each stage's own choice; `backends` replaces the performers (tests, benchmarks); `forget` removes what
    an ended attempt has left, in the engine's own thread (crash tests: there it happens in its turn); `only` is the run to
    work on.
    """
    from pipeline.domain.stages import Lane
    from pipeline.engine.dispatcher import Dispatcher
    from pipeline.engine.sweeper import Sweeper
    from pipeline.wiring_performers import FleetPerformer, performers

    slots = parallel or studio.settings.parallel
    wake = threading.Event()
    fleet = FleetPerformer(studio.settings, wake, checkpoint, executor=executor)
    sweeper = Sweeper(studio.upkeep.forget)
    leaving = ExitStack()
    leaving.callback(sweeper.close)
    leaving.callback(fleet.close)
    engine_id = str(uuid.uuid4())
    performed_by = backends or {**performers(studio.settings, slots, executor, wake, checkpoint), "comfyui": fleet}
    of_fleet = performed_by.get("comfyui")
    studio.locks.take(f"engine-{engine_id}")
    engine = Dispatcher(
        studio.dispatch,
        studio.leases,
        engine_id=engine_id,
        backends=performed_by,
        make_ready=of_fleet.make_ready if isinstance(of_fleet, FleetPerformer) else lambda: None,
        slots={Lane.GENERATION: slots, Lane.CPU: slots},
        clock=studio.clock,
        wake=wake,
        forget=forget or sweeper.forget,
        close=leaving.close,
        only=only,
    )
    engine.join(host=studio.locks.host, pid=os.getpid(), is_alive=studio.locks.is_alive)
    _keep_what_is_loaded()
    return engine


@cache
def _keep_what_is_loaded() -> None:
    """To look for loops in all that is loaded by now costs 40 ms now and then and finds none; to count it costs as much."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


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
        place_deliveries=studio.deliveries.place_new,
        free_idle=studio.idle_workers.free,
        rules=build_rule_engine(studio.stores, studio.firing, engine.wake),
        shots=build_driver(
            studio.settings, studio.test_shots, media=studio.media, spool=studio.spool, forget=studio.upkeep.forget
        ),
    )


def package_faults(path: Path) -> list[str]:
    """What is wrong with a sealed package, checked from outside."""
    from pipeline.adapters.packaging.verify import verify

    return [f"{check.area} {check.subject}: {check.message}" for check in verify(path).failures]


def verify_delivery(package: Path, authorities: Path | None = None) -> VerificationReport:
    """Check a delivery package from outside. `authorities` is a PEM file of certificate authorities to trust."""
    from pipeline.adapters.packaging.verify import verify

    return verify(package, anchors=authorities.read_bytes() if authorities else None)
