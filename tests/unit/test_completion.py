"""When a run will be done: never surer than what was measured, never later for less work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.completion import Left, Timing, ending, ending_under_caps, jobs_left, timing
from pipeline.domain.production import SceneType
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, StillKind

TIMINGS = st.builds(Timing, st.floats(0.01, 1000), st.floats(0, 500), st.integers(0, 100))
KINDS = st.builds(Left, st.sampled_from(Stage), st.integers(0, 500), TIMINGS, st.integers(1, 8))
WORK = st.lists(KINDS, max_size=6)


@given(left=WORK, slots=st.integers(1, 64))
def test_half_is_never_later_than_nine_of_ten(left: list[Left], slots: int) -> None:
    found = ending(left, slots)
    assert found is None or 0 <= found.likely <= found.latest


@given(left=WORK, slots=st.integers(1, 64), data=st.data())
def test_fewer_jobs_never_end_later(left: list[Left], slots: int, data: st.DataObject) -> None:
    fewer = [replace(kind, jobs=data.draw(st.integers(0, kind.jobs))) for kind in left]
    before, after = ending(left, slots), ending(fewer, slots)
    if before is not None and after is not None:
        assert after.likely <= before.likely + 1e-9
        assert after.latest <= before.latest + 1e-9


@given(left=WORK, slots=st.integers(1, 63))
def test_another_slot_never_makes_it_later(left: list[Left], slots: int) -> None:
    before, after = ending(left, slots), ending(left, slots + 1)
    assert before is None or after is None or (after.likely <= before.likely and after.latest <= before.latest)


@given(left=WORK)
def test_nobody_at_work_or_nothing_measured_is_not_guessed(left: list[Left]) -> None:
    unmeasured = [replace(kind, timing=replace(kind.timing, samples=0)) for kind in left]
    has_work = any(kind.jobs for kind in left)
    assert (ending(left, 0) is None) is has_work
    assert (ending(unmeasured, 4) is None) is has_work


@given(left=WORK, slots=st.integers(1, 64))
def test_an_end_says_how_much_of_it_was_measured(left: list[Left], slots: int) -> None:
    found = ending(left, slots)
    if found is not None:
        work = {
            known: sum(one.jobs * one.timing.mean for one in left if bool(one.timing.samples) is known) for known in (True, False)
        }
        assert 0 <= found.measured_share <= 1
        assert found.measured_share * sum(work.values()) == pytest.approx(work[True])


def test_nothing_left_ends_now() -> None:
    found = ending([], 0)
    assert found is not None
    assert (found.likely, found.latest) == (0, 0)


def test_one_scene_cannot_be_shared_among_slots() -> None:
    segments = Left(Stage.SCENE_GENERATION, 4, Timing(10, 0, 5), chain=4)
    found = ending([segments], 64)
    assert found is not None
    assert found.likely == 40


def test_slots_share_many_scenes() -> None:
    segments = Left(Stage.SCENE_GENERATION, 40, Timing(10, 0, 5), chain=2)
    found = ending([segments], 4)
    assert found is not None
    assert found.likely == 100


@pytest.mark.parametrize(("cap", "seconds"), [(0, 110), (8, 110), (4, 110), (2, 200), (1, 400)])
def test_what_may_have_few_slots_takes_as_long_as_those_need(cap: int, seconds: float) -> None:
    segments = Left(Stage.SCENE_GENERATION, 40, Timing(10, 0, 5), chain=2)
    checks = Left(Stage.SCENE_QA, 40, Timing(1, 0, 5))
    found = ending_under_caps([segments, checks], 4, [([segments], cap)])
    assert found is not None and found.likely == seconds <= found.latest


def test_measured_seconds_go_before_the_stated_default() -> None:
    assert timing([], 4.0) == Timing(4.0, 2.0, 0)
    assert timing([2.0], 4.0) == Timing(2.0, 1.0, 1)
    assert timing([1.0, 3.0], 4.0).mean == 2.0


def test_later_stages_are_counted_before_their_jobs_exist() -> None:
    left = jobs_left(
        cells={("s", CellStatus.QUEUED): 3, ("s", CellStatus.GENERATING): 1, ("s", CellStatus.APPROVED): 5},
        segments_made={("s", CellStatus.GENERATING): 1, ("s", CellStatus.FAILED): 1},
        open_jobs={(Stage.EXPORT, JobStatus.READY): 2},
        stills={(StillKind.VARIANT, CellStatus.QUEUED): (2, 6), (StillKind.SOURCE, CellStatus.QUEUED): (1, 1)},
        scene_types={"s": SceneType("s", segments=2)},
        outputs=2,
    )
    jobs = {stage: count for (stage, _), (count, _) in left.items()}
    assert jobs == {
        Stage.SOURCE_QA: 1,
        Stage.VARIANT_GENERATION: 6,
        Stage.VARIANT_QA: 2,
        Stage.SCENE_GENERATION: 7,
        Stage.SCENE_QA: 4,
        Stage.ASSEMBLY: 4,
        Stage.EXPORT: 10,
        Stage.DELIVERY: 0,
    }
