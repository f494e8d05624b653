"""When work may start: quiet hours in their time zone, starts that are set for later, caps of productions and scene types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.deadlines import Lateness, lateness
from pipeline.domain.errors import Invalid
from pipeline.domain.fleet.choosing import choose
from pipeline.domain.fleet.holds import hold
from pipeline.domain.fleet.jobs import Backlog
from pipeline.domain.fleet.rules import Hold, Rules
from pipeline.domain.schedule import (
    QuietHours,
    Schedule,
    checked_caps,
    checked_share,
    from_plain,
    named_caps,
    quiet_hours,
    to_plain,
)
from tests.fleets import job, jobs, worker
from tests.production_documents import body, errors, issue, issues

CLOCKS = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(CLOCKS, CLOCKS, ZONES, MOMENTS)
def test_quiet_hours_end_when_they_say_and_hold_nothing_back_outside(start: str, end: str, zone: str, now: datetime) -> None:
    if start == end:
        return
    quiet = QuietHours(f"{start}-{end}", zone)
    ends = quiet.ends(now)
    clock = now.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    is_in = start <= clock < end if start < end else clock >= start or clock < end
    assert (ends is not None) == is_in
    if ends is not None:
        assert now < ends <= now + timedelta(hours=25)


def test_a_window_over_midnight_holds_on_both_sides_of_it() -> None:
    quiet = QuietHours("22:00-07:00", "Europe/Berlin")
    evening, night, day = (datetime(2026, 11, 28, hour, 30, tzinfo=UTC) for hour in (21, 3, 12))
    assert quiet.ends(evening) == datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
    assert quiet.ends(night) == datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
    assert quiet.ends(day) is None


def test_quiet_hours_follow_the_clocks_of_their_place() -> None:
    quiet = QuietHours("22:00-07:00", "Europe/Berlin")
    assert quiet.ends(datetime(2026, 10, 24, 22, 0, tzinfo=UTC)) == datetime(2026, 10, 25, 6, 0, tzinfo=UTC)
    assert quiet.ends(datetime(2026, 3, 28, 22, 0, tzinfo=UTC)) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize("window", ["22-07", "25:00-07:00", "", "07:00-07:00", "22:00-07:60", "22:00"])
def test_what_is_no_window_is_refused(window: str) -> None:
    with pytest.raises(Invalid):
        quiet_hours(window)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "", "/etc/localtime"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match="no time zone"):
        quiet_hours("22:00-07:00", zone)


def test_a_schedule_survives_being_stored() -> None:
    for schedule in (
        Schedule(),
        Schedule(QuietHours("22:00-07:00", "UTC"), 4, {"dance": 2}),
        Schedule(parallel=1),
        Schedule(share=2.5),
    ):
        assert from_plain(to_plain(schedule)) == schedule
    with pytest.raises(Invalid):
        checked_caps(None, {"dance": 0})


def test_caps_go_by_the_names_of_scene_types_as_they_are_declared() -> None:
    assert named_caps({"DANCE": 2, "Fall": 1}, ["dance", "Fall", "walk"]) == {"dance": 2, "Fall": 1}
    with pytest.raises(Invalid, match=r'There is no scene type "dense"\. Did you mean "dance"'):
        named_caps({"dense": 2}, ["dance", "walk"])


@pytest.mark.parametrize("share", [0.0, -1.0, 1e9, float("nan"), float("inf")])
def test_a_share_that_starves_somebody_is_refused(share: float) -> None:
    with pytest.raises(Invalid, match="cannot be"):
        checked_share(share)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 28, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "likely", "latest", "found"),
    [
        (None, 15, 16, None),
        (17, 15, 16, None),
        (16, 15, 16, None),
        (15, 15, 16, Lateness.AT_RISK),
        (14, 15, 16, Lateness.LATE),
        (11, None, None, Lateness.LATE),
        (13, None, None, None),
    ],
)
def test_a_run_is_late_when_it_is_likely_done_afterwards_and_at_risk_when_it_may_be(
    due: int | None, likely: int | None, latest: int | None, found: Lateness | None
) -> None:
    moments = [None if hour is None else at(hour) for hour in (due, likely, latest)]
    assert lateness(moments[0], likely_at=moments[1], latest_at=moments[2], now=at(12)) is found


def test_who_waits_for_quiet_hours_is_told_when_they_end_and_what_changes_that() -> None:
    schedule = Schedule(QuietHours("22:00-07:00", "Europe/Berlin"))
    now = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
    found = hold(schedule, title="Glass", run="Glass #1", start_after=None, now=now)
    assert found == Hold(
        "quiet_hours",
        "waits for 07:00 Europe/Berlin, when quiet hours end",
        '`./stripboard schedule "Glass" --no-quiet-hours`',
    )
    assert hold(schedule, title="Glass", run="Glass #1", start_after=None, now=now + timedelta(hours=8)) is None


def test_who_waits_for_a_later_start_is_told_until_when() -> None:
    now = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
    found = hold(None, title="Glass", run="Glass #1", start_after=now + timedelta(days=3), now=now)
    assert found is not None
    assert found.words == "waits for 2026-12-01 23:00 UTC, when it is to start"
    assert found.remedy == '`./stripboard start-after "Glass #1" now`'
    assert hold(None, title="Glass", run="Glass #1", start_after=now, now=now) is None


def test_a_fleet_starts_nothing_of_a_run_that_is_held_and_says_why() -> None:
    held = Hold("quiet_hours", "waits for 07:00 UTC, when quiet hours end", "wait")
    waiting = [job("a", run="one"), job("b", run="two")]
    choice = choose(Backlog(waiting), [worker("x"), worker("y")], now_s=0.0, rules=Rules(held={"one": held}))
    assert [given.job.id for given in choice.assignments] == ["b"]
    reason = choice.explain(waiting[0])
    assert (reason.cause, reason.words, reason.remedy) == ("quiet_hours", held.words, "wait")


def test_a_cap_of_a_scene_type_counts_for_its_own_production_alone() -> None:
    waiting = [
        *jobs(3, project="Glass", group="dance"),
        *(job(f"b{number}", project="Stone", group="dance") for number in range(3)),
    ]
    rules = Rules(scene_caps={("Glass", "dance"): 1}, ahead_s=0)
    choice = choose(Backlog(waiting), [worker(f"w{number}") for number in range(5)], now_s=0.0, rules=rules)
    taken = [given.job.kind.project for given in choice.assignments]
    assert (taken.count("Glass"), taken.count("Stone")) == (1, 3)
    left = next(one for one in waiting if one.kind.project == "Glass" and one.id not in {g.job.id for g in choice.assignments})
    assert choice.explain(left).cause == "cap"


def test_a_file_that_caps_what_is_no_scene_type_is_told_so() -> None:
    found = issue(issues(body(schedule={"scene_types": {"dance": 1, "dnace": 1}})), "production.schedule.scene_types.dnace")
    assert (found.message, found.suggestion) == ('There is no scene type "dnace".', 'Did you mean "dance"?')
    assert errors(issues(body(schedule={"scene_types": {"dance": 1}}))) == []
