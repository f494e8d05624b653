"""What of a run is being made at this moment, scene by scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RunningScene:
    """A scene that somebody works on: segment `part` of `parts` (0 for other stages), how far its take is, 0.0 to 1.0.

    `step` is what the performer does just now, `cost` what the scene has cost until now: 0 where time has no price.
    """

    cell_id: int
    stage: str
    part: int
    parts: int
    share: float
    step: str
    worker: str
    since: datetime
    cost: float


@dataclass(frozen=True)
class Live:
    """All of a run that runs. `by_fleet` tells whether its generation waits for workers of a fleet."""

    now: datetime
    running: tuple[RunningScene, ...]
    by_fleet: bool


def share_of_take(progress: float, part: int, parts: int) -> float:
    """How far a take is when a segment is so far; a stage that has no segments is its own whole."""
    return min(1.0, max(0.0, (part - 1 + progress) / parts if parts else progress))
