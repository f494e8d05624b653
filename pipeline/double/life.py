"""One life of a server, from a start to a stop or a kill: everything that it keeps in memory, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.double.cache import Cache
from pipeline.double.catalog import Catalog
from pipeline.double.faults import Faults
from pipeline.double.folders import Folders
from pipeline.double.gates import Gates
from pipeline.double.job_queue import JobQueue
from pipeline.double.ledger import Ledger
from pipeline.double.sockets import Sockets
from pipeline.double.versions import VERSIONS, Version

MODELS: Mapping[str, tuple[str, ...]] = {
    "checkpoints": ("stripboard_motion.safetensors", "stripboard_still.safetensors"),
    "text_encoders": ("stripboard_words.safetensors",),
    "diffusion_models": ("stripboard_frames.safetensors",),
}
MODEL_BYTES = 6 * 1024**3  # what one stand-in checkpoint takes of a card


@dataclass(frozen=True)
class Setup:
    """How a server is set up.

    `speed` divides every pretended second of work; `model_load_s` is how long a model takes when it is used first.
    Without `gpu_name` the server has no card and says so. `is_instant` makes every job cost nothing, with the smallest files.
    """

    home: Path
    version: str = "0.33.0"
    name: str = "double"
    speed: float = 1.0
    model_load_s: float = 0.0
    vram_gb: float = 24.0
    gpu_name: str = ""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MODELS)
    is_instant: bool = False
    previews: str = "none"
    controls_faults: bool = False


class Life:
    """Queue, history, sockets, node cache and loaded models. `over` is set when it ends; nothing is written after that."""

    def __init__(
        self, setup: Setup, *, loop: asyncio.AbstractEventLoop, faults: Faults, gates: Gates, ledger: Ledger, number: int
    ) -> None:
        self.setup, self.faults, self.gates, self.ledger, self.number = setup, faults, gates, ledger, number
        self.version: Version = VERSIONS[setup.version]
        self.folders = Folders(setup.home)
        self.catalog = Catalog(setup.version, self.folders, setup.models)
        self.sockets = Sockets(loop, features=self.version.features, faults=faults)
        self.queue = JobQueue(self.tell_status)
        self.cache = Cache()
        self.loaded_models: list[str] = []
        self.over = threading.Event()
        self.writing = threading.Lock()
        self.interrupted = threading.Event()
        self.kill: Any = lambda: None
        """What a planned kill calls; set by the server."""

    def status(self) -> dict[str, Any]:
        """The queue's length, as sockets and GET /prompt tell it."""
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}

    def is_killed_at(self, point: str) -> bool:
        """Whether a kill was planned for this point; then it has just happened."""
        if self.faults.take("kill", point=point) is None:
            return False
        self.over.set()
        self.kill()
        return True

    def vram_free_bytes(self) -> int:
        """What the loaded models leave of the card."""
        return max(0, int(self.setup.vram_gb * 1024**3) - MODEL_BYTES * len(self.loaded_models))

    def end(self) -> None:
        """Nothing is written or said from now on."""
        with self.writing:
            self.over.set()
        self.queue.end()

    def tell_status(self) -> None:
        """Say to everybody how long the queue is."""
        self.sockets.say("status", {"status": self.status()}, None)
