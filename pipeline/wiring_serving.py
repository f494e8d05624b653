"""What a server is made of: the studio it serves, and the engine that works beside it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from pipeline import wiring
from pipeline.domain.records import Actor

if TYPE_CHECKING:
    from pipeline.engine.loop import EngineLoop


@contextmanager
def working(studio: wiring.Studio, parallel: int | None = None) -> Iterator[EngineLoop]:
    """An engine with its safety net, at work until left."""
    from pipeline.engine.loop import EngineLoop

    engine = wiring.build_engine(studio, parallel=parallel)
    loop = EngineLoop(engine, wiring.build_scheduler(studio, engine), wiring.end_workers)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()


@contextmanager
def idle() -> Iterator[None]:
    """No engine here: another process has one."""
    yield None


def current_studio() -> wiring.Studio:
    """The studio of the server that answers just now."""
    from dash import get_app

    return cast("wiring.Studio", get_app().server.state.studio)


def local_actor() -> Actor:
    """Who acts, as long as there are no accounts: the person who started this process."""
    try:
        return Actor("user", getpass.getuser())
    except (OSError, KeyError):
        return Actor("user", "unknown")


def another_studio() -> wiring.Studio:
    """A studio of its own for a process that a server has started; whoever asks closes it."""
    from pipeline import settings

    return wiring.build_studio(settings.load())
