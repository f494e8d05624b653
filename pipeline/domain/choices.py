"""What people choose when they start a run or submit cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.estimates import Estimate
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus


@dataclass(frozen=True)
class Preview:
    """What a submission would do: the cells it would accept, why it would skip each other one, and the estimate.

    `refusal` is why it would be refused as a whole; empty when it would not. `cost` is what the generation time costs at the
    cheapest worker; 0 where time has no price.
    """

    accepted: tuple[str, ...]
    skipped: Mapping[str, str]
    estimate: Estimate
    refusal: str
    cost: float = 0.0


class Mode(StrEnum):
    """Which of the selected cells are asked for."""

    MISSING = "missing"  # never produced, or cancelled
    FAILED = "failed"  # failed and rejected
    ALL = "all"  # every one that is not under way


MODE_STATUSES: Mapping[Mode, frozenset[CellStatus]] = {
    Mode.MISSING: frozenset({CellStatus.NOT_STARTED, CellStatus.CANCELLED}),
    Mode.FAILED: frozenset({CellStatus.FAILED, CellStatus.REJECTED}),
    Mode.ALL: frozenset(CellStatus) - {CellStatus.QUEUED, CellStatus.GENERATING},
}
"""The statuses that a mode takes up; cells in others are left as they are."""


@dataclass(frozen=True)
class RunOptions:
    """How a run goes on by itself. `auto_approve` turns every gate automatic and accepts what is only flagged."""

    auto_approve: bool = False
    auto_deliver: bool = True
    until: Phase = Phase.FINALIZE
    priority: int = 0
