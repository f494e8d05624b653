"""What is in memory is stored once: a file of the same content is left where it lies, and a damaged one is replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.adapters.storage.media_store import MediaStore

CONTENT = b"the pixels of a frame"


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def put(store: MediaStore, folder: Path) -> Path:
    return store.path_of(store.put(CONTENT, folder / "frame.part"))


def test_what_is_there_already_is_not_written_again_and_counts_as_new(store: MediaStore, tmp_path: Path) -> None:
    stored = put(store, tmp_path)
    number = stored.stat().st_ino
    os.utime(stored, (0, 0))
    assert put(store, tmp_path) == stored
    assert stored.stat().st_ino == number and stored.stat().st_mtime > 0
    assert not (tmp_path / "frame.part").exists()


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT + b"!", CONTENT.upper()], ids=["empty", "cut", "longer", "other"])
def test_a_damaged_file_is_replaced(store: MediaStore, tmp_path: Path, damaged: bytes) -> None:
    stored = put(store, tmp_path)
    stored.write_bytes(damaged)
    assert put(store, tmp_path).read_bytes() == CONTENT


def test_what_has_been_set_aside_is_stored_anew(store: MediaStore, tmp_path: Path) -> None:
    stored = put(store, tmp_path)
    stored.write_bytes(CONTENT.upper())
    assert store.set_aside(stored.parent.name + stored.name)
    assert put(store, tmp_path).read_bytes() == CONTENT
