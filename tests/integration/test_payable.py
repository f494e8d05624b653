"""Money decides who may do what: workers that a budget can pay, and what is told before anything is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.budget import Quantity, Scope
from pipeline.domain.production import Budget
from pipeline.domain.statuses import CellStatus
from tests.factories import PERSON, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house

house = fleet_house


def test_what_a_budget_cannot_pay_at_the_best_worker_goes_to_one_that_it_can(house: FleetHouse) -> None:
    house.add("best", "idle")
    run = house.start(make_production(characters=1, scene_types=1, variants=1, budget=Budget(money=0.5)))
    for name, price in (("best", 100_000.0), ("idle", 0.1)):
        house.studio.workers.edit(house.worker(name).worker, PERSON, cost_per_hour=price)

    house.rest()

    assert house.statuses(run) == {CellStatus.APPROVED: 1}
    assert {worker for worker, *_ in house.fleet.sent} == {"idle"}


def test_what_waits_says_which_workers_are_too_dear(house: FleetHouse) -> None:
    house.add("dear", "cheap")
    house.fleet.holding |= {"dear", "cheap"}
    house.start(make_production(characters=4, budget=Budget(money=0.5)))
    house.studio.workers.edit(house.worker("dear").worker, PERSON, cost_per_hour=36_000.0)
    house.work()
    assert {worker for worker, *_ in house.fleet.sent} == {"cheap"}
    waiting = house.studio.fleet_pages.page(anew=True).waiting[-1]
    assert "dear is too dear for what a budget has left" in waiting.reason


def test_what_budgets_of_money_lack_is_told_before_a_run_is_refused(house: FleetHouse) -> None:
    house.add("gpu-1", cost_per_hour=3600.0)
    made = replace(make_production(budget=Budget(money=0.5)), backend="comfyui")
    planning, budgets = house.studio.planning, house.studio.budgets
    estimate = planning.estimate(made, house.folder)
    found = planning.beyond(made, house.folder, estimate, "ann")
    assert found.cost == pytest.approx(estimate.generation_seconds)
    [own] = found.lacking
    assert own.endswith("of money; the budget allows 0.50")

    budgets.put(budgets.subject(Scope.USER, "ann"), Quantity.MONEY, PERSON, limit=0.25)
    assert [told.partition("; ")[2] for told in planning.beyond(made, house.folder, estimate, "ann").lacking] == [
        "the budget allows 0.50", "the budget of ann has 0.25 of money left",
    ]  # fmt: skip
    assert len(planning.beyond(made, house.folder, estimate, "ben").lacking) == 1
    free = planning.beyond(replace(made, backend="animatic", budget=Budget()), house.folder, estimate, "ben")
    assert (free.cost, free.lacking) == (None, ())
