"""What reads and checks production files, and the database in which registered workflows are looked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING

from pipeline.adapters import file_facts, screenplays, workflow_files, yaml_files
from pipeline.adapters.clock import SystemClock
from pipeline.services.productions import Productions

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.adapters.storage.media_store import MediaStore
    from pipeline.adapters.storage.workspace import Spool
    from pipeline.domain.files import FileFact
    from pipeline.domain.workflows.library import Reference
    from pipeline.ports import Clock
    from pipeline.settings import Settings

probe = partial(file_facts.probe, look_into_workflow=workflow_files.look)
"""What is at the paths that a production names."""


def build_productions(stores: Stores | None = None, clock: Clock | None = None) -> Productions:
    """What reads and checks production files. Registered workflows are looked for in `stores`; without them the database of
    this installation is opened when a production names one, and not before.
    """
    return Productions(
        load=yaml_files.load,
        load_screenplay=screenplays.load,
        probe=probe,
        presets=yaml_files.load_presets(),
        look_up=partial(_registered, stores),
        clock=clock or SystemClock(),
    )


def _registered(stores: Stores | None, references: Collection[Reference]) -> Mapping[Reference, FileFact]:
    from pipeline import settings
    from pipeline.services.registered import facts

    if stores is not None:
        return facts(stores, references)
    here, _, _ = open_stores(settings.load(), None)
    try:
        return facts(here, references)
    finally:
        here.close()


def open_stores(settings: Settings, checkpoint: Callable[[str], None] | None) -> tuple[Stores, MediaStore, Spool]:
    """The database, brought to the newest schema, and the folders beside it."""
    from data.schema import migrate
    from data.store import Stores
    from pipeline.adapters.storage.media_store import MediaStore, nothing
    from pipeline.adapters.storage.workspace import Spool

    point = checkpoint or nothing
    settings.home.mkdir(parents=True, exist_ok=True)
    stores = Stores(settings.database_url, point)
    migrate(stores.engine)
    return stores, MediaStore(settings.media_root, point), Spool(settings.spool_root, settings.media_root, point)
