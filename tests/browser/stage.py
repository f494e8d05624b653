"""Productions for the pages: a house whose engine works in the test's own process while the server is another process.

So a test decides when a cell changes, and every change crosses from one process to the other before it is seen.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.media.video import VideoWriter
from pipeline.domain.production import Production
from pipeline.domain.records import Run
from pipeline.domain.work import Request
from pipeline.ports import Workspace
from tests.factories import House, make_production

SIZE = (64, 36)


class RunningClock(SystemClock):
    """The real time, which nobody can move: what is to be tried again later stays queued."""

    def advance(self, seconds: float) -> None:
        """A pause passes by itself or not at all."""
        raise AssertionError("a test of pages does not wait for another try")


class Stage(House):
    """A house for pages: real time, and pictures and videos that a browser can show."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, f"sqlite:///{folder / 'home' / 'stripboard.db'}", clock=cast("Any", RunningClock()))
        self.hands.make_file = make_media

    @property
    def home(self) -> Path:
        """What a server is told as STRIPBOARD_HOME."""
        return self.studio.settings.home

    def create(self, production: Production, **options: object) -> Run:
        """Create a run; its source images are pictures that a browser can show."""
        for character in production.characters:
            for image in character.source_images:
                if not (self.folder / image).exists():
                    Image.new("RGB", SIZE, f"hsl({sum(image.encode()) * 37 % 360}, 60%, 60%)").save(self.folder / image)
        return super().create(production, **options)

    def work(self, engine: Any = None) -> None:
        """Turn until nothing moves any more."""
        engine = engine or self.engine
        while engine.turn():
            pass

    def address(self, run: Run) -> str:
        """The path of the run's board."""
        return f"/runs/{run.id}"


_SEEDS = itertools.count(1)


def fresh_production(**shape: Any) -> Production:
    """A production like no other: nothing that an earlier run has made or decided is taken over."""
    return make_production(seed=next(_SEEDS), **shape)


def make_media(request: Request, workspace: Workspace, role: str) -> Path:
    """A tiny picture or video in a colour that only this request has."""
    path = workspace.scratch / role
    colour = tuple(bytes.fromhex(f"{abs(hash(request.fingerprint)) % 0xFFFFFF:06x}"))
    if role in ("segment", "scene", "export"):
        path = path.with_suffix(".mp4")
        writer = VideoWriter(path, width=SIZE[0], height=SIZE[1], fps=8)
        for shade in range(8):
            frame = np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
            frame[:, : 8 * shade] //= 2
            writer.write(frame)
        writer.close()
        return path
    path = path.with_suffix(".jpg" if role == "poster" else ".png")
    Image.new("RGB", SIZE, colour).save(path)
    return path
