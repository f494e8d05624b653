"""How budgets burn down, and where that leads: to the ends that boards and fleet tell, and nowhere while nothing can go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from components.budget_chart import content, summary
from pipeline.domain.budget import Action, Budget, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode
from pipeline.domain.costs import BurnDown
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus
from pipeline.domain.workers import WorkerState
from tests.factories import AUTO, EVERYTHING, PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house

fleet = fleet_house
HOURS, MUCH = Quantity.GPU_SECONDS, 1e6


def put(house: House, run: Run, limit: float = MUCH, *levels: Threshold, quantity: Quantity = HOURS) -> Budget:
    """A budget of the run's production."""
    subject = house.studio.budgets.subject(Scope.PROJECT, run.title)
    return house.studio.budgets.put(subject, quantity, PERSON, limit=limit, thresholds=levels)


def burn(house: House, quantity: Quantity = HOURS) -> BurnDown:
    """How the only budget of a quantity burns down now."""
    [budget] = [one for one in house.studio.budgets.all() if one.quantity is quantity]
    costs = house.studio.costs
    return costs.burn_down(budget, [house.studio.overview.of(run_id) for run_id in costs.at_work(budget)])


def told(house: House) -> str:
    """What the page says of the only budget."""
    [budget] = house.studio.budgets.all()
    return summary(budget, burn(house), house.clock.now())


def at_work(house: House) -> None:
    """A budget of which something is spent, and of whose second run scenes are being made."""
    put(house, house.start(make_production(characters=1, scene_types=1, variants=1)))
    house.work()
    house.clock.advance(120)
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    house.start(make_production(characters=2, scene_types=1, variants=1, seed=9))
    house.work()


def test_a_budget_burns_down_to_what_is_spent_and_says_when_it_ends(house: House) -> None:
    at_work(house)
    house.clock.advance(120)
    [budget] = house.studio.budgets.all()
    found = burn(house)
    assert found.points[-1].spent == budget.spent and found.points[-1].at == house.clock.now()
    spent = [point.spent for point in found.points]
    assert spent == sorted(spent) and spent[0] == pytest.approx(0)
    times = [point.at for point in found.points]
    assert times == sorted(times)
    assert found.left > 0 and found.pace > 0 and found.ends_at
    house.backend.release()
    house.work()
    assert burn(house).left == 0


def test_an_old_course_begins_a_month_ago_with_what_was_spent_before(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    spent = house.run(run).spent_seconds
    house.clock.advance(timedelta(days=60).total_seconds())
    put(house, run)
    found = burn(house)
    assert [point.spent for point in found.points] == pytest.approx([spent, spent])
    assert (found.pace, found.ends_at, found.empty_at) == (0, None, None)


def test_what_is_left_to_make_costs_the_mean_of_the_workers_that_may_make_it(fleet: FleetHouse) -> None:
    for name, price in (("gpu-1", 1.0), ("gpu-2", 3.0), ("gpu-3", 50.0)):
        fleet.add(name, cost_per_hour=price)
    fleet.studio.workers.set_state(fleet.worker("gpu-3").worker, WorkerState.PAUSED, PERSON)
    run = fleet.start(make_production(characters=2))
    put(fleet, run), put(fleet, run, quantity=Quantity.MONEY)
    left_s = burn(fleet).left
    assert left_s > 0 and burn(fleet, Quantity.MONEY).left == pytest.approx(left_s * 2.0 / 3600)


def test_a_budget_ends_when_the_last_of_its_runs_does_as_board_and_fleet_say(fleet: FleetHouse) -> None:
    fleet.add("gpu-1", "gpu-2")
    fleet.fleet.holding |= {"gpu-1", "gpu-2"}
    run = fleet.start(make_production(characters=2, scene_types=2, variants=1, segments=3, approvals=AUTO))
    fleet.start(make_production(characters=3, scene_types=2, variants=1, segments=3, approvals=AUTO, seed=7))
    put(fleet, run)
    fleet.work()
    ends = [one.likely_at for one in fleet.studio.fleet_forecasts.now().runs]
    boards = [fleet.studio.overview.of(one.id).rests_at for one in fleet.studio.runs.all()]
    assert len(ends) == 2 and sorted(map(str, ends)) == sorted(map(str, boards))
    assert burn(fleet).ends_at == max(end for end in ends if end)


def test_of_a_scene_that_is_made_in_part_only_the_rest_is_left(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    run = fleet.start(make_production(characters=1, scene_types=1, variants=1, segments=4, approvals=AUTO))
    put(fleet, run)
    while not fleet.jobs(run, Stage.SCENE_GENERATION):
        fleet.engine.turn()
    whole = burn(fleet).left
    while sum(job.status is JobStatus.DONE for job in fleet.jobs(run, Stage.SCENE_GENERATION)) < 3:
        fleet.engine.turn()
    assert burn(fleet).left < whole / 2


def test_what_waits_for_people_is_told_apart_and_a_run_that_stands_still_has_no_end(house: House) -> None:
    put(house, house.start(make_production(characters=2, scene_types=3, variants=1, approvals=Approvals("human", "auto"))))
    house.work()
    found = burn(house)
    assert (found.left, found.undecided, found.ends_at, found.empty_at) == (0, 6, None, None)
    assert told(house).endswith("6 scenes wait for people; nothing else is asked for.")


def test_no_end_is_told_while_no_engine_works(house: House) -> None:
    at_work(house)
    assert burn(house).ends_at
    house.studio.locks.release(f"engine-{house.engine.engine_id}")
    house.clock.advance(60)
    found = burn(house)
    assert found.left > 0 and (found.ends_at, found.empty_at) == (None, None)
    assert "when it is done cannot be told (waits for an engine: none works on its run)" in told(house)


def test_a_level_that_has_stopped_new_work_leaves_no_forecast(house: House) -> None:
    at_work(house)
    assert burn(house).ends_at
    put(house, house.studio.runs.all()[0], MUCH, Threshold(1e-9, Action.FINISH))
    house.studio.submission.submit(house.studio.runs.all()[0], EVERYTHING, Mode.ALL, PERSON)
    house.backend.release()
    house.work()
    [budget] = house.studio.budgets.all()
    found = burn(house)
    assert budget.stops and found.left > 0
    assert (found.ends_at, found.empty_at) == (None, None)
    assert told(house).endswith("Its level of 1e-09 % is reached: no new generation starts.")
    assert "bu-forecast" not in str(content(budget, found, house.clock.now()))
