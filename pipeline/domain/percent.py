"""Shares as whole percent, as people read them."""

from __future__ import annotations


def share(part: float, whole: float) -> int:
    """Whole percent, never 100 before all is done and never 0 once something is."""
    if not whole or part <= 0:
        return 0
    if part >= whole:
        return 100
    return min(99, max(1, round(100 * part / whole)))
