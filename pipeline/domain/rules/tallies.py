"""Counts over the scenes of a group, kept up to date by adding and taking away single scenes."""

from __future__ import annotations

from dataclasses import dataclass
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
