"""Budgets of productions, users and runs: kept by whoever claims, with levels that act once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.domain.budget import Action, Budget, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.errors import Invalid, NotFound, Refused
from pipeline.domain.production import Budget as Limits
from pipeline.domain.progress import Outlook
from pipeline.domain.records import Actor, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fakes import FakeClock, MemoryBackend

HOURS, MONEY, DISK = Quantity.GPU_SECONDS, Quantity.MONEY, Quantity.DISK_BYTES
MUCH = 1e9


@pytest.fixture
def paid(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house whose performers make no files, and take as long as they are told; its budgets are kept."""
    house = House(tmp_path, database_url)
    yield house
    assert [fault for fault in house.studio.invariants.check() if fault.startswith("I8")] == []
    house.close()


def put(
    house: House, run: Run, limit: float, *levels: tuple[float, Action], scope: Scope = Scope.PROJECT, of: str = ""
) -> Budget:
    """Set a budget of generation time of the run's production."""
    name = of or {Scope.PROJECT: run.title, Scope.USER: str(PERSON), Scope.RUN: str(run.id)}[scope]
    subject = house.studio.budgets.subject(scope, name)
    return house.studio.budgets.put(
        subject, HOURS, PERSON, limit=limit, thresholds=[Threshold(at, action) for at, action in levels]
    )


def found(house: House, budget: Budget) -> Budget:
    """The budget as it is stored now."""
    return next(one for one in house.studio.budgets.all() if one.id == budget.id)


def test_what_runs_of_a_production_spend_counts_for_its_budget_and_for_their_users(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    first = house.start(production)
    budget, own = put(house, first, MUCH), put(house, first, MUCH, scope=Scope.USER)
    house.work()
    house.start(replace(production, seed=9))
    house.work()

    spent = sum(house.run(run).spent_seconds for run in house.studio.runs.all())
    assert found(house, budget).spent == pytest.approx(spent) and spent > 0
    assert found(house, own).spent == pytest.approx(spent)
    assert found(house, budget).reserved == pytest.approx(0)


def test_a_new_budget_counts_from_the_beginning_and_refuses_less_than_that(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert put(house, run, MUCH).spent == pytest.approx(house.run(run).spent_seconds)
    with pytest.raises(Refused, match=r"has spent and reserved .* already"):
        put(house, run, house.run(run).spent_seconds / 2)


def test_a_claim_reserves_in_every_budget_and_the_end_frees_it(house: House) -> None:
    run = house.create(make_production(characters=2, scene_types=2, variants=1))
    budgets = [put(house, run, MUCH, scope=scope) for scope in (Scope.PROJECT, Scope.USER)]
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    reserved = house.run(run).reserved_seconds
    assert reserved > 0
    assert [found(house, budget).reserved for budget in budgets] == pytest.approx([reserved, reserved])
    assert house.studio.invariants.check() == []
    house.backend.release()
    house.work()
    assert [found(house, budget).reserved for budget in budgets] == pytest.approx([0, 0])


def test_disk_is_counted_when_files_are_stored(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    subject = house.studio.budgets.subject(Scope.PROJECT, run.title)
    budget = house.studio.budgets.put(subject, DISK, PERSON, limit=1e12)
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    assert found(house, budget).spent == house.run(run).spent_bytes > 0


def test_work_stops_where_the_budget_of_the_production_ends_and_goes_on_when_it_is_raised(paid: House) -> None:
    run = paid.create(make_production())
    whole = paid.studio.submission.preview(run, EVERYTHING, Mode.ALL).estimate.generation_seconds
    put(paid, run, whole)
    paid.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    engine = paid.new_engine(MemoryBackend(seconds=whole / 6))
    while engine.turn():
        [now] = paid.studio.budgets.all()
        assert now.spent + now.reserved <= whole + 1e-6
    assert paid.studio.reports.progress(run.id).outlook is Outlook.BUDGET
    [told] = paid.studio.reports.held(run.id)
    assert told.endswith(f'`./stripboard budgets set project "{run.title}" --gpu-hours N` changes that')

    put(paid, run, MUCH)
    assert not paid.studio.reports.held(run.id)
    paid.work(engine)
    assert paid.statuses(run) == {CellStatus.APPROVED: 8}


def test_a_submission_that_the_production_cannot_pay_for_is_refused_whole_with_the_reason(house: House) -> None:
    run = house.create(make_production())
    put(house, run, 0.001)
    with pytest.raises(Refused, match=rf"The budget of {run.title} would need .* and has .* left .* `./stripboard budgets set`"):
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    assert house.statuses(run) == {CellStatus.NOT_STARTED: 8}


def test_a_level_tells_once_and_again_only_after_the_limit_was_raised_past_it(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    run = house.start(production)
    house.work()
    spent = house.run(run).spent_seconds
    budget = put(house, run, spent * 1.5, (50, Action.NOTIFY))
    house.start(make_production(title="Other", characters=1, scene_types=1, variants=1))
    house.work()
    house.work()
    [event] = house.events("budget.reached")
    assert (event.data["at_percent"], event.data["action"]) == (50, "notify")
    assert found(house, budget).fired == 1
    assert [notice.kind for notice in house.studio.activity.notices() if notice.kind == "budget"] == ["budget"]

    budgets = house.studio.budgets
    raised = budgets.put(budgets.subject(Scope.PROJECT, run.title), HOURS, PERSON, limit=spent * 10)
    assert (raised.fired, raised.thresholds) == (0, (Threshold(50, Action.NOTIFY),))
    budgets.put(budgets.subject(Scope.PROJECT, run.title), HOURS, PERSON, limit=spent * 1.6)
    house.start(make_production(title="Third", characters=1, scene_types=1, variants=1))
    house.work()
    assert len(house.events("budget.reached")) == 2


def test_a_level_that_finishes_lets_running_work_end_and_starts_no_new_generation(paid: House) -> None:
    run = paid.create(make_production(characters=4, scene_types=1, variants=1))
    paid.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    engine = paid.new_engine(MemoryBackend(seconds=10.0), parallel=2)
    put(paid, run, 1000, (3, Action.FINISH))
    paid.work(engine)

    assert [event.data["action"] for event in paid.events("budget.reached")] == ["finish"]
    assert 30 <= paid.run(run).spent_seconds <= 50, "two that ran were finished"
    assert not [job for job in paid.jobs(run) if job.status is JobStatus.RUNNING]
    assert paid.studio.reports.progress(run.id).outlook is Outlook.BUDGET
    with pytest.raises(Refused, match="at which no new generation starts"):
        paid.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)

    put(paid, run, 100_000, (3, Action.FINISH))
    paid.work(engine)
    assert paid.statuses(run) == {CellStatus.APPROVED: 4}


def test_a_level_that_cancels_stops_what_runs_and_its_work_begins_anew_when_the_limit_is_raised(house: House) -> None:
    run = house.start(make_production(characters=2, scene_types=1, variants=1))
    house.work()
    again = house.create(make_production(characters=2, scene_types=2, variants=1, seed=5))
    limit = house.run(run).spent_seconds * 4
    house.studio.submission.submit(again, EVERYTHING, Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    assert [job for job in house.jobs(again) if job.status is JobStatus.RUNNING]

    put(house, run, max(limit, 60.0), (0.001, Action.CANCEL))
    house.engine.turn()

    assert not [job for job in house.jobs(again) if job.status is JobStatus.RUNNING]
    stopped = [event for event in house.events("job.returned") if "level of a budget" in event.data["reason"]]
    assert stopped and house.run(again).reserved_seconds == pytest.approx(0)
    assert house.studio.invariants.check() == []

    house.backend.release()
    house.backend.holds = lambda request: False
    put(house, run, MUCH)
    house.work()
    assert house.statuses(again) == {CellStatus.APPROVED: 4}
    with house.studio.stores.read() as store:
        attempts = store.jobs.attempts_of([job.id for job in house.jobs(again, Stage.SCENE_GENERATION)])
    assert AttemptOutcome.CANCELLED in {attempt.outcome for attempt in attempts}


def test_the_levels_of_a_production_file_are_those_of_each_limit_of_its_runs(paid: House) -> None:
    levels = (Threshold(1, Action.NOTIFY), Threshold(90, Action.FINISH))
    limits = Limits(gpu_hours=0.1, disk_gb=5, thresholds=levels)
    run = paid.start(make_production(characters=1, scene_types=1, variants=1, budget=limits))
    engine = paid.new_engine(MemoryBackend(seconds=5.0))
    paid.work(engine)
    mine = {one.quantity: one for one in paid.studio.budgets.all()}
    assert set(mine) == {HOURS, DISK}
    assert {one.thresholds for one in mine.values()} == {levels}
    assert mine[HOURS].fired == 1 and mine[HOURS].spent == pytest.approx(paid.run(run).spent_seconds)
    [event] = paid.events("budget.reached")
    assert (event.run_id, event.data["scope"]) == (run.id, "run")

    assert not paid.studio.runs.take_budget(paid.run(run), limits, PERSON).taken, "nothing is different"
    assert paid.studio.runs.take_budget(paid.run(run), replace(limits, gpu_hours=100), PERSON).taken == {HOURS}
    assert {one.quantity: one.fired for one in paid.studio.budgets.all()} == {HOURS: 0, DISK: 0}


def test_a_removed_budget_stops_nothing_any_more(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, budget=Limits(gpu_hours=1)))
    budget = put(house, run, 3600, (50, Action.NOTIFY), scope=Scope.RUN)
    assert house.studio.budgets.find(Scope.RUN, run.name, HOURS) == budget
    house.studio.budgets.remove(budget, PERSON)
    assert house.studio.budgets.all() == [] and house.run(run).limit_seconds is None
    with pytest.raises(NotFound, match="There is no budget"):
        house.studio.budgets.find(Scope.RUN, run.name, HOURS)


def test_a_budget_needs_a_subject_that_is_there_and_levels_that_can_be(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    with pytest.raises(NotFound, match="There is no production"):
        house.studio.budgets.subject(Scope.PROJECT, "Nothing")
    with pytest.raises(Invalid, match="10 thresholds at most"):
        put(house, run, 100, *((float(at), Action.NOTIFY) for at in range(1, 12)))
    with pytest.raises(Invalid, match="two thresholds"):
        put(house, run, 100, (5, Action.NOTIFY), (5, Action.CANCEL))
    with pytest.raises(Invalid, match="cannot be"):
        put(house, run, 100, (101, Action.NOTIFY))
    assert len(put(house, run, 100, *((float(at), Action.NOTIFY) for at in range(1, 11))).thresholds) == 10


def test_engines_on_runs_that_share_a_budget_never_exceed_it_together(tmp_path: Path, database_url: str) -> None:
    house = House(tmp_path, database_url)
    people = [Actor("user", name) for name in ("Ann", "Ben")]
    production = make_production(characters=3, scene_types=3, variants=1)
    whole = house.studio.submission.preview(house.create(production), EVERYTHING, Mode.ALL).estimate.generation_seconds
    runs = [
        house.studio.runs.create(replace(production, seed=seed), house.folder, RunOptions(), people[seed % 2])
        for seed in (1, 2, 3)
    ]
    for run in runs:
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    shared = put(house, runs[0], whole * 1.2)
    of_ann = put(house, runs[0], whole * 0.5, scope=Scope.USER, of="Ann")
    houses = [house, House(tmp_path, database_url, clock=FakeClock()), House(tmp_path, database_url, clock=FakeClock())]
    breaches: list[str] = []

    def work(mine: House) -> None:
        engine = mine.new_engine(MemoryBackend(seconds=whole / 20))
        idle = 0
        while idle < 12:
            idle = 0 if engine.turn() else idle + 1
            with mine.studio.stores.read() as store:
                breaches.extend(
                    f"{one.scope}" for one in store.budgets.in_force() if one.spent + one.reserved > (one.limit or 0) + 1e-6
                )

    threads = [threading.Thread(target=work, args=(one,)) for one in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaches == []
    assert found(house, shared).spent > whole * 0.5, "there was something to bound"
    assert found(house, of_ann).spent <= whole * 0.5 + 1e-6
    assert [fault for fault in house.studio.invariants.check() if fault.startswith("I8")] == []
    for one in houses:
        one.close()
