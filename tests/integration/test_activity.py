"""What goes on, as people see it: rows of the tray, logs, notices."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from components import notices, pulse_panels
from pipeline.domain.activity import NOTED
from pipeline.domain.budget import Action, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode
from pipeline.domain.errors import NotFound, WorkFailed
from pipeline.domain.production import Approvals
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus
from pipeline.domain.workers import WorkerState
from tests.factories import AUTO, EVERYTHING, HUMAN, PERSON, House, make_production
from tests.fakes import failing
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.unit.test_fleet_page import text_of

fleet = fleet_house


def test_running_jobs_come_before_those_that_have_ended(house: House) -> None:
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    rows = house.studio.activity.jobs()
    assert [(row.words, row.key, row.status) for row in rows] == [
        ("segment 1", "c1 / s1 / v1", JobStatus.RUNNING),
        ("check of variant images", "c1 / v1", JobStatus.DONE),
        ("variant image 1", "c1 / v1", JobStatus.DONE),
        ("check of source images", "c1", JobStatus.DONE),
    ]
    assert {row.run_name for row in rows} == {run.name}
    assert [(row.attempt, row.worker) for row in rows[:1]] == [(1, "local")]
    assert house.studio.activity.jobs(limit=2) == rows[:2]
    assert house.studio.activity.counts() == {JobStatus.READY: 0, JobStatus.RUNNING: 1}


def test_the_jobs_of_another_run_are_left_out(house: House) -> None:
    first = house.start(make_production(characters=1, title="First"))
    second = house.start(make_production(characters=1, title="Second"))
    house.work()
    assert {row.run_id for row in house.studio.activity.jobs(second.id)} == {second.id}
    assert {row.run_id for row in house.studio.activity.jobs()} == {first.id, second.id}


def test_the_log_of_a_job_tells_every_attempt_and_what_was_said(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("crashed", "It said: no memory\nfor the model"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=1))
    house.work()
    [job] = house.jobs(run, Stage.SCENE_GENERATION)
    log = house.studio.activity.log(job.id)
    assert "segment 1 of c1 / s1 / v1, take 1: done" in log
    assert "attempt 1 by local" in log
    assert "failed (crashed)" in log
    assert "  for the model" in log
    assert "attempt 2 by local" in log
    assert log.splitlines()[-1].endswith("scene_generation.completed by system:engine")
    with pytest.raises(NotFound):
        house.studio.activity.log(99_999)


def test_the_bell_tells_what_waits_and_what_failed_and_what_is_sealed(house: House) -> None:
    approvals = Approvals("human", "auto")
    waiting = house.start(make_production(characters=2, scene_types=1, variants=1, approvals=approvals, title="Waits"))
    house.work()
    sealed = house.start(make_production(characters=1, scene_types=1, variants=1, title="Sealed"))
    house.work()
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no such model"), times=99)
    failed = house.start(make_production(characters=1, scene_types=1, variants=1, title="Fails", seed=5))
    house.work()
    notices = house.studio.activity.notices()
    assert [(one.kind, one.run_id, one.count) for one in notices] == [
        ("waiting", waiting.id, 2),
        ("failed", failed.id, 1),
        ("sealed", sealed.id, 1),
    ]
    assert notices[0].text == "2 variant images wait for a decision"
    assert notices[1].text == "scene c1 / s1 / v1 failed: no such model"
    house.studio.review.approve_variant(waiting, "c1 / v1", PERSON)
    assert house.studio.activity.notices()[0].text == "variant image c2 / v1 waits for a decision"


def test_a_failure_that_is_overcome_is_not_told_any_more(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no such model"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.work()
    assert [one.kind for one in house.studio.activity.notices()] == ["failed"]
    house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    house.work()
    assert [one.kind for one in house.studio.activity.notices()] == ["waiting"]


def test_what_the_bell_tells_stays_however_much_happens_after_it(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        for number in range(2000):
            store.journal.record("job.progressed", actor=PERSON, subject="job", subject_id=number, run_id=run.id)
    assert [one.kind for one in house.studio.activity.notices()] == ["sealed"]


def test_every_level_of_a_budget_that_is_reached_is_told_until_it_is_reached_no_more(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    run = house.start(production)
    house.work()
    spent, budgets = house.run(run).spent_seconds, house.studio.budgets
    subject = budgets.subject(Scope.PROJECT, run.title)
    levels = [Threshold(at, Action.NOTIFY) for at in (40, 50, 99)]
    budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent * 1.5, thresholds=levels)
    house.start(make_production(title="Other", characters=1, scene_types=1, variants=1))
    house.work()

    def told() -> list[str]:
        return [one.text.split(" of ")[0] for one in house.studio.activity.notices() if one.kind == "budget"]

    assert sorted(told()) == ["40 %", "50 %"]
    budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent * 2.2, thresholds=levels)
    assert told() == ["40 %"]
    budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent * 10, thresholds=levels)
    assert told() == []


def test_an_index_finds_what_the_bell_tells(house: House) -> None:
    asked: list[str] = []
    with house.studio.stores.read() as store:
        event.listen(house.studio.stores.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
        store.journal.noted(5)
    with house.studio.stores.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (5, 0)).all() for sql in tuple(asked)]
            assert all("ix_events_noted" in str(plan) and "TEMP B-TREE" not in str(plan) for plan in plans)
    assert len(asked) >= len(NOTED)


def test_a_delivery_that_was_cancelled_is_no_news_once_another_is_sealed(house: House) -> None:
    house.backend.holds = lambda request: request.stage == "delivery"
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    house.studio.deliveries.cancel(run, PERSON)
    [notice] = house.studio.activity.notices()
    assert (notice.kind, notice.text) == ("failed", "delivery 1 was not made: cancelled by tester")
    house.backend.release()
    house.studio.deliveries.deliver(run, PERSON)
    house.work()
    assert [one.kind for one in house.studio.activity.notices()] == ["sealed"]


def test_a_worker_that_does_not_answer_is_told_until_it_does_or_is_taken_out(fleet: FleetHouse) -> None:
    fleet.add("gpu-1", "gpu-2")
    sightings, activity = fleet.servers.sightings, fleet.studio.activity
    away = sightings.pop(fleet.worker("gpu-1").worker.url)
    fleet.studio.workers.look()
    [notice] = activity.notices()
    assert (notice.kind, notice.text, notices.address(notice)) == ("worker", "worker gpu-1 does not answer", "/fleet")
    assert notices.waiting([notice]) == "1"
    assert "Worker gpu-1 does not answer" in text_of(pulse_panels.waits([], [notice], fleet.clock.now()))

    fleet.studio.workers.set_state(fleet.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)
    assert activity.notices() == []
    fleet.studio.workers.set_state(fleet.worker("gpu-1").worker, WorkerState.ENABLED, PERSON)
    sightings[fleet.worker("gpu-1").worker.url] = away
    fleet.studio.workers.look()
    assert activity.notices() == []
