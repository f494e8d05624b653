"""Reads a request's parameters: plain JSON values, any of which may be missing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Request


def number(values: Mapping[str, Any], key: str, default: float) -> float:
    """A finite number, or the default when it is missing or no number."""
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        return default
    return float(value)


def triple(values: Mapping[str, Any], key: str, default: tuple[float, float, float]) -> np.ndarray:
    """Three numbers, such as a colour; one number stands for all three."""
    value = values.get(key, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = [value] * 3
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        value = default
    return np.array([float(part) for part in value], np.float32)


def color(values: Mapping[str, Any], key: str, default: str) -> np.ndarray:
    """A colour as RGB 0..255: written `#rrggbb`, or as three numbers 0..1 or 0..255."""
    value = values.get(key, default)
    if isinstance(value, (list, tuple)) and len(value) == 3:
        parts = np.array([float(part) for part in value], np.float32)
        return parts * 255 if parts.max() <= 1.0 else parts
    text = str(value).lstrip("#")
    if len(text) != 6 or any(digit not in "0123456789abcdefABCDEF" for digit in text):
        text = default.lstrip("#")
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)], np.float32)


def group(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested group of parameters; empty when it is missing."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def positive(request: Request, key: str) -> int:
    """A whole number above zero that the request must carry."""
    value = request.parameters.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise WorkFailed("bad_input", f'The request has no usable "{key}": it must be a whole number above zero, not {value!r}.')
    return value


def pick(*parts: object) -> np.random.Generator:
    """A random source that depends on these values alone, on every machine and in every process."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
