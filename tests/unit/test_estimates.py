"""Estimates: whole frames, sums of their parts, and a stated basis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.estimates import Rate, cost_key, default_rate, estimate, segment_frames, still_size
from pipeline.domain.matrix import build
from pipeline.domain.production import Production, SceneType
from pipeline.domain.stages import Stage
from tests.factories import make_production


@given(st.integers(1, 2000), st.integers(1, 50))
def test_segments_share_the_frames_of_a_scene_as_equally_as_whole_frames_allow(frames: int, segments: int) -> None:
    parts = segment_frames(SceneType("dance", duration_s=frames, fps=1, segments=segments))
    assert sum(parts) == frames
    assert max(parts) - min(parts) <= 1
    assert list(parts) == sorted(parts, reverse=True)


@given(st.integers(16, 8000), st.integers(16, 8000))
def test_stills_are_even_and_never_larger_than_their_limit(width: int, height: int) -> None:
    size = still_size(Production("x", scene_types=(SceneType("dance", width=width, height=height),)))
    assert all(side % 2 == 0 and 2 <= side <= 1920 for side in size)


def test_an_estimate_without_history_says_so() -> None:
    production = make_production()
    found = estimate(production, build(production), {})
    assert (found.cells, found.frames, found.samples) == (8, 32, 0)
    assert found.basis == "stated defaults; nothing measured yet"


def test_measured_history_replaces_the_defaults_and_is_named() -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    scene = production.scene_types[0]
    key = cost_key("animatic", Stage.SCENE_GENERATION, scene.name, scene.width, scene.height)
    slow = replace(default_rate("animatic", 64, 36), seconds_per_frame=100.0, samples=7)
    found = estimate(production, build(production), {key: slow})
    assert found.generation_seconds == pytest.approx(400, rel=0.01)
    assert found.basis == "measured, 7 samples"


def test_part_of_a_history_is_told_as_part() -> None:
    production = make_production(characters=1, scene_types=2, variants=1)
    key = cost_key("animatic", Stage.SCENE_GENERATION, "s1", 64, 36)
    found = estimate(production, build(production), {key: Rate(default_rate("animatic", 64, 36).seconds_per_frame, 10, 3)})
    assert found.basis.endswith("measured (3 samples), the rest stated defaults")


def test_more_cells_never_cost_less() -> None:
    production = make_production()
    cells = build(production)
    costs = [estimate(production, cells[:count], {}) for count in range(len(cells) + 1)]
    assert [one.generation_seconds for one in costs] == sorted(one.generation_seconds for one in costs)
    assert [one.disk_bytes for one in costs] == sorted(one.disk_bytes for one in costs)
    assert costs[0].generation_seconds == 0


def test_every_export_takes_its_room() -> None:
    few, many = make_production(outputs=1), make_production(outputs=3)
    assert estimate(few, build(few), {}).disk_bytes < estimate(many, build(many), {}).disk_bytes
