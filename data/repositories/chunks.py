"""Long lists of ids, cut to what one statement may carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
LIMIT = 5_000
"""Below SQLite's 32,766 and PostgreSQL's 65,535 parameters a statement."""


def chunks(values: Sequence[T], most: int = LIMIT) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `most` values."""
    for start in range(0, len(values), most):
        yield values[start : start + most]
