"""What runs have cost: every second and byte in exactly one line, whatever they are told apart by; and how budgets burn down."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.cli import entry
from pipeline.domain.budget import Quantity, Scope
from pipeline.domain.choices import Mode
from pipeline.domain.costs import By, CostLine
from pipeline.domain.errors import NotFound, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import Request
from pipeline.domain.workers import WorkerState
from tests.factories import HUMAN, PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.rest import RestClient

fleet = fleet_house


def lines(house: House, run: Run, by: By) -> dict[str, CostLine]:
    """The lines of a report by name."""
    return {line.name: line for line in house.studio.costs.of_run(run.id, by).lines}


def test_every_question_comes_to_what_the_run_was_charged(house: House) -> None:
    run = house.start(make_production())
    house.work()
    charged = house.run(run)
    for by in By:
        report = house.studio.costs.of_run(run.id, by)
        assert report.total.seconds == pytest.approx(charged.spent_seconds)
        assert report.total.size_bytes == charged.spent_bytes
        assert report.total.estimated_seconds > 0 and report.total.estimated_bytes > 0
    assert set(lines(house, run, By.CHARACTER)) == {"c1", "c2", "delivery"}
    assert set(lines(house, run, By.SCENE_TYPE)) == {"s1", "s2", "source images", "variant images", "delivery"}
    assert {"scene_generation", "variant_generation", "export"} <= set(lines(house, run, By.STAGE))
    assert set(lines(house, run, By.CAUSE)) == {"first_try"}


def test_work_after_a_rejection_is_told_apart_from_first_tries(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    [key] = house.cells(run)
    house.studio.review.reject(run, Selection(keys=(key,)), PERSON, reason="no")
    house.studio.submission.submit(house.run(run), Selection(keys=(key,)), Mode.FAILED, PERSON)
    house.work()
    house.studio.review.approve(run, Selection(keys=(key,)), PERSON)
    house.studio.retakes.again(house.run(run), key, PERSON)
    house.work()
    found = lines(house, run, By.CAUSE)
    assert found["rejection"].jobs > 0 and found["first_try"].jobs > 0
    assert sum(line.seconds for line in found.values()) == pytest.approx(house.run(run).spent_seconds)


def test_another_take_without_a_rejection_is_a_cause_of_its_own(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [key] = house.cells(run)
    house.studio.retakes.again(house.run(run), key, PERSON)
    house.work()
    assert set(lines(house, run, By.CAUSE)) == {"first_try", "new_take"}


def test_a_second_attempt_is_a_retry_and_was_not_expected(house: House) -> None:
    failed: set[str] = set()

    def fail_at_first(request: Request) -> None:
        if request.stage == "scene_generation" and request.job_key not in failed:
            failed.add(request.job_key)
            raise WorkFailed(FailureClass.BACKEND_ERROR, "it did not work")

    house.hands.troubles = fail_at_first
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    found = lines(house, run, By.CAUSE)
    assert found["retry"].attempts >= 1
    assert found["retry"].estimated_seconds == 0
    by_cause, by_stage = (house.studio.costs.of_run(run.id, by).total for by in (By.CAUSE, By.STAGE))
    assert by_cause.jobs == by_stage.jobs < by_cause.attempts, "a job that was tried twice is one job"


def test_what_was_reused_was_neither_expected_nor_spent(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    house.start(production)
    house.work()
    again = house.start(production)
    house.work()
    report = house.studio.costs.of_run(again.id, By.STAGE)
    assert report.total.reused > 0
    assert (report.total.seconds, report.total.estimated_seconds) == (0, 0)
    stages = [line for line in report.lines if line.reused]
    assert stages and all((line.size_bytes, line.estimated_bytes) == (0, 0) for line in stages), "its files are there already"
    assert report.total.size_bytes == house.run(again).spent_bytes, "the run tells the same"


def test_a_run_that_is_not_there_has_no_costs(house: House) -> None:
    with pytest.raises(NotFound):
        house.studio.costs.of_run(7, By.STAGE)


def test_rest_and_the_command_line_tell_the_same(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    house = House(tmp_path, sqlite_url)
    run = house.start(make_production(characters=1, scene_types=1, approvals=HUMAN))
    assert entry.start(["costs", run.name]) == 0
    house.work()
    told = RestClient(house).get(f"production-runs/{run.id}/costs", params={"by": "stage"}).json()
    house.close()
    capsys.readouterr()
    assert entry.start(["costs", run.name, "--by", "stage", "--json"]) == 0
    mine = json.loads(capsys.readouterr().out)["costs"]
    assert [line["name"] for line in mine["lines"]] == [line["name"] for line in told["lines"]]
    assert entry.start(["costs", run.name, "--by", "cause"]) == 0
    assert "first try" in capsys.readouterr().out


def test_a_budget_burns_down_to_what_is_spent_and_says_when_it_would_be_empty(house: House) -> None:
    run = house.start(make_production(characters=2, scene_types=2, variants=1))
    budgets = house.studio.budgets
    subject = budgets.subject(Scope.PROJECT, run.title)
    budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=1e6)
    for _ in range(6):
        house.engine.turn()
        house.clock.advance(120)
    [budget] = budgets.all()
    found = house.studio.costs.burn_down(budget)
    assert found.points[-1].spent == budget.spent and found.points[-1].at == house.clock.now()
    spent = [point.spent for point in found.points]
    assert spent == sorted(spent) and spent[0] == pytest.approx(0)
    times = [point.at for point in found.points]
    assert times == sorted(times)
    if found.left:
        assert found.pace > 0 and (found.ends_at or found.empty_at)
    house.work()
    assert house.studio.costs.burn_down(budgets.all()[0]).left == 0


def test_an_old_course_begins_a_month_ago_with_what_was_spent_before(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    spent = house.run(run).spent_seconds
    house.clock.advance(timedelta(days=60).total_seconds())
    subject = house.studio.budgets.subject(Scope.RUN, run.name)
    budget = house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=1e6)
    found = house.studio.costs.burn_down(budget)
    assert [point.spent for point in found.points] == pytest.approx([spent, spent])
    assert (found.pace, found.ends_at, found.empty_at) == (0, None, None)


def test_what_is_left_to_make_costs_the_mean_of_the_workers_that_may_make_it(fleet: FleetHouse) -> None:
    for name, price in (("gpu-1", 1.0), ("gpu-2", 3.0), ("gpu-3", 50.0)):
        fleet.add(name, cost_per_hour=price)
    fleet.studio.workers.set_state(fleet.worker("gpu-3").worker, WorkerState.PAUSED, PERSON)
    run = fleet.start(make_production(characters=2))
    budgets = fleet.studio.budgets
    subject = budgets.subject(Scope.PROJECT, run.title)
    hours, money = (budgets.put(subject, one, PERSON, limit=1e6) for one in (Quantity.GPU_SECONDS, Quantity.MONEY))
    left_s = fleet.studio.costs.burn_down(hours).left
    assert left_s > 0 and fleet.studio.costs.burn_down(money).left == pytest.approx(left_s * 2.0 / 3600)
