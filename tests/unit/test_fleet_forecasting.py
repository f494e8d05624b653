"""When a fleet will be done, and what more cards would change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.fleet.chance import stretch, uniform
from pipeline.domain.fleet.forecasting import RunForecast, forecast, jobs_left, rehearse, what_if
from pipeline.domain.fleet.policies import Ours
from pipeline.domain.fleet.reasons import duration
from pipeline.domain.fleet.simulation import Trouble, simulate
from pipeline.domain.fleet.speeds import Speed
from pipeline.domain.fleet.terms import Terms
from tests.fleets import FLOW, GB, busy, job, jobs, scene, worker

RUN = "Harbor Nights"
FLEET = [worker("slow", seconds=2.5), worker("fast", seconds=0.5), worker("middling")]
EXACT = {(one.name, FLOW): Speed(one.seconds_per_unit[FLOW], 0.05, 30) for one in FLEET}


def test_jobs_are_counted_by_kind_with_the_longest_rest_of_a_scene() -> None:
    left = jobs_left([*scene("one", 3), *scene("two", 2)])
    assert [(found.count, found.path_units) for found in left] == [(5, 30.0)]


def test_a_forecast_is_close_to_the_simulation() -> None:
    work = jobs(300)
    outcome = simulate(work, FLEET, policy=Ours(FLEET), seed=3, trouble=Trouble(spread=0.05))
    found = forecast(jobs_left(work), FLEET, now_s=0, measured=EXACT)[RUN]
    assert found.p50_s == pytest.approx(outcome.makespan_s, rel=0.05)
    assert outcome.makespan_s <= found.p90_s


def test_what_a_worker_has_in_hand_counts() -> None:
    assert forecast([], [busy("gpu-1", 70), busy("gpu-2", 50)], now_s=10)[RUN].p50_s == 70


def test_a_run_ends_no_sooner_than_its_longest_scene() -> None:
    many = [worker(f"gpu-{n}") for n in range(20)]
    assert forecast(jobs_left(scene("only", 6)), many, now_s=0)[RUN].p50_s >= 60


def test_a_run_that_nobody_fits_has_no_forecast() -> None:
    left = jobs_left([job(memory_bytes=31 * GB), job("b", run="Salt")])
    assert set(forecast(left, [worker(memory_bytes=24 * GB)], now_s=0)) == {"Salt"}
    assert forecast(left, [], now_s=0) == {}
    assert RUN not in forecast(left, [busy("gpu-1", 5, memory_bytes=24 * GB)], now_s=0)


def test_two_more_cards_are_done_earlier() -> None:
    left = jobs_left(jobs(4000))
    before = forecast(left, FLEET, now_s=0)
    after = forecast(left, [*FLEET, worker("new-1", seconds=0.5), worker("new-2", seconds=0.5)], now_s=0)
    assert after[RUN].p90_s < before[RUN].p50_s
    assert what_if(before, after, change="two more cards").startswith("two more cards: done 1 h 3")
    assert what_if(before, before, change="nothing") == "nothing: done at the same time"
    assert what_if({}, before, change="nothing") == "nothing: nothing to forecast"


def test_losses_make_it_later() -> None:
    left = jobs_left(jobs(100))
    assert forecast(left, FLEET, now_s=0, lost_share=0.3)[RUN].p50_s > forecast(left, FLEET, now_s=0)[RUN].p50_s


def test_higher_priority_is_done_first() -> None:
    urgent = [replace(one, id=f"u {one.id}") for one in jobs(60, run="Salt", priority=3)]
    found = forecast(jobs_left([*jobs(60), *urgent]), FLEET, now_s=0)
    assert found["Salt"].p90_s < found[RUN].p50_s


def test_a_production_of_a_larger_share_is_done_first() -> None:
    many = [worker(f"gpu-{number}") for number in range(8)]
    one = [job(f"one {number}", run="one", project="a") for number in range(80)]
    two = [job(f"two {number}", run="two", project="b") for number in range(80)]
    equal = rehearse(jobs_left([*one, *two]), many, now_s=0).runs
    found = rehearse(jobs_left([*one, *two]), many, now_s=0, terms=Terms(shares={"b": 3.0})).runs
    assert abs(equal["one"].p50_s - equal["two"].p50_s) < 0.2 * equal["one"].p50_s
    assert found["two"].p50_s < 0.85 * found["one"].p50_s


def test_what_is_due_is_done_first() -> None:
    due = [job(f"due {number}", run="Salt", deadline_s=150.0) for number in range(60)]
    found = forecast(jobs_left([*jobs(60), *due]), FLEET, now_s=0)
    assert found["Salt"].p50_s < found[RUN].p50_s


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 500), st.integers(1, 6), st.integers(0, 99))
def test_p50_is_before_p90_and_a_forecast_can_be_repeated(count: int, cards: int, seed: int) -> None:
    left, fleet = jobs_left(jobs(count)), [worker(f"gpu-{n}") for n in range(cards)]
    found = forecast(left, fleet, now_s=5, seed=seed, rehearsals=8)
    assert found == forecast(left, fleet, now_s=5, seed=seed, rehearsals=8)
    assert found[RUN] == RunForecast(found[RUN].p50_s, found[RUN].p90_s)
    assert 5 < found[RUN].p50_s <= found[RUN].p90_s


def test_chance_is_even_and_stretches_have_the_mean_one() -> None:
    drawn = [uniform(7, "name", number) for number in range(2000)]
    assert 0.47 < sum(drawn) / len(drawn) < 0.53 and 0 < min(drawn) < 0.01 and 0.99 < max(drawn) < 1
    stretches = [stretch(7, "name", number=number, spread=0.2) for number in range(2000)]
    assert sum(stretches) / len(stretches) == pytest.approx(1, abs=0.02)
    assert stretch(7, "name", spread=0) == 1


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (36, "36 s"), (720, "12 min"), (8040, "2 h 14 min")])
def test_durations_are_read_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
