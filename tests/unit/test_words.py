"""Numbers and times read as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from components import words
from pipeline.cli.budgets import amount
from pipeline.domain.budget import Quantity

NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3570, "1 h"),
        (8040, "2 h 14 min"),
        (7199, "2 h"),
        (190_000, "2 d 5 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (318_000, "318 kB"), (3_200_000_000, "3.2 GB"), (5e15, "5000.0 TB")],
)
def test_a_size_has_a_unit(size_bytes: float, said: str) -> None:
    assert words.size(size_bytes) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0, "0 h"), (0.0037, "13 s"), (0.012, "0.012 h"), (0.01234, "0.0123 h"), (0.5, "0.50 h"), (1, "1 h"), (9.87, "9.87 h"),
        (12.44, "12.4 h"), (40, "40 h"), (1240, "1,240 h"),
    ],
)  # fmt: skip
def test_a_limit_of_hours_has_three_figures(hours: float, said: str) -> None:
    assert words.hours(hours * 3600) == said


@pytest.mark.parametrize(("hours", "said"), [(0.0037, "0.0037 GPU-h"), (0.012, "0.012 GPU-h"), (10, "10.00 GPU-h")])
def test_the_command_line_tells_a_limit_as_fine_as_what_is_spent_of_it(hours: float, said: str) -> None:
    assert amount(Quantity.GPU_SECONDS, hours * 3600) == said


@pytest.mark.parametrize(("part", "said"), [(0, 0), (1, 1), (999, 99), (1000, 100), (500, 50)])
def test_a_share_is_whole_only_when_all_is_done(part: int, said: int) -> None:
    assert words.share(part, 1000) == said


def test_a_share_of_nothing_is_nothing() -> None:
    assert words.share(0, 0) == 0


def test_what_was_lately_is_told_relatively_and_what_was_long_ago_by_its_date() -> None:
    assert words.ago(NOON - timedelta(seconds=5), NOON) == "just now"
    assert words.ago(NOON - timedelta(minutes=4, seconds=20), NOON) == "4 min ago"
    assert words.ago(NOON - timedelta(days=40), NOON).startswith("1 May ")


def test_another_day_is_named() -> None:
    assert words.clock(NOON, NOON) == f"{NOON.astimezone():%H:%M}"
    assert words.clock(NOON + timedelta(days=1), NOON).startswith("tomorrow ")
    assert words.clock(NOON - timedelta(days=1), NOON).startswith("yesterday ")
    assert words.clock(NOON + timedelta(days=3), NOON).startswith("Saturday ")


@pytest.mark.parametrize(("name", "said"), [("ann", "AN"), ("Ann Lee", "AL"), ("jo.smith", "JS"), ("x", "X"), ("", "?")])
def test_a_person_is_shown_by_two_letters(name: str, said: str) -> None:
    assert words.initials(name) == said
