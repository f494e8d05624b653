"""Asking for cells: modes, reasons, all or nothing, and taking cells out again."""

from __future__ import annotations

import pytest

from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.errors import Conflict, Refused, WorkFailed
from pipeline.domain.matrix import Selection, SelectionMissed
from pipeline.domain.production import Budget
from pipeline.domain.stages import Stage, urgency
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production
from tests.fakes import failing


def test_submitting_queues_every_selected_cell_and_no_other(house: House) -> None:
    run = house.create(make_production())
    receipt = house.studio.submission.submit(run, Selection(characters=("c1",)), Mode.MISSING, PERSON)
    assert set(receipt.accepted) == {key for key in house.cells(run) if key.startswith("c1 ")}
    assert house.statuses(run) == {CellStatus.QUEUED: 4, CellStatus.NOT_STARTED: 4}
    assert house.run(run).status is RunStatus.RUNNING


def test_cells_can_be_submitted_by_scene_type_by_variant_and_by_key(house: House) -> None:
    run = house.create(make_production())
    submit = house.studio.submission.submit
    assert len(submit(run, Selection(scene_types=("s1",), variants=("v1",)), Mode.MISSING, PERSON).accepted) == 2
    assert submit(run, Selection(keys=("c1 / s2 / v2",)), Mode.MISSING, PERSON).accepted == ("c1 / s2 / v2",)
    assert house.statuses(run)[CellStatus.QUEUED] == 3


def test_a_selection_that_names_nothing_is_answered_with_the_nearest_name(house: House) -> None:
    run = house.create(make_production())
    with pytest.raises(SelectionMissed, match='no character "c3"'):
        house.studio.submission.submit(run, Selection(characters=("c3",)), Mode.MISSING, PERSON)
    assert house.statuses(run) == {CellStatus.NOT_STARTED: 8}


def test_submitting_twice_skips_what_is_under_way_and_says_so(house: House) -> None:
    run = house.start(make_production(characters=1, variants=1))
    receipt = house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    assert receipt.accepted == ()
    assert set(receipt.skipped.values()) == {"it is queued; mode missing leaves it as it is"}


def test_a_preview_says_what_submitting_would_do_and_changes_nothing(house: House) -> None:
    run = house.create(make_production())
    before = len(house.events())
    preview = house.studio.submission.preview(run, EVERYTHING, Mode.ALL)
    assert len(preview.accepted) == 8
    assert preview.estimate.frames == 32
    assert (house.statuses(run), len(house.events())) == ({CellStatus.NOT_STARTED: 8}, before)


def test_mode_missing_leaves_finished_cells_alone(house: House) -> None:
    run = house.create(make_production(characters=1, variants=1), auto_deliver=False)
    house.studio.submission.submit(run, Selection(scene_types=("s1",)), Mode.MISSING, PERSON)
    house.work()
    receipt = house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    assert receipt.accepted == ("c1 / s2 / v1",)
    assert receipt.skipped == {"c1 / s1 / v1": "it is approved; mode missing leaves it as it is"}


def test_mode_failed_takes_failed_and_rejected_cells_only(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "unreadable"), scene_type="s1")
    run = house.start(make_production(characters=1, scene_types=3, variants=1, approvals=HUMAN), auto_deliver=False)
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.work()
    house.studio.review.reject(run, Selection(scene_types=("s2",)), PERSON, reason="too dark")
    receipt = house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    assert set(receipt.accepted) == {"c1 / s1 / v1", "c1 / s2 / v1"}
    assert receipt.skipped == {"c1 / s3 / v1": "it is review; mode failed leaves it as it is"}


def test_mode_all_asks_for_a_new_take_of_approved_cells_and_keeps_the_old_one(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    [cell] = house.cells(run).values()
    assert (cell.status, cell.take, cell.approved_take) == (CellStatus.QUEUED, 2, 1)
    assert house.run(run).status is RunStatus.RUNNING
    house.work()
    [cell] = house.cells(run).values()
    takes = house.studio.reports.cell(run, cell.plan.key).takes
    assert (cell.status, cell.approved_take) == (CellStatus.APPROVED, 2)
    assert takes[0].seed != takes[1].seed
    assert takes[0].scene_sha256 != takes[1].scene_sha256


def test_a_submission_that_the_budget_does_not_cover_changes_nothing_at_all(house: House) -> None:
    run = house.create(make_production(budget=Budget(gpu_hours=1e-9)))
    before = len(house.events())
    with pytest.raises(Refused, match=r"raise the limit: `./stripboard budgets set run .* --gpu-hours N`"):
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    assert house.statuses(run) == {CellStatus.NOT_STARTED: 8}
    assert (len(house.events()), house.run(run).status) == (before, RunStatus.DRAFT)


def test_a_submission_that_the_disk_budget_does_not_cover_is_refused_whole(house: House) -> None:
    run = house.create(make_production(budget=Budget(disk_gb=1e-6)))
    with pytest.raises(Refused, match=r"raise the limit: `./stripboard budgets set run .* --disk-gb N`"):
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    assert house.jobs(run) == []


def test_a_new_run_that_a_budget_does_not_cover_is_not_made(house: House) -> None:
    house.create(make_production(title="Other"))
    before = (len(house.events()), len(house.studio.runs.all()))
    for budget, field in ((Budget(gpu_hours=1e-9), "gpu_hours"), (Budget(disk_gb=1e-6), "disk_gb")):
        with pytest.raises(Refused, match=rf"raise budget\.{field} of the production\. No run was made"):
            house.studio.runs.create(make_production(budget=budget), house.folder, RunOptions(), PERSON, must_be_covered=True)
    assert (len(house.events()), len(house.studio.runs.all())) == before
    made = house.studio.runs.create(make_production(), house.folder, RunOptions(), PERSON, must_be_covered=True)
    assert (made.number, house.statuses(made)) == (1, {CellStatus.NOT_STARTED: 8})


def test_part_of_a_submission_fits_where_the_whole_does_not(house: House) -> None:
    whole = house.studio.submission.preview(house.create(make_production()), EVERYTHING, Mode.ALL).estimate
    run = house.create(make_production(title="Small", budget=Budget(gpu_hours=whole.generation_seconds / 2 / 3600)))
    with pytest.raises(Refused):
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    receipt = house.studio.submission.submit(run, Selection(keys=("c1 / s1 / v1",)), Mode.MISSING, PERSON)
    assert receipt.accepted == ("c1 / s1 / v1",)


def test_cancelling_cells_stops_their_jobs_and_no_others(house: House) -> None:
    run = house.create(make_production(characters=2, scene_types=1, variants=1))
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    assert house.studio.submission.cancel(run, Selection(characters=("c1",)), PERSON) == ["c1 / s1 / v1"]
    assert house.statuses(run) == {CellStatus.CANCELLED: 1, CellStatus.GENERATING: 1}
    house.clock.advance(6)
    house.engine.turn()
    assert len(house.backend.asked_to_stop) == 1
    house.backend.release()
    house.work()
    assert house.statuses(run) == {CellStatus.CANCELLED: 1, CellStatus.APPROVED: 1}


def test_cancelling_cells_cancels_the_pictures_that_only_they_needed(house: House) -> None:
    run = house.start(make_production(characters=2, scene_types=2, variants=1, approvals=HUMAN))
    house.work()
    house.studio.submission.cancel(run, Selection(characters=("c1",), scene_types=("s1",)), PERSON)
    assert house.stills(run)["variant c1 / v1"].status is CellStatus.REVIEW
    house.studio.submission.cancel(run, Selection(characters=("c1",)), PERSON)
    assert house.stills(run)["variant c1 / v1"].status is CellStatus.CANCELLED
    assert house.stills(run)["source c1"].status is CellStatus.APPROVED
    assert [one.key for one in house.studio.review.waiting(run)] == ["c2 / v1"]
    house.studio.submission.submit(run, Selection(characters=("c1",)), Mode.MISSING, PERSON)
    house.work()
    assert house.stills(run)["variant c1 / v1"].status is CellStatus.REVIEW


def test_a_source_image_stays_while_a_look_of_its_character_is_needed(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=2))
    house.studio.submission.cancel(run, Selection(variants=("v1",)), PERSON)
    assert house.stills(run)["source c1"].status is CellStatus.QUEUED
    assert house.stills(run)["variant c1 / v1"].status is CellStatus.CANCELLED
    house.work()
    assert house.statuses(run) == {CellStatus.CANCELLED: 1, CellStatus.APPROVED: 1}
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_cancelled_cell_comes_back_with_a_new_submission(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    assert house.statuses(run) == {CellStatus.CANCELLED: 1}
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 1}


def test_taking_out_the_last_open_cell_lets_the_others_be_delivered(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "unreadable"), scene_type="s1")
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.work()
    assert house.statuses(run) == {CellStatus.FAILED: 1, CellStatus.APPROVED: 1}
    house.studio.submission.cancel(run, Selection(scene_types=("s1",)), PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_cancelled_running_job_frees_its_reservation(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, budget=Budget(gpu_hours=1, disk_gb=1)))
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    assert house.run(run).reserved_seconds > 0
    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    assert (house.run(run).reserved_seconds, house.run(run).reserved_bytes) == (0, 0)
    assert house.open_jobs(run) == {JobStatus.CANCELLED: 2}
    house.backend.release()
    house.work()
    assert (house.run(run).reserved_seconds, house.run(run).reserved_bytes) == (0, 0)


def test_cells_of_higher_priority_are_made_first_and_keep_it(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=3, variants=1))
    last = Selection(keys=("c1 / s3 / v1",))
    assert house.studio.submission.prioritise(run, last, 5, PERSON) == ["c1 / s3 / v1"]
    house.work(house.new_engine(parallel=1))
    begun = [event.data["of"] for event in house.events("job.started") if event.data["stage"] == "scene_generation"]
    wanted = house.cells(run)["c1 / s3 / v1"].id
    assert begun[0] == wanted
    assert {job.urgency <= -50_000 for job in house.jobs(run) if (job.subject, job.subject_id) == ("cell", wanted)} == {True}
    assert house.studio.submission.prioritise(run, last, 5, PERSON) == []
    house.check()


def test_the_priority_of_a_run_and_of_its_cells_add_up(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    house.backend.holds = lambda request: True
    house.studio.submission.prioritise(run, EVERYTHING, 5, PERSON)
    house.studio.runs.set_priority(run, 7, PERSON)
    assert {job.urgency for job in house.jobs(run, Stage.SOURCE_QA)} == {urgency(7, Stage.SOURCE_QA, 1)}
    with pytest.raises(Conflict, match="out of range"):
        house.studio.submission.prioritise(run, EVERYTHING, 1001, PERSON)


def test_a_preview_says_what_would_refuse_the_submission(house: House) -> None:
    run = house.create(make_production(budget=Budget(gpu_hours=1e-9)))
    preview = house.studio.submission.preview(run, EVERYTHING, Mode.ALL)
    assert "Submit fewer scenes, or raise the limit: `./stripboard budgets set run" in preview.refusal
    assert len(preview.accepted) == 8
    assert house.studio.submission.preview(house.create(make_production(title="Free")), EVERYTHING, Mode.ALL).refusal == ""


def test_what_runs_gets_the_new_priority_of_its_run_too_since_it_may_come_back(house: House) -> None:
    run = house.start(make_production(characters=1))
    house.backend.holds = lambda request: True
    house.work()
    house.studio.runs.set_priority(run, 5, PERSON)
    with house.studio.stores.read() as store:
        running = store.jobs.running()
    assert running and all(job.urgency == urgency(5, job.stage, job.part) for job in running)
    house.backend.release()
