"""What a benchmark answers with: measured figures, each held against its goal where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Figure:
    """One measured number. `goal` is in words, empty when there is none; then `met` is None."""

    name: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None


def at_least(name: str, value: float, unit: str, goal: float) -> Figure:
    """A figure that should not be below its goal."""
    return Figure(name, significant(value), unit, f"≥ {goal:g}", value >= goal)


def at_most(name: str, value: float, unit: str, goal: float) -> Figure:
    """A figure that should not be above its goal."""
    return Figure(name, significant(value), unit, f"≤ {goal:g}", value <= goal)


def plain(name: str, value: float, unit: str) -> Figure:
    """A figure without a goal: it helps to read the others."""
    return Figure(name, significant(value), unit)


def significant(value: float) -> float:
    """Four digits that mean something."""
    return float(f"{value:.4g}")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
