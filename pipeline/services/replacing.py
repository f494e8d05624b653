"""Takes in the pictures that people have put in the place of refused ones, so that they are checked anew.

Nothing was made of a picture that was refused, so another one in its place changes nothing that the run has made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from data.store import Stores
from pipeline.domain.errors import StripboardError
from pipeline.domain.plans import RunBook
from pipeline.domain.records import JobInput, Run, Still, StoredFile
from pipeline.domain.statuses import CellStatus, StillKind
from pipeline.ports import Media
from pipeline.services.advance import Advance
from pipeline.services.pictures import sources
from pipeline.services.runbooks import RunBooks

Replaced = Mapping[int, tuple[tuple[JobInput, StoredFile], ...]]
"""The new pictures by the still that was refused."""


def look(stores: Stores, books: RunBooks, media: Media, run: Run) -> Replaced:
    """Copy in the source images of refused characters whose files are others now; what cannot be read is left as it is.

    To be called before the transaction that takes them. A picture that another character counts on is not replaced.
    """
    with stores.read() as store:
        stills = [still for still in store.stills.of_run(run.id) if still.kind is StillKind.SOURCE]
        refused = [still for still in stills if still.status is CellStatus.FAILED]
        if not refused:
            return {}
        book = books.get(store, run.id)
        known = sources(store, book, run.id, _names(refused))
    used = Counter(path for still in stills if still not in refused for path in _paths(book, still))
    found = {}
    for still in refused:
        paths = _paths(book, still)
        files = _adopted(media, book, Path(run.base_dir), paths) if not any(used[path] for path in paths) else []
        if files and [file.sha256 for file in files] != [file.sha256 for file in known[still.character or ""]]:
            found[still.id] = tuple((_input(path, file), file) for path, file in zip(paths, files, strict=True))
    return found


def take(advance: Advance, stills: Iterable[Still], replaced: Replaced) -> list[Still]:
    """Ask for the check of those of these stills that are still refused and have new pictures; the answer is which."""
    taken = [still for still in stills if still.id in replaced and still.status is CellStatus.FAILED]
    for still in taken:
        for _, file in replaced[still.id]:
            advance.store.outputs.add_import(file, advance.store.journal.now)
        advance.queue_still(still, sources=tuple(picture for picture, _ in replaced[still.id]))
    return taken


def _adopted(media: Media, book: RunBook, folder: Path, paths: Iterable[str]) -> list[StoredFile]:
    try:
        return [media.adopt(folder / path, book.recipes.config.sources[path].media_type) for path in paths]
    except StripboardError:
        return []


def _input(path: str, file: StoredFile) -> JobInput:
    return JobInput("source", file.sha256, file.media_type, path.rsplit("/", 1)[-1])


def _names(stills: Iterable[Still]) -> list[str]:
    return [still.character for still in stills if still.character]


def _paths(book: RunBook, still: Still) -> tuple[str, ...]:
    found = book.recipes.characters.get(still.character or "")
    return found.source_images if found else ()
