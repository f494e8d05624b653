"""The stored files that people may look at: those that some row names, and small pictures of cells, stills and characters."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.store import Store, Stores
from pipeline.domain.errors import NotFound, WorkFailed
from pipeline.domain.records import Output, StoredFile
from pipeline.domain.statuses import StillKind
from pipeline.services.pictures import sources
from pipeline.services.runbooks import RunBooks

HEIGHTS = (90, 180, 360, 720)
"""The heights that small pictures come in."""

_KEPT = 4096


@dataclass(frozen=True)
class Opened:
    """A stored file and where it lies."""

    file: StoredFile
    path: Path


class MediaFiles:
    """Finds stored files. `stored` says where one lies; `thumbnail(path, sha256, height)` makes the small picture of one."""

    def __init__(
        self, stores: Stores, books: RunBooks, stored: Callable[[str], Path], thumbnail: Callable[[Path, str, int], Path]
    ) -> None:
        self._stores = stores
        self._books = books
        self._stored = stored
        self._thumbnail = thumbnail
        self._known: OrderedDict[str, StoredFile] = OrderedDict()
        self._lock = threading.Lock()

    def opened(self, sha256: str) -> Opened:
        """A stored file that some row names; NotFound for every other hash."""
        with self._lock:
            file = self._known.get(sha256)
        if file is None:
            with self._stores.read() as store:
                file = store.outputs.named(sha256)
            if file is None:
                raise NotFound(f"No stored file has the hash {sha256}.")
            self._keep(file)
        return Opened(file, self._stored(sha256))

    def poster(self, cell_id: int, take: int | None) -> StoredFile:
        """The picture of a take of a cell (the newest that has one): its poster, else the last frame made so far."""
        with self._stores.read() as store:
            made = store.outputs.of("cell", cell_id, take, "poster", "last_frame")
        if not made:
            raise NotFound("There is no picture of this yet.")
        return max(made, key=lambda output: (output.take, output.role == "poster", output.part, output.id)).file

    def still(self, still_id: int, part: int) -> StoredFile:
        """Candidate `part` of a still's newest take, or a source image; 0 is the hero, else the best, else the first."""
        with self._stores.read() as store:
            found = store.stills.by_ids([still_id]).get(still_id)
            if found is None:
                raise NotFound(f"There is no still {still_id}.")
            if found.kind is StillKind.SOURCE:
                return _picked(_sources(store, self._books, found.run_id, found.character), part, max(part, 1))
            made = store.outputs.of("still", still_id, None, "still")
        hero = next((output for output in made if output.id == found.hero), None)
        if part == 0 and hero is not None:
            return hero.file
        newest: Sequence[Output] = [output for output in made if output.take == found.take]
        best = int((found.verdict or {}).get("best", 1))
        by_part = {output.part: output.file for output in newest}
        return _picked(by_part, part, part or best)

    def character(self, run_id: int, ordinal: int) -> StoredFile:
        """The first source image of the run's character with this number, counted from 0 in the order of the production."""
        with self._stores.read() as store:
            if run_id not in store.runs.by_ids([run_id]):
                raise NotFound(f"There is no run {run_id}.")
            characters = self._books.get(store, run_id).recipes.production.characters
            if ordinal >= len(characters):
                raise NotFound(f"Run {run_id} has {len(characters)} characters.")
            return _picked(_sources(store, self._books, run_id, characters[ordinal].name), 1, 1)

    def small(self, file: StoredFile, height: int) -> Path:
        """The small JPEG of a picture. NotFound when the file is no picture."""
        try:
            return self._thumbnail(self._stored(file.sha256), file.sha256, height)
        except WorkFailed as error:
            raise NotFound(f"No picture can be shown: {error}") from error

    def _keep(self, file: StoredFile) -> None:
        """Players ask for a file many times, a range at a time."""
        with self._lock:
            self._known[file.sha256] = file
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)


def _sources(store: Store, books: RunBooks, run_id: int, character: str | None) -> dict[int, StoredFile]:
    found = sources(store, books.get(store, run_id), run_id, [character] if character else [])
    files = [store.outputs.named(file.sha256) for file in found.get(character or "", ())]
    return {number: file for number, file in enumerate(files, 1) if file is not None}


def _picked(files: dict[int, StoredFile], asked: int, number: int) -> StoredFile:
    if number not in files and asked == 0 and files:
        number = min(files)
    if number not in files:
        raise NotFound("There is no picture of this yet.")
    return files[number]
