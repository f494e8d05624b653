"""The chart of a budget: labels of lines that are near each other do not touch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from components.budget_chart import content
from pipeline.domain.budget import Action, Budget, Quantity, Scope, Threshold
from pipeline.domain.costs import BurnDown, Point
from tests.unit.test_fleet_page import parts_of

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
LABEL = 8.9
"""Percent of the height that a label takes."""


def drawn(*levels: float) -> tuple[list[float], list[tuple[str, float, float]]]:
    """Where the lines of limit and levels are drawn, and from where to where their labels go: percent from the top."""
    thresholds = tuple(Threshold(at, Action.FINISH) for at in levels)
    budget = Budget(1, Scope.PROJECT, "1", Quantity.MONEY, 100.0, 20.0, 0.0, thresholds, name="Harbor")
    burn = BurnDown((Point(NOW - timedelta(hours=2), 0.0), Point(NOW, 20.0)), 100.0, 10.0, 0.0)
    lines, labels = [], []
    for part in parts_of(content(budget, burn, NOW)):
        if getattr(part, "className", "") in ("bu-level", "bu-limit"):
            top = float(part.style["top"].removesuffix("%"))
            lines.append(top)
            middle = top if part.className == "bu-level" else top - LABEL / 2
            labels += [(label.children, middle - LABEL / 2, middle + LABEL / 2) for label in parts_of(part.children)]
    return lines, sorted(labels, key=lambda one: one[1])


@pytest.mark.parametrize(
    "levels",
    [(50,), (90,), (95,), (80, 90), (80, 95), (25, 50, 90), (98, 99), (80, 90, 95), (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)],
)
def test_no_label_lies_on_another_or_on_a_line(levels: tuple[float, ...]) -> None:
    lines, labels = drawn(*levels)
    assert len(lines) == len(levels) + 1
    for _, above, below in labels:
        assert len([line for line in lines if above + 0.02 < line < below - 0.02]) <= 1, "its own, if any"
    assert all(one[2] <= other[1] + 0.02 for one, other in pairwise(labels))


@pytest.mark.parametrize("levels", [(50, 90), (80, 90), (80, 95)])
def test_levels_that_are_not_quite_near_each_other_all_have_their_label(levels: tuple[float, ...]) -> None:
    _, labels = drawn(*levels)
    assert [name for name, _, _ in labels] == ["limit 100.00", *(f"{at} % finish" for at in reversed(levels))]
