"""When something new may start, how much at once, and what that does to forecasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fleet.forecasting import RunForecast, jobs_left, rehearse
from pipeline.domain.fleet.jobs import FleetJob
from pipeline.domain.fleet.terms import ALWAYS, Hours, Terms, hours_of
from pipeline.domain.schedule import quiet_hours
from tests.fleets import job, worker

HOUR_S = 3600.0
FOUR = [worker(f"gpu-{number}") for number in range(4)]
NIGHT = quiet_hours("22:00-07:00", "Europe/Berlin")


@st.composite
def some_hours(draw: st.DrawFn) -> Hours:
    changes = draw(st.lists(st.integers(1, 500), unique=True, max_size=6).map(sorted))
    is_open = draw(st.booleans()) if changes else True
    return Hours(is_open, tuple(float(change) for change in changes))


@given(some_hours(), st.integers(0, 500), st.integers(0, 500))
def test_open_seconds_and_the_moment_after_them_belong_together(hours: Hours, at_s: int, seconds: int) -> None:
    end_s = hours.after(at_s, seconds)
    assert end_s >= at_s + seconds
    assert hours.between(at_s, end_s) == seconds


@given(some_hours(), st.integers(0, 500))
def test_what_opens_is_open_until_it_closes(hours: Hours, at_s: int) -> None:
    opens_s = hours.opens_s(at_s)
    assert opens_s >= at_s and hours.opens_s(opens_s) == opens_s
    assert hours.between(at_s, opens_s) == 0
    assert hours.closes_s(opens_s) > opens_s


def at(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start_after", "opens"),
    [
        ("2030-01-01T12:00", None, "2030-01-01T12:00"),
        ("2030-01-01T23:00", None, "2030-01-02T06:00"),
        ("2030-01-01T12:00", "2030-01-01T15:00", "2030-01-01T15:00"),
        ("2030-01-01T12:00", "2030-01-02T02:00", "2030-01-02T06:00"),
        ("2030-01-01T12:00", "2029-12-31T12:00", "2030-01-01T12:00"),
        ("2030-03-31T00:30", None, "2030-03-31T05:00"),
    ],
)
def test_work_starts_when_it_may_and_quiet_hours_are_over(now: str, start_after: str | None, opens: str) -> None:
    hours = hours_of(NIGHT, at(start_after) if start_after else None, at(now))
    assert hours.opens_s(at(now).timestamp()) == at(opens).timestamp()


def test_quiet_hours_come_back_every_night_also_when_the_clocks_change() -> None:
    now = at("2030-03-30T12:00")
    hours = hours_of(NIGHT, None, now)
    changes = [datetime.fromtimestamp(change, UTC) for change in hours.changes[:4]]
    assert changes == [at("2030-03-30T21:00"), at("2030-03-31T05:00"), at("2030-03-31T20:00"), at("2030-04-01T05:00")]
    assert hours.closes_s((now + timedelta(days=80)).timestamp()) < (now + timedelta(days=81)).timestamp()


def test_a_window_that_a_day_leaves_out_is_passed_over() -> None:
    hours = hours_of(quiet_hours("02:10-02:50", "Europe/Berlin"), None, at("2030-03-30T12:00"))
    assert datetime.fromtimestamp(hours.changes[0], UTC) == at("2030-04-01T00:10")


def test_without_quiet_hours_and_a_later_start_work_may_always_start() -> None:
    assert hours_of(None, None, at("2030-01-01T12:00")) == ALWAYS


def ends(terms: Terms, *runs: str, count: int = 40) -> dict[str, RunForecast]:
    """The forecast of these runs, each with so many jobs of ten seconds in a project of its own, on four equal workers."""
    work: list[FleetJob] = []
    for run in runs:
        work += [job(f"{run} {number}", run=run, project=run, group="walk") for number in range(count)]
    return dict(rehearse(jobs_left(work), FOUR, now_s=0, terms=terms).runs)


def test_a_run_in_its_quiet_hours_is_done_after_them() -> None:
    usual, held = ends(Terms(), "one")["one"], ends(Terms(hours={"one": Hours(False, (HOUR_S,))}), "one")["one"]
    assert held.p50_s == pytest.approx(HOUR_S + usual.p50_s, abs=10)
    assert held.p50_s < held.p90_s < HOUR_S + usual.p90_s + 10


def test_what_is_not_done_before_quiet_hours_goes_on_after_them() -> None:
    found = ends(Terms(hours={"one": Hours(True, (50.0, HOUR_S))}), "one")["one"]
    assert HOUR_S + 40 < found.p50_s < HOUR_S + 70


def test_work_that_is_done_before_quiet_hours_does_not_wait_for_their_end() -> None:
    usual = ends(Terms(), "one")["one"]
    assert ends(Terms(hours={"one": Hours(True, (1000.0, HOUR_S))}), "one")["one"] == usual


def test_the_workers_do_other_productions_while_one_is_quiet() -> None:
    alone = ends(Terms(), "two")["two"]
    found = ends(Terms(hours={"one": Hours(False, (HOUR_S,))}), "one", "two")
    assert found["two"].p50_s == pytest.approx(alone.p50_s, rel=0.1)
    assert found["one"].p50_s > HOUR_S


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_a_cap_lets_no_more_workers_help(cap: int) -> None:
    of_project, of_scenes = Terms(project_caps={"one": cap}), Terms(scene_caps={("one", "walk"): cap})
    for terms in (of_project, of_scenes):
        assert ends(terms, "one")["one"].p50_s == pytest.approx(400 / cap, rel=0.15)


def test_a_scene_type_that_is_paused_keeps_nobody_from_the_rest() -> None:
    work = [job(f"{group} {number}", group=group) for group in ("walk", "dance") for number in range(20)]
    paused = Terms(scene_caps={("", "walk"): 0})
    found = rehearse(jobs_left(work), FOUR, now_s=0, terms=paused)
    alone = rehearse(jobs_left(work[20:]), FOUR, now_s=0)
    assert sum(found.busy_s.values()) == pytest.approx(sum(alone.busy_s.values()), rel=0.1)
    assert [one.kind.group for one in jobs_left(work) if paused.is_paused(one.kind)] == ["walk"]
