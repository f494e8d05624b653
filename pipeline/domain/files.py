"""The files a production names, and what was found where they should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.issues import Path
from pipeline.domain.production import Production
from pipeline.domain.workflows.findings import Finding
from pipeline.domain.workflows.graphs import Graph
from pipeline.domain.workflows.workflow import Workflow

TOP: Path = ("production",)
PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
"""The formats of pictures that are read, as Pillow calls them."""
MOST_PIXELS, LONGEST_SIDE = 64_000_000, 32_768
"""What a picture may have at most: one that claims more is refused before it is decoded."""


@dataclass(frozen=True)
class FileReference:
    """One mention of a file. `wants` is what it must be: `image`, `workflow`, `file`, `program` or `folder` (to write into)."""

    where: Path
    path: str
    wants: str


@dataclass(frozen=True)
class FileFact:
    """What a probe found. `problem` is empty when the file can be read; it reads on after the file's name.

    `digest` is the SHA-256 of a picture. A workflow has a `graph` where one could be understood, and `findings` on it in any
    case; a registered one is a `workflow`.
    """

    problem: str = ""
    cure: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    digest: str = ""
    graph: Graph | None = None
    findings: tuple[Finding, ...] = ()
    workflow: Workflow | None = None


Facts = dict[tuple[str, str], FileFact]
"""By path as written and what it must be."""


def references(production: Production) -> tuple[FileReference, ...]:
    """Every file a production names."""
    return tuple(_references(production))


def _references(production: Production) -> Iterator[FileReference]:
    for index, character in enumerate(production.characters):
        where = (*TOP, "characters", index)
        for number, image in enumerate(character.source_images):
            yield from _named((*where, "source_images", number), image, "image")
        yield from _named((*where, "model"), character.model, "file")
    for index, location in enumerate(production.locations):
        yield from _named((*TOP, "locations", index, "plate"), location.plate, "image")
    for table in ("variants", "locations", "scene_types"):
        for index, entry in enumerate(getattr(production, table)):
            yield from _named((*TOP, table, index, "workflow"), entry.workflow, "workflow")
    if production.backend == "command" and production.command:
        yield from _named((*TOP, "command", 0), production.command[0], "program")
    for index, output in enumerate(production.outputs):
        yield from _named((*TOP, "outputs", index, "path"), output.path, "folder")


def _named(where: Path, path: str | None, wants: str) -> Iterator[FileReference]:
    if path:
        yield FileReference(where, path, wants)
