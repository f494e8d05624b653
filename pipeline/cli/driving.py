"""Drives a run: an engine in the background, progress in front, and a clean stop on Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from pipeline.cli.live import Display
from pipeline.cli.text import brief
from pipeline.domain.errors import Unavailable
from pipeline.domain.progress import GOES_ON, Outlook, Progress
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import JobStatus

if TYPE_CHECKING:
    from pipeline.wiring import Dispatcher, Studio

_LOOK_EVERY_S = 0.25
_LOOK_SHARE = 10
_PATIENCE_S = 5.0
_TROUBLE_S = 2.0
_RULES_S, _RULES_LOOK_S = 10.0, 0.05


class Interrupted(Exception):
    """Ctrl-C, or the wish to end from outside; the engine has stopped cleanly."""


def drive(studio: Studio, run_id: int, *, parallel: int | None, display: Display) -> Progress:
    """Work until the run needs something else than work; the answer is where it stands then. Raises Interrupted."""
    from pipeline import wiring

    over = threading.Event()
    with _signals() as asked:
        engine = wiring.build_engine(studio, parallel=parallel, only=run_id)
        scheduler = wiring.build_scheduler(studio, engine)
        scheduler.start()
        loop = _Loop(lambda: engine.run(lambda: asked.is_set() or over.is_set()))
        loop.start()
        try:
            progress = _watch(studio, run_id, asked, loop, engine, display)
        finally:
            over.set()
            engine.wake.set()
            loop.join()
            scheduler.stop()
            display.close()
            engine.drain(_PATIENCE_S, wiring.end_workers)
            with suppress(Unavailable):  # what rules have just said; what does not go through is tried again by the next engine
                studio.messages.send_due()
        if asked.is_set() and progress.outlook in GOES_ON:
            raise Interrupted
    return progress


def _watch(studio: Studio, run_id: int, asked: threading.Event, loop: _Loop, engine: Dispatcher, display: Display) -> Progress:
    while True:
        began = time.monotonic()
        try:
            progress = studio.reports.progress(run_id)
            held = [f"waits: {brief(reason)}" for reason in studio.reports.held(run_id, with_workers=False)]
            if progress.outlook is Outlook.WORKERS:
                held = [*(brief(waits.sentence) for waits in studio.reports.waits(run_id)), *held]
            step = packaging(studio, run_id, progress)
            ends_at = studio.overview.of(run_id).soonest_at if progress.outlook in GOES_ON else None
        except Unavailable as error:
            display.update(None, str(error))
            if asked.wait(_TROUBLE_S):
                raise Interrupted from error
            continue
        display.update(progress, "  ".join(filter(None, (engine.trouble, *held))), step, ends_at)
        if loop.error is not None:
            raise loop.error
        if asked.is_set() or (progress.outlook not in GOES_ON and not _have_followed(studio, asked)):
            return progress
        asked.wait(max(_LOOK_EVERY_S, (time.monotonic() - began) * _LOOK_SHARE))


def packaging(studio: Studio, run_id: int, progress: Progress) -> str:
    """`packaging: validate 45%` while the delivery of the run is made, which may take minutes; else empty."""
    if not any(phase.phase is Phase.FINALIZE and phase.done < phase.total for phase in progress.phases):
        return ""
    found = studio.deliveries.progress(studio.boards.run(run_id))
    is_made = found is not None and found.job_status is JobStatus.RUNNING
    return f"packaging: {found.step} {found.fraction:.0%}" if found is not None and is_made else ""


def _have_followed(studio: Studio, asked: threading.Event) -> bool:
    """Wait for the rules that have not heard yet what came to rest, or gather events for a moment more; whether there were any,
    since they may have set it going."""
    give_up_at = time.monotonic() + _RULES_S
    has_waited = False
    while (has_news := _has_news(studio, give_up_at)) and not asked.is_set() and time.monotonic() < give_up_at:
        has_waited = True
        asked.wait(_RULES_LOOK_S)
    return has_waited and not has_news


def _has_news(studio: Studio, give_up_at: float) -> bool:
    """Whether rules have something to do now, or will have it by then."""
    if studio.firing.has_news():
        return True
    due = studio.firing.next_due()
    return due is not None and (due - studio.clock.now()).total_seconds() <= give_up_at - time.monotonic()


class _Loop(threading.Thread):
    """The engine's thread; an error in it is kept for the watcher."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="engine", daemon=True)
        self._work = work
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.error = error


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; the second time they end the process at once.

    Ending at once is safe: everything that counts is in the database, and the workers die with their parent.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            os._exit(130)
        asked.set()

    before: dict[int, Any] = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
