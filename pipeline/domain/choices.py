"""What people choose when they start a run or submit cells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.stages import Phase


class Mode(StrEnum):
    """Which of the selected cells are asked for."""

    MISSING = "missing"  # never produced, or cancelled
    FAILED = "failed"  # failed and rejected
    ALL = "all"  # every one that is not under way


@dataclass(frozen=True)
class RunOptions:
    """How a run goes on by itself. `auto_approve` turns every gate automatic and accepts what is only flagged."""

    auto_approve: bool = False
    auto_deliver: bool = True
    until: Phase = Phase.FINALIZE
    priority: int = 0
