"""Compares what a real server said with what a double says, name by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FILE = re.compile(r"[\w.-]+_\d{5}_\.\w+")
TIMES = {"timestamp", "create_time", "execution_start_time", "execution_end_time"}
TEXTS = {"tooltip", "description", "search_aliases", "output_tooltips"}
UNORDERED = {"executed", "current_outputs"}


class Mismatch(AssertionError):
    """The double answered otherwise than the real server."""


@dataclass
class Pairs:
    """Names of the recording and of the double that stand for the same thing."""

    folder: Path
    real: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)

    def pair(self, recorded: str, real: str, where: str) -> None:
        """Both name the same thing from now on, and nothing else."""
        if self.real.setdefault(recorded, real) != real or self.recorded.setdefault(real, recorded) != recorded:
            raise Mismatch(f"{where}: {recorded!r} was {self.real[recorded]!r} before, now {real!r}")

    def translated(self, text: str) -> str:
        """A text of the recording as the double must get it."""
        for pattern in (UUID, FILE):
            text = pattern.sub(lambda match: self.real.get(match[0], match[0]), text)
        return text

    def compare(self, recorded: Any, real: Any, where: str) -> None:
        """Raise Mismatch where the two say different things."""
        if isinstance(recorded, dict) and isinstance(real, dict):
            self._dicts(recorded, real, where)
        elif isinstance(recorded, list) and isinstance(real, list):
            if len(recorded) != len(real):
                raise Mismatch(f"{where}: {len(recorded)} entries recorded, {len(real)} now: {recorded!r:.300} / {real!r:.300}")
            for index, (one, other) in enumerate(zip(recorded, real, strict=True)):
                self.compare(one, other, f"{where}[{index}]")
        elif isinstance(recorded, str) and isinstance(real, str):
            self._texts(recorded, real, where)
        elif type(recorded) is not type(real) or recorded != real:
            raise Mismatch(f"{where}: recorded {recorded!r:.300}, now {real!r:.300}")

    def _dicts(self, recorded: dict[str, Any], real: dict[str, Any], where: str) -> None:
        recorded = {self._key(key): value for key, value in recorded.items() if key not in TEXTS}
        real = {key: value for key, value in real.items() if key not in TEXTS}
        if list(recorded) != list(real) and set(recorded) != set(real):
            raise Mismatch(f"{where}: keys {list(recorded)} recorded, {list(real)} now")
        for key, value in recorded.items():
            here = f"{where}.{key}"
            if key in TIMES:
                if not isinstance(real[key], int):
                    raise Mismatch(f"{here}: {real[key]!r} is no time")
            elif key == "traceback":
                if not all(isinstance(line, str) for line in real[key]) or not real[key]:
                    raise Mismatch(f"{here}: no traceback")
            elif key == "current_inputs" or key in UNORDERED:
                self.compare(sorted(value), sorted(real[key]), here)
            elif key == "prompt" and isinstance(value, list):
                self.compare([*value[:4], sorted(value[4])], [*real[key][:4], sorted(real[key][4])], here)
            else:
                self.compare(value, real[key], here)

    def _key(self, key: str) -> str:
        return self.real.get(key, key)

    def _texts(self, recorded: str, real: str, where: str) -> None:
        real = real.replace(str(self.folder), "/comfyui").replace(str(self.folder.parent), "/base")
        if recorded == real:
            return
        is_made = any(
            pattern.fullmatch(recorded) and pattern.fullmatch(real) for pattern in (UUID, FILE, re.compile("[0-9a-f]{32}"))
        )
        if not is_made:
            raise Mismatch(f"{where}: recorded {recorded!r:.300}, now {real!r:.300}")
        stems = [re.sub(r"_\d{5}_", "_", re.sub(r"(temp)_[a-z]{5}", r"\1", name)) for name in (recorded, real)]
        if FILE.fullmatch(recorded) and stems[0] != stems[1]:
            raise Mismatch(f"{where}: recorded {recorded!r}, now {real!r}")
        self.pair(recorded, real, where)


def same_shape(recorded: Any, real: Any, where: str) -> None:
    """Raise Mismatch where the two have other keys or kinds."""
    if isinstance(recorded, dict) and isinstance(real, dict):
        if list(recorded) != list(real):
            raise Mismatch(f"{where}: keys {list(recorded)} recorded, {list(real)} now")
        for key, value in recorded.items():
            same_shape(value, real[key], f"{where}.{key}")
    elif type(recorded) is not type(real):
        raise Mismatch(f"{where}: {type(recorded).__name__} recorded, {type(real).__name__} now")
