"""The next run of a production: what people decided holds, and nothing rejected comes back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.domain.budget import Action, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.errors import Conflict, Refused
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Budget
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus, DeliveryStatus, RunStatus
from tests.factories import AUTO, EVERYTHING, HUMAN, PERSON, House, make_production


def decide_everything(house: House, run: Run) -> None:
    """Approve whatever waits until the run is delivered."""
    house.work()
    for one in house.studio.review.waiting(run):
        if one.what == "variant":
            house.studio.review.approve_variant(run, one.key, PERSON)
    house.work()
    house.studio.review.approve(run, EVERYTHING, PERSON)
    house.work()


def test_decisions_of_people_hold_for_equal_pictures_of_the_next_run(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, candidates=2, approvals=HUMAN)
    first = house.start(production)
    decide_everything(house, first)
    executed = len(house.hands.performed)
    second = house.start(production)
    house.work()
    assert house.run(second).status is RunStatus.COMPLETED
    generated = [request for request in house.hands.performed[executed:] if request.stage.endswith("_generation")]
    assert generated == []


def test_a_plan_compares_with_the_newest_run_that_made_something_and_knows_its_decisions(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, candidates=2, approvals=HUMAN)
    first = house.start(production)
    assert house.studio.planning.plan(production, house.folder).counts["blocked"] == 1
    decide_everything(house, first)
    second = house.start(production)

    plan = house.studio.planning.plan(production, house.folder)
    assert plan.compared_with == first.name and plan.counts["reuse"] == 1 and plan.counts["blocked"] == 0
    assert house.studio.planning.plan(production, house.folder, against=second.id).compared_with == second.name


def test_the_next_run_begins_with_the_approved_take(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, approvals=AUTO)
    first = house.start(production, auto_deliver=False)
    house.work()
    [key] = house.cells(first)
    house.studio.submission.submit(first, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    assert house.cells(first)[key].approved_take == 2
    second = house.start(production, auto_deliver=False)
    house.work()
    assert house.cells(second)[key].approved_take == 2
    house.check()


def test_a_rejected_take_does_not_come_back_in_the_next_run(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN)
    first = house.start(production)
    house.work()
    house.studio.review.approve_variant(first, "c1 / v1", PERSON)
    house.work()
    house.studio.review.reject(first, EVERYTHING, PERSON, reason="too dark")
    second = house.start(production)
    house.work()
    [cell] = house.cells(second).values()
    assert (cell.status, cell.take) == (CellStatus.REVIEW, 2)
    house.check()


def made_two_takes(house: House, *, reject_second: bool = False) -> Run:
    """A run whose only cell has two takes: the first refused, the second approved or refused."""
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.work()
    house.studio.review.reject(run, EVERYTHING, PERSON, reason="too dark")
    house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    house.work()
    house.studio.review.approve(run, EVERYTHING, PERSON)
    house.work()
    [key] = house.cells(run)
    if reject_second:
        house.studio.review.reject(run, Selection(keys=(key,)), PERSON, reason="seen too late")
    return run


def test_takes_go_on_from_the_newest_run_that_has_asked_for_the_cell(house: House) -> None:
    first = made_two_takes(house)
    production = make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN)
    other = make_production(characters=2, scene_types=1, variants=1, approvals=HUMAN)
    others = replace(other, characters=other.characters[1:], matrix=replace(other.matrix, characters=("c2",)))
    house.start(others)
    house.create(production)
    ended = house.create(production)
    house.studio.runs.cancel(ended, PERSON)
    last = house.start(production)
    house.work()
    [key] = house.cells(first)
    assert (house.cells(last)[key].status, house.cells(last)[key].approved_take) == (CellStatus.APPROVED, 2)


def test_a_take_whose_approval_was_withdrawn_does_not_come_back_in_the_next_run(house: House) -> None:
    made_two_takes(house, reject_second=True)
    second = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    [cell] = house.cells(second).values()
    assert (cell.status, cell.take) == (CellStatus.REVIEW, 3)


def test_of_two_that_make_a_run_at_the_same_moment_only_one_does(house: House) -> None:
    production = make_production()
    create = partial(house.studio.runs.create, production, house.folder, RunOptions(), PERSON)
    house.create(production)
    with pytest.raises(Refused, match=r"#1 was made at the same moment\. Go on with that one by --resume"):
        create(after=0)
    assert create(after=1).number == 2
    assert create().number == 3, "whoever asks for a new one beside it gets it"


def test_two_unfinished_runs_of_a_production_share_their_work(house: House) -> None:
    production = make_production(characters=1, scene_types=2, variants=1, approvals=HUMAN)
    house.start(production)
    house.work()
    executed = len(house.hands.performed)
    house.start(production)
    house.work()
    assert [request.stage for request in house.hands.performed[executed:]] == ["source_qa", "variant_qa"]


def test_a_new_take_of_a_delivered_run_is_delivered_again(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, approvals=AUTO))
    house.work()
    [key, _] = house.cells(run)
    house.studio.submission.submit(run, Selection(keys=(key,)), Mode.ALL, PERSON)
    house.work()
    assert [delivery.status for delivery in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED] * 2
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_rollback_in_a_delivered_run_is_exported_and_delivered(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, approvals=AUTO))
    house.work()
    [key, _] = house.cells(run)
    one = Selection(keys=(key,))
    house.studio.submission.submit(run, one, Mode.ALL, PERSON)
    house.work()
    house.studio.review.rollback(run, one, PERSON)
    house.work()
    assert house.cells(run)[key].approved_take == 1
    assert [delivery.status for delivery in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED] * 3
    assert house.run(run).status is RunStatus.COMPLETED


def test_exports_that_a_rollback_of_a_delivered_run_brings_back_are_made(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO), auto_deliver=False)
    house.backend.holds = lambda request: request.stage == "export"
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.backend.release()
    house.work()
    house.studio.deliveries.deliver(run, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    house.studio.review.rollback(run, EVERYTHING, PERSON)
    house.work()
    assert house.open_jobs(run) == {}
    assert house.studio.deliveries.missing(house.run(run)) == []


def test_a_delivered_run_goes_on_when_a_variant_image_is_asked_for_again(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    house.studio.review.reject_variant(run, "c1 / v1", PERSON, reason="wrong coat")
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["variant c1 / v1"]
    house.work()
    assert house.stills(run)["variant c1 / v1"].status is CellStatus.APPROVED


def test_a_delivery_whose_takes_changed_while_it_was_packaged_is_not_sealed(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, approvals=AUTO))
    house.backend.holds = lambda request: request.stage == "delivery"
    house.work()
    [key, _] = house.cells(run)
    house.studio.review.reject(run, Selection(keys=(key,)), PERSON, reason="seen too late")
    house.backend.release()
    house.work()
    assert [delivery.status for delivery in house.studio.deliveries.of_run(run)] == [DeliveryStatus.FAILED]
    assert house.run(run).status is RunStatus.RUNNING


def test_resume_does_not_open_a_run_that_is_over(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    with pytest.raises(Conflict, match="is completed"):
        house.studio.runs.resume(house.run(run), PERSON)
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_raised_budget_lets_a_run_go_on(house: House) -> None:
    production = make_production(characters=1, scene_types=2, variants=1, budget=Budget(gpu_hours=1.0))
    run = house.start(production, auto_deliver=False)
    assert house.studio.runs.take_budget(run, Budget(gpu_hours=2.0), PERSON).taken == {Quantity.GPU_SECONDS}
    assert house.run(run).limit_seconds == 7200
    assert not house.studio.runs.take_budget(house.run(run), Budget(gpu_hours=2.0), PERSON).taken
    house.work()
    with pytest.raises(Refused, match="has used more disk"):
        house.studio.runs.take_budget(house.run(run), Budget(disk_gb=0.0), PERSON)
    house.check()


def test_a_limit_that_somebody_has_set_on_a_run_is_not_replaced_by_its_file(house: House) -> None:
    file = Budget(gpu_hours=1.0, disk_gb=1.0)
    run = house.start(make_production(characters=1, scene_types=2, variants=1, budget=file), auto_deliver=False)
    subject = house.studio.budgets.subject(Scope.RUN, run.name)
    house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=36_000)
    found = house.studio.runs.take_budget(house.run(run), file, PERSON)
    assert (found.taken, found.kept) == (frozenset(), {Quantity.GPU_SECONDS: 36_000})
    found = house.studio.runs.take_budget(house.run(run), Budget(gpu_hours=2.0, disk_gb=3.0), PERSON)
    assert (found.taken, found.kept) == ({Quantity.DISK_BYTES}, {Quantity.GPU_SECONDS: 36_000})
    now = house.run(run)
    assert (now.limit_seconds, now.limit_bytes) == (36_000, 3 * 10**9)
    house.studio.budgets.remove(house.studio.budgets.find(Scope.RUN, run.name, Quantity.DISK_BYTES), PERSON)
    for _ in range(2):
        found = house.studio.runs.take_budget(house.run(run), Budget(gpu_hours=10.0, disk_gb=4.0), PERSON)
        assert (found.taken, found.kept) == (frozenset(), {Quantity.DISK_BYTES: None})
    assert house.run(run).limit_bytes is None


def test_levels_that_somebody_has_set_on_a_run_stay_when_the_file_has_others(house: House) -> None:
    levels, mine = (Threshold(80, Action.NOTIFY),), (Threshold(50, Action.FINISH),)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, budget=Budget(gpu_hours=1.0, money=1.0)))
    subject = house.studio.budgets.subject(Scope.RUN, run.name)
    house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=3600, thresholds=mine)
    file = Budget(gpu_hours=1.0, money=1.0, thresholds=levels)
    assert house.studio.runs.take_budget(house.run(run), file, PERSON).taken == {Quantity.MONEY}
    assert not house.studio.runs.take_budget(house.run(run), file, PERSON).taken
    found = {one.quantity: one.thresholds for one in house.studio.budgets.all()}
    assert found == {Quantity.GPU_SECONDS: mine, Quantity.MONEY: levels}


def test_a_run_knows_its_folder_wherever_it_is_resumed_from(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house.folder)
    (house.folder / "c1.png").write_bytes(b"picture")
    production = make_production(characters=1, scene_types=1, variants=1)
    run = house.studio.runs.create(production, Path(), RunOptions(), PERSON)
    assert run.base_dir == str(house.folder.resolve())


def test_a_budget_need_not_cover_what_the_next_run_reuses(house: House) -> None:
    production = make_production(characters=3, scene_types=1, variants=1, approvals=AUTO)
    first = house.start(production, auto_deliver=False)
    house.work()
    spent = house.run(first).spent_seconds
    whole = house.studio.planning.estimate(production, house.folder).generation_seconds
    subject = house.studio.budgets.subject(Scope.PROJECT, production.title)
    house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent + 0.6 * whole)
    create = partial(house.studio.runs.create, base_dir=house.folder, actor=PERSON, must_be_covered=True)

    with pytest.raises(Refused):
        create(replace(production, seed=production.seed + 1), options=RunOptions())
    second = create(production, options=RunOptions(auto_deliver=False))
    executed = len(house.hands.performed)
    house.studio.submission.submit(second, EVERYTHING, Mode.MISSING, PERSON)
    house.work()

    assert house.statuses(second) == {CellStatus.APPROVED: 3}
    assert not [one for one in house.hands.performed[executed:] if one.stage.endswith("_generation")]
    assert house.run(second).spent_seconds == 0
    house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent)
    with pytest.raises(Refused, match="All of it is taken over from an earlier run and costs nothing; there must only be room"):
        create(production, options=RunOptions())
