"""What a fleet is asked to keep to while it shares out work: deadlines, shares among those that can be served, moves in time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.fleet.bounds import lower_bound_s
from pipeline.domain.fleet.choosing import choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob, Kind
from pipeline.domain.fleet.policies import Ours
from pipeline.domain.fleet.simulation import simulate
from pipeline.domain.fleet.workers import Worker
from tests.fleets import FLOW, busy, job, jobs, worker


def kind(run: str, *, units: float, due_s: float | None = None) -> Kind:
    return Kind(run=run, project=run, workflow="w", units=units, deadline_s=due_s)


@pytest.mark.parametrize(
    ("workers", "length_s", "count", "due_s"),
    [(1, 600, 6, 5000), (2, 300, 20, 3600), (2, 300, 20, 4200), (8, 120, 100, 2000)],
)
def test_a_deadline_that_can_be_met_is_met_whatever_competes(workers: int, length_s: int, count: int, due_s: float) -> None:
    cards = [Worker(f"gpu-{number}", seconds_per_unit={"w": 1.0}) for number in range(workers)]
    others = [FleetJob(f"other {number}", kind("other", units=length_s)) for number in range(400)]
    mine = [FleetJob(f"mine {number}", kind("mine", units=length_s, due_s=due_s)) for number in range(count)]
    outcome = simulate([*others, *mine], cards, policy=Ours(cards))
    assert max(done.end_s for done in outcome.done if done.job.kind.run == "mine") <= due_s


def test_a_deadline_that_is_lost_keeps_nobody_waiting_for_ever() -> None:
    cards = [Worker("gpu-1", seconds_per_unit={"w": 1.0})]
    late = [FleetJob(f"late {number}", kind("late", units=600, due_s=60.0)) for number in range(20)]
    other = FleetJob("other", kind("other", units=600))
    outcome = simulate([*late, other], cards, policy=Ours(cards))
    [end_s] = [done.end_s for done in outcome.done if done.job.id == "other"]
    assert end_s <= 3 * 900.0, "the longest that anybody is passed over, and the jobs that run meanwhile"


@pytest.mark.parametrize("slow", [1.5, 2.1, 3.0])
@pytest.mark.parametrize("count", [4, 10, 40])
def test_segments_that_pile_up_at_the_worker_of_those_before_them_move_to_others(slow: float, count: int) -> None:
    cards = [Worker("fast", seconds_per_unit={"w": 1.0}), *(Worker(f"slow {n}", seconds_per_unit={"w": slow}) for n in range(3))]
    waiting = [FleetJob(f"job {n}", kind("run", units=30), scene=f"scene {n}", part=2, home="fast") for n in range(count)]
    assert simulate(waiting, cards, policy=Ours(cards)).makespan_s <= 1.01 * lower_bound_s(waiting, cards)


def test_a_segment_that_has_waited_at_its_worker_for_as_long_as_another_takes_moves() -> None:
    """Its worker seems to be free soon, but again and again gets other work."""
    waiting = replace(job(units=20.0), home="home", queued_s=0.0)

    def given(now_s: float) -> list[str]:
        fleet = [busy("home", now_s + 10.0, seconds_per_unit={FLOW: 1.0}), worker("other", seconds=2)]
        return [given.worker for given in choose(Backlog([waiting]), fleet, now_s=now_s).assignments]

    assert (given(10.0), given(60.0)) == ([], ["other"])


def test_work_that_nobody_can_do_takes_no_share_and_is_no_reason_to_wait() -> None:
    mine, fleet = jobs(6), [busy("gpu-1", 30), busy("gpu-2", 60)]
    hopeless = FleetJob("hopeless", replace(kind("other", units=1), tags=frozenset({"nosuch"}), priority=5))
    alone, beside = (choose(Backlog(each), fleet, now_s=0.0).explain(mine[0]) for each in (mine, [*mine, hopeless]))
    assert alone == beside and alone.cause == "busy"
