"""How many jobs an engine holds: never fewer than its slots, never without bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.scheduling import Pace, rest_s, wanted
from pipeline.domain.stages import STAGES, Lane, Phase, Stage, last_rank


@given(st.integers(1, 128), st.floats(0, 10_000))
def test_no_slot_waits_and_nothing_is_hoarded(slots: int, settled: float) -> None:
    held = wanted(slots, Pace(0.01, settled))
    assert slots < held <= 256


def test_long_jobs_need_only_one_in_waiting() -> None:
    assert wanted(1, Pace(0.01, 0.1)) == 2
    assert wanted(4, Pace(0.01, 0.1)) == 6


def test_short_jobs_are_held_twice_over() -> None:
    assert wanted(4, Pace(0.01, 50)) == 100


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 500)), max_size=30))
def test_the_pace_stays_within_what_was_seen(turns: list[tuple[float, int]]) -> None:
    pace = Pace()
    for seconds, settled in turns:
        pace.note_turn(seconds, settled=settled)
    assert 0 <= pace.turn_s <= 10
    assert 0 <= pace.settled <= 500


def test_every_stage_has_its_facts_and_the_pipeline_is_in_order() -> None:
    assert list(STAGES) == list(Stage)
    assert [facts.rank for facts in STAGES.values()] == list(range(1, len(Stage) + 1))
    assert {facts.lane for facts in STAGES.values()} == set(Lane)


def test_a_phase_includes_all_stages_of_the_phases_before_it() -> None:
    ranks = [last_rank(phase) for phase in Phase]
    assert ranks == sorted(ranks)
    for facts in STAGES.values():
        assert facts.rank <= last_rank(facts.phase)
    assert last_rank(Phase.FINALIZE) == len(Stage)


@given(st.floats(0, 10), st.integers(0, 1000))
def test_an_engine_rests_only_while_a_crowd_runs_at_workers_and_never_long(turn_s: float, remote: int) -> None:
    seconds = rest_s(turn_s, remote)
    assert 0 <= seconds <= 0.1
    assert (seconds > 0) == (remote >= 16 and turn_s > 0)
