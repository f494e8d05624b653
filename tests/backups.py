"""Makes backups, changes them, and restores them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data import portable
from pipeline import settings
from pipeline.settings import Settings
from pipeline.wiring_backups import restore_backup, write_backup
from tests.factories import House, make_production


def url_in(folder: Path) -> str:
    """The SQLite database of the home in this folder."""
    return f"sqlite:///{folder / 'home' / 'stripboard.db'}"


def make_backup(folder: Path) -> Path:
    """Run a small production here and back it up."""
    house = House(folder, url_in(folder))
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    write_backup(house.studio, folder / "saved.backup")
    house.close()
    return folder / "saved.backup"


def home_in(folder: Path, url: str | None = None) -> Settings:
    """The settings of a home in this folder."""
    return settings.load({"STRIPBOARD_HOME": str(folder / "home"), "DATABASE_URL": url or url_in(folder)})


def all_rows(house: House) -> dict[str, list[list[Any]]]:
    """Every row of every table."""
    with house.studio.stores.read() as store:
        return {table: list(portable.rows(store, table)) for table in portable.TABLES}


def restored(folder: Path, url: str, backup: Path, like: House) -> House:
    """A house over the restored backup."""
    folder.mkdir(exist_ok=True)
    restore_backup(home_in(folder, url), backup)
    return House(folder, url, clock=like.clock)


def edited(backup: Path, change: Callable[[tarfile.TarInfo, bytes], list[tuple[tarfile.TarInfo, bytes]]]) -> Path:
    """A copy of the backup with each entry replaced by what `change` makes of it."""
    path = backup.with_name("edited.backup")
    with tarfile.open(backup, "r:") as source, tarfile.open(path, "w:", format=tarfile.GNU_FORMAT) as target:
        for entry in source:
            content = source.extractfile(entry)
            assert content is not None
            for other, data in change(entry, content.read()):
                target.addfile(other, io.BytesIO(data))
    return path
