"""The gates: people and verdicts decide, takes are kept, and everything can be taken back."""

from __future__ import annotations

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.errors import Conflict, NotFound, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Location, OwnApprovals, Shot
from pipeline.domain.records import Actor
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from pipeline.domain.work import Measurement
from tests.factories import AUTO, EVERYTHING, HUMAN, PERSON, House, make_production
from tests.fakes import failing

FLAGGED = (Measurement("flicker", 0.5, "scene"),)
FAILED = (Measurement("black_frames", 0.9, "scene"),)


def approved_by_hand(house: House) -> House:
    """Let a person approve whatever waits, until nothing does."""
    [run] = house.studio.runs.all()[:1]
    house.work()
    while waiting := house.studio.review.waiting(run):
        for one in waiting:
            if one.what == "variant":
                house.studio.review.approve_variant(run, one.key, PERSON)
            else:
                house.studio.review.approve(run, Selection(keys=(one.key,)), PERSON)
        house.work()
    return house


def test_human_gates_stop_at_the_variants_and_then_at_the_scenes(house: House) -> None:
    run = house.start(make_production(characters=1, variants=1, approvals=HUMAN))
    house.work()
    assert [(one.what, one.key, one.frees) for one in house.studio.review.waiting(run)] == [("variant", "c1 / v1", 2)]
    assert house.studio.reports.progress(run.id).outlook == "people"
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.work()
    assert {one.key for one in house.studio.review.waiting(run)} == {"c1 / s1 / v1", "c1 / s2 / v1"}
    house.studio.review.approve(run, EVERYTHING, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_automatic_gates_need_nobody(house: House) -> None:
    run = house.start(make_production(characters=1, variants=1, approvals=AUTO))
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert {event.actor for event in house.events("cell.approved", "still.approved")} == {"system:gate"}


def test_people_can_decide_on_one_character_alone(house: House) -> None:
    approvals = Approvals("auto", "auto", (OwnApprovals("c2", variants="human"), OwnApprovals("c1", scenes="human")))
    run = house.start(make_production(characters=3, scene_types=1, variants=1, approvals=approvals))
    house.work()
    assert [(one.what, one.key) for one in house.studio.review.waiting(run)] == [
        ("variant", "c2 / v1"),
        ("scene", "c1 / s1 / v1"),
    ]
    approved_by_hand(house)
    assert house.run(run).status is RunStatus.COMPLETED


def test_automatic_approval_leaves_no_character_to_people(house: House) -> None:
    approvals = Approvals("human", "human", (OwnApprovals("c1", variants="human"),))
    run = house.start(make_production(characters=1, variants=1, approvals=approvals), auto_approve=True)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_gate_can_be_automatic_for_variants_only(house: House) -> None:
    run = house.start(make_production(characters=1, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    assert house.statuses(run) == {CellStatus.REVIEW: 2}


def test_an_automatic_gate_leaves_flagged_scenes_to_people(house: House) -> None:
    house.hands.measures["scene_qa"] = FLAGGED
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [waiting] = house.studio.review.waiting(run)
    assert waiting.what == "scene"
    assert waiting.reason.startswith("flag")


def test_approving_everything_accepts_what_is_only_flagged(house: House) -> None:
    house.hands.measures["scene_qa"] = FLAGGED
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN), auto_approve=True)
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 1}


def test_an_automatic_gate_rejects_what_fails_its_checks(house: House) -> None:
    house.hands.measures["scene_qa"] = FAILED
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_approve=True)
    house.work()
    [cell] = house.cells(run).values()
    assert cell.status is CellStatus.REJECTED
    assert cell.reason.startswith("quality checks failed: black frames of scene is 0.9, at most ")
    assert house.studio.reports.cell(run, cell.plan.key).takes[0].reason == cell.reason
    assert house.studio.reports.progress(run.id).outlook == "stuck"


def test_source_images_that_fail_their_check_keep_their_cells_blocked_with_the_reason(house: House) -> None:
    house.hands.measures["source_qa"] = (Measurement("min_side_px", 12, "image 1"),)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert house.stills(run)["source c1"].status is CellStatus.FAILED
    assert "12" in house.stills(run)["source c1"].reason
    [unmet] = house.studio.reports.matrix(run.id).blocked["c1 / s1 / v1"]
    assert str(unmet) == "variant image c1 / v1 is queued"


def test_failed_source_images_can_be_checked_again(house: House) -> None:
    house.hands.measures["source_qa"] = (Measurement("min_side_px", 12, "image 1"),)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    house.hands.measures.clear()
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["source c1"]
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_person_may_choose_another_candidate_as_the_hero(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, candidates=3, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON, candidate=3)
    still = house.stills(run)["variant c1 / v1"]
    with house.studio.stores.read() as store:
        hero = store.outputs.by_id(still.hero or 0)
        assert hero is not None
        [job] = store.jobs.of("cell", house.cells(run)["c1 / s1 / v1"].id)
    assert hero.part == 3
    assert [file.sha256 for file in job.inputs] == [hero.file.sha256]


def test_a_candidate_or_a_variant_that_does_not_exist_is_named(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    with pytest.raises(NotFound, match=r"no candidate 7\. It has 1 to 1"):
        house.studio.review.approve_variant(run, "c1 / v1", PERSON, candidate=7)
    with pytest.raises(NotFound, match='no variant image "c1 / v9"'):
        house.studio.review.approve_variant(run, "c1 / v9", PERSON)


def test_approving_a_variant_twice_is_a_conflict_that_says_what_is_possible(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    with pytest.raises(Conflict, match="is approved and cannot become approved"):
        house.studio.review.approve_variant(run, "c1 / v1", PERSON)


def test_a_rejected_variant_is_made_anew_by_retry_with_other_seeds(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.reject_variant(run, "c1 / v1", PERSON, reason="wrong coat")
    assert house.stills(run)["variant c1 / v1"].reason == "wrong coat"
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["variant c1 / v1"]
    house.work()
    first, second = house.jobs(run, Stage.VARIANT_GENERATION)
    assert first.fingerprint != second.fingerprint
    assert house.stills(run)["variant c1 / v1"].status is CellStatus.REVIEW


def test_rejecting_needs_something_in_review(house: House) -> None:
    run = house.create(make_production())
    with pytest.raises(Conflict, match="None of these cells is in review"):
        house.studio.review.reject(run, EVERYTHING, PERSON, reason="no")
    with pytest.raises(Conflict, match=r'"c1 / s1 / v1" is not.started'):
        house.studio.review.approve(run, Selection(keys=("c1 / s1 / v1",)), PERSON)


def test_a_rejected_scene_gets_a_new_take_and_the_old_one_stays(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    house.studio.review.reject(run, EVERYTHING, PERSON, reason="too dark", note="lamp")
    house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    house.work()
    takes = house.studio.reports.cell(run, "c1 / s1 / v1").takes
    assert [(take.number, take.decision, take.reason, take.note) for take in takes] == [
        (1, "rejected", "too dark", "lamp"),
        (2, "", "", ""),
    ]
    assert takes[0].scene_sha256 != takes[1].scene_sha256
    assert all(take.scene_sha256 for take in takes)


def test_a_failed_scene_goes_on_where_it_stopped(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "unreadable"), segment=3)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=4))
    house.work()
    [cell] = house.cells(run).values()
    assert (cell.status, cell.reason) == (CellStatus.FAILED, "unreadable")
    house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert house.hands.count("scene_generation") == 4
    assert [cell.take for cell in house.cells(run).values()] == [1]


def test_one_failed_scene_stops_no_other(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "unreadable"), scene_type="s1")
    run = house.start(make_production(characters=1, scene_types=3, variants=1))
    house.work()
    assert house.statuses(run) == {CellStatus.FAILED: 1, CellStatus.APPROVED: 2}
    assert house.studio.reports.failures(run.id) == ["scene c1 / s1 / v1 failed: unreadable"]


def test_a_failed_export_is_tried_again_on_request_and_then_delivered(house: House) -> None:
    house.hands.troubles = failing("export", lambda: WorkFailed("bad_input", "no such codec"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1, outputs=2))
    house.work()
    assert [missing.status for missing in house.studio.deliveries.missing(run)] == ["failed"]
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["export 1 of c1 / s1 / v1"]
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_the_same_picture_approved_before_is_approved_again_with_a_note(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human"))
    house.start(production)
    approved_by_hand(house)
    run = house.start(production)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    [take] = house.studio.reports.cell(run, "c1 / s1 / v1").takes
    assert take.note == "the same picture was approved by tester on 2030-01-01"


def test_rollback_returns_to_the_approved_take_and_cancels_newer_work(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    assert house.statuses(run) == {CellStatus.GENERATING: 1}
    assert house.studio.review.rollback(run, EVERYTHING, PERSON) == ["c1 / s1 / v1"]
    [cell] = house.cells(run).values()
    assert (cell.status, cell.approved_take, cell.reason) == (CellStatus.APPROVED, 1, "rolled back to take 1")
    house.backend.release()
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 1}


def test_rollback_of_an_approved_cell_goes_to_the_take_before(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    house.studio.review.rollback(run, EVERYTHING, PERSON)
    assert [cell.approved_take for cell in house.cells(run).values()] == [1]
    house.studio.review.rollback(run, EVERYTHING, PERSON, take=2)
    assert [cell.approved_take for cell in house.cells(run).values()] == [2]
    told = r"has no approved take 9 that is not in use: .* Its takes: 1 \(approved\), 2 \(in use\)\."
    with pytest.raises(Conflict, match=told):
        house.studio.review.rollback(run, EVERYTHING, PERSON, take=9)


def test_rollback_brings_back_exports_that_a_newer_take_had_stopped(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.backend.holds = lambda request: request.stage == "export"
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    assert [job.status for job in house.jobs(run, Stage.EXPORT)] == [JobStatus.CANCELLED]
    house.studio.review.rollback(run, EVERYTHING, PERSON)
    house.clock.advance(6)
    house.engine.turn()
    house.backend.release()
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [job.status for job in house.jobs(run, Stage.EXPORT)] == [JobStatus.DONE]


def test_a_failed_export_of_an_old_take_does_not_keep_a_new_one_from_delivery(house: House) -> None:
    house.hands.troubles = failing("export", lambda: WorkFailed("bad_input", "no such codec"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_withdrawing_an_approval_marks_the_take_that_was_approved(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    house.studio.review.rollback(run, EVERYTHING, PERSON)
    house.studio.review.reject(run, Selection(keys=("c1 / s1 / v1",)), PERSON, reason="client changed their mind")
    takes = house.studio.reports.cell(run, "c1 / s1 / v1").takes
    assert [take.decision for take in takes] == ["rejected", "approved"]
    house.studio.review.rollback(run, EVERYTHING, PERSON)
    assert [cell.approved_take for cell in house.cells(run).values()] == [2]


def test_a_cell_without_an_approved_take_cannot_be_rolled_back(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    with pytest.raises(Conflict, match=r"has no other approved take: .* Its takes: 1 \(not decided\)"):
        house.studio.review.rollback(run, EVERYTHING, PERSON)


def test_a_shot_of_a_location_needs_its_plate_and_no_person(house: House) -> None:
    production = make_production(
        characters=1, scene_types=1, variants=0, locations=(Location("Dock"),), shots=(Shot("open", "s1", location="Dock"),)
    )
    run = house.start(production)
    house.work()
    assert house.stills(run)["plate Dock"].status is CellStatus.APPROVED
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_decision_is_taken_back_while_nothing_has_started_from_it(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    house.studio.review.approve(run, Selection(keys=("c1 / s1 / v1",)), PERSON)
    house.studio.review.reject(run, Selection(keys=("c1 / s2 / v1",)), PERSON, reason="too dark")
    undone = house.studio.review.undo(run, ["c1 / s1 / v1", "c1 / s2 / v1"], PERSON)
    assert undone == ["c1 / s1 / v1", "c1 / s2 / v1"]
    assert house.statuses(run) == {CellStatus.REVIEW: 2}
    assert house.jobs(run, Stage.EXPORT) == []
    house.studio.review.approve(run, EVERYTHING, PERSON)
    house.work()
    with pytest.raises(Conflict, match="Work has started"):
        house.studio.review.undo(run, ["c1 / s1 / v1"], PERSON)
    assert house.run(run).status is RunStatus.COMPLETED
    house.check()


def test_only_who_decided_takes_a_decision_back(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    with pytest.raises(Conflict, match="was approved by tester, not by Ann"):
        house.studio.review.undo(run, ["c1 / v1"], Actor("user", "Ann"))
    assert house.studio.review.undo(run, ["c1 / v1"], PERSON) == ["c1 / v1"]
    house.work()
    assert house.statuses(run) == {CellStatus.QUEUED: 1}
    assert house.jobs(run, Stage.SCENE_GENERATION) == []
    approved_by_hand(house)
    assert house.run(run).status is RunStatus.COMPLETED
    house.check()


def test_a_decision_that_a_later_shot_has_started_from_stays(house: House) -> None:
    shots = (Shot("first", "s1", 1, character="c1"), Shot("then", "s1", 2, character="c1", after=("first",)))
    production = make_production(characters=1, scene_types=1, variants=0, shots=shots, approvals=Approvals("auto", "human"))
    run = house.start(production)
    house.work()
    first, then = house.cells(run)
    house.studio.review.approve(run, Selection(keys=(first,)), PERSON)
    assert house.studio.review.undo(run, [first], PERSON) == [first]
    house.studio.review.approve(run, Selection(keys=(first,)), PERSON)
    house.backend.holds = lambda request: True
    house.engine.turn()
    assert house.cells(run)[then].status is CellStatus.GENERATING
    with pytest.raises(Conflict, match="Work has started"):
        house.studio.review.undo(run, [first], PERSON)


def test_whoever_comes_second_is_told_who_was_first(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    [cell] = house.cells(run).values()
    seen = {cell.plan.key: cell.version}
    house.studio.review.approve(run, EVERYTHING, Actor("user", "Ann"), expected=seen)
    house.clock.advance(10)
    with pytest.raises(Conflict, match=r"was approved by Ann 10 s ago\. Nothing was changed"):
        house.studio.review.reject(run, Selection(keys=tuple(seen)), PERSON, reason="no", expected=seen)
    assert house.statuses(run) == {CellStatus.APPROVED: 1}


def test_a_variant_image_decided_by_somebody_else_is_told(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, candidates=2, approvals=HUMAN))
    house.work()
    house.studio.review.reject_variant(run, "c1 / v1", Actor("user", "Ann"), reason="no", expected={"c1 / v1": 1})
    with pytest.raises(Conflict, match='"c1 / v1" was rejected by Ann 0 s ago'):
        house.studio.review.approve_variant(run, "c1 / v1", PERSON, expected={"c1 / v1": 1})


def test_a_variant_image_of_a_cancelled_run_cannot_be_approved(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.runs.cancel(run, PERSON)
    with pytest.raises(Conflict, match="cancelled"):
        house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.check()
