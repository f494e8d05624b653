"""Finding things by words: what was asked, and what it leads to."""

from __future__ import annotations

from dataclasses import dataclass

MOST_WORDS = 6


@dataclass(frozen=True)
class Found:
    """A run, a character of a run, or a scene (`kind`). `detail` says where it belongs."""

    kind: str
    text: str
    detail: str
    run_id: int
    cell_id: int | None = None


def words(text: str) -> tuple[str, ...]:
    """The words of a query, each to be found anywhere; separators of keys count as spaces."""
    return tuple(text.replace("/", " ").split()[:MOST_WORDS])


def matches(text: str, wanted: tuple[str, ...]) -> bool:
    """Whether every wanted word is part of the text, whatever the case."""
    folded = text.casefold()
    return all(word.casefold() in folded for word in wanted)
