"""Where a benchmark runs: a fresh home with the default database, and a production of as many scenes as are asked for."""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data import sqlite
from pipeline import settings, wiring
from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Character, Matrix, Production, SceneType, Variant
from pipeline.domain.records import Actor, Run
from pipeline.domain.statuses import CellStatus
from pipeline.wiring import Studio

SOMEBODY = Actor("user", "bench")
_VARIANTS = 2
_COMMITS_S = 1.0
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602  # FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of linux/fs.h, where a long has 64 bits
_TOP_OF_TREES = 0x00020000  # FS_TOPDIR_FL there, the T of chattr(1)
_LONG = struct.Struct("l")


@contextmanager
def fresh_home() -> Iterator[Path]:
    """A folder on the disk that temporary files go to; removed afterwards.

    ext4 makes a file more slowly in a part of the disk from which many were removed within some minutes, so a benchmark would pay
    for the home of the one before it. The home therefore lies in a folder whose folders ext4 puts into parts of their own.
    """
    with tempfile.TemporaryDirectory(prefix="stripboard-bench-") as folder:
        with suppress(OSError):  # other file systems have no such mark, and need none
            _mark_as_top_of_trees(folder)
        yield Path(tempfile.mkdtemp(prefix="home-", dir=folder))


def _mark_as_top_of_trees(folder: str) -> None:
    """Say that the folders in this one have nothing to do with each other. Raises `OSError` where that cannot be said."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        (flags,) = _LONG.unpack(fcntl.ioctl(handle, _GET_FLAGS, bytes(_LONG.size)))
        fcntl.ioctl(handle, _SET_FLAGS, _LONG.pack(flags | _TOP_OF_TREES))
    finally:
        os.close(handle)


@contextmanager
def studio_at(home: Path) -> Iterator[Studio]:
    """A studio on the default database of this home."""
    studio = wiring.build_studio(settings.load({"STRIPBOARD_HOME": str(home)}))
    try:
        yield studio
    finally:
        studio.close()


def shape(scenes: int) -> tuple[int, int]:
    """Rows and columns of the matrix of so many cells."""
    columns = (8 if scenes < 500 else 50) * _VARIANTS
    return scenes // columns, columns


def production_of(scenes: int, segments: int = 1) -> Production:
    """A matrix of exactly this many cells, every gate automatic, nothing exported."""
    columns = 8 if scenes < 500 else 50
    if scenes % (columns * _VARIANTS):
        raise ValueError(f"{scenes} scenes do not fill whole rows of {columns * _VARIANTS}")
    people = tuple(Character(f"Character {number}") for number in range(1, scenes // (columns * _VARIANTS) + 1))
    shape = {"duration_s": 1, "fps": 8, "width": 64, "height": 36, "segments": segments}
    kinds = tuple(SceneType(f"scene {number}", **shape) for number in range(1, columns + 1))
    looks = tuple(Variant(f"look {number}") for number in range(1, _VARIANTS + 1))
    names = [tuple(entry.name for entry in group) for group in (people, kinds, looks)]
    return Production(
        title=f"Bench of {scenes}",
        characters=people,
        variants=looks,
        scene_types=kinds,
        matrix=Matrix(*names),
        approvals=Approvals("auto", "auto"),
    )


def create(studio: Studio, scenes: int, segments: int = 1) -> Run:
    """A run of so many scenes, nothing submitted yet."""
    options = RunOptions(auto_approve=True, auto_deliver=False)
    return studio.runs.create(production_of(scenes, segments), studio.settings.home, options, SOMEBODY)


def submit(studio: Studio, run: Run) -> None:
    """Ask for all of its scenes."""
    studio.submission.submit(run, Selection(), Mode.ALL, SOMEBODY)


def completions(studio: Studio, run: Run) -> int:
    """How many jobs of the run were completed; every one of its scenes must be approved by now."""
    with studio.stores.read() as store:
        counts = store.cells.counts(run.id)
        jobs = sum(store.jobs.open_stages(run.id).values())
    if set(counts) != {CellStatus.APPROVED}:
        raise RuntimeError(f"the benchmark did not end as it should: {counts}")
    return jobs


def is_open(studio: Studio, run: Run) -> bool:
    """Whether any scene of the run is not approved yet."""
    with studio.stores.read() as store:
        return set(store.cells.counts(run.id)) != {CellStatus.APPROVED}


def commit_times(pause_s: float = 0.0) -> list[float]:
    """Seconds of bare durable commits: one tiny row each, on the same disk, prepared as our database is."""
    with fresh_home() as home:
        path = home / "bare.db"
        connection = sqlite.connect(path, isolation_level=None)
        connection.execute(f"PRAGMA journal_mode={sqlite.journal_mode()}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, value TEXT)")
        times: list[float] = []
        until = time.perf_counter() + _COMMITS_S
        while time.perf_counter() < until:
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO bare (value) VALUES ('x')")
            connection.execute("COMMIT")
            times.append(time.perf_counter() - began)
            time.sleep(pause_s)
        connection.close()
        return times


def commit_rate() -> float:
    """Bare durable commits a second, one right after the other."""
    times = commit_times()
    return len(times) / sum(times)
