"""The files a production names, and what was found where they should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.issues import Path
from pipeline.domain.production import Production

TOP: Path = ("production",)


@dataclass(frozen=True)
class FileReference:
    """One mention of a file. `wants` is what it must be: `image`, `json`, `file`, `program` or `folder` (to write into)."""

    where: Path
    path: str
    wants: str


@dataclass(frozen=True)
class FileFact:
    """What a probe found. `problem` is empty when the file is what it must be; it reads on after the file's name."""

    problem: str = ""
    cure: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0


Facts = dict[tuple[str, str], FileFact]
"""By path as written and what it must be."""


def references(production: Production, *, scene_types: int | None = None) -> tuple[FileReference, ...]:
    """Every file a production names. `scene_types` is how many scene types are written in the document."""
    return tuple(_references(production, scene_types))


def _references(production: Production, scene_types: int | None) -> Iterator[FileReference]:
    for index, character in enumerate(production.characters):
        where = (*TOP, "characters", index)
        for number, image in enumerate(character.source_images):
            yield from _named((*where, "source_images", number), image, "image")
        yield from _named((*where, "model"), character.model, "file")
    for index, location in enumerate(production.locations):
        yield from _named((*TOP, "locations", index, "plate"), location.plate, "image")
    for index, kind in enumerate(production.scene_types[:scene_types]):
        yield from _named((*TOP, "scene_types", index, "workflow"), kind.workflow, "json")
    if production.backend == "command" and production.command:
        yield from _named((*TOP, "command", 0), production.command[0], "program")
    for index, output in enumerate(production.outputs):
        yield from _named((*TOP, "outputs", index, "path"), output.path, "folder")


def _named(where: Path, path: str | None, wants: str) -> Iterator[FileReference]:
    if path:
        yield FileReference(where, path, wants)
