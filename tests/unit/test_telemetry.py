"""Readings are believed within bounds, judged by limits with hysteresis, and thinned with age."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from pipeline.domain.errors import Invalid
from pipeline.domain.telemetry import history, limits
from pipeline.domain.telemetry.limits import Level, Measure, Threshold, Verdict, judge
from pipeline.domain.telemetry.readings import BOUNDS, MOST_DEVICES, Reading, aligned, believable, of_cards
from tests.cards import NOON, reading

HEAT = (Threshold(Measure.TEMPERATURE, 78.0, 84.0, 5.0),)
WEEK_S = 8 * 24 * 3600
unhurried = settings(deadline=None)
anything = some.one_of(
    some.none(), some.booleans(), some.integers(), some.floats(), some.text(max_size=20), some.binary(max_size=20),
    some.sampled_from([math.nan, math.inf, -math.inf, 10**400, -1, "94", [1], {}]),
)  # fmt: skip


def after(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


def levels(*celsius: float | None, thresholds: tuple[Threshold, ...] = HEAT) -> list[str]:
    """What a card comes to that tells these temperatures one after the other."""
    standing: dict[int, Verdict] = {}
    found = []
    for second, value in enumerate(celsius):
        standing = judge([reading(after(second), temperature_c=value)], thresholds, before=standing)
        found.append(standing[0].level.value)
    return found


# Bounds ---------------------------------------------------------------------------------------------------------


@unhurried
@given(name=anything, numbers=some.dictionaries(some.sampled_from([*BOUNDS, "fan"]), anything))
def test_whatever_is_told_a_reading_holds_only_what_can_be_true(name: object, numbers: dict[str, Any]) -> None:
    found = believable(0, name, NOON, numbers)
    assert len(found.name) <= 100 and all(char >= " " for char in found.name)
    for each, (low, high) in BOUNDS.items():
        value = getattr(found, each)
        assert value is None or (low <= value <= high and 0 <= numbers[each] - value < 1)
    assert found.memory_share is None or found.memory_share <= 1


@unhurried
@given(device=anything)
def test_a_card_has_a_number_that_a_machine_can_have(device: object) -> None:
    if isinstance(device, int) and not isinstance(device, bool) and 0 <= device < MOST_DEVICES:
        assert believable(device, "card", NOON, {}).device == device
        return
    with pytest.raises(Invalid):
        believable(device, "card", NOON, {})


def test_of_ten_thousand_cards_only_as_many_as_a_machine_holds_are_believed() -> None:
    believed = []
    for device in range(10_000):
        try:
            believed.append(believable(device, "card", NOON, {}))
        except Invalid:
            continue
    assert len(believed) == MOST_DEVICES
    assert len(judge(believed, HEAT)) == MOST_DEVICES


def test_a_wrong_clock_is_put_right_and_a_slightly_wrong_one_left_alone() -> None:
    sent = [reading(after(0)), reading(after(10))]
    assert [each.at for each in aligned(sent, after(10), after(12))] == [after(0), after(10)]
    assert [each.at for each in aligned(sent, after(10), after(7210))] == [after(7200), after(7210)]


def test_readings_from_the_future_and_from_long_ago_are_left_out() -> None:
    sent = [reading(after(-4000)), reading(after(-3000)), reading(after(2)), reading(after(60))]
    assert [each.at for each in aligned(sent, None, NOON)] == [after(-3000), NOON]


def test_a_server_works_on_the_cards_that_it_names() -> None:
    found = [reading(name="NVIDIA L40S"), reading(device=1), reading(device=2, name="")]
    assert [each.device for each in of_cards(found, "cuda:0 NVIDIA H100 80GB HBM3 : cudaMallocAsync")] == [1]


# Limits ---------------------------------------------------------------------------------------------------------


def test_a_card_is_fine_then_warned_of_then_paused() -> None:
    assert levels(77, 78, 83.9, 84) == ["fine", "warn", "warn", "pause"]


def test_what_was_reached_holds_until_the_card_is_cooler_by_the_hysteresis() -> None:
    assert levels(84, 80, 79, 74, 73) == ["pause", "pause", "warn", "warn", "fine"]
    assert levels(77, 74) == ["fine", "fine"]


def test_what_a_card_does_not_tell_changes_nothing() -> None:
    assert levels(None, 90, None, 50, None) == ["fine", "pause", "pause", "fine", "fine"]


def test_a_verdict_says_the_value_and_the_limits() -> None:
    [found] = judge([reading(temperature_c=79.0)], HEAT).values()
    assert found.words == "79 °C: warns from 78, pauses at 84"
    [hot] = judge([reading(temperature_c=84.0)], HEAT).values()
    [held] = judge([reading(after(1), temperature_c=81.0)], HEAT, before={0: hot}).values()
    assert held.words == "81 °C: pauses until it is below 79"


def test_memory_and_power_are_shares_and_the_gravest_comes_first() -> None:
    strict = limits.thresholds("temperature=50/90, memory=50/70, power=100")
    [found] = judge([reading()], strict).values()
    assert (found.level, found.words) == (
        Level.PAUSE,
        "75 % of its memory: warns from 50, pauses at 70; 64 °C: warns from 50, pauses at 90",
    )


def test_an_idle_card_is_a_finding_only_while_its_worker_has_a_job() -> None:
    idle = limits.thresholds("temperature=off,idle=5")
    lazy = [reading(use=0.02)]
    assert judge(lazy, idle)[0].level is Level.FINE
    assert judge(lazy, idle, is_busy=True)[0].words == "2 % use with a job in hand: warns below 5"


def test_readings_count_in_the_order_of_their_times_and_once() -> None:
    batch = [reading(after(2), temperature_c=60.0), reading(after(1), temperature_c=95.0)]
    standing = judge(batch, HEAT)
    assert standing[0].level is Level.FINE and standing[0].at == after(2)
    assert judge([reading(after(2), temperature_c=95.0)], HEAT, before=standing) == {}


def test_limits_are_read_from_a_text_and_faults_are_explained() -> None:
    assert limits.thresholds("") == limits.DEFAULTS
    assert limits.thresholds("temperature=off") == ()
    assert limits.thresholds("temperature=/90")[0] == Threshold(Measure.TEMPERATURE, None, 90.0, 5.0)
    for text in ("heat=5", "temperature=90/80", "temperature=", "memory=200", "temperature=nan", "idle=5/10", "temperature"):
        with pytest.raises(Invalid):
            limits.thresholds(text)


@unhurried
@given(some.lists(some.floats(0, 150), min_size=1, max_size=30))
def test_a_level_is_never_milder_than_the_value_asks_for(celsius: list[float]) -> None:
    for value, level in zip(celsius, levels(*celsius), strict=True):
        assert level == "pause" if value >= 84 else level != "fine" if value >= 78 else True
        assert level == "fine" if value <= 73 else level != "pause" if value <= 79 else True


# Keeping --------------------------------------------------------------------------------------------------------

times = some.lists(some.floats(0, WEEK_S), max_size=60).map(lambda ages: [after(-age) for age in ages])


def kept(moments: list[datetime], now: datetime) -> list[datetime]:
    """What is left of them."""
    dropped = set(history.to_drop(moments, now))
    return [moment for position, moment in enumerate(moments) if position not in dropped]


@unhurried
@given(times)
def test_the_newest_is_never_dropped_and_the_rest_keeps_its_order(moments: list[datetime]) -> None:
    left = kept(moments, NOON)
    assert not moments or max(moments) in left
    remaining = iter(moments)
    assert all(moment in remaining for moment in left)


@unhurried
@given(times)
def test_thinning_again_drops_nothing_more(moments: list[datetime]) -> None:
    left = kept(moments, NOON)
    assert kept(left, NOON) == left


@unhurried
@given(times, some.lists(some.floats(0, WEEK_S), max_size=4))
def test_what_is_kept_does_not_depend_on_how_often_it_is_thinned(moments: list[datetime], stops: list[float]) -> None:
    ordered = sorted(moments)
    often = ordered
    for stop in sorted(stops):
        often = kept(often, after(stop))
    end = after(WEEK_S)
    newest = {max(ordered, default=NOON)}
    assert set(kept(often, end)) | newest == set(kept(ordered, end)) | newest


@settings(max_examples=8, deadline=None)
@given(some.floats(0.5, 40), some.floats(0, 600))
def test_the_number_of_rows_is_bounded(every_s: float, phase_s: float) -> None:
    moments = [after(-phase_s - number * every_s) for number in range(12_000)]
    assert len(kept(moments, NOON)) <= history.MOST_KEPT


def test_an_hour_is_full_a_day_has_minutes_and_a_week_has_tens_of_minutes() -> None:
    moments = [after(-10 * number) for number in range(8 * 24 * 360)]
    left = kept(moments, NOON)
    ages = [(NOON - moment).total_seconds() for moment in left]
    assert sum(age <= 3600 for age in ages) == 361
    assert sum(3600 < age <= 86_400 for age in ages) == 1380
    assert sum(86_400 < age <= 7 * 86_400 for age in ages) == 864
    assert max(ages) <= 7 * 86_400


@unhurried
@given(times, some.integers(1, 20))
def test_a_chart_has_at_most_its_points_of_each_card_in_order(moments: list[datetime], points: int) -> None:
    told = [reading(moment, device=number % 3) for number, moment in enumerate(moments)]
    found = history.sampled(told, since=after(-WEEK_S), until=NOON, points=points)
    for device in range(3):
        ours = [each.at for each in found if each.device == device]
        assert len(ours) <= points and ours == sorted(ours)


def test_a_stretch_of_a_chart_is_a_mean_and_the_highest_temperature() -> None:
    told = [
        reading(after(-10), use=0.0, temperature_c=60.0),
        reading(after(-5), use=1.0, temperature_c=90.0, power_w=None),
        reading(NOON, use=None, temperature_c=None),
    ]
    [found] = history.sampled(told, since=after(-20), until=NOON, points=1)
    assert (found.use, found.temperature_c, found.power_w, found.at) == (0.5, 90.0, 612.0, NOON)


def test_a_chart_of_no_time_has_at_most_one_point() -> None:
    told: list[Reading] = [reading(), reading()]
    assert len(history.sampled(told, since=NOON, until=NOON, points=1)) == 1
