"""The source images of a run as they count: as the run was made, or others that took their place when they were refused.

Read inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from data.store import Store
from pipeline.domain.plans import RunBook, source_inputs
from pipeline.domain.records import JobInput, RunConfig, StoredFile


def sources(store: Store, book: RunBook, run_id: int, characters: Iterable[str]) -> Mapping[str, tuple[JobInput, ...]]:
    """The source images of these characters: those of the newest check, else those that the run was made with."""
    names = list(dict.fromkeys(characters))
    checked = store.stills.checked_sources(run_id, names) if names else {}
    return {name: checked.get(name) or source_inputs(book, name) for name in names}


def as_they_count(store: Store, run_id: int, config: RunConfig) -> RunConfig:
    """What the run was made from, with the pictures that took the place of refused ones.

    Where characters share a picture, one that was checked before it was replaced does not bring the old one back.
    """
    characters = {one.name: one for one in config.production.characters}
    checked = store.stills.checked_sources(run_id, list(characters))
    known = dict(config.sources)
    for name, files in checked.items():
        for path, file in zip(characters[name].source_images, files, strict=True):
            if config.sources[path].sha256 != file.sha256:
                known[path] = store.outputs.named(file.sha256) or StoredFile(file.sha256, 0, file.media_type)
    return replace(config, sources=known)
