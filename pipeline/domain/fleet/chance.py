"""Chance that can be repeated: numbers drawn from a seed and a name, never from the machine."""

from __future__ import annotations

from math import exp, log1p
from statistics import NormalDist
from zlib import crc32

_MASK = (1 << 64) - 1
_NORMAL = NormalDist()


def uniform(seed: int, name: str, number: int = 0) -> float:
    """A number between 0 and 1, both excluded; the same for the same seed, name and number (the mixing of splitmix64)."""
    mixed = (crc32(name.encode()) << 20 ^ number) + seed * 0x9E3779B97F4A7C15 & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return ((mixed ^ mixed >> 31) + 0.5) / (_MASK + 1)


def stretch(seed: int, name: str, *, number: int = 0, spread: float) -> float:
    """By how much a duration is off: 1 in the mean, with this relative standard deviation, never below 0 (log-normal)."""
    if not spread:
        return 1.0
    variance = log1p(spread * spread)
    return exp(_NORMAL.inv_cdf(uniform(seed, name, number)) * variance**0.5 - variance / 2)
