"""The folders of a server: input, output and temp, the names in them, and where a new file goes."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

KINDS = ("output", "input", "temp")


@dataclass(frozen=True)
class SavePlace:
    """Where a save node writes: the folder, the first part of the names, the first free counter, the subfolder as shown."""

    folder: Path
    stem: str
    counter: int
    subfolder: str

    def name(self, index: int, suffix: str) -> str:
        """The name of the file `index` places after the first free one."""
        return f"{self.stem}_{self.counter + index:05}_.{suffix}"


class OutsideFolder(Exception):
    """A prefix leads out of the output folder. Shows itself as a plain Exception, as the real server's does."""


OutsideFolder.__module__, OutsideFolder.__qualname__ = "builtins", "Exception"


class Folders:
    """The three folders under a home. They are made when missing."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for kind in KINDS:
            (home / kind).mkdir(parents=True, exist_ok=True)

    def of(self, kind: str) -> Path | None:
        """The folder of a kind; None when there is no such kind."""
        return self.home / kind if kind in KINDS else None

    def wipe_temp(self) -> None:
        """What happens to previews at every start."""
        shutil.rmtree(self.home / "temp", ignore_errors=True)
        (self.home / "temp").mkdir(parents=True, exist_ok=True)

    def input_files(self) -> list[str]:
        """The files that lie directly in the input folder, by name."""
        with os.scandir(self.home / "input") as entries:  # it is asked for with every graph
            return sorted(entry.name for entry in entries if entry.is_file())

    def annotated(self, name: str) -> Path:
        """The file meant by `name`, `folder/name` or `name [output]`, in the input folder when it does not say."""
        kind = "input"
        for candidate in KINDS:
            if name.endswith(f" [{candidate}]"):
                kind, name = candidate, name.removesuffix(f" [{candidate}]")
        return self.home / kind / name

    def save_place(self, prefix: str, kind: str, *, width: int = 0, height: int = 0, says_common: bool = False) -> SavePlace:
        """Where files of this prefix go. Raises OutsideFolder; `says_common` adds the line that older releases print."""
        root = self.home / kind
        prefix = prefix.replace("%width%", str(width)).replace("%height%", str(height))
        subfolder, stem = os.path.split(os.path.normpath(prefix))
        folder = Path(os.path.normpath(root / subfolder))
        if folder != root and root not in folder.parents:
            common = f"\n         commonpath: {os.path.commonpath([root, folder])}" if says_common else ""
            raise OutsideFolder(
                "**** ERROR: Saving image outside the output folder is not allowed."
                f"\n full_output_folder: {folder}\n         output_dir: {root}{common}"
            )
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
        return SavePlace(folder, stem, _next_counter(folder, stem), subfolder)


def _next_counter(folder: Path, stem: str) -> int:
    """One more than the largest counter that a file of this stem has now: a deleted name is given again."""
    pattern = re.compile(re.escape(stem) + r"_(\d+)_?")
    with os.scandir(folder) as entries:
        found = [pattern.match(entry.name) for entry in entries]
    return max((int(match[1]) for match in found if match), default=0) + 1
