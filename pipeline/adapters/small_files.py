"""Small files in as few calls to the system as they need.

Each call lets go of the interpreter, and a busy engine pays more for getting it back than for the call. What `open` asks of a
file before its first byte is as much again as reading or writing it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def opened(path: str | Path, flags: int) -> Iterator[int]:
    """A descriptor of the file, closed at the end of the block. Raises OSError."""
    descriptor = os.open(path, flags, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it: one call may take in a part only, for instance the last one that there is room for. Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def write(path: str | Path, content: bytes, *, durably: bool = False) -> None:
    """Write a file, or write it anew. `durably`: its content is on the disk when this returns. Raises OSError."""
    with opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as descriptor:
        write_all(descriptor, content)
        if durably:
            os.fsync(descriptor)


def overwrite(path: str | Path, content: bytes, *, durably: bool = False) -> None:
    """Write a file over what it holds, where it lies on the disk; a crash may leave part of each. Raises OSError."""
    with opened(path, os.O_WRONLY | os.O_CREAT) as descriptor:
        write_all(descriptor, content)
        os.ftruncate(descriptor, len(content))
        if durably:
            os.fsync(descriptor)


def size_of(path: str | Path) -> int | None:
    """The length of a plain file in bytes; None for anything else, and for what is not there."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def head(path: str | Path, length: int) -> bytes:
    """The first bytes of a file, at most so many. Raises OSError."""
    with opened(path, os.O_RDONLY) as descriptor:
        return os.read(descriptor, length)


def sync(path: str | Path) -> None:
    """Put a file's content, or the names in a folder, on the disk. Raises OSError."""
    with opened(path, os.O_RDONLY) as descriptor:
        os.fsync(descriptor)


def clear_folder(folder: str | Path, but: Container[str] = ()) -> None:
    """Remove the files in a folder, but for these names. Raises OSError: for a link too, and where a folder lies in it."""
    with opened(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as descriptor:
        for name in os.listdir(descriptor):  # noqa: PTH208 - pathlib knows no descriptors
            if name not in but:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=descriptor)


def remove_folder(folder: str | Path) -> bool:
    """Remove a folder that holds nothing but files; whether it is gone. One that is not there is gone, a link to one stays."""
    try:
        clear_folder(folder)
        Path(folder).rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
