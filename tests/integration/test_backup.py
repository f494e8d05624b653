"""Backups: what comes out is what went in, on any database, at any moment; and nothing hostile or broken gets in."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from data import portable
from data.schema import NEWEST
from pipeline.domain.errors import Conflict, Invalid, NotFound, Unavailable
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from pipeline.wiring_backups import restore_backup, write_backup
from tests.backups import all_rows, edited, home_in, make_backup, restored, url_in
from tests.databases import empty_schema
from tests.factories import House, make_production

BLOCK = tarfile.BLOCKSIZE


@pytest.fixture
def second_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """Another empty database of the same kind."""
    if database_url.startswith("sqlite"):
        yield url_in(tmp_path / "there")
    else:
        with empty_schema(request.getfixturevalue("postgresql_server")) as url:
            yield url


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a small finished run in SQLite."""
    return make_backup(tmp_path)


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What comes out ---------------------------------------------------------------------------------------------------


def test_a_restored_backup_holds_every_row_and_every_file(house: House, second_url: str, tmp_path: Path) -> None:
    run = house.start(make_production(outputs=1))
    house.work()
    told = write_backup(house.studio, tmp_path / "saved.backup")
    there = restored(tmp_path / "there", second_url, tmp_path / "saved.backup", house)
    assert all_rows(there) == all_rows(house)
    assert files_below(there.studio.settings.media_root) == files_below(house.studio.settings.media_root)
    assert (told.runs, told.rows) == (1, sum(len(rows) for rows in all_rows(house).values()))
    assert there.run(run).status is RunStatus.COMPLETED
    there.check()
    there.close()


def test_a_restored_installation_goes_on_working(house: House, second_url: str, tmp_path: Path) -> None:
    house.start(make_production(characters=1))
    house.work()
    write_backup(house.studio, tmp_path / "saved.backup")
    there = restored(tmp_path / "there", second_url, tmp_path / "saved.backup", house)
    run = there.start(make_production(characters=1, seed=1))
    there.work()
    assert there.run(run).status is RunStatus.COMPLETED
    there.check()
    there.close()


def test_what_was_running_at_the_backup_is_taken_over_by_the_next_engine(house: House, second_url: str, tmp_path: Path) -> None:
    run = house.start(make_production())
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    assert house.open_jobs(run)[JobStatus.RUNNING] > 0
    write_backup(house.studio, tmp_path / "saved.backup")
    house.backend.release()
    house.work()
    there = restored(tmp_path / "there", second_url, tmp_path / "saved.backup", house)
    assert there.open_jobs(run)[JobStatus.RUNNING] > 0
    there.work()
    assert there.statuses(run) == house.statuses(run) == {CellStatus.APPROVED: 8}
    there.check()
    there.close()


def test_backups_made_while_an_engine_works_are_whole(house: House, second_url: str, tmp_path: Path) -> None:
    run = house.start(make_production(characters=3, scene_types=4))
    made: list[Path] = []
    is_over = threading.Event()

    def keep_making() -> None:
        while not is_over.is_set() and len(made) < 20:
            path = tmp_path / f"{len(made)}.backup"
            write_backup(house.studio, path)
            made.append(path)

    thread = threading.Thread(target=keep_making)
    thread.start()
    house.work()
    is_over.set()
    thread.join()
    assert made
    there = restored(tmp_path / "there", second_url, made[len(made) // 2], house)
    there.check()
    there.work()
    assert there.statuses(run) == {CellStatus.APPROVED: 24}
    there.check()
    there.close()


def test_an_sqlite_installation_moves_to_postgresql_and_back(tmp_path: Path, postgresql_url: str) -> None:
    house = House(tmp_path, url_in(tmp_path))
    house.start(make_production(characters=1))
    house.work()
    write_backup(house.studio, tmp_path / "saved.backup")
    server = restored(tmp_path / "server", postgresql_url, tmp_path / "saved.backup", house)
    assert all_rows(server) == all_rows(house)
    run = server.start(make_production(characters=1, title="Another"))
    server.work()
    assert server.run(run).status is RunStatus.COMPLETED
    server.check()
    write_backup(server.studio, tmp_path / "server.backup")
    back = restored(tmp_path / "back", url_in(tmp_path / "back"), tmp_path / "server.backup", house)
    assert all_rows(back) == all_rows(server)
    back.check()
    for each in (house, server, back):
        each.close()


def test_any_tar_program_can_list_a_backup(backup: Path) -> None:
    with tarfile.open(backup, "r:") as archive:
        names = archive.getnames()
    assert names[0] == "manifest.json"
    assert sum(name.startswith("tables/") for name in names) == len(portable.TABLES)


# When not to ------------------------------------------------------------------------------------------------------


def test_a_home_that_is_not_empty_is_left_alone(house: House, tmp_path: Path) -> None:
    house.start(make_production(characters=1))
    house.work()
    write_backup(house.studio, tmp_path / "saved.backup")
    house.die()
    before = all_rows(house)
    with pytest.raises(Conflict, match="is not empty"):
        restore_backup(house.studio.settings, tmp_path / "saved.backup")
    assert all_rows(house) == before


def test_force_moves_what_was_there_aside(house: House, tmp_path: Path) -> None:
    run = house.start(make_production(characters=1))
    write_backup(house.studio, tmp_path / "saved.backup")
    house.work()
    media = files_below(house.studio.settings.media_root)
    house.die()
    told = restore_backup(house.studio.settings, tmp_path / "saved.backup", force=True)
    assert house.statuses(run) == {CellStatus.QUEUED: 4}
    [kept] = house.studio.settings.home.glob("before-restore-*/media")
    assert files_below(kept) == media
    assert told.aside
    again = House(house.folder, house.url, clock=house.clock)
    again.work()
    assert again.statuses(run) == {CellStatus.APPROVED: 4}
    again.check()
    again.close()


def test_nothing_is_restored_under_a_working_engine(house: House, tmp_path: Path) -> None:
    house.start(make_production(characters=1))
    house.work()
    write_backup(house.studio, tmp_path / "saved.backup")
    with pytest.raises(Conflict, match="engine is working"):
        restore_backup(house.studio.settings, tmp_path / "saved.backup", force=True)


def test_a_backup_does_not_overwrite_a_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "saved.backup").write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        write_backup(house.studio, tmp_path / "saved.backup")
    assert (tmp_path / "saved.backup").read_text() == "precious"


def test_what_a_killed_backup_has_left_is_removed_and_what_a_living_one_needs_is_not(house: House, tmp_path: Path) -> None:
    for name in ("dead", "alive"):
        (tmp_path / f".backup-{name}").mkdir()
        (tmp_path / f".backup-{name}" / "archive").write_bytes(b"half")
        (tmp_path / f".backup-{name}" / "lock").touch()
    with FileLock(tmp_path / ".backup-alive" / "lock"):
        write_backup(house.studio, tmp_path / "saved.backup")
    assert [path.name for path in tmp_path.glob(".backup-*")] == [".backup-alive"]


def test_what_a_killed_restore_has_left_is_removed(backup: Path, tmp_path: Path) -> None:
    there = home_in(tmp_path / "there")
    (there.home / ".restore-dead" / "media").mkdir(parents=True)
    (there.home / ".restore-dead.db-wal").write_bytes(b"half")
    restore_backup(there, backup)
    assert not list(there.home.glob(".restore-*"))


def test_two_restores_do_not_meet(backup: Path, tmp_path: Path) -> None:
    there = home_in(tmp_path / "there")
    there.locks_root.mkdir(parents=True)
    with FileLock(there.locks_root / "restore.lock"), pytest.raises(Conflict, match="Another restore"):
        restore_backup(there, backup)


def test_damaged_media_are_not_backed_up_as_if_they_were_whole(tmp_path: Path) -> None:
    house = House(tmp_path, url_in(tmp_path))
    house.start(make_production(characters=1))
    house.work()
    victim = next(house.studio.media.files())
    victim.write_bytes(b"x" * victim.stat().st_size)
    with pytest.raises(Conflict, match="another content"):
        write_backup(house.studio, tmp_path / "saved.backup")
    victim.unlink()
    with pytest.raises(Conflict, match="is missing"):
        write_backup(house.studio, tmp_path / "saved.backup")
    assert not list(tmp_path.glob("*.backup")) and not list(tmp_path.glob(".*"))
    house.close()


def test_a_missing_backup_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.backup"):
        restore_backup(home_in(tmp_path / "there"), tmp_path / "none.backup")


# Broken and hostile archives --------------------------------------------------------------------------------------


def refuse(path: Path, folder: Path) -> str:
    """Restoring this fails, leaves nothing behind, and says why."""
    folder.mkdir(exist_ok=True)
    with pytest.raises(Invalid) as caught:
        restore_backup(home_in(folder), path)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    return str(caught.value)


def test_a_backup_that_was_cut_short_is_refused(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    cut = tmp_path / "cut.backup"
    ends = [0, 1, BLOCK - 1, BLOCK, len(whole) // 3, len(whole) // 2, len(whole) - 3 * BLOCK, len(whole) - 2 * BLOCK]
    for end in ends:
        cut.write_bytes(whole[:end])
        assert "cut short" in refuse(cut, tmp_path / "there")


def test_a_backup_with_one_changed_byte_is_refused(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    changed = tmp_path / "changed.backup"
    with tarfile.open(backup, "r:") as archive:
        places = [(entry.name, entry.offset_data + entry.size // 2) for entry in archive if entry.size]
    for name, place in places:
        changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if name != "manifest.json":
            refuse(changed, tmp_path / "there")


def hostile(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """An entry that no backup holds."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        hostile("../outside"),
        hostile("/tmp/outside"),
        hostile("media/../../outside"),
        hostile("media/" + "g" * 64),
        hostile("media/" + "A" * 64),
        hostile("tables/../x.jsonl"),
        hostile("manifest.json\n"),
        hostile("media/" + "a" * 64, tarfile.SYMTYPE, "/etc/passwd"),
        hostile("media/" + "a" * 64, tarfile.LNKTYPE, "manifest.json"),
        hostile("media/" + "a" * 64, tarfile.CHRTYPE),
        hostile("media/" + "a" * 64, tarfile.FIFOTYPE),
        hostile("media", tarfile.DIRTYPE),
        hostile("media/" + "a" * 64, tarfile.GNUTYPE_SPARSE),
        hostile("x" * 200),
    ],
    ids=lambda entry: f"{entry.type!r} {entry.name[:20]!r}",
)
def test_an_entry_that_no_backup_holds_is_refused(backup: Path, tmp_path: Path, entry: tarfile.TarInfo) -> None:
    added = [entry]

    def change(each: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [(each, data), *((other, b"") for other in [added.pop()] if True)] if added else [(each, data)]

    assert "which no backup holds" in refuse(edited(backup, change), tmp_path / "there")


def test_an_entry_that_comes_twice_is_refused(backup: Path, tmp_path: Path) -> None:
    assert "twice" in refuse(edited(backup, lambda entry, data: [(entry, data)] * 2), tmp_path / "there")


def test_missing_files_and_tables_are_noticed(backup: Path, tmp_path: Path) -> None:
    no_media = edited(backup, lambda entry, data: [] if entry.name.startswith("media/") else [(entry, data)])
    assert "media files are missing" in refuse(no_media, tmp_path / "there")
    no_jobs = edited(backup, lambda entry, data: [] if entry.name == "tables/jobs.jsonl" else [(entry, data)])
    assert "tables are missing" in refuse(no_jobs, tmp_path / "there")


def test_a_size_beyond_the_end_of_the_archive_is_refused(backup: Path, tmp_path: Path) -> None:
    lie = hostile("manifest.json")
    lie.size = 1 << 50
    path = tmp_path / "lie.backup"
    path.write_bytes(lie.tobuf(tarfile.GNU_FORMAT) + b"{}")
    assert "cut short" in refuse(path, tmp_path / "there")


def test_a_backup_of_another_version_says_so(backup: Path, tmp_path: Path) -> None:
    def change(entry: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if entry.name == "manifest.json":
            data = data.replace(f'"schema": "{NEWEST}"'.encode(), b'"schema": "9999"')
            entry.size = len(data)
        return [(entry, data)]

    assert "another version" in refuse(edited(backup, change), tmp_path / "there")


def test_no_room_for_the_restored_files_changes_nothing(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.adapters.storage.backup_file.os.fsync", full_disk)
    with pytest.raises(Unavailable, match="Free some room"):
        restore_backup(home_in(tmp_path / "there"), backup)
    assert not files_below(tmp_path / "there")


def full_disk(descriptor: int) -> None:
    """The disk has no room."""
    raise OSError(28, "No space left on device")
