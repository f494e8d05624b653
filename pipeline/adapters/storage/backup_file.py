"""The file format of backups: a plain tar of regular files with names from a closed list, read as if an enemy had made it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from pipeline.domain.errors import Conflict, Invalid, NotFound, Unavailable

_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20
_WORK, _LOCK = ".backup-", "lock"
_NAMES = re.compile(r"manifest\.json|tables/[a-z_]{1,40}\.jsonl|media/[0-9a-f]{64}", re.ASCII)
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


@dataclass(frozen=True)
class Member:
    """One file of the archive, copied out: its name there, and the hash and size of what was read."""

    name: str
    sha256: str
    size_bytes: int


class BackupWriter:
    """Adds files to an archive that is being made. `folder` is a place for what is on its way there."""

    def __init__(self, file: BinaryIO, folder: Path) -> None:
        self._file = file
        self.folder = folder

    def add(self, name: str, path: Path, *, sha256: str, size_bytes: int) -> None:
        """Add a file that must have this hash and this size. Raises Conflict when it has not."""
        header = tarfile.TarInfo(name)
        header.size = size_bytes
        header.mode = 0o644
        self._file.write(header.tobuf(tarfile.GNU_FORMAT))
        digest, left = hashlib.sha256(), size_bytes
        try:
            with path.open("rb") as source:
                while block := source.read(min(_CHUNK, left + 1)):
                    digest.update(block)
                    left -= len(block)
                    self._file.write(block)
        except FileNotFoundError as error:
            raise Conflict(_damaged(name, "is missing")) from error
        if left or digest.hexdigest() != sha256:
            raise Conflict(_damaged(name, "has another content than its name says"))
        self._file.write(bytes(-size_bytes % _BLOCK))

    def end(self) -> None:
        """Close the list of files."""
        self._file.write(bytes(2 * _BLOCK))


@contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """A new archive: it appears under its name when it is whole and on the disk, or not at all.

    It is made in a hidden folder beside it, locked by this process; what killed processes have left there is removed.
    """
    if path.exists():
        raise Conflict(f'"{path}" exists already. Choose another name, or move it away.')
    folder = path.with_name(f"{_WORK}{uuid.uuid4().hex[:8]}")
    lock = FileLock(folder / _LOCK)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        folder.mkdir()
        lock.acquire(timeout=0)
        with (folder / "archive").open("xb") as file:
            writer = BackupWriter(file, folder)
            yield writer
            writer.end()
            file.flush()
            os.fsync(file.fileno())
        (folder / "archive").rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _unavailable(path, error) from error
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(place: Path) -> None:
    """Remove the folders of backups whose process has died: the lock of a living one cannot be taken."""
    for folder in place.glob(f"{_WORK}*"):
        if not (folder / _LOCK).exists():
            continue
        try:
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            continue


def extract(path: Path, target: Path) -> Iterator[Member]:
    """Copy every file of an archive below the folder `target`, one at a time; each is on the disk when it is told.

    Nothing is believed: a name outside the closed list, a name that comes twice, anything that is not a regular file, a
    wrong checksum of a header and a size beyond the archive's end raise Invalid, before that file is made.
    """
    try:
        with path.open("rb") as file:
            end = os.fstat(file.fileno()).st_size
            seen: set[str] = set()
            while header := _header(file, path, end):
                if header.name in seen:
                    raise _broken(path, f'"{header.name}" is in it twice')
                seen.add(header.name)
                yield _copy(file, header, target / header.name, path)
    except FileNotFoundError as error:
        raise NotFound(f'There is no file "{path}". Check the path.') from error
    except OSError as error:
        raise _unavailable(target, error) from error


def _header(file: BinaryIO, path: Path, end: int) -> tarfile.TarInfo | None:
    """The next file's header; None at the end of the list."""
    block = file.read(_BLOCK)
    if block == bytes(_BLOCK):
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise _broken(path, "it is cut short or is not a backup") from error
    if header.type not in _REGULAR or not _NAMES.fullmatch(header.name):
        raise _broken(path, f"it holds {header.name!r}, which no backup holds")
    if not 0 <= header.size <= end - file.tell():
        raise _broken(path, f'"{header.name}" is cut short')
    return header


def _copy(file: BinaryIO, header: tarfile.TarInfo, target: Path, path: Path) -> Member:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), header.size
    with target.open("xb") as copy:
        while left and (block := file.read(min(_CHUNK, left))):
            digest.update(block)
            copy.write(block)
            left -= len(block)
        copy.flush()
        os.fsync(copy.fileno())
    padding = -header.size % _BLOCK
    if left or len(file.read(padding)) != padding:
        raise _broken(path, f'"{header.name}" is cut short')
    return Member(header.name, digest.hexdigest(), header.size)


def sync_folder(path: Path) -> None:
    """Let renames in this folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(name: str, what: str) -> str:
    return f"The stored file {name} {what}, so no backup was made. `./stripboard doctor --verify` lists all damage."


def _broken(path: Path, what: str) -> Invalid:
    return Invalid(f'"{path}" is no whole backup: {what}. Nothing was changed. Use another backup.')


def _unavailable(path: Path, error: OSError) -> Unavailable:
    cure = "Free some room." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Check its permissions and the disk."
    return Unavailable(f'"{path}" could not be written: {error.strerror or error}. {cure} Nothing was changed.')
