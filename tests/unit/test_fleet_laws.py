"""What holds for every decision and every simulation of a fleet, whatever it looks like."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.fleet.bounds import lower_bound_s, whole_jobs_bound_s
from pipeline.domain.fleet.choosing import Choice, choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.policies import FirstCome, LeastQueue, Ours
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.simulation import Outage, Trouble, simulate
from pipeline.domain.fleet.workers import Worker, fits
from tests.fleets import FLOW, GB, job, jobs, scene, worker

NAMES = [f"gpu-{number}" for number in range(5)]
NOW_S = 1000.0

kinds = st.fixed_dictionaries(
    {
        "run": st.sampled_from(["Salt", "Glass Orchard", "Harbor Nights"]),
        "project": st.sampled_from(["one", "two"]),
        "model": st.sampled_from(["", "wan", "ltx"]),
        "units": st.sampled_from([5.0, 10.0, 40.0]),
        "following_units": st.sampled_from([0.0, 20.0]),
        "memory_bytes": st.sampled_from([0, 16 * GB, 31 * GB]),
        "priority": st.integers(0, 2),
        "deadline_s": st.sampled_from([None, 1010.0, 9000.0]),
        "group": st.sampled_from(["idle", "dance"]),
        "not_before_s": st.sampled_from([0.0, 0.0, 1100.0]),
        "queued_s": st.sampled_from([0.0, 500.0, 999.0]),
        "home": st.sampled_from(["", "", *NAMES]),
        "excluded": st.sets(st.sampled_from(NAMES), max_size=2),
    }
)


@st.composite
def waiting_jobs(draw: st.DrawFn) -> list[FleetJob]:
    return [job(f"job {number}", **kind) for number, kind in enumerate(draw(st.lists(kinds, max_size=14)))]


@st.composite
def fleets(draw: st.DrawFn) -> list[Worker]:
    made = []
    for name in NAMES[: draw(st.integers(0, len(NAMES)))]:
        held = tuple(job(f"held {number} of {name}", **kind) for number, kind in enumerate(draw(st.lists(kinds, max_size=3))))
        made.append(
            worker(
                name,
                seconds=draw(st.sampled_from([0.5, 1.0, 3.0])),
                memory_bytes=draw(st.sampled_from([0, 24 * GB, 48 * GB])),
                model=draw(st.sampled_from(["", "wan", "ltx"])),
                switch_s=draw(st.sampled_from([0.0, 40.0])),
                holds=held,
                busy_until_s=draw(st.sampled_from([990.0, 1003.0, 1300.0])) if held else 0.0,
                away=draw(st.sampled_from(["", "", "", "paused"])),
                aside=draw(st.sampled_from([frozenset(), frozenset(), frozenset({FLOW})])),
                places=draw(st.sampled_from([1, 2, 2, 3, 8])),
            )
        )
    return made


rules = st.builds(
    Rules,
    project_caps=st.dictionaries(st.sampled_from(["one", "two"]), st.integers(0, 4), max_size=2),
    group_caps=st.dictionaries(st.sampled_from(["idle", "dance"]), st.integers(0, 4), max_size=2),
    scene_caps=st.dictionaries(st.sampled_from([("one", "idle"), ("two", "dance")]), st.integers(0, 3), max_size=2),
    ahead_s=st.sampled_from([0.0, 5.0, 1e9]),
    passed_over_s=st.sampled_from([100.0, 1e9]),
)


def decide(waiting: list[FleetJob], fleet: list[Worker], rule: Rules) -> Choice:
    return choose(Backlog(waiting), fleet, now_s=NOW_S, rules=rule)


@settings(max_examples=150, deadline=None)
@given(waiting_jobs(), fleets(), rules)
def test_every_assignment_is_allowed(waiting: list[FleetJob], fleet: list[Worker], rule: Rules) -> None:
    choice = decide(waiting, fleet, rule)
    by_name = {one.name: one for one in fleet}
    ids = [one.job.id for one in choice.assignments]
    assert len(ids) == len(set(ids)) and set(ids) <= {one.id for one in waiting}
    held = Counter({one.name: len(one.holds) for one in fleet})
    groups = Counter(one.kind.group for place in fleet for one in place.holds)
    projects = Counter(one.kind.project for place in fleet for one in place.holds)
    scenes = Counter((one.kind.project, one.kind.group) for place in fleet for one in place.holds)
    for one in choice.assignments:
        place, kind = by_name[one.worker], one.job.kind
        assert fits(place, kind) and not place.away and place.name not in one.job.excluded
        assert one.job.not_before_s <= NOW_S <= one.start_s <= one.finish_s
        held[place.name] += 1
        groups[kind.group] += 1
        projects[kind.project] += 1
        scenes[kind.project, kind.group] += 1
        assert held[place.name] <= place.places
        assert groups[kind.group] <= rule.group_caps.get(kind.group, 99)
        assert projects[kind.project] <= rule.project_caps.get(kind.project, 99)
        assert scenes[kind.project, kind.group] <= rule.scene_caps.get((kind.project, kind.group), 99)


@settings(max_examples=100, deadline=None)
@given(waiting_jobs(), fleets(), rules)
def test_equal_arguments_give_equal_answers_and_every_job_that_waits_is_told_why(
    waiting: list[FleetJob], fleet: list[Worker], rule: Rules
) -> None:
    backlog = Backlog(waiting)
    first = choose(backlog, fleet, now_s=NOW_S, rules=rule)
    assert first.assignments == choose(backlog, fleet, now_s=NOW_S, rules=rule).assignments
    assert len(backlog) == len(waiting)
    started = {one.job.id for one in first.assignments}
    for one in waiting:
        reason = first.explain(one)
        assert reason.words and (reason.cause == "assigned") == (one.id in started)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 8), st.lists(st.integers(0, 3), max_size=12), st.sampled_from([5.0, 50.0]))
def test_equal_workers_never_idle_while_a_job_fits_and_priority_comes_first(
    count: int, priorities: list[int], units: float
) -> None:
    waiting = [job(f"job {n}", priority=priority, units=units) for n, priority in enumerate(priorities)]
    choice = decide(waiting, [worker(f"gpu-{n}", places=1) for n in range(count)], Rules())
    assert len(choice.assignments) == min(count, len(waiting))
    started = sorted((one.job.kind.priority for one in choice.assignments), reverse=True)
    assert started == sorted(priorities, reverse=True)[: len(started)]


@settings(max_examples=100, deadline=None)
@given(waiting_jobs(), st.integers(1, 4))
def test_what_was_passed_over_goes_before_others_of_its_priority(waiting: list[FleetJob], count: int) -> None:
    waiting = [replace(one, home="", excluded=frozenset(), not_before_s=0.0) for one in waiting]
    fleet = [worker(f"gpu-{n}", model="wan", places=1) for n in range(count)]
    choice = decide(waiting, fleet, Rules(passed_over_s=600))
    started = {one.job.id for one in choice.assignments}
    queues = Counter((one.job.kind.run, one.job.kind.model) for one in choice.assignments)
    for one in waiting:
        is_overdue = NOW_S - one.queued_s > 600 and not queues[one.kind.run, one.kind.model]
        if is_overdue and one.id not in started:
            others = [other.job for other in choice.assignments if other.job.kind.priority <= one.kind.priority]
            assert all(NOW_S - other.queued_s > 600 for other in others if other.kind.priority == one.kind.priority)
            assert all(other.kind.priority == one.kind.priority for other in others)


cards = st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.7]), st.sampled_from([0.0, 30.0])), min_size=1, max_size=5)


def made(found: list[tuple[float, float]]) -> list[Worker]:
    return [worker(f"gpu-{n}", seconds=seconds, switch_s=switch_s) for n, (seconds, switch_s) in enumerate(found)]


@settings(max_examples=60, deadline=None)
@given(cards, st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["wan", "ltx"]), st.sampled_from([5.0, 30.0])), max_size=8))
def test_all_work_is_done_once_in_order_and_not_before_the_lower_bound(
    found: list[tuple[float, float]], shapes: list[tuple[int, str, float]]
) -> None:
    fleet = made(found)
    work = [one for n, (parts, model, units) in enumerate(shapes) for one in scene(f"scene {n}", parts, model=model, units=units)]
    bound_s = lower_bound_s(work, fleet)
    for policy in (Ours(fleet), FirstCome(), LeastQueue()):
        outcome = simulate(work, fleet, policy=policy)
        assert Counter(one.job.id for one in outcome.done) == Counter(one.id for one in work)
        assert outcome.makespan_s >= bound_s - 1e-6
        ends = {(one.job.scene, one.job.part): one.end_s for one in outcome.done}
        assert all(one.start_s >= ends.get((one.job.scene, one.job.part - 1), 0.0) for one in outcome.done)
        for place in fleet:
            own = sorted((one.start_s, one.end_s) for one in outcome.done if one.worker == place.name)
            assert all(before[1] <= after[0] for before, after in pairwise(own))


@settings(max_examples=40, deadline=None)
@given(cards, st.lists(st.sampled_from(["wan", "ltx", "sora"]), min_size=1, max_size=12))
def test_no_schedule_is_shorter_than_the_bound_of_whole_jobs(found: list[tuple[float, float]], models: list[str]) -> None:
    fleet = made(found)
    lengths = {"wan": 30.0, "ltx": 5.0, "sora": 12.0}
    work = [job(f"job {n}", model=model, units=lengths[model]) for n, model in enumerate(models)]
    bound_s = whole_jobs_bound_s(work, fleet)
    assert bound_s >= lower_bound_s(work, fleet)
    for policy in (Ours(fleet), FirstCome(), LeastQueue()):
        assert simulate(work, fleet, policy=policy).makespan_s >= bound_s - 1e-6


def test_the_order_in_which_prices_are_added_lifts_no_bound_over_a_schedule() -> None:
    work = [
        job(f"job {n}", model=model, units=units) for n, (model, units) in enumerate([("wan", 30.0)] * 2 + [("sora", 12.0)] * 3)
    ]
    fleet = made([(1.0, 0.0), (2.7, 0.0)])
    assert simulate(work, fleet, policy=Ours(fleet)).makespan_s == pytest.approx(72.0)
    assert whole_jobs_bound_s(work, fleet) <= 72.0


def test_half_jobs_and_half_loaded_models_do_not_count() -> None:
    work = [job("a", model="wan", units=30), job("b", model="ltx"), job("c", model="ltx"), job("d", model="ltx")]
    fleet = [worker("one", switch_s=30), worker("two", switch_s=30)]
    assert lower_bound_s(work, fleet) == pytest.approx(60)
    assert whole_jobs_bound_s(work, fleet) == pytest.approx(60)
    more = [*work, job("e", model="ltx")]
    assert lower_bound_s(more, fleet) == pytest.approx(65)
    assert whole_jobs_bound_s(more, fleet) == pytest.approx(70, abs=0.1)


def test_jobs_of_a_model_that_differ_have_no_bound_of_whole_jobs() -> None:
    with pytest.raises(ValueError, match="differ"):
        whole_jobs_bound_s([job("a", model="wan"), job("b", model="wan", units=3.0)], [worker()])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_failures_and_outages_lose_no_work(seed: int, count: int) -> None:
    fleet = [worker(f"gpu-{n}", switch_s=5) for n in range(count)]
    trouble = Trouble(spread=0.2, failing_share=0.2, outages=(Outage("gpu-0", 12, 90), Outage("gpu-0", 120, 150)))
    work = [one for n in range(6) for one in scene(f"scene {n}", 2, model="wan")]
    outcome = simulate(work, fleet, policy=Ours(fleet), seed=seed, trouble=trouble)
    assert sorted(one.job.id for one in outcome.done) == sorted(one.id for one in work)
    assert not outcome.left
    assert outcome.attempts >= len(work)
    assert outcome == simulate(work, fleet, policy=Ours(fleet), seed=seed, trouble=trouble)
    assert all(one.start_s >= 90 or one.end_s <= 12 for one in outcome.done if one.worker == "gpu-0" and one.start_s < 90)


def test_unequal_cards_finish_together() -> None:
    fleet = made([(0.5, 0.0), (1.0, 0.0), (2.5, 0.0)])
    work = jobs(200)
    outcome = simulate(work, fleet, policy=Ours(fleet))
    assert outcome.makespan_s <= 1.02 * lower_bound_s(work, fleet)


def test_one_long_scene_is_bounded_by_the_fastest_card() -> None:
    fleet = made([(0.5, 0.0), (1.0, 0.0)])
    assert abs(lower_bound_s(scene("only", 4), fleet) - 20) < 1e-6


def test_whole_jobs_count_in_the_bound() -> None:
    fleet = made([(1.0, 0.0), (1.0, 0.0)])
    assert abs(lower_bound_s(jobs(3), fleet) - 20) < 1e-6


def test_work_that_nobody_fits_has_no_bound_and_is_left() -> None:
    fleet, work = [worker(memory_bytes=24 * GB)], [job(memory_bytes=31 * GB)]
    with pytest.raises(ValueError, match="no worker fits"):
        lower_bound_s(work, fleet)
    for policy in (Ours(fleet), FirstCome(), LeastQueue()):
        assert simulate(work, fleet, policy=policy).left == ("a",)
