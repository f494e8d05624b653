"""Backups: the whole database and every file that it points to, in one file, at one instant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from data import portable
from data.schema import NEWEST
from data.store import Store, Stores
from pipeline.domain.records import StoredFile
from pipeline.ports import Clock, Media


class Writer(Protocol):
    """An archive that is being made. `folder` is a place for what is on its way there."""

    folder: Path

    def add(self, name: str, path: Path, *, sha256: str, size_bytes: int) -> None:
        """Add a file that must have this hash and this size. Raises Conflict when it has not."""
        ...


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds."""

    path: Path
    created_at: datetime
    runs: int
    rows: int
    files: int
    size_bytes: int


class Backup:
    """Makes backups, also while engines are working. `writing` opens a new archive."""

    def __init__(
        self, stores: Stores, *, media: Media, clock: Clock, writing: Callable[[Path], AbstractContextManager[Writer]]
    ) -> None:
        self._stores = stores
        self._media = media
        self._clock = clock
        self._writing = writing

    def write(self, path: Path) -> BackedUp:
        """Make the backup `path`: whole and on the disk, or not at all.

        Raises Conflict when a stored file is missing or damaged, or when `path` exists; Unavailable when there is no room.
        """
        created_at = self._clock.now()
        with self._writing(path) as archive:
            folder = archive.folder
            with portable.snapshot(self._stores, folder) as store:
                tables = {table: _dump(store, table, folder) for table in portable.TABLES}
                files = {file.sha256: file for file in store.outputs.stored_files()}
            manifest = _manifest(created_at, tables, files)
            _add_bytes(archive, "manifest.json", json.dumps(manifest, indent=1).encode(), folder)
            for table, facts in tables.items():
                archive.add(f"tables/{table}.jsonl", folder / table, sha256=facts["sha256"], size_bytes=facts["size_bytes"])
            for file in files.values():
                stored = self._media.path_of(file.sha256)
                archive.add(f"media/{file.sha256}", stored, sha256=file.sha256, size_bytes=file.size_bytes)
        return BackedUp(
            path=path,
            created_at=created_at,
            runs=tables["production_runs"]["rows"],
            rows=sum(facts["rows"] for facts in tables.values()),
            files=len(files),
            size_bytes=path.stat().st_size,
        )


def _dump(store: Store, table: str, folder: Path) -> dict[str, Any]:
    """Write a table's rows as lines of JSON; the answer is what the manifest says of it."""
    digest, count, size = hashlib.sha256(), 0, 0
    with (folder / table).open("wb") as file:
        for row in portable.rows(store, table):
            line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            size += file.write(line)
            count += 1
    return {"columns": portable.columns(table), "rows": count, "size_bytes": size, "sha256": digest.hexdigest()}


def _manifest(created_at: datetime, tables: Mapping[str, Any], files: Mapping[str, StoredFile]) -> dict[str, Any]:
    return {
        "format": portable.FORMAT,
        "version": portable.VERSION,
        "schema": NEWEST,
        "created_at": created_at.isoformat(),
        "tables": tables,
        "media": {"files": len(files), "size_bytes": sum(file.size_bytes for file in files.values())},
    }


def _add_bytes(archive: Writer, name: str, content: bytes, folder: Path) -> None:
    path = folder / "content"
    path.write_bytes(content)
    archive.add(name, path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
