"""Names for equal work: fingerprints and derived seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

_RECIPE_VERSION = 1
"""Raised when the same parameters would give another picture, so that old results are not reused for it."""


def canonical(value: Any) -> str:
    """JSON text that is equal for equal values: sorted keys, no spaces."""
    return _encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode


def fingerprint(*, stage: str, backend: str, inputs: Iterable[tuple[str, str]], parameters: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over everything that decides the result: stage, backend, (role, sha256) of inputs in order, parameters."""
    recipe = [_RECIPE_VERSION, stage, backend, [list(pair) for pair in inputs], dict(parameters)]
    return hashlib.sha256(canonical(recipe).encode()).hexdigest()


def derive_seed(base: int, *parts: str | int) -> int:
    """A seed in 0 .. 2³¹−1 that depends on every part and on nothing else."""
    text = "\x1f".join(str(part) for part in (base, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
