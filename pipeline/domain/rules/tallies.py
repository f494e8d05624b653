"""Counts over scenes, kept up to date by adding and taking away single ones: of a group, and of what is queued."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.domain.statuses import CellStatus


class Counted(Protocol):
    """What a count looks at of a scene."""

    @property
    def status(self) -> CellStatus:
        """Where it stands."""
        ...

    @property
    def verdict(self) -> str:
        """What QA made of its newest take; empty when it was not measured."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was asked for."""
        ...


_OUT = CellStatus.CANCELLED


@dataclass
class Tally:
    """Counts of one group. Cancelled scenes are out; `measured` scenes have a QA verdict, `passed` of them passed.

    `tried` scenes were asked for `attempts` times together.
    """

    scenes: int = 0
    approved: int = 0
    in_review: int = 0
    failed: int = 0
    rejected: int = 0
    measured: int = 0
    passed: int = 0
    tried: int = 0
    attempts: int = 0

    def add(self, cell: Counted, sign: int) -> None:
        """Count a scene (`sign` 1), or take it out again as it was (−1)."""
        if cell.status is _OUT:
            return
        self.scenes += sign
        self.approved += sign * (cell.status is CellStatus.APPROVED)
        self.in_review += sign * (cell.status is CellStatus.REVIEW)
        self.failed += sign * (cell.status is CellStatus.FAILED)
        self.rejected += sign * (cell.status is CellStatus.REJECTED)
        self.measured += sign * bool(cell.verdict)
        self.passed += sign * (cell.verdict == "pass")
        self.tried += sign * (cell.attempts > 0)
        self.attempts += sign * cell.attempts

    @property
    def open(self) -> int:
        """Scenes that are not approved."""
        return self.scenes - self.approved


class Queueable(Protocol):
    """What the count of what is queued looks at of a scene."""

    @property
    def status(self) -> CellStatus:
        """Where it stands."""
        ...

    @property
    def scene_type(self) -> str:
        """Of which type it is."""
        ...

    @property
    def character(self) -> str | None:
        """Who is in it."""
        ...

    @property
    def variant(self) -> str | None:
        """In which look."""
        ...

    @property
    def location(self) -> str | None:
        """Where."""
        ...


@dataclass
class Queued:
    """The queued scenes of a run by type, and how many of them need which picture: (character, variant), or (None, location)."""

    scenes: Counter[str] = field(default_factory=Counter)
    pictures: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    def add(self, cell: Queueable, sign: int) -> None:
        """Count a scene (`sign` 1), or take it out again as it was (−1)."""
        if cell.status is CellStatus.QUEUED:
            self.scenes[cell.scene_type] += sign
            self.pictures[(cell.character, cell.variant) if cell.character else (None, cell.location)] += sign

    @property
    def needed(self) -> list[tuple[str | None, str | None]]:
        """The pictures that are needed at all, in an order that depends on nothing else."""
        return sorted((one for one, count in self.pictures.items() if count > 0), key=lambda one: (one[0] or "", one[1] or ""))
