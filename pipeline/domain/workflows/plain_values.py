"""Plain JSON values from outside, within bounds: what may be kept, hashed and sent on without surprises."""

from __future__ import annotations

import math
from typing import Any

MOST_VALUES = 200_000
DEEPEST = 16
LONGEST_TEXT = 100_000
LARGEST_NUMBER = 2**64 - 1
"""ComfyUI's seeds go up to this."""


def fault_of(value: Any) -> str:
    """What makes a value unfit to be kept, reading on after "it"; empty for plain JSON within the bounds.

    Walks without recursion, so that no depth is too deep to be refused.
    """
    seen = 0
    pending: list[tuple[Any, int]] = [(value, 0)]
    while pending:
        found, depth = pending.pop()
        seen += 1
        if seen > MOST_VALUES:
            return f"holds more than {MOST_VALUES} values."
        if depth > DEEPEST:
            return f"is nested more than {DEEPEST} levels deep."
        fault = _fault_of_one(found)
        if fault:
            return fault
        if isinstance(found, dict):
            pending.extend((inner, depth + 1) for inner in (*found, *found.values()))
        elif isinstance(found, list):
            pending.extend((inner, depth + 1) for inner in found)
    return ""


def fault_of_text(text: str, limit: int = LONGEST_TEXT) -> str:
    """What makes a text unfit to be kept; empty when nothing does."""
    if len(text) > limit:
        return f"holds a text of {len(text)} characters; at most {limit} are allowed."
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return "holds half a character (a lone surrogate)."
    return ""


def _fault_of_one(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return fault_of_text(value)
    if isinstance(value, int):
        return "" if abs(value) <= LARGEST_NUMBER else "holds a number that is too large."
    if isinstance(value, float):
        return "" if math.isfinite(value) else "holds a number that is not finite."
    if isinstance(value, list):
        return ""
    if not isinstance(value, dict):
        return f"holds a {type(value).__name__}, which is no JSON value."
    return "" if all(isinstance(key, str) for key in value) else "has a key that is no text."
