"""The turn of an engine: claims, results, retries, reuse, pauses, and a disk that is full."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from data.models import jobs
from pipeline.domain.choices import Mode
from pipeline.domain.errors import WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.stages import Lane, Phase, Stage, urgency
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus, RunStatus
from pipeline.domain.work import Result, Update, UpdateState
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fakes import failing, outputs_of


def attempts_of(house: House, run: Any, stage: Stage) -> list[Any]:
    """Every attempt of a stage, oldest first."""
    with house.studio.stores.read() as store:
        return store.jobs.attempts_of([job.id for job in house.jobs(run, stage)])


def test_a_whole_production_goes_from_sources_to_a_sealed_delivery(house: House) -> None:
    run = house.start(make_production(characters=2, scene_types=2, variants=2, segments=3, candidates=2, outputs=2))
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    performed = {stage: house.hands.count(stage) for stage in ("source_qa", "variant_generation", "scene_generation", "export")}
    assert performed == {"source_qa": 2, "variant_generation": 8, "scene_generation": 24, "export": 16}


def test_each_segment_starts_from_the_last_frame_of_the_one_before(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=3))
    house.work()
    segments = house.jobs(run, Stage.SCENE_GENERATION)
    with house.studio.stores.read() as store:
        made = store.outputs.of_jobs([job.id for job in segments])
    for before, after in itertools.pairwise(segments):
        last_frame = next(output.file.sha256 for output in made[before.id] if output.role == "last_frame")
        assert [file.sha256 for file in after.inputs if file.role == "start"] == [last_frame]


def test_a_turn_claims_in_both_lanes_as_much_as_there_is_room_for(house: House) -> None:
    run = house.start(make_production(characters=6, variants=0, scene_types=1, shots=()))
    assert run
    first = house.start(make_production(characters=3, scene_types=4, variants=1, title="Other"))
    turn = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.GENERATION: 5, Lane.CPU: 2})
    assert [one.lane for one in turn.assignments] == [Lane.CPU, Lane.CPU]
    reports = [
        (one.job_id, Update(one.request.attempt_id, UpdateState.DONE, result=Result(outputs_of(one.request.stage, "x"))))
        for one in turn.assignments
    ]
    turn = house.studio.dispatch.turn(house.engine.engine_id, reports, {Lane.GENERATION: 1, Lane.CPU: 4})
    assert sorted(one.lane for one in turn.assignments) == [Lane.CPU, Lane.GENERATION]
    assert turn.settled == 2
    house.studio.leases.leave(house.engine.engine_id, "end of the test")
    assert house.open_jobs(first)[JobStatus.RUNNING] == 0


def test_jobs_further_along_are_taken_first(house: House) -> None:
    house.start(make_production(characters=3, scene_types=4, variants=1, segments=3))
    engine = house.new_engine(parallel=1)
    house.work(engine)
    stages = [request.stage for request in house.hands.performed]
    assert stages[: stages.index("export")].count("scene_generation") < 18


def test_an_urgent_run_goes_first(house: House) -> None:
    house.start(make_production(characters=1, scene_types=1, variants=1, title="Later"))
    house.start(make_production(characters=1, scene_types=1, variants=1, title="Sooner", seed=5), priority=5)
    house.work(house.new_engine(parallel=1))
    titles = [request.parameters["title"] for request in house.hands.performed if request.stage == "scene_generation"]
    assert titles.index("Sooner") < titles.index("Later")
    assert [titles.count(title) for title in ("Sooner", "Later")] == [2, 2]


def test_a_run_can_be_made_urgent_later(house: House) -> None:
    house.start(make_production(characters=1, scene_types=4, variants=1, title="First"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1, title="Second", seed=5))
    engine = house.new_engine(parallel=1)
    for _ in range(4):
        engine.turn()
    house.studio.runs.set_priority(run, 7, PERSON)
    house.work(engine)
    titles = [request.parameters["title"] for request in house.hands.performed if request.stage == "scene_generation"]
    assert titles[-1] == "First"


def test_a_run_of_equal_work_executes_nothing_twice(house: House) -> None:
    house.start(make_production())
    house.work()
    before = {stage: house.hands.count(stage) for stage in ("variant_generation", "scene_generation", "assembly", "export")}
    run = house.start(make_production())
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert {stage: house.hands.count(stage) for stage in before} == before
    outcomes = {attempt.outcome for attempt in attempts_of(house, run, Stage.SCENE_GENERATION)}
    assert outcomes == {AttemptOutcome.REUSED}
    assert house.run(run).spent_bytes > 0


def lose(house: House, stage: str) -> list[str]:
    """Remove every stored file of a stage; the answer is their hashes."""
    lost = [sha256 for _, sha256 in made_in(house, stage)]
    for sha256 in lost:
        house.studio.media.path_of(sha256).unlink()
    return lost


def made_in(house: House, stage: str) -> list[tuple[str, str]]:
    """(role, hash) of everything that requests of a stage made, in order."""
    requests = [request for request in house.hands.performed if request.stage == stage]
    return [(file.role, file.sha256) for request in requests for file in outputs_of(stage, request.fingerprint)]


@pytest.mark.parametrize("stage", ["variant_generation", "scene_generation", "assembly", "export"])
def test_what_is_gone_from_the_media_store_is_made_anew_and_the_rest_is_reused(house: House, stage: str) -> None:
    stages = ("variant_generation", "scene_generation", "assembly", "export")
    house.start(make_production())
    house.work()
    before = {name: house.hands.count(name) for name in stages}
    lost = lose(house, stage)
    run = house.start(make_production())
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED
    assert {name: house.hands.count(name) for name in stages} == before | {stage: 2 * before[stage]}
    assert all(house.studio.media.path_of(sha256).is_file() for sha256 in lost)


def test_a_stored_file_of_another_length_is_not_reused_and_its_place_is_taken(house: House) -> None:
    house.start(make_production())
    house.work()
    _, sha256 = made_in(house, "export")[0]
    house.studio.media.path_of(sha256).write_bytes(b"cut")
    before = house.hands.count("export")
    house.start(make_production())
    house.rest()
    assert house.hands.count("export") == before + 1


def test_of_two_equal_jobs_whose_earlier_result_is_gone_one_is_executed(house: House) -> None:
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    lose(house, "scene_generation")
    made = house.hands.count("scene_generation")
    house.backend.holds = lambda request: request.stage == "scene_generation"
    runs = [house.start(make_production(characters=1, scene_types=1, variants=1)) for _ in range(2)]
    house.work()
    assert len(house.backend.held) == 1
    house.backend.release()
    house.rest()
    assert [house.run(run).status for run in runs] == [RunStatus.COMPLETED, RunStatus.COMPLETED]
    assert house.hands.count("scene_generation") == made + 2


def equal_projects(house: House) -> list[Any]:
    """Two runs at the same time that need the same variant image."""
    return [house.start(make_production(characters=1, scene_types=1, variants=1, title=title)) for title in ("One", "Two")]


def test_two_equal_jobs_at_the_same_time_are_executed_once(house: House) -> None:
    runs = equal_projects(house)
    house.work()
    assert [house.run(run).status for run in runs] == [RunStatus.COMPLETED, RunStatus.COMPLETED]
    assert house.hands.count("variant_generation") == 1


def test_a_job_equal_to_one_that_runs_waits_for_it(house: House) -> None:
    house.backend.holds = lambda request: request.stage == "variant_generation"
    runs = equal_projects(house)
    house.work()
    assert len(house.backend.held) == 1
    house.backend.release()
    house.work()
    assert [house.run(run).status for run in runs] == [RunStatus.COMPLETED, RunStatus.COMPLETED]
    assert house.hands.count("variant_generation") == 1


def test_a_failure_is_tried_again_after_a_pause_that_its_class_decides(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("backend_error", "hiccup"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=1))
    while house.engine.turn():
        pass
    [job] = house.jobs(run, Stage.SCENE_GENERATION)
    assert (job.status, job.tries, job.reason) == (JobStatus.READY, 1, "hiccup")
    house.clock.advance(0.9)
    assert not house.engine.turn()
    house.clock.advance(0.2)
    assert house.engine.turn()
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [(one.outcome, one.failure_class) for one in attempts_of(house, run, Stage.SCENE_GENERATION)] == [
        (AttemptOutcome.FAILED, "backend_error"),
        (AttemptOutcome.DONE, ""),
    ]


def test_after_its_last_try_a_job_fails_and_its_cell_says_why(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("backend_error", "no such node"), times=99)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [cell] = house.cells(run).values()
    assert (cell.status, cell.reason) == (CellStatus.FAILED, "no such node")
    assert len(attempts_of(house, run, Stage.SCENE_GENERATION)) == 3


def test_an_error_nobody_expected_is_a_backend_error_with_its_name(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.hands.troubles = failing("assembly", lambda: ZeroDivisionError("by zero"), times=99)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert [cell.reason for cell in house.cells(run).values()] == ["ZeroDivisionError: by zero"]


def test_a_full_disk_makes_jobs_wait_and_they_go_on_when_there_is_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=1))
    real, full = os.fsync, [True]

    def fsync(descriptor: int) -> None:
        if full[0] and "segment" in Path(f"/proc/self/fd/{descriptor}").readlink().name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    for _ in range(60):
        house.engine.turn()
        house.clock.advance(1)
    [job] = house.jobs(run, Stage.SCENE_GENERATION)
    assert job.status is JobStatus.READY
    assert job.reason == 'There is no room on the disk for "segment". Free some; the run then goes on by itself.'
    assert {one.failure_class for one in attempts_of(house, run, Stage.SCENE_GENERATION)} == {"disk_full"}
    full[0] = False
    house.clock.advance(60)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_disk_that_fills_while_the_result_is_kept_is_a_full_disk_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=1))
    real, left = os.fsync, [3]

    def fsync(descriptor: int) -> None:
        if left[0] and "result.part" in Path(f"/proc/self/fd/{descriptor}").readlink().name:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [event.data["class"] for event in house.events("job.retried")] == ["disk_full"] * 3


def test_a_run_until_a_phase_stops_after_it_and_goes_on_when_asked(house: House) -> None:
    run = house.start(make_production(characters=1, variants=1), until=Phase.CHARACTERS)
    house.work()
    assert house.statuses(run) == {CellStatus.QUEUED: 2}
    assert house.studio.reports.progress(run.id).outlook == "reached"
    house.studio.runs.resume(house.run(run), PERSON, until=Phase.POST_PROCESS)
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 2}
    assert house.hands.count("export") == 0
    house.studio.runs.resume(house.run(run), PERSON, until=Phase.FINALIZE)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_paused_run_starts_nothing_and_takes_in_what_runs(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.backend.holds = lambda request: request.stage == "variant_generation"
    house.work()
    house.studio.runs.pause(run, PERSON)
    house.backend.release()
    house.work()
    assert house.hands.count("variant_generation") == 1
    assert house.hands.count("variant_qa") == 0
    assert house.studio.reports.progress(run.id).outlook == "paused"
    house.studio.runs.resume(house.run(run), PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_cancelled_run_refuses_late_results_and_keeps_what_is_approved(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.backend.holds = lambda request: request.stage == "scene_generation" and request.parameters["scene_type"] == "s2"
    house.work()
    house.studio.runs.cancel(house.run(run), PERSON)
    assert house.statuses(run) == {CellStatus.APPROVED: 1, CellStatus.CANCELLED: 1}
    house.backend.release()
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 1, CellStatus.CANCELLED: 1}
    assert house.run(run).status is RunStatus.CANCELLED
    cancelled = [job for job in house.jobs(run) if job.status is JobStatus.CANCELLED]
    with house.studio.stores.read() as store:
        assert store.outputs.of_jobs([job.id for job in cancelled]) == {}


def test_a_cancelled_run_can_be_submitted_again_and_completes(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.engine.turn()
    house.studio.runs.cancel(house.run(run), PERSON)
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.clock.advance(6)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_report_about_a_job_that_is_not_ours_is_answered_with_stop(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    turn = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 1})
    [assignment] = turn.assignments
    update = Update(assignment.request.attempt_id, UpdateState.DONE, result=Result())
    other = house.studio.dispatch.turn("another engine", [(assignment.job_id, update)], {})
    assert (other.over, other.settled) == ((assignment.request.attempt_id,), 0)
    stale = Update("an older attempt", UpdateState.DONE, result=Result())
    assert house.studio.dispatch.turn(house.engine.engine_id, [(assignment.job_id, stale)], {}).over == ("an older attempt",)
    assert house.open_jobs(run) == {JobStatus.RUNNING: 1}
    assert house.studio.dispatch.turn(house.engine.engine_id, [(assignment.job_id, update)], {}).settled == 1
    again = house.studio.dispatch.turn(house.engine.engine_id, [(assignment.job_id, update)], {})
    assert (again.over, again.settled) == ((assignment.request.attempt_id,), 0)


def test_work_of_a_replaced_take_is_stored_but_moves_nothing(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    house.work()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    house.studio.submission.submit(run, Selection(keys=("c1 / s1 / v1",)), Mode.MISSING, PERSON)
    house.clock.advance(6)
    house.backend.release()
    house.work()
    [cell] = house.cells(run).values()
    assert (cell.status, cell.take, cell.approved_take) == (CellStatus.APPROVED, 3, 3)


def test_a_real_disk_that_is_full_is_told_as_such(tmp_path: Path, sqlite_url: str) -> None:
    """On /dev/full every write fails as on a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    house = House(tmp_path, sqlite_url)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    left = [2]

    def trouble(request: Any) -> None:
        if request.stage == "scene_generation" and left[0]:
            left[0] -= 1
            with open("/dev/full", "wb", buffering=0) as full:
                full.write(b"x")

    house.hands.troubles = trouble
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [event.data["class"] for event in house.events("job.retried")] == ["disk_full"] * 2
    house.check()
    house.close()


def test_pictures_that_scenes_wait_for_are_looked_at_before_all_other_work_of_this_machine(house: House) -> None:
    run = house.start(make_production(characters=3, scene_types=4, variants=1))
    house.work()
    waiting = [Stage.SOURCE_QA, Stage.VARIANT_QA, Stage.SCENE_QA, Stage.ASSEMBLY, Stage.EXPORT]
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(update(jobs).where(jobs.c.stage.in_(waiting)).values(status="ready"))
        limits = {"max_rank": 8, "now": house.clock.now(), "free_seconds": 1e9, "free_bytes": 1e12}
        found = [job.stage for job in store.jobs.ready(run.id, Lane.CPU, limit=500, **limits)]
        store.connection.execute(update(jobs).values(status="done"))
    order = [stage for stage, _ in itertools.groupby(found)]
    assert order == [Stage.VARIANT_QA, Stage.SOURCE_QA, Stage.EXPORT, Stage.ASSEMBLY, Stage.SCENE_QA]


def test_jobs_keep_their_order_when_a_run_gets_another_priority(house: House) -> None:
    run = house.start(make_production(characters=3, scene_types=2, variants=2, segments=3))
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(update(jobs).values(status="ready"))
        store.runs.change(run.id, priority=7)
        store.jobs.reprioritise(run.id)
        rows = store.connection.execute(select(jobs.c.stage, jobs.c.part, jobs.c.urgency)).all()
        store.connection.execute(update(jobs).values(status="done"))
    assert len({row.stage for row in rows}) == 8
    assert all(row.urgency == urgency(7, Stage(row.stage), row.part) for row in rows)
