"""On whose claim the code that runs just now carries out a request; empty when nobody claimed anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CLAIM: ContextVar[str] = ContextVar("claim", default="")


@contextmanager
def acting_on(claim: str) -> Iterator[None]:
    """Every transaction inside belongs to this claim; threads that were handed the context act on it too."""
    token = _CLAIM.set(claim)
    try:
        yield
    finally:
        _CLAIM.reset(token)


def current() -> str:
    """The claim that is acted on, or nothing."""
    return _CLAIM.get()
