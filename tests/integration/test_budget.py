"""Budgets: reserved at the claim, charged at the end, never exceeded, whoever claims at the same time."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Budget
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fakes import FakeClock, MemoryBackend

HOUR = 3600


def within(house: House, run: object) -> bool:
    """Whether the run's books stay within its limits."""
    now = house.run(run)  # type: ignore[arg-type]
    seconds = now.limit_seconds is None or now.spent_seconds + now.reserved_seconds <= now.limit_seconds + 1e-9
    return seconds and (now.limit_bytes is None or now.spent_bytes + now.reserved_bytes <= now.limit_bytes)


def test_a_claim_reserves_and_a_result_is_charged_at_its_real_cost(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, budget=Budget(gpu_hours=1)))
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    jobs = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    now = house.run(run)
    assert now.reserved_seconds == sum(job.estimated_seconds for job in jobs) > 0
    assert now.reserved_bytes == sum(job.estimated_bytes for job in jobs) > 0
    house.backend.release()
    house.work()
    assert (house.run(run).reserved_seconds, house.run(run).reserved_bytes) == (0, 0)
    assert house.run(run).status is RunStatus.COMPLETED


def test_every_stored_byte_of_a_run_is_on_its_bill(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    with house.studio.stores.read() as store:
        rows = store.outputs.of_jobs([job.id for job in house.jobs(run)])
    assert house.run(run).spent_bytes == sum(output.file.size_bytes for group in rows.values() for output in group)


def test_work_that_costs_more_than_estimated_stops_at_the_limit(tmp_path: Path, database_url: str) -> None:
    house = House(tmp_path, database_url)
    whole = house.studio.submission.preview(house.create(make_production()), EVERYTHING, Mode.ALL).estimate
    limit = whole.generation_seconds * 1.5
    run = house.create(make_production(title="Costly", budget=Budget(gpu_hours=limit / HOUR)))
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    backend = MemoryBackend(seconds=whole.generation_seconds / 6)
    engine = house.new_engine(backend)
    while engine.turn():
        assert within(house, run)
    assert house.studio.reports.progress(run.id).outlook == "budget"
    assert house.statuses(run)[CellStatus.APPROVED] < 8
    house.close()


def test_two_engines_at_once_never_exceed_the_budget(tmp_path: Path, database_url: str) -> None:
    house = House(tmp_path, database_url)
    plain = make_production(characters=3, scene_types=4, variants=1)
    whole = house.studio.submission.preview(house.create(plain), EVERYTHING, Mode.ALL).estimate
    run = house.create(replace(plain, title="Tight", budget=Budget(gpu_hours=whole.generation_seconds * 1.1 / HOUR)))
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    houses = [house, House(tmp_path, database_url, clock=FakeClock())]
    breaches: list[str] = []

    def work(mine: House) -> None:
        engine = mine.new_engine(MemoryBackend(seconds=whole.generation_seconds / 30))
        idle = 0
        while idle < 20:
            idle = 0 if engine.turn() else idle + 1
            if not within(mine, run):
                breaches.append("over the limit")

    threads = [threading.Thread(target=work, args=(one,)) for one in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaches == []
    assert within(house, run)
    assert house.run(run).reserved_seconds == pytest.approx(0)
    with house.studio.stores.read() as store:
        attempts = store.jobs.attempts_of([job.id for job in house.jobs(run)])
        assert list(store.journal.broken_links()) == []
    assert len({(attempt.job_id, attempt.epoch) for attempt in attempts}) == len(attempts)
    for one in houses:
        one.close()


def test_a_result_larger_than_the_disk_budget_fails_its_cell_with_the_reason(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    [job] = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    with house.studio.stores.begin(house.clock.now()) as store:
        store.runs.change(run.id, limit_bytes=house.run(run).spent_bytes + 10, reserved_bytes=10)
        store.connection.execute(text("UPDATE jobs SET estimated_bytes = 10 WHERE id = :id"), {"id": job.id})
    house.backend.release()
    house.work()
    [cell] = house.cells(run).values()
    assert cell.status is CellStatus.FAILED
    assert "Raise it: `./stripboard budgets set`" in cell.reason


def test_a_reused_result_costs_no_generation_time(house: House) -> None:
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert house.run(run).spent_seconds == 0
