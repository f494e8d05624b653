"""Deliveries as people look at them: what keeps one from being made, what is in it, what has changed since the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.records import Delivery, Run


@dataclass(frozen=True)
class Gap:
    """Scenes in one status that keep a run from being delivered; `examples` are the first ones as (cell id, key)."""

    status: str
    count: int
    examples: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Readiness:
    """What keeps a run from being delivered: scenes, variant images or plates that wait for people, unfinished exports."""

    gaps: tuple[Gap, ...]
    stills: tuple[str, ...]
    exports: int
    failed_exports: int


@dataclass(frozen=True)
class Made:
    """A delivery with its run and who asked for it."""

    run: Run
    delivery: Delivery
    by: str


@dataclass(frozen=True)
class Entry:
    """One file of a package."""

    name: str
    size_bytes: int
    sha256: str

    @property
    def folder(self) -> str:
        """The folder it is shown under: two levels at most, empty at the top."""
        return "/".join(self.name.split("/")[:-1][:2])


@dataclass(frozen=True)
class Difference:
    """What a delivery holds against the one before; `changed` are (key, take before, take now)."""

    same: int
    changed: tuple[tuple[str, int, int], ...]
    added: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """A sealed delivery, looked into."""

    made: Made
    name: str
    scenes: int
    entries: tuple[Entry, ...]
    before: Delivery | None
    difference: Difference | None


def difference(before: Mapping[str, int], now: Mapping[str, int]) -> Difference:
    """The takes of two deliveries against each other, by key."""
    return Difference(
        same=sum(now.get(key) == take for key, take in before.items()),
        changed=tuple((key, before[key], take) for key, take in now.items() if key in before and before[key] != take),
        added=tuple(key for key in now if key not in before),
        gone=tuple(key for key in before if key not in now),
    )
