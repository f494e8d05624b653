"""Whatever is charged to a run stands in the row of an attempt, however that attempt ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.domain.budget import Action, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode
from pipeline.domain.costs import By
from pipeline.domain.production import Budget
from pipeline.domain.records import Attempt, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import AttemptOutcome, JobStatus
from pipeline.domain.work import Update, UpdateState
from pipeline.domain.workers import WorkRecord
from pipeline.ports import GeneratorBackend
from tests.factories import EVERYTHING, PERSON, House, make_production, quick_folder
from tests.fakes import MemoryBackend
from tests.fleet import FleetHouse, PretendedFleet

SMALL = make_production(characters=1, scene_types=1, variants=1)
PRICE = 3600.0


RUNS = Update("", UpdateState.RUNNING, has_begun=False)


class QueueingFleet(PretendedFleet):
    """A fleet of which every attempt stands as the test says: at first it waits in the queue of its server."""

    def __init__(self, inner: GeneratorBackend) -> None:
        super().__init__(inner)
        self.state = RUNS
        self.asked_to_stop: list[str] = []

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """What the test says."""
        return [replace(self.state, attempt_id=attempt_id) for attempt_id in attempt_ids]

    def cancel(self, attempt_id: str) -> None:
        """Noted."""
        self.asked_to_stop.append(attempt_id)


@pytest.fixture
def fleet(database_url: str) -> Iterator[FleetHouse]:
    """A worker at one unit of money a second that goes on with what it has begun."""
    with quick_folder() as folder:
        url = f"sqlite:///{folder / 'stripboard.db'}" if database_url.startswith("sqlite") else database_url
        house = FleetHouse(folder, url)
        house.add("gpu-1", cost_per_hour=PRICE)
        house.fleet.holding.add("gpu-1")
        yield house
        house.check()
        house.close()


@pytest.fixture
def memory(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house for work whose files are never written."""
    house = House(tmp_path, database_url)
    yield house
    house.close()


def attempts(house: House, run: Run) -> list[Attempt]:
    """Every attempt of generation of a run."""
    jobs = [job.id for job in house.jobs(run) if job.stage in (Stage.VARIANT_GENERATION, Stage.SCENE_GENERATION)]
    with house.studio.stores.read() as store:
        return store.jobs.attempts_of(jobs)


def told(house: House, run: Run) -> tuple[float, float]:
    """The sums of seconds and money in the rows of attempts."""
    rows = attempts(house, run)
    return sum(row.seconds for row in rows), sum(row.cost for row in rows)


def test_a_cancelled_attempt_tells_what_it_was_charged_with(fleet: FleetHouse) -> None:
    run = fleet.start(SMALL)
    fleet.work()
    fleet.clock.advance(3)
    fleet.engine.turn()
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    [attempt] = attempts(fleet, run)
    now = fleet.run(run)
    assert attempt.outcome is AttemptOutcome.CANCELLED
    assert (attempt.seconds, attempt.cost) == pytest.approx((now.spent_seconds, now.spent_cost))
    assert attempt.seconds > 0 and attempt.cost == pytest.approx(attempt.seconds)
    assert fleet.studio.costs.of_run(run.id, By.STAGE).total.seconds == pytest.approx(now.spent_seconds)
    budget = fleet.studio.budgets.put(
        fleet.studio.budgets.subject(Scope.RUN, run.name), Quantity.MONEY, PERSON, limit=1000, thresholds=()
    )
    assert fleet.studio.costs.burn_down(budget, []).points[0].spent == 0


def test_an_attempt_given_back_by_an_engine_that_stops_tells_what_it_was_charged_with(house: House) -> None:
    run = house.start(SMALL)
    house.backend.holds = lambda request: request.stage == Stage.VARIANT_GENERATION
    house.work()
    house.clock.advance(3)
    house.engine.turn()
    house.engine.drain(0.0)
    [attempt] = attempts(house, run)
    assert attempt.seconds == pytest.approx(house.run(run).spent_seconds) and attempt.seconds > 0


def test_a_result_that_takes_longer_than_the_budget_has_room_for_tells_what_was_charged(memory: House) -> None:
    run = memory.start(make_production(characters=1, scene_types=1, variants=1, budget=Budget(gpu_hours=40 / 3600)))
    memory.work(memory.new_engine(MemoryBackend(seconds=100.0)))
    assert memory.run(run).spent_seconds == pytest.approx(40)
    [attempt] = attempts(memory, run)
    assert attempt.seconds == pytest.approx(40)
    [job] = memory.jobs(run, Stage.VARIANT_GENERATION)
    with memory.studio.stores.read() as store:
        took = store.connection.execute(text("SELECT seconds FROM jobs WHERE id = :id"), {"id": job.id}).scalar()
    assert took == 100, "how long the work takes is measured all the same"


def test_an_attempt_stopped_by_a_level_tells_what_it_was_charged_with(fleet: FleetHouse) -> None:
    run = fleet.start(SMALL)
    fleet.work()
    fleet.clock.advance(3)
    fleet.engine.turn()
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    fleet.studio.submission.submit(fleet.run(run), EVERYTHING, Mode.MISSING, PERSON)
    fleet.work()
    fleet.clock.advance(3)
    fleet.engine.turn()
    subject = fleet.studio.budgets.subject(Scope.RUN, run.name)
    levels = (Threshold(1, Action.CANCEL),)
    fleet.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=50, thresholds=levels)
    fleet.engine.turn()
    now = fleet.run(run)
    assert len(attempts(fleet, run)) == 2
    assert told(fleet, run) == pytest.approx((now.spent_seconds, now.spent_cost))


def test_the_inspection_notices_a_run_whose_attempts_do_not_come_to_what_it_has_spent(memory: House) -> None:
    run = memory.start(SMALL)
    memory.work(memory.new_engine(MemoryBackend(seconds=5.0)))
    assert not [fault for fault in memory.studio.invariants.check() if fault.startswith("I8")]
    for column in ("seconds", "cost"):
        of_generation = "job_id IN (SELECT id FROM jobs WHERE stage = 'variant_generation')"
        change = text(f"UPDATE attempts SET {column} = {column} + :more WHERE {of_generation}")
        with memory.studio.stores.begin(memory.clock.now()) as store:
            store.connection.execute(change, {"more": 1})
        [fault] = [fault for fault in memory.studio.invariants.check() if fault.startswith("I8")]
        assert "its attempts were charged with" in fault and run.name in fault
        with memory.studio.stores.begin(memory.clock.now()) as store:
            store.connection.execute(change, {"more": -1})


def test_waiting_in_the_queue_of_a_server_costs_nothing_and_reserves_no_more(fleet: FleetHouse) -> None:
    waiting = QueueingFleet(fleet.backend)
    run = fleet.start(SMALL)
    engine = fleet.new_engine(waiting)
    fleet.work(engine)
    reserved = fleet.run(run).reserved_seconds
    for _ in range(6):
        fleet.clock.advance(30)
        engine.turn()
    assert fleet.run(run).reserved_seconds == reserved > 0
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    [attempt] = attempts(fleet, run)
    now = fleet.run(run)
    assert (attempt.begun_at, attempt.seconds, attempt.cost) == (None, 0, 0)
    assert (now.spent_seconds, now.spent_cost, now.reserved_seconds) == (0, 0, 0)


@pytest.mark.parametrize("end", ["cancelled", "lost", "stopped"])
def test_time_counts_from_the_begin_at_the_worker(fleet: FleetHouse, end: str) -> None:
    waiting = QueueingFleet(fleet.backend)
    run = fleet.start(SMALL)
    engine = fleet.new_engine(waiting)
    fleet.work(engine)
    fleet.clock.advance(40)
    engine.turn()
    waiting.state = replace(RUNS, has_begun=True)
    for _ in range(3):
        fleet.clock.advance(2)
        engine.turn()
    if end == "cancelled":
        fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    elif end == "lost":
        waiting.state = replace(RUNS, state=UpdateState.LOST, reason="the server does not know it")
        fleet.studio.runs.pause(fleet.run(run), PERSON)
        engine.turn()
    else:
        engine.drain(0.0)
        fleet.studio.locks.release(f"engine-{engine.engine_id}")
        fleet.work(fleet.new_engine(waiting))
        fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    [attempt] = attempts(fleet, run)
    assert (attempt.seconds, attempt.cost) == pytest.approx((6, 6))
    assert fleet.run(run).spent_seconds == pytest.approx(6)


@pytest.mark.parametrize("is_known", [True, False])
def test_an_attempt_taken_over_goes_on_with_its_time_and_its_reservation_is_extended(fleet: FleetHouse, is_known: bool) -> None:
    waiting = QueueingFleet(fleet.backend)
    waiting.state = replace(RUNS, has_begun=True)
    run = fleet.start(SMALL)
    engine = fleet.new_engine(waiting)
    fleet.work(engine)
    fleet.clock.advance(1)
    engine.turn()
    [before] = [job for job in fleet.jobs(run) if job.status is JobStatus.RUNNING]
    fleet.studio.locks.release(f"engine-{engine.engine_id}")
    fleet.clock.advance(2 * before.reserved_seconds)
    waiting.state = replace(RUNS, has_begun=is_known)
    again = fleet.new_engine(waiting)
    fleet.clock.advance(5)
    again.turn()
    [after] = [job for job in fleet.jobs(run) if job.status is JobStatus.RUNNING]
    ran = 2 * before.reserved_seconds + 6
    assert after.epoch == before.epoch + 1 and after.reserved_seconds > ran
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    assert fleet.run(run).spent_seconds == pytest.approx(ran)


def test_an_attempt_taken_over_has_no_more_time_than_one_that_was_watched_all_along(fleet: FleetHouse) -> None:
    waiting = QueueingFleet(fleet.backend)
    waiting.state = replace(RUNS, has_begun=True)
    run = fleet.start(SMALL)
    engine = fleet.new_engine(waiting)
    fleet.work(engine)
    fleet.clock.advance(400)
    engine.turn()
    fleet.studio.locks.release(f"engine-{engine.engine_id}")
    again = fleet.new_engine(waiting)
    fleet.clock.advance(199)
    again.turn()
    assert not waiting.asked_to_stop
    fleet.clock.advance(2)
    again.turn()
    assert len(waiting.asked_to_stop) == 1
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)


def test_work_stops_when_what_is_reserved_ends_and_not_at_the_next_heartbeat(fleet: FleetHouse) -> None:
    run = fleet.start(replace(SMALL, budget=Budget(money=4.5)))
    queueing = QueueingFleet(fleet.backend)
    queueing.state = replace(RUNS, has_begun=True)
    engine = fleet.new_engine(queueing)
    fleet.work(engine)
    [job] = [job for job in fleet.jobs(run) if job.status is JobStatus.RUNNING]
    for _ in range(60):
        fleet.clock.advance(0.1)
        engine.turn()
        if queueing.asked_to_stop:
            break
    [attempt] = attempts(fleet, run)
    assert queueing.asked_to_stop == [job.attempt_id] == [attempt.id]
    ran_s = (fleet.clock.now() - attempt.begun_at).total_seconds() if attempt.begun_at else 0.0
    assert 4.4 <= ran_s <= 4.65, "all that the budget pays for, and a tenth of a second"
    queueing.state = replace(RUNS, state=UpdateState.LOST)
    fleet.work(engine)


def test_what_a_job_takes_at_its_worker_is_reserved_and_a_slow_one_may_be_too_dear(fleet: FleetHouse) -> None:
    """By the mean of all workers the slow one would cost less than the fast one."""
    fleet.add("slow", cost_per_hour=PRICE / 2)
    fleet.fleet.holding.add("slow")
    run = fleet.start(replace(SMALL, budget=Budget(money=50.0)))
    engine = fleet.new_engine()
    fleet.work(engine)
    [job] = [job for job in fleet.jobs(run) if job.status is JobStatus.RUNNING]
    with fleet.studio.stores.begin(fleet.clock.now()) as store:
        [work] = {held.work: held for held in store.fleet_work.held()}.values()
        for name, seconds in (("gpu-1", 10.0), ("slow", 300.0)):
            record = WorkRecord(fleet.worker(name).worker.id, work.work, samples=5, seconds_per_frame=seconds / work.frames)
            store.workers.keep_record(record, is_new=True)
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    fleet.fleet.holding.clear()
    fleet.work(engine)
    fleet.fleet.holding |= {"gpu-1", "slow"}
    fleet.studio.submission.submit(fleet.run(run), EVERYTHING, Mode.MISSING, PERSON)
    fleet.work(engine)
    [job] = [job for job in fleet.jobs(run) if job.status is JobStatus.RUNNING]
    assert job.reserved_seconds == pytest.approx(10.0) and job.price == PRICE
    assert {attempt.worker for attempt in attempts(fleet, run) if attempt.id == job.attempt_id} == {"gpu-1"}
    fleet.fleet.holding.clear()
    fleet.rest()
