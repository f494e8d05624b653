"""Restoring: a backup becomes the installation, after every byte of it has been checked; what was there is moved aside."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from data import portable
from data.schema import NEWEST
from data.store import Store, Stores
from pipeline.domain.errors import Conflict, Invalid, Unavailable
from pipeline.ports import Clock

_MANIFEST_BYTES = 1_000_000
_PARTS = ("", "-journal", "-wal", "-shm")
"""What an SQLite database may consist of; a journal belongs to its file, so they move together."""


class Member(Protocol):
    """One file of an archive, copied out."""

    @property
    def name(self) -> str:
        """Its name in the archive."""
        ...

    @property
    def sha256(self) -> str:
        """The hash of what was read."""
        ...

    @property
    def size_bytes(self) -> int:
        """Its size."""
        ...


@dataclass(frozen=True)
class Places:
    """Where an installation keeps what a restore replaces. `database_file` is None for a database server."""

    home: Path
    media: Path
    spool: Path
    database_url: str
    database_file: Path | None


@dataclass(frozen=True)
class Restored:
    """What came out of the backup. `aside` are the places that hold what was there before."""

    created_at: datetime
    runs: int
    rows: int
    files: int
    aside: tuple[str, ...]


@dataclass(frozen=True)
class _Content:
    """A backup that is unpacked and checked: its manifest and the size of each media file by hash."""

    folder: Path
    manifest: dict[str, Any]
    media: dict[str, int]

    def rows(self, table: str) -> Iterator[list[Any]]:
        """The rows of one table."""
        with (self.folder / "tables" / f"{table}.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if not isinstance(row, list):
                    raise ValueError("a row is not a list")
                yield row


class Restore:
    """Puts a backup in place.

    `extract` copies an archive's files below a folder; `path_in` says where a media store of this root keeps a file;
    `sync_folder` makes renames durable; `is_working` tells whether an engine of this home is alive.
    """

    def __init__(
        self,
        places: Places,
        *,
        extract: Callable[[Path, Path], Iterator[Member]],
        path_in: Callable[[Path, str], Path],
        sync_folder: Callable[[Path], None],
        is_working: Callable[[], bool],
        clock: Clock,
        host: str,
    ) -> None:
        self._places = places
        self._extract = extract
        self._path_in = path_in
        self._sync = sync_folder
        self._is_working = is_working
        self._clock = clock
        self._host = host

    def restore(self, path: Path, *, force: bool = False) -> Restored:
        """Make this installation what the backup says. Nothing is replaced before everything is checked.

        Raises Conflict when an engine works here, or when something is stored here and `force` is not given; Invalid when
        the backup is not whole. With `force` what is stored here is moved aside, never deleted.
        """
        self._check_target(force)
        places = self._places
        mark = f"{self._clock.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        staging = places.home / f".restore-{mark}"
        new_file = places.database_file.with_name(f".restore-{mark}.db") if places.database_file else None
        try:
            staging.mkdir(parents=True)
            content = self._unpack(path, staging)
            swap = _Swap(self._sync)
            aside = self._put_in_place(content, swap, mark, new_file)
        except OSError as error:
            raise Unavailable(f"The backup could not be put in place: {error.strerror or error}. Nothing was changed.") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if new_file is not None:
                for suffix in _PARTS:
                    new_file.with_name(new_file.name + suffix).unlink(missing_ok=True)
        tables = content.manifest["tables"]
        return Restored(
            created_at=datetime.fromisoformat(content.manifest["created_at"]),
            runs=tables["production_runs"]["rows"],
            rows=sum(facts["rows"] for facts in tables.values()),
            files=len(content.media),
            aside=aside,
        )

    def _check_target(self, force: bool) -> None:
        places = self._places
        if self._is_working():
            raise Conflict(f'An engine is working in "{places.home}". Stop it, then restore.')
        if not force and (self._is_database_occupied() or any(places.media.glob("*/*"))):
            cure = "Restore to another STRIPBOARD_HOME, or give --force to move what is here aside."
            raise Conflict(f'"{places.home}" or its database is not empty. {cure}')

    def _is_database_occupied(self) -> bool:
        file = self._places.database_file
        if file is not None and (not file.exists() or file.stat().st_size == 0):
            return False
        stores = Stores(self._places.database_url)
        try:
            return portable.is_occupied(stores)
        finally:
            stores.close()

    # Checking ---------------------------------------------------------------------------------------------------

    def _unpack(self, path: Path, staging: Path) -> _Content:
        """Copy everything out and hold it against its hashes."""
        unpacked, store = staging / "unpacked", staging / "media"
        store.mkdir()
        content: _Content | None = None
        tables: set[str] = set()
        for member in self._extract(path, unpacked):
            kind, _, name = member.name.partition("/")
            if content is None:
                content = _Content(unpacked, _read_manifest(unpacked, member, path), {})
            elif kind == "tables":
                _check_table(content.manifest, member, path)
                tables.add(name)
            elif kind == "media" and member.sha256 == name:
                self._keep(unpacked / member.name, self._path_in(store, name))
                content.media[name] = member.size_bytes
            else:
                raise _broken(path, f'"{member.name}" has another content than its name says')
        if content is None or len(tables) != len(portable.tables_of(content.manifest["schema"])):
            raise _broken(path, "tables are missing")
        stated = content.manifest["media"]
        if (len(content.media), sum(content.media.values())) != (stated["files"], stated["size_bytes"]):
            raise _broken(path, "media files are missing")
        for folder in (*store.iterdir(), store):
            self._sync(folder)
        return content

    @staticmethod
    def _keep(unpacked: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        unpacked.rename(target)

    # Replacing --------------------------------------------------------------------------------------------------

    def _put_in_place(self, content: _Content, swap: _Swap, mark: str, new_file: Path | None) -> tuple[str, ...]:
        """Fill the new database, then exchange old and new; an error puts everything back as it was."""
        places = self._places
        schema = f"before_restore_{mark.replace('-', '_')}"
        stores = Stores(f"sqlite:///{new_file}" if new_file else places.database_url)
        try:
            if new_file is None:
                # The database changes with the commit; so the files change just before it.
                was_occupied = portable.is_occupied(stores)
                with swap, portable.rewriting(stores) as store:
                    self._fill(store, content, schema)
                    self._exchange(swap, content, mark)
                aside = (f"the schema {schema}",) if was_occupied else ()
            else:
                with portable.rewriting(stores) as store:
                    self._fill(store, content, schema)
                stores.close()
                with swap:
                    self._exchange(swap, content, mark)
                    swap.move(new_file, places.database_file or new_file)
                aside = ()
        finally:
            stores.close()
        return tuple(str(place) for place in swap.aside) + aside

    def _fill(self, store: Store, content: _Content, schema: str) -> None:
        made, facts = content.manifest["schema"], content.manifest["tables"]
        rows = {table: content.rows(table) for table in facts}
        named = {table: facts[table]["columns"] for table in facts}
        portable.fill(store, rows, schema=made, named=named, aside=schema, host=self._host)
        wanted = {file.sha256: file.size_bytes for file in store.outputs.stored_files()}
        if wanted != content.media:
            raise Invalid("The backup cannot be used: its files are not those that its rows point to. Nothing was changed.")
        broken = next(iter(store.journal.broken_links()), None)
        if broken is not None:
            raise Invalid(f"The backup cannot be used: {broken}. Nothing was changed.")

    def _exchange(self, swap: _Swap, content: _Content, mark: str) -> None:
        places = self._places
        name = f"before-restore-{mark}"
        file = places.database_file
        if file is not None:
            for suffix in _PARTS:
                swap.put_aside(file.with_name(file.name + suffix), file.parent / name)
        swap.put_aside(places.media, places.home / name)
        swap.put_aside(places.spool, places.home / name)
        swap.move(content.folder.parent / "media", places.media)


class _Swap:
    """Renames that are all taken back when the block that makes them is left by an error."""

    def __init__(self, sync_folder: Callable[[Path], None]) -> None:
        self._sync = sync_folder
        self._moved: list[tuple[Path, Path]] = []
        self.aside: list[Path] = []

    def move(self, source: Path, target: Path) -> None:
        """Rename, durably."""
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        self._moved.append((source, target))
        self._sync(target.parent)
        self._sync(source.parent)

    def put_aside(self, path: Path, folder: Path) -> None:
        """Rename into this folder, if it is there."""
        if path.exists():
            self.move(path, folder / path.name)
            self.aside.append(folder / path.name)

    def __enter__(self) -> _Swap:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            for source, target in reversed(self._moved):
                target.rename(source)


def _read_manifest(unpacked: Path, member: Member, path: Path) -> dict[str, Any]:
    """The manifest of an archive whose first file this is. Raises Invalid when this version cannot restore it."""
    if member.name != "manifest.json" or member.size_bytes > _MANIFEST_BYTES:
        raise _broken(path, "it does not begin with its manifest")
    try:
        manifest = json.loads((unpacked / member.name).read_text(encoding="utf-8"))
        described = (manifest["format"], manifest["version"])
        datetime.fromisoformat(manifest["created_at"])
        names = set(manifest["tables"])
        facts = [(entry["columns"], int(entry["rows"]), str(entry["sha256"])) for entry in manifest["tables"].values()]
        int(manifest["media"]["files"]), int(manifest["media"]["size_bytes"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(path, "its manifest cannot be read") from error
    known = set(portable.tables_of(manifest["schema"]))
    if described != (portable.FORMAT, portable.VERSION) or names != known or not facts:
        made = f"format {manifest['version']}, schema {manifest['schema']}"
        cure = f"Restore it with that one; this one reads format {portable.VERSION} up to schema {NEWEST}."
        raise Invalid(f'"{path}" was made by another version of Stripboard ({made}). {cure}')
    return dict(manifest)


def _check_table(manifest: dict[str, Any], member: Member, path: Path) -> None:
    table = member.name.removeprefix("tables/").removesuffix(".jsonl")
    facts = manifest["tables"].get(table)
    if facts is None or facts["sha256"] != member.sha256 or not portable.fits(manifest["schema"], table, facts["columns"]):
        raise _broken(path, f'"{member.name}" is not what the manifest says')


def _broken(path: Path, what: str) -> Invalid:
    return Invalid(f'"{path}" is no whole backup: {what}. Nothing was changed. Use another backup.')
