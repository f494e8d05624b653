"""Copies of stored files at places that people chose: whole or not at all, and nothing else beside them."""

from __future__ import annotations

import errno
import fcntl
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.adapters.storage.media_store import MediaStore, nothing
from pipeline.domain.errors import NotFound, Unavailable
from tests.fakes import Checkpoints, Crashed

WORDS = b"a package " * 1000


def store_with(folder: Path, content: bytes = WORDS, checkpoint: Callable[[str], None] = nothing) -> tuple[MediaStore, str]:
    """A store with a file of this content, and its hash."""
    path = folder / "content"
    path.write_bytes(content)
    store = MediaStore(folder / "media", checkpoint)
    return store, MediaStore(folder / "media").take(path)[0]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_a_crash_has_left_of_a_copy_is_gone_with_the_next_one(tmp_path: Path) -> None:
    target = tmp_path / "out" / "package.zip"
    store, sha256 = store_with(tmp_path, checkpoint=Checkpoints(1))
    with pytest.raises(Crashed):
        store.copy_out(sha256, target)
    assert len(contents(target.parent)) == 1 and not target.exists()
    shorter, other = store_with(tmp_path, b"short")
    shorter.copy_out(other, target)
    assert contents(target.parent) == {"package.zip": b"short"}


def test_two_copies_of_one_target_are_made_one_after_the_other(tmp_path: Path) -> None:
    target = tmp_path / "out" / "package.zip"
    second, other = store_with(tmp_path, b"second" * 100)
    copying = threading.Thread(target=second.copy_out, args=(other, target))
    seen: list[tuple[bool, list[bytes]]] = []

    def meanwhile(name: str) -> None:
        copying.start()
        copying.join(0.2)
        seen.append((copying.is_alive(), list(contents(target.parent).values())))

    first, sha256 = store_with(tmp_path, checkpoint=meanwhile)
    first.copy_out(sha256, target)
    copying.join()
    assert seen == [(True, [WORDS])]
    assert contents(target.parent) == {"package.zip": b"second" * 100}


def test_a_file_system_without_locks_takes_copies_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    store, sha256 = store_with(tmp_path)
    store.copy_out(sha256, tmp_path / "out" / "package.zip")
    assert contents(tmp_path / "out") == {"package.zip": WORDS}


@pytest.mark.parametrize("has_locks", [True, False])
def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_locks: bool) -> None:
    store, sha256 = store_with(tmp_path)

    def full(source: Path, copy: Path) -> None:
        copy.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    if not has_locks:
        monkeypatch.setattr("pipeline.adapters.storage.media_store._has_locked", lambda descriptor: False)
    with pytest.raises(Unavailable, match="No space left on device"):
        store.copy_out(sha256, tmp_path / "out" / "package.zip")
    assert contents(tmp_path / "out") == {}


def test_a_stored_file_that_is_missing_leaves_nothing(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path)
    with pytest.raises(NotFound):
        store.copy_out("0" * 64, tmp_path / "out" / "package.zip")
    assert contents(tmp_path / "out") == {}


def test_a_link_in_the_place_of_an_unfinished_copy_is_not_followed(tmp_path: Path) -> None:
    store, sha256 = store_with(tmp_path)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".package.zip.part").symlink_to(tmp_path / "precious")
    with pytest.raises(Unavailable):
        store.copy_out(sha256, tmp_path / "out" / "package.zip")
    assert (tmp_path / "precious").read_text() == "mine"
