"""The broom: removes what nobody points to, and nothing that anybody might still need."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from data.models import attempts, events, jobs
from pipeline.domain.choices import Mode
from pipeline.domain.stages import Lane, Stage
from pipeline.domain.statuses import RunStatus
from pipeline.domain.work import Request
from pipeline.ports import Workspace
from tests.factories import EVERYTHING, House, make_production

SMALL = make_production(characters=1, scene_types=1, variants=1)


def test_a_stored_file_that_nobody_points_to_goes_after_the_grace_period(house: House) -> None:
    stray = house.studio.media.root / "ab" / ("c" * 62)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"left by a killed attempt")
    fresh = house.studio.media.root / "ab" / ("d" * 62)
    fresh.write_bytes(b"about to be settled")
    now = house.clock.now()
    for path, age in ((stray, timedelta(hours=2)), (fresh, timedelta(minutes=5))):
        os.utime(path, ((now - age).timestamp(),) * 2)
    assert house.studio.upkeep.sweep() == 1
    assert (stray.exists(), fresh.exists()) == (False, True)


def test_what_rows_point_to_is_kept_however_old(house: House) -> None:
    run = house.start(SMALL)
    house.work()
    house.clock.advance(10 * 24 * 3600)
    assert house.studio.upkeep.sweep() == 0
    assert house.studio.invariants.check() == []
    assert house.run(run).status is RunStatus.COMPLETED


def test_folders_of_ended_attempts_go_and_those_of_running_ones_stay(house: House) -> None:
    house.start(SMALL)
    [assignment] = house.studio.dispatch.turn(house.engine.engine_id, [], {Lane.CPU: 1}).assignments
    for attempt in (assignment.request.attempt_id, "an attempt of long ago"):
        house.studio.spool.attempt_folder(attempt).mkdir(parents=True)
    house.studio.upkeep.sweep()
    assert house.studio.spool.attempts() == [assignment.request.attempt_id]
    house.studio.leases.leave(house.engine.engine_id, "end of the test")


def test_a_settled_attempt_leaves_no_folder_behind(house: House) -> None:
    make_file = house.hands.make_file

    def keep_some(request: Request, workspace: Workspace, role: str) -> Path:
        (workspace.kept / "half done").touch()
        return make_file(request, workspace, role)

    house.hands.make_file = keep_some
    house.start(SMALL)
    house.work()
    assert house.studio.spool.attempts() == []
    assert list((house.studio.spool.root / "jobs").iterdir()) == []


def test_folders_of_done_jobs_that_a_crash_left_go_and_all_others_stay(house: House) -> None:
    run = house.start(SMALL)
    [done] = house.jobs(run, Stage.SOURCE_QA)
    for key in (done.key, "job-999", "job-", "of nobody"):
        house.studio.spool.job_folder(key).mkdir(parents=True)
    house.studio.upkeep.sweep()
    assert len(house.studio.spool.jobs()) == 4, "it is not done yet"
    house.work()
    house.studio.spool.job_folder(done.key).mkdir(parents=True, exist_ok=True)
    house.studio.upkeep.sweep()
    assert house.studio.spool.jobs() == ["job-", "job-999", "of nobody"]


def test_measured_times_reach_the_estimates(house: House) -> None:
    run = house.start(SMALL)
    house.work()
    house.studio.upkeep.refresh_rates()

    assert house.studio.submission.preview(run, EVERYTHING, Mode.ALL).estimate.samples > 0


def test_rates_are_those_of_what_was_really_made(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    house.studio.upkeep.refresh_rates()
    segment = house.jobs(run, Stage.SCENE_GENERATION)[0]
    with house.studio.stores.read() as store:
        rates = store.jobs.rates(["animatic|scene_generation|s1|64x36"])
        made = [output for output in store.outputs.of("cell", segment.subject_id) if output.role == "segment"]
    [rate] = rates.values()
    assert rate.samples == 2
    assert rate.bytes_per_frame == sum(output.file.size_bytes for output in made) / 4


@pytest.mark.parametrize(("count", "half", "most"), [(1, 1, 1), (2, 1, 2), (10, 5, 9), (11, 6, 10), (250, 150, 230)])
def test_the_spread_of_a_rate_is_that_of_the_newest_times(house: House, count: int, half: int, most: int) -> None:
    house.start(SMALL)
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        done = next(row for row in store.connection.execute(select(jobs)) if row.stage == "scene_generation")
        for number in range(1, count + 1):
            row = {**done._asdict(), "seconds": number * 3.0, "frames": 3, "cost_key": "k", "take": 1000 + number}
            store.connection.execute(insert(jobs), {key: value for key, value in row.items() if key != "id"})
        [rate] = store.jobs.rates(["k", "unknown"]).values()
        store.connection.execute(delete(jobs).where(jobs.c.cost_key == "k"))
    assert (rate.samples, rate.p50_s, rate.p90_s) == (min(count, 200), half, most)


def test_the_order_of_starts_is_judged_by_events_and_not_by_the_clocks_of_engines(house: House) -> None:
    house.start(SMALL)
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        earlier = house.clock.now() - timedelta(hours=1)
        store.connection.execute(update(attempts).values(started_at=earlier))
    assert house.studio.invariants.check() == []

    approved = events.c.type == "still.approved"
    with house.studio.stores.begin(house.clock.now()) as store:
        last = store.journal.last_seq()
        store.connection.execute(update(events).where(approved).values(seq=events.c.seq + last))
    assert any(fault.startswith("I7: cell ") for fault in house.studio.invariants.check())
    with house.studio.stores.begin(house.clock.now()) as store:
        store.connection.execute(update(events).where(approved).values(seq=events.c.seq - last))
