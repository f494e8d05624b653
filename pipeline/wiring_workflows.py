"""What the doors need for registered workflows beside the studio: pictures for test shots, and waiting for them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import Invalid
from pipeline.services.workflows import Imported as Imported
from pipeline.services.workflows import Workflows as Workflows
from pipeline.wiring import Studio
from pipeline.wiring_shots import build_driver, media_type, size_of

if TYPE_CHECKING:
    from pipeline.domain.records import Actor, StoredFile
    from pipeline.domain.workflows.library import TestShot
    from pipeline.domain.workflows.slots import Kind
    from pipeline.engine.shots import ShotDriver

_LOOK_EVERY_S = 0.3


def import_content(
    studio: Studio, content: bytes, actor: Actor, *, name: str, origin: str = "", kind: Kind | None = None, note: str = ""
) -> Imported:
    """Import a graph that came as bytes; without a name it is kept under that of its file. Raises as `import_file` does."""
    with _written(content) as path:
        kept = name or Path(origin).stem
        return studio.workflows.import_file(kept, path, actor, origin=origin or kept, kind=kind, note=note)


def take_content(studio: Studio, content: bytes) -> StoredFile:
    """Store a picture that came as bytes. Raises as `take_picture` does."""
    with _written(content) as path:
        return take_picture(studio, path)


@contextmanager
def _written(content: bytes) -> Iterator[Path]:
    if not content:
        raise Invalid("The file is empty. Send a whole one.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sent"
        path.write_bytes(content)
        yield path


def take_picture(studio: Studio, path: Path) -> StoredFile:
    """Store a picture that a test shot is to start from. Raises Invalid for what is none, within the limits of a source image."""
    from pipeline.domain.errors import NotFound

    if not path.is_file():
        raise NotFound(f"The picture {path} does not exist.")
    size_of(path)
    return studio.media.adopt(path, media_type(path))


def stored_picture(studio: Studio, sha256: str) -> StoredFile:
    """A picture that was sent before, by its hash. Raises Invalid when nothing is stored there, or no picture."""
    from pipeline.domain.records import StoredFile

    path = studio.media.path_of(sha256)
    if not path.is_file():
        raise Invalid("Nothing is stored under the hash of the source. Send the picture to /files first, then name it.")
    size_of(path)
    return StoredFile(sha256, path.stat().st_size, media_type(path))


@contextmanager
def waiting(studio: Studio) -> Iterator[ShotDriver | None]:
    """Whoever has to carry test shots through: this process where no server does, else None, and a server does."""
    if not studio.locks.take("scheduler"):
        yield None
        return
    driver = build_driver(studio.settings, studio.test_shots, media=studio.media, spool=studio.spool, forget=studio.upkeep.forget)
    try:
        yield driver
    finally:
        driver.close()
        studio.locks.release("scheduler")


def wait_for(
    studio: Studio, shot_id: int, driver: ShotDriver | None, tell: Callable[[TestShot], None] = lambda shot: None
) -> TestShot:
    """Wait until a test shot has ended; `tell` is called with it at every look."""
    while True:
        if driver is not None:
            driver.turn()
        shot = studio.test_shots.find(shot_id)
        tell(shot)
        if not shot.is_open:
            return shot
        time.sleep(_LOOK_EVERY_S)
