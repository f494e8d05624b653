"""Whether a run will be done when it is due, as far as its forecast tells."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class Lateness(StrEnum):
    """How a run stands to its deadline when it is not in time."""

    AT_RISK = "may be late"
    LATE = "late"


def lateness(
    due_at: datetime | None, *, likely_at: datetime | None, latest_at: datetime | None, now: datetime
) -> Lateness | None:
    """Late when the deadline has passed or the likely end is after it; at risk when only the latest end is. None else.

    Where the end cannot be told nothing says that it will be late, until it is.
    """
    if due_at is None:
        return None
    if now > due_at or (likely_at is not None and likely_at > due_at):
        return Lateness.LATE
    return Lateness.AT_RISK if latest_at is not None and latest_at > due_at else None
