"""Who of a fleet does what next, and what people are told who wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.bench.fleets import fleet, scenes
from pipeline.domain.fleet.bounds import lower_bound_s
from pipeline.domain.fleet.choosing import Choice, choose
from pipeline.domain.fleet.forecasting import forecast, jobs_left
from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.policies import Ours
from pipeline.domain.fleet.reasons import Reason
from pipeline.domain.fleet.rules import Rules
from pipeline.domain.fleet.simulation import Trouble, simulate
from pipeline.domain.fleet.workers import Rates, Worker, usual_job_s
from tests.fleets import FLOW, GB, busy, job, jobs, worker

GIB = 1024**3


def chosen(waiting: list[FleetJob], workers: list[Worker], *, now_s: float = 0.0, rules: Rules | None = None) -> dict[str, str]:
    """Worker by job."""
    return {given.job.id: given.worker for given in decide(waiting, workers, now_s=now_s, rules=rules).assignments}


def decide(waiting: list[FleetJob], workers: list[Worker], *, now_s: float = 0.0, rules: Rules | None = None) -> Choice:
    return choose(Backlog(waiting), workers, now_s=now_s, rules=rules)


def test_the_fast_card_gets_the_only_job() -> None:
    assert chosen([job()], [worker("slow", seconds=3), worker("fast")]) == {"a": "fast"}


def test_what_is_tried_again_goes_before_what_came_after_it() -> None:
    """It lost its worker, and must not wait behind all that was asked for with it."""
    again = job("again", queued_s=5.0, not_before_s=90.0, excluded=frozenset({"gone"}))
    later = [job(f"later {number}", queued_s=10.0 + number) for number in range(50)]
    assert chosen([*later, again], [worker("one"), worker("two"), worker("gone", away="away")], now_s=100.0) == {
        "again": "one",
        "later 0": "two",
    }


def test_a_slow_card_leaves_the_last_job_to_a_fast_one_that_is_free_soon() -> None:
    slow, fast = worker("slow", seconds=5), busy("fast", 20)
    assert chosen([job()], [slow, fast]) == {}
    assert decide([job()], [slow, fast]).explain(job()).words == (
        "fast will have done it sooner than slow, which is free; it is next in 20 s"
    )


def test_a_slow_card_helps_while_there_is_enough_for_everybody() -> None:
    assert chosen(jobs(20), [worker("slow", seconds=5), busy("fast", 9)]) == {"job 0": "slow"}


def test_a_server_at_jobs_of_somebody_else_gets_none_that_another_worker_does_sooner() -> None:
    taken = worker("w3", others=6, others_until_s=360.0)
    assert chosen([job()], [taken, worker("w1")]) == {"a": "w1"}
    choice = decide(jobs(50), [taken, busy("w1", 20), busy("w2", 30)])
    assert not choice.assignments, "however much waits: w3 is at work in any case"
    assert choice.explain(jobs(1)[0]) == Reason("others", "w3 works on 6 jobs of somebody else; w1 is next in 20 s", "")


def test_a_server_at_jobs_of_somebody_else_still_gets_what_nobody_does_sooner() -> None:
    taken = worker("w3", others=1, others_until_s=60.0)
    assert chosen([job()], [taken, busy("w1", 500)]) == {"a": "w3"}
    assert chosen([job(tags=frozenset({"studio"}))], [replace(taken, tags=frozenset({"studio"})), worker("w1")]) == {"a": "w3"}
    assert chosen(jobs(2), [taken, replace(taken, name="w4")]) == {"job 0": "w3", "job 1": "w4"}
    [given] = decide([job()], [taken]).assignments
    assert (given.start_s, given.finish_s) == (60.0, 70.0)


def test_a_slow_worker_takes_what_one_behind_jobs_of_somebody_else_was_refused() -> None:
    taken, slow = worker("w3", others=6, others_until_s=90.0), worker("slow", seconds=20)
    given = chosen(jobs(60), [taken, slow, busy("w1", 20)])
    assert given == {"job 0": "slow"}


def test_jobs_of_somebody_else_take_as_long_as_ours_and_a_minute_where_nothing_was_measured() -> None:
    kinds = [job().kind, job(units=30.0).kind, job(workflow="new").kind]
    assert usual_job_s({FLOW: 2.0}, kinds) == 40.0
    assert usual_job_s({}, kinds) == 60.0


def test_the_simulation_and_the_forecast_wait_for_jobs_of_somebody_else_too() -> None:
    taken = worker("w3", others=6, others_until_s=360.0)
    outcome = simulate([job()], [taken], policy=Ours([taken]))
    assert [(one.start_s, one.end_s) for one in outcome.done] == [(360.0, 370.0)]
    assert simulate(jobs(3), [taken, worker("w1")], policy=Ours([taken, worker("w1")])).makespan_s == 30.0
    assert forecast(jobs_left([job()]), [taken], now_s=0.0)["Harbor Nights"].p50_s > 365


def test_what_is_loaded_stays_in_use() -> None:
    waiting = [job("a", model="ltx"), job("b", model="wan")]
    workers = [worker("one", model="wan", switch_s=40), worker("two", model="ltx", switch_s=40)]
    assert chosen(waiting, workers) == {"a": "two", "b": "one"}


def test_a_job_waits_for_the_worker_with_its_model_when_that_is_quicker() -> None:
    waiting = job(model="wan 2.2 14B")
    workers = [worker("gpu-3", switch_s=41), busy("gpu-4", 36, model="wan 2.2 14B", switch_s=41)]
    choice = decide([waiting], workers)
    assert not choice.assignments
    words = "gpu-4 has wan 2.2 14B loaded and will have done it sooner than gpu-3, which is free; it is next in 36 s"
    assert choice.explain(waiting) == Reason("model", words, "")


def test_a_scene_stays_with_its_worker_when_moving_costs_more() -> None:
    waiting = job(home="gpu-3", part=2, model="wan")
    workers = [busy("gpu-3", 20, model="wan", switch_s=41), worker("gpu-4", switch_s=39)]
    choice = decide([waiting], workers)
    assert not choice.assignments
    assert choice.explain(waiting).words == "stays with gpu-3: moving costs 41 s of loading"


def test_a_scene_moves_when_its_worker_is_busy_for_long() -> None:
    workers = [busy("gpu-3", 500, model="wan", switch_s=40), worker("gpu-4", switch_s=40)]
    assert chosen([job(home="gpu-3", part=2, model="wan")], workers) == {"a": "gpu-4"}


def test_scenes_that_have_begun_go_first() -> None:
    waiting = [*jobs(30), job("next part", home="gpu-1", part=2, queued_s=50)]
    assert "next part" in chosen(waiting, [worker("gpu-1")], now_s=60)


def test_only_workers_with_enough_memory_are_asked() -> None:
    waiting = job(memory_bytes=31 * GIB)
    small = [worker(name, memory_bytes=24 * GIB) for name in ("gpu-7", "gpu-8")]
    choice = decide([waiting], small)
    assert choice.explain(waiting).words == "needs 31 GiB: gpu-7 and gpu-8 have 24"
    assert choice.explain(waiting).remedy == "add a worker with 31 GiB"
    assert chosen([waiting], [*small, worker("big", memory_bytes=48 * GIB)]) == {"a": "big"}


def test_a_big_card_keeps_to_work_that_only_it_can_do_when_that_takes_longest() -> None:
    waiting = [*jobs(4, memory_bytes=16 * GB), *(replace(one, id=f"big {one.id}") for one in jobs(4, memory_bytes=31 * GB))]
    workers = [worker("big", memory_bytes=48 * GB, switch_s=0), worker("small", memory_bytes=24 * GB)]
    assert chosen(waiting, workers) == {"big job 0": "big", "job 0": "small"}


def test_higher_priority_goes_first_even_if_another_model_must_be_loaded() -> None:
    waiting = [*jobs(5, model="wan"), job("urgent", model="ltx", priority=5, queued_s=9)]
    choice = decide(waiting, [worker(model="wan", switch_s=40)], now_s=10)
    assert [given.job.id for given in choice.assignments] == ["urgent"]
    assert choice.explain(waiting[0]).cause == "priority"


def test_a_deadline_that_presses_goes_before_fair_shares() -> None:
    late = job("late", run="Salt", deadline_s=12, queued_s=5)
    assert chosen([*jobs(3), late], [worker()]) == {"late": "gpu-1"}
    relaxed = job("late", run="Salt", deadline_s=10_000, queued_s=5)
    assert chosen([*jobs(3), relaxed], [worker()]) == {"job 0": "gpu-1"}


def test_who_waits_for_a_deadline_that_presses_is_told_so_and_so_is_who_it_presses() -> None:
    salt, other = jobs(2, run="Salt", deadline_s=12), job("other", queued_s=-1)
    choice = decide([other, *salt], [worker()])
    assert [given.job.id for given in choice.assignments] == ["job 0"]
    told = choice.explain(other)
    assert (told.cause, told.words) == ("deadline", "a run that is due in 12 s goes first; gpu-1 is next in 10 s")
    assert choice.explain(salt[1]).words == "the only worker for it is busy; gpu-1 is next in 10 s; its run is due in 12 s"
    late = decide([other, *salt], [worker()], now_s=30)
    assert late.explain(other).words.startswith("a run that is overdue by 18 s goes first")


def test_a_deadline_of_lower_priority_is_no_reason_to_wait() -> None:
    low = job("low", run="Salt", deadline_s=12, priority=-1)
    choice = decide([*jobs(2), low], [worker()])
    assert [given.job.id for given in choice.assignments] == ["job 0"]
    assert choice.explain(jobs(2)[1]).cause != "deadline"


def test_a_project_with_twice_the_share_gets_twice_the_workers() -> None:
    waiting = [*jobs(12, project="1"), *(replace(one, id=f"salt {one.id}") for one in jobs(12, run="Salt", project="2"))]
    given = chosen(waiting, [worker(f"gpu-{number}") for number in range(9)], rules=Rules(shares={"2": 2.0}))
    assert sum(name.startswith("salt") for name in given) == 6


def test_two_runs_share_the_fleet() -> None:
    waiting = [*jobs(10), *(replace(one, id=f"salt {one.id}") for one in jobs(10, run="Salt"))]
    given = chosen(waiting, [worker(f"gpu-{number}") for number in range(4)])
    assert sum(name.startswith("salt") for name in given) == 2


def test_whoever_has_more_than_the_share_is_told_so() -> None:
    mine = job("mine", run="Glass Orchard")
    workers = [busy(f"gpu-{n}", 30, doing=job(f"held {n}", run="Glass Orchard")) for n in range(3)] + [
        busy(f"other-{n}", 90, doing=job(f"other {n}")) for n in range(4)
    ]
    choice = decide([mine, *(replace(one, id=f"x {one.id}") for one in jobs(3)), *jobs(2, run="Salt")], workers)
    assert choice.explain(mine).words.startswith("fair share: Glass Orchard already has 3 jobs and is entitled to")


def test_nothing_starts_before_its_time() -> None:
    waiting = job(not_before_s=8040)
    choice = decide([waiting], [worker()])
    assert not choice.assignments
    assert choice.explain(waiting).words == "starts in 2 h 14 min at the earliest"
    assert chosen([waiting], [worker()], now_s=8040) == {"a": "gpu-1"}


def test_a_scene_type_never_takes_more_than_its_cap() -> None:
    waiting = jobs(5, group="idle")
    choice = decide(waiting, [worker(f"gpu-{number}") for number in range(4)], rules=Rules(group_caps={"idle": 2}))
    assert len(choice.assignments) == 2
    assert choice.explain(waiting[4]).words == "concurrency of idle is 2, both taken"


def test_a_project_never_takes_more_than_its_cap() -> None:
    workers = [worker(f"gpu-{number}") for number in range(4)]
    assert len(chosen(jobs(5, project="Glass"), workers, rules=Rules(project_caps={"Glass": 1}))) == 1


def test_a_worker_gets_its_next_job_shortly_before_it_is_free() -> None:
    assert chosen(jobs(3), [busy("gpu-1", 100)], rules=Rules(ahead_s=5)) == {}
    assert chosen(jobs(3), [busy("gpu-1", 4)], rules=Rules(ahead_s=5)) == {"job 0": "gpu-1"}
    full = replace(busy("gpu-1", 4), holds=(job("x"), job("y")))
    assert chosen(jobs(3), [full]) == {}


def test_a_worker_with_one_place_gets_nothing_before_what_it_has_has_ended() -> None:
    one = busy("gpu-1", 4, places=1)
    assert chosen(jobs(3), [one], rules=Rules(ahead_s=1e9)) == {}
    assert chosen(jobs(3), [one], now_s=9) == {}, "not even when that takes longer than it should"
    assert chosen(jobs(3), [replace(one, holds=())]) == {"job 0": "gpu-1"}


def test_a_worker_with_more_places_gets_short_jobs_in_advance_up_to_its_places() -> None:
    assert len(chosen(jobs(9, units=1), [worker("gpu-1", places=4)])) == 4
    assert len(chosen(jobs(9, units=1), [busy("gpu-1", 1, places=4)])) == 3
    assert len(chosen(jobs(9, units=60), [worker("gpu-1", places=4)])) == 1, "what runs for long needs nothing behind it yet"


def test_a_worker_that_was_given_fewer_places_than_it_has_jobs_gets_nothing_until_there_is_room() -> None:
    held = tuple(jobs(3, run="Salt"))
    full = [worker(places=2, holds=held[:left], busy_until_s=4) for left in (3, 2, 1)]
    assert [chosen([job()], [one]) for one in full] == [{}, {}, {"a": "gpu-1"}]


@pytest.mark.parametrize(
    ("places", "held", "words"),
    [
        (1, 1, "the only place for it is taken"),
        (2, 2, "both places for it are taken"),
        (3, 3, "all 3 places are taken"),
        (1, 2, "the only worker for it has 2 jobs and may have 1"),
    ],
)
def test_who_waits_for_a_place_is_told_so(places: int, held: int, words: str) -> None:
    full = worker(holds=tuple(jobs(held, run="Salt")), busy_until_s=4, places=places)
    told = decide([job()], [full]).explain(job())
    assert (told.cause, told.words, told.remedy) == ("places", f"{words}; gpu-1 is next in 4 s", "add a worker")
    more = decide([job()], [full, replace(full, name="gpu-2", busy_until_s=3)]).explain(job())
    taken = "both places for it are" if places == 1 else f"all {2 * places} places are"
    assert more.words == f"{taken} taken; gpu-2 is next in 3 s"


def test_where_another_place_would_change_nothing_the_worker_is_just_busy() -> None:
    for workers in ([busy("gpu-1", 60, places=1)], [busy("gpu-1", 4, places=1), busy("gpu-2", 60)]):
        assert decide([job()], workers).explain(job()).cause == "busy"


def test_what_was_passed_over_for_too_long_goes_before_the_loaded_model() -> None:
    waiting = [*jobs(50, model="wan"), job("patient", run="Salt", model="ltx")]
    workers = [worker("gpu-1", model="wan", switch_s=40)]
    backlog = Backlog(waiting)
    served = {("Harbor Nights", "wan"): 899.0, ("Salt", "ltx"): 0.0}
    early = choose(backlog, workers, now_s=890, served=served)
    late = choose(backlog, workers, now_s=901, served=served)
    assert [given.job.id for given in early.assignments] == ["job 0"]
    assert [given.job.id for given in late.assignments] == ["patient"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"away": "paused"}, "gpu-1 is paused"),
        ({"aside": frozenset({FLOW})}, f"gpu-1 is set aside for {FLOW}"),
        ({"tags": frozenset({"b"})}, "needs the tag a, which gpu-1 is not marked with"),
    ],
)
def test_a_worker_that_takes_nothing_is_named_with_the_reason(changes: dict[str, object], words: str) -> None:
    waiting = job(tags=frozenset({"a"})) if "tags" in changes else job()
    choice = decide([waiting], [worker(**changes)])
    assert not choice.assignments
    assert choice.explain(waiting).words == words
    assert choice.explain(waiting).remedy


def test_a_job_that_failed_everywhere_says_so() -> None:
    waiting = job(excluded=["gpu-1"])
    assert decide([waiting], [worker()]).explain(waiting).words == "failed on gpu-1"


def test_an_empty_fleet_says_so() -> None:
    assert decide([job()], []).explain(job()).words == "the fleet has no workers"


def test_when_everybody_is_busy_the_next_one_is_named() -> None:
    words = decide([job()], [busy("gpu-1", 60), busy("gpu-2", 30)]).explain(job()).words
    assert words == "all 2 workers for it are busy; gpu-2 is next in 30 s"


def test_who_is_kept_from_it_by_people_is_named_with_the_command_that_changes_that() -> None:
    waiting = job(tags=frozenset({"studio"}), model="wan")
    studio = [busy(name, until_s, tags=frozenset({"studio"}), model="wan") for name, until_s in (("w2", 60), ("w3", 90))]
    idle = [worker(name, tags=frozenset({"48gb"}), model="wan") for name in ("w1", "w4")]
    told = decide([waiting], [*idle, *studio]).explain(waiting)
    assert told.words == "all 2 workers for it are busy (only w2 and w3 are marked with the tag studio); w2 is next in 60 s"
    assert (told.cause, told.remedy) == ("tags", "`./stripboard workers edit w1 --tag 48gb --tag studio`")
    out = [busy("w1", 60, model="wan"), worker("w 2", model="wan", away="paused"), busy("w3", 60, model="ltx", away="draining")]
    told = decide([job(model="wan")], out).explain(job(model="wan"))
    assert told.words == "the only worker for it is busy (w 2 is paused, w3 is draining); w1 is next in 60 s"
    assert told.remedy == "`./stripboard workers enable 'w 2'` or `./stripboard workers enable w3`"


def test_a_model_that_every_worker_has_is_no_reason_to_wait() -> None:
    workers = [busy("w1", 60, model="wan"), busy("w2", 90, model="ltx")]
    told = decide([job(model="wan")], workers).explain(job(model="wan"))
    assert told == Reason("busy", "all 2 workers for it are busy; w1 is next in 60 s", "add a worker")


def test_a_worker_that_lacks_something_is_named_beside_those_that_are_busy() -> None:
    waiting = job(graph="flow")
    lacking = worker("w2", lacks={"flow": "the model wan is not installed"})
    told = decide([waiting], [busy("w1", 60), lacking]).explain(waiting)
    assert told.words == "the only worker for it is busy (w2 cannot: the model wan is not installed); w1 is next in 60 s"
    assert (told.cause, told.remedy) == ("lacks", "install it on w2")


def test_a_speed_that_was_never_measured_follows_from_the_others() -> None:
    fleet = [
        Worker("slow", seconds_per_unit={"x": 4.0}),
        Worker("middling", seconds_per_unit={"x": 2.0, "y": 10.0}),
        Worker("fast", seconds_per_unit={"x": 1.0, "y": 5.0}),
    ]
    assert Rates(fleet).seconds_per_unit(fleet[0], "y") == pytest.approx(20)
    assert Rates([Worker("new")]).seconds_per_unit(Worker("new"), "x") == 3.0


def test_a_job_cannot_wait_twice() -> None:
    backlog = Backlog([job()])
    with pytest.raises(ValueError, match="waits already"):
        backlog.add(job())
    assert backlog.remove("a") == job()
    assert not backlog


def test_where_each_card_does_few_jobs_hardly_any_loads_a_second_model_and_the_end_comes_out_even() -> None:
    cards, work = fleet(40), scenes(160)
    outcome = simulate(work, cards, policy=Ours(cards), trouble=Trouble(spread=0.05))
    assert outcome.switches < 1.7 * len(cards)
    assert outcome.makespan_s < 1.06 * lower_bound_s(work, cards)


def test_what_should_be_done_elsewhere_is_done_here_when_nobody_else_may() -> None:
    work = [job("wan 1", model="wan", excluded=["specialist"]), job("ltx 1", model="ltx", units=100)]
    workers = [worker("specialist", model="wan", switch_s=40), worker("other", seconds=3, model="ltx", switch_s=40, places=1)]
    outcome = simulate(work, workers, policy=Ours(workers))
    assert len(outcome.done) == 2
