"""Test shots: the service behind them, and what carries them through beside an engine."""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.services.test_shots import TestShots as TestShots

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.adapters.storage.media_store import MediaStore
    from pipeline.adapters.storage.workspace import Spool
    from pipeline.domain.records import StoredFile
    from pipeline.domain.work import Measurement, Update
    from pipeline.domain.workflows.library import TestShot
    from pipeline.engine.shots import ShotDriver
    from pipeline.ports import Clock, GeneratorBackend
    from pipeline.settings import Settings

_TYPES = {
    b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg", b"GIF8": "image/gif", b"BM": "image/bmp", b"II*": "image/tiff",
    b"MM\x00*": "image/tiff",
}  # fmt: skip


def build_test_shots(stores: Stores, clock: Clock, media: MediaStore) -> TestShots:
    """The verbs on test shots."""

    def draw() -> StoredFile:
        """A portrait, always the same one."""
        from pipeline.adapters.media.samples import draw_character

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "portrait.png"
            draw_character("Test shot", path)
            return media.adopt(path, "image/png")

    return TestShots(stores, clock, media=media, size_of=size_of, draw=draw, new_id=lambda: str(uuid.uuid4()))


def media_type(path: Path) -> str:
    """What kind of picture a file holds, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"RIFF") and head[8:] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _TYPES.items() if head.startswith(start)), "image/png")


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture. Raises Invalid for what is none, within the limits of a source image."""
    from pipeline.adapters.file_facts import image_fact
    from pipeline.domain.errors import Invalid

    fact = image_fact(path)
    if fact.problem:
        raise Invalid(f"The picture {fact.problem} {fact.cure}".strip())
    return fact.width, fact.height


def build_driver(
    settings: Settings, shots: TestShots, *, media: MediaStore, spool: Spool, forget: Callable[[str, str], None],
    backend: GeneratorBackend | None = None,
) -> ShotDriver:  # fmt: skip
    """What carries test shots through, with a performer of its own. `backend` stands in for it (tests)."""
    from pipeline.engine.shots import ShotDriver
    from pipeline.wiring_performers import FleetPerformer

    fleet = FleetPerformer(settings, threading.Event(), None, is_patient=True)

    def measure(shot: TestShot, update: Update) -> Sequence[Measurement]:
        return _measured(media, spool, shot, update)

    return ShotDriver(shots, backend or fleet, measure=measure, forget=forget, close=fleet.close)


def _measured(media: MediaStore, spool: Spool, shot: TestShot, update: Update) -> Sequence[Measurement]:
    """The quality of what was made, as scenes and stills are measured."""
    from pipeline.adapters.qa import FUNCTIONS
    from pipeline.adapters.storage.workspace import AttemptWorkspace
    from pipeline.domain.work import InputFile, Request

    made = next((file for file in update.result.outputs if file.role in ("segment", "still")), None) if update.result else None
    if made is None:
        return ()
    path = str(media.path_of(made.sha256))
    stage = "scene_qa" if made.role == "segment" else "variant_qa"
    values = {**shot.parameters, "frames": [shot.parameters.get("frames", 0)]}
    file = InputFile(made.role, made.sha256, path, made.media_type)
    request = Request(update.attempt_id, f"shot-{shot.id}", stage, "stages", "", inputs=(file,), parameters=values)
    return FUNCTIONS[stage](request, AttemptWorkspace(spool, request, lambda fraction, note: None)).measurements
