"""Takes in the pictures that people have put in the place of source images, so that they are checked anew.

In place of those that were refused, and of those from which every look was refused: nothing that the run keeps was made of
them, so other ones in their place change nothing that it has made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.store import Store, Stores
from pipeline.domain.errors import Refused, StripboardError
from pipeline.domain.files import TOP, FileFact, FileReference
from pipeline.domain.matrix import Selection
from pipeline.domain.plans import RunBook
from pipeline.domain.records import Cell, JobInput, Run, Still, StoredFile
from pipeline.domain.statuses import CellStatus, StillKind
from pipeline.ports import Media
from pipeline.services.advance import Advance
from pipeline.services.pictures import sources
from pipeline.services.runbooks import RunBooks
from pipeline.services.selections import selected

REFUSED = (CellStatus.FAILED, CellStatus.REJECTED)
_UNMADE = (CellStatus.NOT_STARTED, CellStatus.CANCELLED, CellStatus.REJECTED)
"""What is asked for again after this is made from the beginning."""
_KEPT = "what was made of it is kept; a new run takes in what is in its place now"

_Named = tuple[str, JobInput]
"""A source image of a character as it counts, and the path at which it was found."""


@dataclass(frozen=True)
class Pictures:
    """Where pictures are kept, and what looks at files before they are: `probe` has the bounds that a new run has, too."""

    media: Media
    probe: Callable[[Path, Iterable[FileReference]], Mapping[tuple[str, str], FileFact]]


@dataclass(frozen=True)
class Replaced:
    """By character: its source images as they are now, or why those in their place are not taken.

    `imports` are the files that are new in the store.
    """

    inputs: Mapping[str, tuple[JobInput, ...]] = field(default_factory=dict)
    imports: Mapping[str, tuple[StoredFile, ...]] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)

    def told(self, still: Still, renewed: Container[str]) -> str:
        """What follows the name of a still in a list of those that are tried again; `renewed` is the answer of `take`."""
        name = still.character or ""
        if name in renewed:
            return ", which is new" if still.kind is StillKind.SOURCE else ", from a new picture"
        if name not in self.left:
            return ""
        return f" as it was: {self.left[name]}" if still.kind is StillKind.SOURCE else f" from the old picture: {self.left[name]}"


NOTHING_NEW = Replaced()


def look(stores: Stores, books: RunBooks, pictures: Pictures, run: Run, wanted: Callable[[Store], Iterable[Still]]) -> Replaced:
    """Copy in the source images whose files are others now, of the characters of whose `wanted` stills one was refused.

    To be called before the transaction that takes them. A picture of which something stands is not replaced, nor one that another
    character counts on, nor by one that a new run would not take: that is told.
    """
    with stores.read() as store:
        names = {one.character for one in wanted(store) if one.character and one.status in REFUSED}
        if not names:
            return NOTHING_NEW
        book = books.get(store, run.id)
        stills = [one for one in store.stills.of_run(run.id) if one.character]
        free = _free(store, run, stills, names)
        known = sources(store, book, run.id, sorted(names))
    named = {name: list(zip(_paths(book, name), files, strict=True)) for name, files in known.items()}
    settled = [one.character for one in stills if one.kind is StillKind.SOURCE and one.status not in REFUSED]
    used = {path for name in settled if name not in free for path in _paths(book, name)}
    folder, same = Path(run.base_dir), {name for name in settled if name in named}
    same = {name for name in same if all(_is_as_it_was(pictures.media, folder, file) for file in named[name])}
    taken = {name: named[name] for name in free if name not in same and used.isdisjoint(dict(named[name]))}
    kept = [name for name in named if name not in taken and name not in same and name not in free]
    found = _replaced(pictures, book, folder, taken)
    return replace(found, left={**found.left, **dict.fromkeys(kept, _KEPT)})


def take(advance: Advance, run: Run, stills: Iterable[Still], replaced: Replaced) -> frozenset[str]:
    """Ask for the check of the new pictures of the characters of these refused stills; the answer is of which characters."""
    names = {one.character for one in stills if one.character in replaced.inputs and one.status in REFUSED}
    if not names:
        return frozenset()
    known = advance.store.stills.of_run(run.id)
    free = _free(advance.store, run, known, names)
    for source in known:
        if source.kind is StillKind.SOURCE and source.character in free:
            _renew(advance, source, replaced)
    return frozenset(free)


def _renew(advance: Advance, source: Still, replaced: Replaced) -> None:
    name = source.character or ""
    for file in replaced.imports[name]:
        advance.store.outputs.add_import(file, advance.store.journal.now)
    if source.status is CellStatus.APPROVED:
        advance.move_still(source, CellStatus.REJECTED, reason="another picture is in its place")
    advance.queue_still(advance.stills.get(source.id, source), sources=replaced.inputs[name])


def _free(store: Store, run: Run, stills: Sequence[Still], names: Collection[str | None]) -> list[str]:
    """Those of these characters whose pictures were refused, or of whose pictures nothing stands that was made."""
    checks = {one.character or "": one.status for one in stills if one.kind is StillKind.SOURCE and one.character in names}
    looks = {one.character for one in stills if one.kind is StillKind.VARIANT and one.status not in (*_UNMADE, CellStatus.FAILED)}
    passed = [name for name, status in checks.items() if status is CellStatus.APPROVED and name not in looks]
    cells = selected(store, run, Selection(characters=tuple(passed))) if passed else []
    kept = {cell.plan.character for cell in cells if _stands(cell)}
    return [name for name, status in checks.items() if status in REFUSED or (name in passed and name not in kept)]


def _stands(cell: Cell) -> bool:
    """Whether something that was made of its character's picture is kept for the cell, or is being made."""
    if cell.status is CellStatus.QUEUED and cell.plan.variant:
        return cell.approved_take is not None
    return cell.approved_take is not None or cell.status not in _UNMADE


def _is_as_it_was(media: Media, folder: Path, named: _Named) -> bool:
    """Whether nothing else is at the path; a file that is gone replaces nothing."""
    path, file = folder / named[0], named[1]
    return media.holds(path, file.sha256) or not path.exists()


def _replaced(pictures: Pictures, book: RunBook, folder: Path, named: Mapping[str, Sequence[_Named]]) -> Replaced:
    """What differs is looked at, and what passes is copied; what is as it was is read, and only if its length is right."""
    new = {
        name: {path: file for path, file in files if not pictures.media.holds(folder / path, file.sha256)}
        for name, files in named.items()
    }
    facts = pictures.probe(folder, [FileReference(TOP, path, "image") for files in new.values() for path in files])
    inputs: dict[str, tuple[JobInput, ...]] = {}
    imports: dict[str, tuple[StoredFile, ...]] = {}
    left: dict[str, str] = {}
    for name, files in named.items():
        changed = [path for path, file in new[name].items() if facts[path, "image"].digest != file.sha256]
        try:
            copies = {path: _adopted(pictures.media, book, folder, path, facts[path, "image"]) for path in changed}
        except StripboardError as error:
            left[name] = str(error)
            continue
        if copies:
            inputs[name] = tuple(_input(path, copies[path]) if path in copies else file for path, file in files)
            imports[name] = tuple(copies.values())
    return Replaced(inputs, imports, left)


def _adopted(media: Media, book: RunBook, folder: Path, path: str, fact: FileFact) -> StoredFile:
    if fact.problem:
        raise Refused(f"{path} {fact.problem} {fact.cure}".strip())
    return media.adopt(folder / path, book.recipes.config.sources[path].media_type)


def _input(path: str, file: StoredFile) -> JobInput:
    return JobInput("source", file.sha256, file.media_type, path.rsplit("/", 1)[-1])


def _paths(book: RunBook, character: str | None) -> tuple[str, ...]:
    found = book.recipes.characters.get(character or "")
    return found.source_images if found else ()
