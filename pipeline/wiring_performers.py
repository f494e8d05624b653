"""Who performs the jobs of an engine: stage functions on this machine, and the fleet.

Heavy libraries load when the first job needs them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pipeline.domain.work import Request, Update

if TYPE_CHECKING:
    from pipeline.adapters.backends.comfyui.backend import ComfyBackend
    from pipeline.ports import GeneratorBackend, StageFunction
    from pipeline.settings import Settings


READERS = 2
"""So many files of servers are read at the same time: short ones decode in milliseconds, and each reader takes memory."""


class FleetPerformer:
    """The performer of the fleet. The one that speaks to servers is made when it is asked to be ready, or at the first job."""

    def __init__(
        self,
        settings: Settings,
        wake: threading.Event,
        checkpoint: Callable[[str], None] | None,
        *,
        executor: str | None = None,
        is_patient: bool = False,
    ) -> None:
        """`executor` is where files of servers are read.

        `is_patient`: what waits at a server behind other jobs stays there, however long they take.
        """
        self._kind = executor or settings.executor or "processes"
        self._settings = settings
        self._is_patient = is_patient
        self._wake = wake
        self._checkpoint = checkpoint
        self._made: ComfyBackend | None = None

    @property
    def _comfy(self) -> ComfyBackend:
        if self._made is None:
            from pipeline.adapters.backends.comfyui.backend import ComfyBackend
            from pipeline.adapters.backends.comfyui.timing import Timing
            from pipeline.adapters.executors import EXECUTORS
            from pipeline.adapters.storage.media_store import nothing

            settings = self._settings
            self._made = ComfyBackend(
                spool_root=settings.spool_root,
                media_root=settings.media_root,
                readers=EXECUTORS[self._kind](READERS),
                wake=self._wake.set,
                checkpoint=self._checkpoint or nothing,
                timing=Timing(others_s=math.inf) if self._is_patient else None,
            )
        return self._made

    def make_ready(self) -> None:
        """There will be jobs soon."""
        self._comfy.make_ready()

    def submit(self, request: Request) -> None:
        """Begin the attempt at the worker that it names."""
        self._comfy.submit(request)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """Where these attempts stand."""
        return self._comfy.poll(attempt_ids)

    def cancel(self, attempt_id: str) -> None:
        """Ask the attempt to stop."""
        self._comfy.cancel(attempt_id)

    def close(self) -> None:
        """Leave the fleet; what runs there goes on."""
        if self._made is not None:
            self._made.close()
            self._made = None


def performers(
    settings: Settings, slots: int, executor: str | None, wake: threading.Event, checkpoint: Callable[[str], None] | None
) -> dict[str, GeneratorBackend]:
    """The performers of this machine; those of one kind of executor share its slots."""
    from pipeline.adapters.backends.local import LocalBackend
    from pipeline.adapters.executors import EXECUTORS
    from pipeline.adapters.storage.media_store import nothing
    from pipeline.domain.stages import STAGES

    kinds = {stage.value: executor or settings.executor or facts.executor for stage, facts in STAGES.items()}
    pools = {kind: EXECUTORS[kind](slots) for kind in dict.fromkeys(kinds.values())}
    executors = {stage: pools[kind] for stage, kind in kinds.items()}
    roots = {"spool_root": settings.spool_root, "media_root": settings.media_root}
    point = checkpoint or nothing
    located = {"animatic": animatic_function, "command": command_function, "stages": stage_function}
    return {
        name: LocalBackend(locate, executors=executors, wake=wake.set, checkpoint=point, **roots)
        for name, locate in located.items()
    }


def animatic_function(stage: str) -> StageFunction:
    """The embedded renderer's function for a generation stage."""
    from pipeline.adapters.backends.animatic import FUNCTIONS

    return FUNCTIONS[stage]


def command_function(stage: str) -> StageFunction:
    """The function that runs a program for a generation stage."""
    from pipeline.adapters.backends.command import run_command

    return run_command


def stage_function(stage: str) -> StageFunction:
    """The function of a stage that every run performs on this machine."""
    from pipeline.domain.stages import Stage

    if stage in (Stage.SOURCE_QA, Stage.VARIANT_QA, Stage.SCENE_QA):
        from pipeline.adapters.qa import FUNCTIONS

        return FUNCTIONS[stage]
    if stage == Stage.ASSEMBLY:
        from pipeline.adapters.media.assembly import assemble

        return assemble
    if stage == Stage.EXPORT:
        from pipeline.adapters.media.export import export

        return export
    from pipeline.adapters.packaging.package import package

    return package
