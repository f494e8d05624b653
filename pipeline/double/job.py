"""What a node may ask of the server while it runs: folders, models, pretended time, updates, and whether to stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.double.folders import SavePlace
from pipeline.double.life import Life
from pipeline.double.progress import Preview, Progress


class Interrupted(Exception):
    """Somebody asked for the running job to stop, and it has noticed."""


class KilledServer(Exception):
    """The life of the server is over; nothing that it did may be seen any more."""


@dataclass(frozen=True)
class Answer:
    """What a node gives: its outputs in order, and what it shows (`images`, `text`, ...), None for nothing."""

    outputs: tuple[Any, ...] = ()
    shown: dict[str, list[Any]] | None = None


Node = Callable[..., Answer]
"""Called with the job and the node's inputs by name."""


class Job:
    """The running job as its nodes see it."""

    def __init__(
        self,
        life: Life,
        *,
        prompt_id: str,
        graph: dict[str, Any],
        extra_data: dict[str, Any],
        progress: Progress,
        previews: bool,
    ) -> None:
        self.life, self.prompt_id, self.graph, self.extra_data = life, prompt_id, graph, extra_data
        self.previews = previews
        self.node_id, self.class_type = "", ""
        self._progress = progress
        self._steps = 0

    def call(self, node: Node, *, node_id: str, class_type: str, index: int, values: dict[str, Any]) -> Answer:
        """One call of a node. Interrupts are noticed before it, not inside it."""
        self._stop_if_asked()
        self.node_id, self.class_type, self._steps = node_id, class_type, 0
        self._pass(f"item {index}")
        self._die_if_killed()
        if self.life.is_killed_at("mid_job"):
            raise KilledServer
        if self.life.faults.take("out_of_memory"):
            raise self.out_of_memory()
        answer = node(self, **values)
        self._die_if_killed()
        return answer

    def step(self, value: float, most: float, preview: Preview | None = None) -> None:
        """Tell an update; here an interrupt is noticed."""
        self._stop_if_asked()
        self._progress.step(self.node_id, value, most, preview)
        self._steps += 1
        self._pass(f"step {self._steps}")
        self._die_if_killed()

    def work(self, seconds: float) -> None:
        """Pretend to work for so long, at the server's speed."""
        if seconds > 0 and not self.life.setup.is_instant and self.life.over.wait(seconds / self.life.setup.speed):
            raise KilledServer

    def load_model(self, name: str) -> None:
        """Make a model ready: it takes its time unless it is loaded already. One too many for the card drives out the oldest."""
        if name in self.life.loaded_models:
            return
        if not self.life.setup.is_instant and self.life.over.wait(self.life.setup.model_load_s):
            raise KilledServer
        while self.life.loaded_models and self.life.vram_free_bytes() < 6 * 1024**3:
            self.life.loaded_models.pop(0)
        self.life.loaded_models.append(name)

    def out_of_memory(self, wanted_bytes: int = 0) -> Exception:
        """The error of this kind of server: the card's, or the allocator's of one without a card."""
        if self.life.setup.gpu_name:
            return _gpu_error("Allocation on device ")
        return RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
            f"{wanted_bytes or 4398046511104} bytes. Error code 12 (Cannot allocate memory)"
        )

    def place(self, prefix: str, kind: str = "output", *, width: int = 0, height: int = 0) -> SavePlace:
        """Where a file of this prefix goes."""
        strict = self.life.version.is_strict
        return self.life.folders.save_place(prefix, kind, width=width, height=height, says_common=not strict)

    def save(self, path: Path, data: bytes) -> None:
        """Write an output file whole, unless the server was killed meanwhile; planned faults spoil it."""
        if self.life.faults.take("truncate_output"):
            data = data[: len(data) // 2]
        if self.life.faults.take("corrupt_output"):
            middle = len(data) // 2
            data = data[:middle] + bytes(255 - byte for byte in data[middle : middle + 64]) + data[middle + 64 :]
        with self.life.writing:
            self._die_if_killed()
            path.write_bytes(data)

    def graph_text(self) -> str:
        """The graph as it is written into files."""
        return json.dumps(self.graph)

    def _pass(self, point: str) -> None:
        self.life.gates.pass_through(self.class_type, point, node_id=self.node_id, over=self.life.over)

    def _stop_if_asked(self) -> None:
        self._die_if_killed()
        if self.life.interrupted.is_set():
            self.life.interrupted.clear()
            raise Interrupted

    def _die_if_killed(self) -> None:
        if self.life.over.is_set():
            raise KilledServer


def _gpu_error(message: str) -> Exception:
    kind = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch"})
    return kind(message)
