"""The fleet: its workers, who speaks to their servers, what their cards tell, and the agent that tells it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.telemetry.limits import Card as Card
from pipeline.domain.workers import NewWorker, Sighting, of_file
from pipeline.services.idle_workers import IdleWorkers as IdleWorkers
from pipeline.services.telemetry import Telemetry as Telemetry
from pipeline.services.workers import Standing as Standing
from pipeline.services.workers import Workers as Workers

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.domain.telemetry.limits import Threshold
    from pipeline.domain.telemetry.readings import Reading
    from pipeline.engine.agent import Agent
    from pipeline.ports import Clock, GpuProbe, Servers


def build_workers(stores: Stores, clock: Clock, servers: Servers | None = None) -> Workers:
    """The verbs on workers. `servers` stands in for the real ones (tests)."""
    return Workers(stores, clock, servers or ComfyServers())


def build_idle_workers(stores: Stores, clock: Clock, servers: Servers | None = None) -> IdleWorkers:
    """Frees cards that have nothing to do."""
    return IdleWorkers(stores, clock, servers or ComfyServers())


def load_workers(path: Path) -> list[NewWorker]:
    """The workers that a YAML file lists. Raises Invalid, or NotFound, with what is wrong with it."""
    from pipeline.adapters import yaml_files

    if not path.is_file():
        raise NotFound(f"There is no file {path}. Check the path.")
    document = yaml_files.load(path)
    if document.issues:
        raise Invalid(f"{path} cannot be read: {document.issues[0]}")
    try:
        return of_file(document.data)
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error


class ComfyServers:
    """The servers as the adapter for ComfyUI sees them, which is loaded when somebody asks."""

    def look(self, urls: Sequence[str], catalogue_of: Collection[str] = ()) -> Mapping[str, Sighting]:
        """What each of them says of itself."""
        from pipeline.adapters.backends.comfyui.sightings import sight

        return sight(urls, catalogue_of)

    def test(self, url: str) -> str:
        """What went wrong with something tiny."""
        from pipeline.adapters.backends.comfyui.sightings import tried

        return tried(url)

    def test_idle(self, urls: Collection[str]) -> Mapping[str, str]:
        """What went wrong with something tiny, of those that have nothing to do."""
        from pipeline.adapters.backends.comfyui.sightings import idle_tried

        return idle_tried(urls)

    def free(self, url: str) -> None:
        """Forget the models."""
        from pipeline.adapters.backends.comfyui import looking

        looking.free(url)

    def stop(self, jobs: Mapping[str, Collection[str]]) -> None:
        """Ask them to stop these jobs."""
        from pipeline.adapters.backends.comfyui.sightings import stopped

        stopped(jobs)


def build_telemetry(stores: Stores, clock: Clock, thresholds: Sequence[Threshold], probe: GpuProbe | None = None) -> Telemetry:
    """The verbs on readings. `probe` stands in for the cards of this machine (tests)."""
    return Telemetry(stores, clock, thresholds=thresholds, probe=probe or DriverProbe(), is_here=_is_here)


def _is_here(url: str) -> bool:
    from pipeline.adapters.hardware.here import is_here

    return is_here(url)


class DriverProbe:
    """The cards of this machine; the adapter for their driver is loaded when somebody asks."""

    def __init__(self) -> None:
        self._probe: GpuProbe | None = None

    @property
    def why_none(self) -> str:
        """Why the last reading found no card."""
        return self._probe.why_none if self._probe else ""

    def read(self, now: datetime) -> list[Reading]:
        """What every card tells just now."""
        from pipeline.adapters.hardware.nvml import NvmlProbe

        self._probe = self._probe or NvmlProbe()
        return self._probe.read(now)


@contextmanager
def open_agent(
    *, server: str, worker: str, key: str, every_s: float, devices: Collection[int], tell: Callable[[str], None]
) -> Iterator[Agent]:
    """An agent over the cards of this machine and the server at this address. Raises Invalid for what is no address."""
    from pipeline.adapters.clock import SystemClock
    from pipeline.adapters.hardware.nvml import NvmlProbe
    from pipeline.adapters.hardware.posting import ReadingsPost
    from pipeline.engine.agent import Agent

    post, probe = ReadingsPost(server, worker, key), NvmlProbe()
    try:
        yield Agent(probe, post, SystemClock(), every_s=every_s, devices=devices, jitter=random.random, tell=tell)
    finally:
        post.close()
        probe.close()
