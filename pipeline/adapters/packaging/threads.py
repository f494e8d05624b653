"""Many files at once: decoding and hashing leave Python's lock alone, so threads use the cores that a delivery finds idle."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Subject = TypeVar("Subject")
Outcome = TypeVar("Outcome")

MOST = 4


def each(
    function: Callable[[Subject], Outcome], subjects: Sequence[Subject], *, report: Callable[[int, int], None]
) -> Iterator[Outcome]:
    """`function` of every subject, in order. `report` gets (done, in all); what it raises stops the work not yet begun."""
    with ThreadPoolExecutor(max_workers=max(1, min(MOST, os.cpu_count() or 1))) as pool:
        futures = [pool.submit(function, subject) for subject in subjects]
        try:
            for number, future in enumerate(futures):
                report(number, len(futures))
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
