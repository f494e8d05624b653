"""How fast workers are, from what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fleet.speeds import NEWEST, Sample, measured, speeds

FLOW = "walk 720p"
KEY = "gpu-1", FLOW


def test_speeds_are_means_without_outliers() -> None:
    found = speeds([Sample("gpu-1", FLOW, 10, seconds) for seconds in (20, 21, 19, 20, 400)])[KEY]
    assert found.seconds_per_unit == pytest.approx(2.0)
    assert found.samples == 4 and 0 < found.spread < 0.1 and found.error < found.spread


def test_only_the_newest_samples_count() -> None:
    found = speeds([Sample("gpu-1", FLOW, 1, 9.0)] * 100 + [Sample("gpu-1", FLOW, 1, 2.0)] * NEWEST)
    assert found[KEY].seconds_per_unit == 2.0


def test_few_samples_take_the_spread_that_is_usual() -> None:
    usual = [Sample("gpu-1", FLOW, 1, seconds) for seconds in (1.0, 1.1, 0.9, 1.0)]
    found = speeds([*usual, Sample("gpu-2", FLOW, 1, 3.0)])
    assert found["gpu-2", FLOW].spread == found[KEY].spread
    assert found["gpu-2", FLOW].seconds_per_unit == 3.0


def test_nothing_measured_is_no_speed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        measured(())


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30))
def test_a_speed_lies_within_what_was_measured(values: list[float]) -> None:
    found = measured(tuple(values))
    assert min(values) * 0.999 <= found.seconds_per_unit <= max(values) * 1.001
    assert 1 <= found.samples <= len(values) and found.spread >= 0
