"""What a sealed package holds, read from its own lists without unpacking it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.domain.delivery import CHECKSUMS_NAME, parse_checksum_lines
from pipeline.domain.packages import Entry


def contents(package: Path) -> list[Entry]:
    """The files of a package that this program sealed, with size and checksum, in the order of their names; else none."""
    with zipfile.ZipFile(package) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}
        lists = [name for name in sizes if name.endswith(CHECKSUMS_NAME)]
        if not lists:
            return []
        root = lists[0].removesuffix(CHECKSUMS_NAME)
        hashes = parse_checksum_lines(archive.read(root + CHECKSUMS_NAME).decode("utf-8"))
    return [Entry(name, sizes[root + name], sha256) for name, sha256 in sorted(hashes.items()) if root + name in sizes]
