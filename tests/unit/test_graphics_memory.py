"""Graphics memory in words: one unit wherever it is told."""

from __future__ import annotations

import pytest

from pipeline.domain.graphics_memory import gibibytes, in_words

GIB = 1024**3


@pytest.mark.parametrize(
    ("size_bytes", "told"), [(0, "0"), (0.45 * GIB, "0.45"), (23.63 * GIB, "23.6"), (80 * GIB, "80"), (1024 * GIB, "1024")]
)
def test_memory_is_told_with_three_digits_that_say_something(size_bytes: float, told: str) -> None:
    assert gibibytes(size_bytes) == told
    assert in_words(size_bytes) == f"{told} GiB"
