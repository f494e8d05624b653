"""Estimates: whole frames, sums of their parts, and a stated basis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.estimates import NEW, Estimate, History, Rate, default_rate, estimate, segment_frames, still_cost, still_size
from pipeline.domain.matrix import build
from pipeline.domain.production import Location, Production, SceneType, Shot
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
    found = estimate(production, build(production), NEW)
    assert (found.cells, found.frames, found.samples) == (8, 32, 0)
    assert found.basis == "stated defaults; nothing measured yet"


def test_measured_history_replaces_the_defaults_and_is_named() -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    slow = replace(default_rate("animatic", 64, 36), seconds_per_frame=100.0, samples=7)
    found = estimate(production, build(production), History({production.scene_types[0].name: slow}))
    assert found.generation_seconds == pytest.approx(400, rel=0.01)
    assert found.basis == "measured, 7 samples"


def test_part_of_a_history_is_told_as_part() -> None:
    production = make_production(characters=1, scene_types=2, variants=1)
    found = estimate(
        production, build(production), History({"s1": Rate(default_rate("animatic", 64, 36).seconds_per_frame, 10, 3)})
    )
    assert found.basis.endswith("measured (3 samples), the rest stated defaults")


def test_pictures_are_estimated_by_what_was_measured_of_their_like() -> None:
    production = make_production(characters=3, scene_types=1, variants=2)
    production = replace(production, variants=(replace(production.variants[0], candidates=4), production.variants[1]))
    cells = build(production)
    stated = estimate(production, cells, NEW)
    slow, quick = Rate(30.0, 10, 5, 30.0, 40.0), Rate(2.0, 10, 9, 2.0, 2.0)
    images = {production.variants[0].name: slow, production.variants[1].name: quick}
    found = estimate(production, cells, History(images=images))
    still_s = still_cost(production.backend, still_size(production))[0]
    assert found.generation_seconds - stated.generation_seconds == pytest.approx(3 * (4 * (30 - still_s) + (2 - still_s)))
    assert (found.samples, found.disk_bytes) == (14, stated.disk_bytes)
    assert found.late_seconds is not None and found.late_seconds > found.generation_seconds
    assert estimate(production, cells, History(plates=images)) == stated, "plates are no images"


def test_plates_have_times_of_their_own() -> None:
    shots = tuple(Shot(str(number), "s1", location=name) for number, name in ((1, "Hall"), (2, "Yard"), (3, "Hall")))
    production = make_production(locations=(Location("Hall"), Location("Yard")), shots=shots)
    kinds = tuple(replace(kind, needs_character=False) for kind in production.scene_types)
    production = replace(production, scene_types=kinds, matrix=None)
    cells = build(production)
    stated, found = (estimate(production, cells, one) for one in (NEW, History(plates={"Hall": Rate(50.0, 1, 3, 50.0, 50.0)})))
    still_s = still_cost(production.backend, still_size(production))[0]
    assert found.generation_seconds - stated.generation_seconds == pytest.approx(50 - still_s)


def test_more_cells_never_cost_less() -> None:
    production = make_production()
    cells = build(production)
    costs = [estimate(production, cells[:count], NEW) for count in range(len(cells) + 1)]
    assert [one.generation_seconds for one in costs] == sorted(one.generation_seconds for one in costs)
    assert [one.disk_bytes for one in costs] == sorted(one.disk_bytes for one in costs)
    assert costs[0].generation_seconds == 0


def test_every_export_takes_its_room() -> None:
    few, many = make_production(outputs=1), make_production(outputs=3)
    assert estimate(few, build(few), NEW).disk_bytes < estimate(many, build(many), NEW).disk_bytes


def measured(samples: int, p50_s: float, p90_s: float, cells: int = 8) -> Estimate:
    """The estimate of so many scenes of one type, whose every frame has taken so long."""
    production = make_production(characters=cells, scene_types=1, variants=1)
    return estimate(production, build(production), History({"s1": Rate(p50_s, 10, samples, p50_s, p90_s)}))


def test_what_was_measured_tells_its_spread_and_how_many_samples_it_has() -> None:
    found = measured(40, 19.0, 26.0)
    [spread] = found.spreads
    assert (spread.frames, spread.samples, spread.p50_s, spread.p90_s) == (2, 40, 38.0, 52.0)
    assert spread.words == "s1 at 64x36: P50 38 s, P90 52 s for 2 frames (40 samples)"
    assert found.late_seconds is not None and found.late_seconds > found.generation_seconds


def test_what_was_never_measured_has_no_spread() -> None:
    production = make_production()
    found = estimate(production, build(production), NEW)
    assert found.spreads == () and found.late_seconds is None


def test_one_sample_is_told_as_one_and_makes_an_end_unsure() -> None:
    once, often = measured(1, 19.0, 19.0), measured(100, 19.0, 19.0)
    assert once.spreads[0].words == "s1 at 64x36: 38 s for 2 frames, measured once"
    assert once.late_seconds is not None and often.late_seconds is not None
    assert once.late_seconds > 1.3 * once.generation_seconds
    assert often.late_seconds < 1.01 * often.generation_seconds


@given(st.integers(2, 200), st.floats(0.1, 100), st.floats(1, 5), st.integers(1, 30))
def test_the_late_end_is_never_before_the_likely_one_and_surer_with_more_samples(
    samples: int, p50_s: float, factor: float, cells: int
) -> None:
    found = measured(samples, p50_s, p50_s * factor, cells)
    assert found.late_seconds is not None
    assert found.generation_seconds <= found.late_seconds
    more = measured(samples + 100, p50_s, p50_s * factor, cells)
    assert more.late_seconds is not None and more.late_seconds <= found.late_seconds + 1e-6, "more samples make it surer"


def test_where_nothing_has_to_be_made_that_is_what_the_estimate_rests_on() -> None:
    assert estimate(make_production(), [], NEW).basis == "nothing has to be made"
