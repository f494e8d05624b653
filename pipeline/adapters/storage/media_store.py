"""Files by their SHA-256: written once, durably, never changed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Container, Iterator
from datetime import datetime
from pathlib import Path

from pipeline.adapters import small_files
from pipeline.domain.errors import FileLost, Unavailable, WorkFailed
from pipeline.domain.records import StoredFile

_CHUNK = 1 << 20
_SAYS_MORE = "`./stripboard doctor --verify` says whose it is and what makes it again."


def nothing(name: str) -> None:
    """The default checkpoint: does nothing."""


class MediaStore:
    """A folder of files named by their content. `checkpoint` is called by name at each step that a crash may follow."""

    def __init__(self, root: Path, checkpoint: Callable[[str], None] = nothing) -> None:
        self.root = root
        self._checkpoint = checkpoint

    def path_of(self, sha256: str) -> Path:
        """Where a file of this content lies, whether or not it is there."""
        return Path(self.name_of(sha256))

    def name_of(self, sha256: str) -> str:
        """The same as text, for requests, which are made by the thousand."""
        return f"{self.root}/{sha256[:2]}/{sha256[2:]}"

    def take(self, path: Path) -> tuple[str, int]:
        """Move a finished file in; (sha256, size in bytes).

        Durable when it returns: the bytes are hashed and synced, then renamed, then the folder is synced. The new file takes
        the place of one that is there already: that may have been damaged since. Raises WorkFailed("disk_full") when there is
        no room.
        """
        try:
            sha256, size = _hash_and_sync(path)
            self._checkpoint("media.synced")
            os.utime(path)
            self._rename(path, self.path_of(sha256))
        except OSError as error:
            raise _in_our_words(error, path) from error
        return sha256, size

    def put(self, content: bytes, scratch: Path) -> str:
        """Store what is in memory, by way of a file at `scratch`; its SHA-256. Durable when it returns; raises like `take`.

        A file that is there already and undamaged stays, and is as young as a new one.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path_of(sha256)
        try:
            if _is_kept(target, content):
                small_files.sync(target.parent)  # whoever put it there may not have come so far
                return sha256
            small_files.write(scratch, content, durably=True)
            self._checkpoint("media.synced")
            self._rename(scratch, target)
        except OSError as error:
            raise _in_our_words(error, scratch) from error
        return sha256

    def adopt(self, path: Path, media_type: str) -> StoredFile:
        """Copy a person's file in; the original stays."""
        incoming = self.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        copy = incoming / uuid.uuid4().hex
        try:
            shutil.copyfile(path, copy)
            self._checkpoint("media.copied")
            sha256, size = self.take(copy)
        except OSError as error:
            raise Unavailable(f'"{path}" could not be copied into the media store: {error.strerror}.') from error
        except WorkFailed as error:
            raise Unavailable(str(error)) from error
        finally:
            copy.unlink(missing_ok=True)
        return StoredFile(sha256, size, media_type)

    def stored(self, sha256: str) -> Path:
        """Where a stored file lies; raises FileLost when it is not there."""
        path = self.path_of(sha256)
        if not path.is_file():
            raise FileLost(f"The stored file {sha256} is missing. {_SAYS_MORE}")
        return path

    def copy_out(self, sha256: str, target: Path) -> None:
        """Place a copy at `target`, whole or not at all; one that is there stays.

        What a copy that died has left beside it goes into this one. Another process that makes the same copy goes first. Raises
        Unavailable when it cannot be written there, FileLost when the stored file is gone or damaged.
        """
        if self.holds(target, sha256):
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _unfinished(target) as temporary:
                shutil.copyfile(self.stored(sha256), temporary)
                if _hash_of(temporary) != sha256:
                    self.set_aside(sha256)
                    raise FileLost(f"The stored file {sha256} is damaged. {_SAYS_MORE}")
                small_files.sync(temporary)
                self._checkpoint("media.copied_out")
                temporary.replace(target)
        except OSError as error:
            raise Unavailable(f'"{target}" could not be written: {error.strerror}. {_cure(error, target)}') from error

    def take_away(self, sha256: str, target: Path) -> bool:
        """Remove a copy that was placed at `target`, if its content is still that; the answer is whether it was.

        Raises Unavailable when it cannot be removed.
        """
        if not self.holds(target, sha256):
            return False
        try:
            target.unlink()
        except OSError as error:
            raise Unavailable(f'"{target}" could not be removed: {error.strerror}. Remove it by hand.') from error
        return True

    def holds(self, target: Path, sha256: str) -> bool:
        """Whether a file of this content lies there, as far as can be seen. Links are not followed.

        It is read only when its length is that of the stored file.
        """
        try:
            found = target.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size != self.path_of(sha256).stat().st_size:
                return False
            return _hash_of(target) == sha256
        except OSError:
            return False

    def set_aside(self, sha256: str) -> bool:
        """Read a stored file; the answer is whether it is there and damaged.

        One that is damaged is given another name, so that nothing takes it for good. The broom removes it later.
        """
        path = self.path_of(sha256)
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                    return False
                with contextlib.suppress(OSError):
                    if _is_at(path, file.fileno()):  # nobody has stored it again meanwhile
                        path.replace(path.with_name(f"{path.name}.damaged"))
        except OSError:
            return False
        return True

    def keeps(self, sha256: str, size_bytes: int) -> bool:
        """Whether a file of this name and length is there; its content is not read."""
        try:
            found = self.path_of(sha256).stat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size_bytes

    def check(self, sha256: str, size_bytes: int) -> str:
        """What is wrong with a stored file; empty when it is there with the right length and content."""
        path = self.path_of(sha256)
        if not path.is_file():
            return f"file {sha256} is missing"
        if path.stat().st_size != size_bytes:
            return f"file {sha256} has {path.stat().st_size} bytes instead of {size_bytes}"
        found = _hash_of(path)
        return "" if found == sha256 else f"file {sha256} has the content of {found}"

    def files(self) -> Iterator[Path]:
        """Every file of the store, unfinished imports too."""
        for folder in sorted(self.root.glob("*")):
            if folder.is_dir():
                yield from sorted(path for path in folder.iterdir() if path.is_file())

    def orphans(self, wanted: Container[str], older_than: datetime) -> list[Path]:
        """Files that nobody points to, last written before `older_than`."""
        limit = older_than.timestamp()
        return [path for path in self.files() if path.parent.name + path.name not in wanted and path.stat().st_mtime < limit]

    def remove_orphans(self, wanted: Container[str], older_than: datetime) -> int:
        """Remove the orphans; the answer is how many there were."""
        found = self.orphans(wanted, older_than)
        for path in found:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < older_than.timestamp():  # nobody has stored it again since
                    path.unlink()
        return len(found)

    def _rename(self, path: Path, target: Path) -> None:
        """Its age must be that of a new file: the broom goes by age, and may have seen one of this content as old."""
        self._checkpoint("media.rename")
        try:
            path.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            small_files.sync(self.root)
            path.replace(target)
        self._checkpoint("media.renamed")
        small_files.sync(target.parent)
        self._checkpoint("media.placed")


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """The one name for what is to become `target`, ours alone meanwhile. Nothing of it is left after an error.

    Where the file system has no locks it is a name that nobody else can have.
    """
    name = target.with_name(f".{target.name}.part")
    while True:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            is_alone = _has_locked(descriptor)
            if is_alone and not _is_at(name, descriptor):
                continue  # the one we waited for has finished with it
            if not is_alone:
                name.unlink(missing_ok=True)
                name = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
            yield name
            return
        except Exception:
            name.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def _has_locked(descriptor: int) -> bool:
    """Wait until nobody else holds the file; False where nobody can."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_kept(target: Path, content: bytes) -> bool:
    """Whether a file of this content lies there; its age is then that of a new one."""
    try:
        os.utime(target)
        return small_files.head(target, len(content) + 1) == content
    except OSError:
        return False


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_and_sync(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with small_files.opened(path, os.O_RDONLY) as descriptor:
        while block := os.read(descriptor, _CHUNK):
            digest.update(block)
            size += len(block)
        os.fsync(descriptor)
    return digest.hexdigest(), size


def _cure(error: OSError, target: Path) -> str:
    """What helps when a file could not be written there."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some room or choose another folder."
    if target.is_dir():
        return "It is a folder where a file is wanted: move it away or choose another folder."
    in_the_way = next((parent for parent in target.parents if parent.exists() and not parent.is_dir()), None)
    if in_the_way is not None:
        return f'"{in_the_way}" is a file where a folder is wanted: move it away or choose another folder.'
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Allow writing there or choose another folder."
    return "Check the disk or choose another folder."


def _in_our_words(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkFailed(
            "disk_full", f'There is no room on the disk for "{path.name}". Free some; the run then goes on by itself.'
        )
    return WorkFailed("backend_error", f'"{path.name}" could not be stored: {error.strerror or error}.')
