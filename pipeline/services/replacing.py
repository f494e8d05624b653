"""Takes in the pictures that people have put in the place of refused ones, so that they are checked anew.

Nothing was made of a picture that was refused, so another one in its place changes nothing that the run has made.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.store import Store, Stores
from pipeline.domain.errors import Refused, StripboardError
from pipeline.domain.files import TOP, FileFact, FileReference
from pipeline.domain.plans import RunBook
from pipeline.domain.records import JobInput, Run, Still, StoredFile
from pipeline.domain.statuses import CellStatus, StillKind
from pipeline.ports import Media
from pipeline.services.advance import Advance
from pipeline.services.pictures import sources
from pipeline.services.runbooks import RunBooks

_Named = tuple[str, JobInput]
"""A source image of a character as it counts, and the path at which it was found."""


@dataclass(frozen=True)
class Pictures:
    """Where pictures are kept, and what looks at files before they are: `probe` has the bounds that a new run has, too."""

    media: Media
    probe: Callable[[Path, Iterable[FileReference]], Mapping[tuple[str, str], FileFact]]


@dataclass(frozen=True)
class Replaced:
    """By the still that was refused: its source images as they are now, or why those in their place are not taken.

    `imports` are the files that are new in the store.
    """

    inputs: Mapping[int, tuple[JobInput, ...]] = field(default_factory=dict)
    imports: Mapping[int, tuple[StoredFile, ...]] = field(default_factory=dict)
    left: Mapping[int, str] = field(default_factory=dict)

    def told(self, still: Still, renewed: Container[int]) -> str:
        """What follows the name of a still in a list of those that are tried again; `renewed` are those that were taken."""
        if still.id in renewed:
            return ", which is new"
        return f" as it was: {self.left[still.id]}" if still.id in self.left else ""


NOTHING_NEW = Replaced()


def look(stores: Stores, books: RunBooks, pictures: Pictures, run: Run, wanted: Callable[[Store], Iterable[Still]]) -> Replaced:
    """Copy in the source images of refused characters whose files are others now, of the stills that are wanted.

    To be called before the transaction that takes them. A picture that another character counts on is not replaced; one that a
    new run would not take is left where it is, and that is told.
    """
    with stores.read() as store:
        refused = [one for one in wanted(store) if one.kind is StillKind.SOURCE and one.status is CellStatus.FAILED]
        if not refused:
            return NOTHING_NEW
        book = books.get(store, run.id)
        known = sources(store, book, run.id, [one.character for one in refused if one.character])
        others = [one for one in store.stills.of_run(run.id) if one.status is not CellStatus.FAILED]
    used = {path for one in others if one.kind is StillKind.SOURCE for path in _paths(book, one)}
    free = [one for one in refused if used.isdisjoint(_paths(book, one))]
    return _replaced(pictures, book, Path(run.base_dir), {one.id: _named(book, known, one) for one in free})


def take(advance: Advance, stills: Iterable[Still], replaced: Replaced) -> list[Still]:
    """Ask for the check of those of these stills that are still refused and have new pictures; the answer is which."""
    taken = [still for still in stills if still.id in replaced.inputs and still.status is CellStatus.FAILED]
    for still in taken:
        for file in replaced.imports[still.id]:
            advance.store.outputs.add_import(file, advance.store.journal.now)
        advance.queue_still(still, sources=replaced.inputs[still.id])
    return taken


def _replaced(pictures: Pictures, book: RunBook, folder: Path, named: Mapping[int, Sequence[_Named]]) -> Replaced:
    """What differs is looked at, and what passes is copied; what is as it was is read, and only if its length is right."""
    new = {
        still_id: {path: file for path, file in files if not pictures.media.holds(folder / path, file.sha256)}
        for still_id, files in named.items()
    }
    facts = pictures.probe(folder, [FileReference(TOP, path, "image") for files in new.values() for path in files])
    inputs: dict[int, tuple[JobInput, ...]] = {}
    imports: dict[int, tuple[StoredFile, ...]] = {}
    left: dict[int, str] = {}
    for still_id, files in named.items():
        changed = [path for path, file in new[still_id].items() if facts[path, "image"].digest != file.sha256]
        try:
            copies = {path: _adopted(pictures.media, book, folder, path, facts[path, "image"]) for path in changed}
        except StripboardError as error:
            left[still_id] = str(error)
            continue
        if copies:
            inputs[still_id] = tuple(_input(path, copies[path]) if path in copies else file for path, file in files)
            imports[still_id] = tuple(copies.values())
    return Replaced(inputs, imports, left)


def _adopted(media: Media, book: RunBook, folder: Path, path: str, fact: FileFact) -> StoredFile:
    if fact.problem:
        raise Refused(f"{path} {fact.problem} {fact.cure}".strip())
    return media.adopt(folder / path, book.recipes.config.sources[path].media_type)


def _input(path: str, file: StoredFile) -> JobInput:
    return JobInput("source", file.sha256, file.media_type, path.rsplit("/", 1)[-1])


def _named(book: RunBook, known: Mapping[str, tuple[JobInput, ...]], still: Still) -> list[_Named]:
    return list(zip(_paths(book, still), known[still.character or ""], strict=True))


def _paths(book: RunBook, still: Still) -> tuple[str, ...]:
    found = book.recipes.characters.get(still.character or "")
    return found.source_images if found else ()
