"""Names under which files arrive from outside: relative, plain, and the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Collection

from pipeline.domain.document import script_path
from pipeline.domain.errors import Invalid, Refused
from pipeline.domain.files import references
from pipeline.domain.production import Production
from pipeline.domain.sources import Document
from pipeline.domain.workflows.library import reference_of

MOST_FILES = 1000
_LONGEST = 240
_PART = re.compile(r"[^\x00-\x1f\x7f-\x9f/\\:*?\"<>|~\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,100}")


def check_names(names: Collection[str]) -> None:
    """Raise Invalid for a name that could lead anywhere else, or that no folder can hold beside the others."""
    if len(names) > MOST_FILES:
        raise Invalid(f"{len(names)} files are named; at most {MOST_FILES} are allowed.")
    folders = {"/".join(name.split("/")[:end]) for name in names for end in range(1, name.count("/") + 1)}
    for name in names:
        if not is_plain(name):
            raise Invalid(f'"{name[:100]}" cannot be the name of a file here. Use a relative path such as "assets/mara.png".')
        if name in folders:
            raise Invalid(f'"{name}" is the name of a file and of a folder. Rename one.')


def is_plain(name: str) -> bool:
    """Whether it is a relative path of ordinary names, below the folder that it starts from."""
    parts = name.split("/")
    return len(name) <= _LONGEST and all(_PART.fullmatch(part) and part == part.strip(" .") for part in parts)


def check_paths(document: Document, production: Production | None, names: Collection[str]) -> None:
    """Raise Invalid when a production names a file that did not come with it, Refused when it names a program.

    It is called before anything is looked at: what came from outside must not find out what is on this machine.
    """
    script = script_path(document)
    if script is not None and script not in names:
        raise Invalid(_missing("production.script", script))
    if production is None:
        return
    if production.backend == "command" or production.command:
        raise Refused("A production from outside must not name a program of this machine. Start it with `./stripboard run`.")
    for reference in references(production):
        place = ".".join(map(str, reference.where))
        if reference.wants == "folder":
            if not is_plain(reference.path.rstrip("/")):
                raise Invalid(
                    f'{place}: "{reference.path[:100]}" is not a plain relative folder. Write one such as "output/web/".'
                )
        elif reference.path not in names and not (reference.wants == "workflow" and reference_of(reference.path)):
            raise Invalid(_missing(place, reference.path))


def _missing(place: str, path: str) -> str:
    return f'{place}: the file "{path[:200]}" did not come with the production. Name it in `files` exactly as it is written.'
