"""Leases: kept by heartbeats, taken over from the dead, never from the slow."""

from __future__ import annotations

from pathlib import Path

from pipeline.domain.choices import Mode
from pipeline.domain.production import Budget
from pipeline.domain.stages import Lane, Stage
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus, RunStatus
from pipeline.domain.work import Result, Update, UpdateState
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fakes import FakeClock, MemoryBackend, outputs_of

SMALL = make_production(characters=1, scene_types=1, variants=1)


def restarted(house: House) -> House:
    """The process is killed; another one starts on the same home and database."""
    house.die()
    return House(house.folder, house.url, clock=house.clock)


def test_a_dead_engine_s_jobs_are_taken_over_under_a_new_epoch(house: House) -> None:
    run = house.start(SMALL)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    [before] = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    again = restarted(house)
    adopted = again.engine
    [after] = [job for job in again.jobs(run) if job.status is JobStatus.RUNNING]
    assert (after.epoch, after.owner, after.attempt_id) == (before.epoch + 1, adopted.engine_id, before.attempt_id)
    again.work()
    assert again.run(run).status is RunStatus.COMPLETED
    again.check()
    again.close()


def test_a_result_found_after_a_restart_is_taken_in_and_not_made_again(house: House) -> None:
    run = house.start(SMALL)
    turn = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 4, Lane.GENERATION: 4})
    for assignment in turn.assignments:
        house.backend.submit(assignment.request)
    performed = [request.attempt_id for request in house.hands.performed]
    assert performed
    again = restarted(house)
    again.work()
    assert not set(performed) & {request.attempt_id for request in again.hands.performed}
    assert again.hands.count("source_qa") == 0
    assert again.run(run).status is RunStatus.COMPLETED
    again.check()
    again.close()


def test_work_without_a_result_is_lost_with_a_reason_and_made_again(house: House) -> None:
    run = house.start(SMALL)
    house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 4})
    again = restarted(house)
    again.work()
    [job] = again.jobs(run, Stage.SOURCE_QA)
    with again.studio.stores.read() as store:
        lost, done = store.jobs.attempts_of([job.id])
    assert (lost.outcome, lost.reason) == (AttemptOutcome.LOST, "its process ended before it had a result")
    assert (done.outcome, done.number) == (AttemptOutcome.DONE, 3)
    again.check()
    again.close()


def test_an_engine_that_is_only_slow_keeps_its_jobs(house: House) -> None:
    run = house.start(SMALL)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    house.clock.advance(3600)
    other = house.new_engine(MemoryBackend())
    other.look_for_dead()
    assert not other.turn()
    [job] = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    assert job.owner == house.engine.engine_id
    house.backend.release()
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_an_engine_on_another_machine_counts_as_alive(house: House) -> None:
    run = house.start(SMALL)
    with house.studio.stores.begin(house.clock.now()) as store:
        store.engines.add("far away", host="another machine", pid=1, now=house.clock.now())
    turn = house.studio.dispatch.turn("far away", [], {Lane.CPU: 1})
    house.engine.look_for_dead()
    house.work()
    assert house.open_jobs(run)[JobStatus.RUNNING] == 1
    house.studio.leases.leave("far away", "it says goodbye")
    house.work()
    assert len(turn.assignments) == 1
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_late_report_of_a_dead_engine_is_refused(house: House) -> None:
    run = house.start(SMALL)
    old = house.engine.engine_id
    [assignment] = house.studio.dispatch.turn(old, [], {Lane.CPU: 1}).assignments
    again = restarted(house)
    new = again.engine
    result = Result(outputs_of("source_qa", "x"))
    late = again.studio.dispatch.turn(
        old, [(assignment.job_id, Update(assignment.request.attempt_id, UpdateState.DONE, result=result))], {}
    )
    assert late.over == (assignment.request.attempt_id,)
    again.work(new)
    assert again.run(run).status is RunStatus.COMPLETED
    again.check()
    again.close()


def test_an_engine_that_leaves_gives_its_jobs_back_at_no_cost(house: House) -> None:
    run = house.start(SMALL)
    house.backend.holds = lambda request: request.stage == "variant_generation"
    house.work()
    house.engine.drain(0.0)
    [job] = house.jobs(run, Stage.VARIANT_GENERATION)
    assert (job.status, job.tries) == (JobStatus.READY, 0)
    assert house.run(run).reserved_seconds == 0
    house.backend.holds = lambda request: False
    house.work(house.new_engine())
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_heartbeat_extends_the_leases_of_its_engine(house: House) -> None:
    run = house.start(SMALL)
    house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 4})
    house.clock.advance(29)
    beat = house.studio.leases.heartbeat(house.engine.engine_id, {})
    assert [one.stage for one in beat.unwatched] == ["source_qa"]
    house.clock.advance(29)
    with house.studio.stores.read() as store:
        assert store.jobs.expired(house.clock.now()) == []
    house.clock.advance(2)
    with house.studio.stores.read() as store:
        assert len(store.jobs.expired(house.clock.now())) == 1
    house.studio.leases.leave(house.engine.engine_id, "end of the test")
    assert house.open_jobs(run)[JobStatus.RUNNING] == 0


def test_a_heartbeat_names_the_attempts_that_must_stop(house: House) -> None:
    run = house.start(SMALL)
    [assignment] = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 4}).assignments
    house.studio.runs.cancel(house.run(run), PERSON)
    attempt = assignment.request.attempt_id
    assert house.studio.leases.heartbeat(house.engine.engine_id, {attempt: 1.0}).over == (attempt,)


def test_a_heartbeat_reserves_more_for_work_that_takes_longer_and_stops_it_when_the_budget_has_no_more(
    tmp_path: Path, database_url: str
) -> None:
    house = House(tmp_path, database_url, clock=FakeClock())
    run = house.create(make_production(characters=1, scene_types=1, variants=1, budget=Budget(gpu_hours=10 / 3600)))
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    [job] = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    attempt = job.attempt_id or ""
    assert house.studio.leases.heartbeat(house.engine.engine_id, {attempt: 1.0}).unpaid == ()
    assert house.run(run).reserved_seconds > job.reserved_seconds
    stopped: list[str] = []
    for elapsed in range(2, 12):
        stopped += house.studio.leases.heartbeat(house.engine.engine_id, {attempt: float(elapsed)}).unpaid
        now = house.run(run)
        assert now.spent_seconds + now.reserved_seconds <= 10
    assert attempt in stopped
    house.backend.cancel(attempt)
    house.engine.turn()
    assert house.run(run).reserved_seconds <= 10
    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    assert house.statuses(run) == {CellStatus.CANCELLED: 1}
    house.check()
    house.close()
