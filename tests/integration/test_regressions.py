"""Faults that were found by review, each held down by the shortest story that showed it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data.store import Stores
from pipeline.adapters.storage.media_store import MediaStore
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Conflict, Refused, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Budget, Location, Shot
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from pipeline.domain.work import Measurement, Request
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production
from tests.fakes import failing

FIRST = "variant c1 / v1"


def test_a_run_whose_last_export_ended_during_a_pause_is_delivered_when_it_goes_on(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.backend.holds = lambda request: request.stage == "export"
    house.work()
    house.studio.runs.pause(run, PERSON)
    house.backend.release()
    house.work()
    house.studio.runs.resume(house.run(run), PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_rollback_starts_what_waits_for_the_cell(house: House) -> None:
    shots = (Shot("a", "s1", character="c1", variant="v1"), Shot("b", "s1", character="c1", variant="v1", after=("a",)))
    production = replace(make_production(characters=1, scene_types=1, variants=1, shots=shots), matrix=None)
    run = house.create(production, auto_deliver=False)
    a, b = (Selection(keys=(key,)) for key in house.cells(run))
    house.studio.submission.submit(run, a, Mode.ALL, PERSON)
    house.work()
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.studio.submission.submit(run, a, Mode.ALL, PERSON)
    house.work()
    house.studio.submission.submit(run, b, Mode.ALL, PERSON)
    house.studio.review.rollback(run, a, PERSON)
    house.backend.release()
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 2}


def test_a_job_that_is_too_dear_for_the_budget_keeps_no_other_waiting(house: House) -> None:
    production = make_production(characters=1, scene_types=2, variants=1, segments=1, budget=Budget(gpu_hours=1))
    long, short = production.scene_types
    production = replace(production, scene_types=(replace(long, duration_s=1000), short))
    run = house.create(production, auto_deliver=False)
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "variant_generation"
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        store.runs.change(run.id, limit_seconds=house.run(run).reserved_seconds + 0.1)
    house.backend.release()
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 1, CellStatus.QUEUED: 1}
    assert house.studio.reports.progress(run.id).outlook == "budget"


def test_a_variant_image_cannot_be_approved_before_it_is_checked(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, candidates=2, approvals=HUMAN))
    house.backend.holds = lambda request: request.parameters.get("candidate") == 2
    house.work()
    with pytest.raises(Conflict, match="not checked yet"):
        house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.backend.release()
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    assert house.stills(run)[FIRST].status is CellStatus.APPROVED


def test_a_new_take_of_a_still_leaves_nothing_to_do_of_the_last(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, candidates=8))
    house.hands.troubles = failing("variant_generation", lambda: WorkFailed("bad_input", "no"), candidate=1)
    house.backend.holds = lambda request: request.stage == "variant_generation" and request.parameters["candidate"] > 1
    house.work()
    house.studio.review.retry(run, EVERYTHING, PERSON)
    first = [job for job in house.jobs(run, Stage.VARIANT_GENERATION) if job.take == house.stills(run)[FIRST].take - 1]
    assert {job.status for job in first} == {JobStatus.CANCELLED}
    house.backend.held.clear()
    house.backend.release()
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_the_broom_leaves_an_attempt_alone_that_begins_while_it_sweeps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    spool = house.studio.spool

    def begin_and_hold(request: Request) -> bool:
        spool.attempt_folder(request.attempt_id).mkdir(parents=True)
        return True

    def late() -> list[str]:
        house.engine.turn()
        return listed()

    listed = spool.attempts
    house.backend.holds = begin_and_hold
    monkeypatch.setattr(spool, "attempts", late)
    house.studio.upkeep.sweep()
    assert listed() == [job.attempt_id for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    monkeypatch.undo()
    house.backend.release()
    house.work()


def test_a_reading_transaction_is_one_picture(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    other = Stores(house.url)
    with other.read() as store:
        before = store.runs.by_ids([run.id])[run.id].priority
        if other.engine.dialect.name == "postgresql":
            house.studio.runs.set_priority(run, 7, PERSON)
        assert store.runs.by_ids([run.id])[run.id].priority == before
    other.close()


def test_the_broom_leaves_a_file_alone_that_is_stored_again_while_it_sweeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = MediaStore(tmp_path / "media")
    (tmp_path / "one").write_bytes(b"the same")
    stored = media.adopt(tmp_path / "one", "image/png")
    old = time.time() - 10_000
    os.utime(media.path_of(stored.sha256), (old, old))
    found = media.orphans

    def then_store_again(*arguments: object) -> list[Path]:
        orphans = found(*arguments)  # type: ignore[arg-type]
        media.adopt(tmp_path / "one", "image/png")
        return orphans

    monkeypatch.setattr(media, "orphans", then_store_again)
    media.remove_orphans(set(), datetime.now(UTC) - timedelta(hours=1))
    assert media.stored(stored.sha256).read_bytes() == b"the same"


def test_a_scene_that_waits_for_a_cancelled_one_is_stuck_and_not_done(house: House) -> None:
    shots = (Shot("a", "s1", character="c1", variant="v1"), Shot("b", "s1", character="c1", variant="v1", after=("a",)))
    run = house.start(replace(make_production(characters=1, scene_types=1, variants=1, shots=shots), matrix=None))
    house.studio.submission.cancel(run, Selection(keys=tuple(house.cells(run))[:1]), PERSON)
    house.work()
    assert house.studio.reports.progress(run.id).outlook == "stuck"


def test_what_is_queued_already_counts_when_more_is_submitted(house: House) -> None:
    plain = make_production(characters=1, scene_types=2, variants=1)
    first, second = (Selection(keys=(key,)) for key in house.cells(house.create(plain)))
    one = house.studio.submission.preview(house.create(plain), first, Mode.ALL).estimate.generation_seconds
    run = house.create(replace(plain, title="Tight", budget=Budget(gpu_hours=one * 1.2 / 3600)))
    house.studio.submission.submit(run, first, Mode.ALL, PERSON)
    with pytest.raises(Refused):
        house.studio.submission.submit(run, second, Mode.ALL, PERSON)


def test_a_still_is_retried_by_its_own_key_and_by_that_of_a_cell_that_needs_it(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.hands.troubles = failing("variant_generation", lambda: WorkFailed("bad_input", "no"), times=2)
    house.work()
    assert house.studio.review.retry(run, Selection(keys=("c1 / v1",)), PERSON) == [FIRST]
    house.work()
    assert house.studio.review.retry(run, Selection(keys=tuple(house.cells(run))), PERSON) == [FIRST]
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_long_attempt_may_use_up_the_budget(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work()
    [job] = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING]
    with house.studio.stores.begin(house.clock.now()) as store:
        store.runs.change(run.id, limit_seconds=house.run(run).spent_seconds + job.reserved_seconds + 60)
    for _ in range(9):
        house.clock.advance(6)
        house.engine.turn()
    assert house.backend.asked_to_stop == []
    house.backend.release()
    house.work()


def test_jobs_whose_equal_is_being_made_keep_none_behind_them_waiting(house: House) -> None:
    production = make_production(characters=1, scene_types=4, variants=1, segments=1)
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    first = house.create(production)
    house.studio.submission.submit(first, Selection(scene_types=("s1", "s2", "s3")), Mode.MISSING, PERSON)
    house.work()
    assert len(house.backend.held) == 3
    twin = house.start(production)
    engine = house.new_engine(parallel=1)
    house.work(engine)
    with house.studio.stores.read() as store:
        running = [job.subject_id for job in store.jobs.running(engine.engine_id)]
    assert running == [house.cells(twin)["c1 / s4 / v1"].id]


def test_flagged_sources_and_plates_are_told_with_their_measures(house: House) -> None:
    house.hands.measures["source_qa"] = (Measurement("sharpness", 9.0, "image 1"),)
    house.hands.measures["variant_qa"] = (Measurement("exposure_low", 0.9, "candidate 1"),)
    shots = (Shot("open", "s1", location="Pier"),)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, shots=shots, locations=(Location("Pier"),)))
    house.work()
    plate, source = sorted(house.studio.reports.flagged(run.id))
    assert plate == "plate of Pier: exposure low of candidate 1 is 0.9, at most 0.8 is asked"
    assert source == "source images of c1: sharpness of image 1 is 9, at least 15 is asked"
    assert len(house.studio.reports.flagged(run.id, limit=1)) == 1
