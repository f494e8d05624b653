"""Backups and restores, wired."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.process_locks import ProcessLocks
from pipeline.adapters.storage import backup_file
from pipeline.adapters.storage.media_store import MediaStore
from pipeline.domain.errors import Conflict
from pipeline.services.backup import BackedUp, Backup
from pipeline.services.restoring import Places, Restore, Restored
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.wiring import Studio

_RESTORE = "restore"


def write_backup(studio: Studio, path: Path) -> BackedUp:
    """Make the backup `path` of this studio; engines may go on meanwhile."""
    return Backup(studio.stores, media=studio.media, clock=studio.clock, writing=backup_file.writing).write(path.absolute())


def restore_backup(settings: Settings, path: Path, *, force: bool = False) -> Restored:
    """Put a backup in place of the installation of these settings, which no studio has open."""
    locks = ProcessLocks(settings.locks_root)
    places = Places(
        home=settings.home,
        media=settings.media_root,
        spool=settings.spool_root,
        database_url=settings.database_url,
        database_file=settings.database_file,
    )
    restore = Restore(
        places,
        extract=backup_file.extract,
        path_in=lambda root, sha256: MediaStore(root).path_of(sha256),
        sync_folder=backup_file.sync_folder,
        is_working=lambda: _is_any_engine_alive(locks, settings.locks_root),
        clock=SystemClock(),
        host=locks.host,
    )
    if not locks.take(_RESTORE):
        raise Conflict(f'Another restore is under way in "{settings.home}". Wait for its end.')
    try:
        _remove_abandoned(places)
        return restore.restore(path, force=force)
    finally:
        (settings.locks_root / f"{_RESTORE}.lock").unlink(missing_ok=True)
        locks.release(_RESTORE)


def _remove_abandoned(places: Places) -> None:
    """Remove what restores that were killed have left; whoever holds the lock of restores may."""
    folders = {places.home, places.database_file.parent} if places.database_file else {places.home}
    for path in [path for folder in folders for path in folder.glob(".restore-*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_any_engine_alive(locks: ProcessLocks, root: Path) -> bool:
    """Whether a living process holds the lock of an engine or of the scheduler."""
    for path in [*root.glob("engine-*.lock"), *root.glob("scheduler.lock")]:
        if not locks.take(path.stem):
            return True
        locks.release(path.stem)
    return False
