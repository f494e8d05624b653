"""Values out of foreign JSON: what has the wrong type or is no sensible number is replaced, never trusted."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any, default: float = 0.0) -> float:
    """The value as a finite float; `default` for anything else, truth values too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    try:
        number = float(value)
    except OverflowError:
        return default
    return number if math.isfinite(number) else default


def text(value: Any, limit: int = 200) -> str:
    """The value if it is a text, cut off at `limit` characters; empty for anything else."""
    return value[:limit] if isinstance(value, str) else ""


def table(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def row(value: Any) -> list[Any]:
    """The value if it is a JSON list; empty for anything else."""
    return value if isinstance(value, list) else []
