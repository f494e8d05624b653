"""The ZIP itself: written repeatably, and opened with suspicion."""

from __future__ import annotations

import itertools
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.adapters.media.failures import library_errors
from pipeline.domain.naming import collision_key, is_safe_path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time ZIP can say; the real one is in the manifest's seal
CHUNK = 1 << 20
COMPRESSED = (".json", ".html", ".otio", ".mhl", ".xml", ".txt")  # media do not get smaller, text does

MAX_MEMBERS = 200_000
MAX_RATIO = 200
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 16 * 1024**4


@dataclass(frozen=True)
class Opened:
    """An archive's members that are safe to read, by name, and what is wrong with it."""

    members: dict[str, zipfile.ZipInfo]
    problems: tuple[str, ...]


def write_zip(root: Path, target: Path, *, report: Callable[[int, int], None]) -> None:
    """Pack every file below `root`, sorted by name, with fixed dates and modes: equal trees give equal archives.

    Media are stored as they are, documents deflated. `report` gets (files done, files in all). The file is fsynced.
    """
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    with library_errors("backend_error", "The package cannot be written"):
        with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
            for number, name in enumerate(names):
                report(number, len(names))
                _add(archive, root / name, name)
        with target.open("rb+") as file:
            os.fsync(file.fileno())


def screen(archive: zipfile.ZipFile) -> Opened:
    """Look at an archive's directory, reading no member: names, kinds, sizes, ratios, overlaps."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        return Opened({}, (f"has {len(entries)} members; at most {MAX_MEMBERS} are accepted",))
    problems = [f'"{_shown(entry)}" {problem}' for entry in entries for problem in _problems(entry)]
    members: dict[str, zipfile.ZipInfo] = {}
    keys: dict[str, str] = {}
    for entry in entries:
        key = collision_key(entry.filename.rstrip("/"))
        if key in keys:
            problems.append(f'"{_shown(entry)}" is there twice (also as "{keys[key]}")')
        keys[key] = _shown(entry)
        if not entry.is_dir():
            members[entry.filename] = entry
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        problems.append("unpacks to more than 16 TiB")
    problems += _overlaps(entries)
    return Opened(members if not problems else {}, tuple(problems))


def read_chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's bytes, never more than its directory entry says. Raises zipfile.BadZipFile, OSError or zlib.error."""
    left = entry.file_size
    with archive.open(entry) as member:
        while data := member.read(CHUNK):
            left -= len(data)
            if left < 0:
                raise zipfile.BadZipFile("longer than its directory entry says")
            yield data
    if left:
        raise zipfile.BadZipFile("shorter than its directory entry says")


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # Unix, on every system, so that the mode below counts
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(COMPRESSED) else zipfile.ZIP_STORED
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as member:
        while data := source.read(CHUNK):
            member.write(data)


def _problems(entry: zipfile.ZipInfo) -> list[str]:
    problems = []
    name = entry.filename.rstrip("/") if entry.is_dir() else entry.filename
    if not is_safe_path(name) or entry.orig_filename != entry.filename:
        problems.append("is not a safe relative name")
    mode = entry.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        problems.append("is a link or a device, not a file")
    if entry.flag_bits & 0x1:
        problems.append("is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problems.append("is compressed by a method that is not accepted")
    if entry.file_size > CHUNK and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        problems.append(f"unpacks to more than {MAX_RATIO} times its size")
    if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
        problems.append("is stored but has two sizes")
    return problems


def _overlaps(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Members that share bytes: the trick of the bombs that look small to every ratio test."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    return [
        f'"{_shown(one)}" and "{_shown(other)}" overlap'
        for one, other in itertools.pairwise(ordered)
        if one.header_offset + 30 + _name_bytes(one) + one.compress_size > other.header_offset
    ]


def _name_bytes(entry: zipfile.ZipInfo) -> int:
    is_utf8 = entry.flag_bits & 0x800
    return len(entry.orig_filename.encode("utf-8" if is_utf8 else "cp437", "replace"))


def _shown(entry: zipfile.ZipInfo) -> str:
    return entry.filename[:120].encode("ascii", "backslashreplace").decode()
