"""When something is due, and whether it will be late: `due 15:30 ▲ late`."""

from __future__ import annotations

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from components import words
from pipeline.domain.deadlines import Lateness, lateness

_WHY = {
    Lateness.LATE: "it is likely done only afterwards",
    Lateness.AT_RISK: "it is likely done before, but with less than nine chances of ten",
}


def due(due_at: datetime | None, *, likely_at: datetime | None, latest_at: datetime | None, now: datetime) -> list[Component]:
    """The deadline with a mark where it will not, or may not, be met; nothing where there is none."""
    if due_at is None:
        return []
    found = lateness(due_at, likely_at=likely_at, latest_at=latest_at, now=now)
    title = f"Due {words.exactly(due_at)}"
    if found is None:
        return [html.Span(f"due {words.clock(due_at, now)}", className="due", title=title)]
    why = "that is over" if now > due_at else _WHY[found]
    look = "late" if found is Lateness.LATE else "risk"
    return [html.Span(f"due {words.clock(due_at, now)} ▲ {found.value}", className=f"due {look}", title=f"{title}: {why}")]
