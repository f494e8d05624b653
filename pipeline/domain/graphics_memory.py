"""Memory of graphics cards in words: GiB, because cards are named by them (one of 24 GB has 24 · 2^30 bytes). Disks go by GB."""

from __future__ import annotations

_GIB = 1024**3


def gibibytes(size_bytes: float) -> str:
    """The number alone, with three digits that say something: `0.45`, `23.6`, `80`, `128`."""
    value = size_bytes / _GIB
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def in_words(size_bytes: float) -> str:
    """`23.6 GiB`."""
    return f"{gibibytes(size_bytes)} GiB"
