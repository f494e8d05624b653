"""The fleet at one moment, read from the database: who does what, what waits and why, what was, what is foreseen."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import event

from components import fleet_panel
from pipeline.domain.fleet_page import FleetPage
from pipeline.domain.matrix import Selection
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus
from pipeline.domain.workers import WorkerState
from tests.factories import PERSON, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.unit.test_fleet_page import text_of

house = fleet_house


def page_of(house: FleetHouse) -> FleetPage:
    """The page as things stand."""
    return house.studio.fleet_pages.page(anew=True)


def test_without_workers_everything_waits_for_one(house: FleetHouse) -> None:
    house.start(make_production(characters=2, variants=1))
    house.work()
    page = page_of(house)
    assert (page.workers, page.busy, page.waits, page.used) == ((), 0, 2, 0.0)
    assert {(one.key, one.reason, one.remedy) for one in page.waiting} == {
        ("c1 / v1", "the fleet has no workers", "add a worker"),
        ("c2 / v1", "the fleet has no workers", "add a worker"),
    }
    assert {one.starts_at for one in page.waiting} == {None}


def test_a_busy_worker_shows_what_it_does_and_how_far_it_is(house: FleetHouse) -> None:
    house.add("gpu-1", cost_per_hour=3.5)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=3))
    _until_scenes(house)
    [job] = [job for job in house.jobs(run, Stage.SCENE_GENERATION) if job.status is JobStatus.RUNNING]
    with house.studio.stores.begin(house.clock.now()) as store:
        store.jobs.note_progress({str(job.attempt_id): (0.4, "step: sampler 12 of 30")})

    [view] = page_of(house).workers
    [doing] = view.doing
    assert (doing.key, doing.run_name, doing.part, doing.parts) == ("c1 / s1 / v1", run.name, 1, 3)
    assert (doing.progress, doing.step, doing.kind, doing.attempt) == (0.4, "sampler 12 of 30", "s1", 1)
    assert (view.word, view.shown, page_of(house).price_per_hour) == ("busy", "generating", 3.5)


def test_the_forecast_goes_on_with_the_segments_that_follow(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.start(make_production(characters=1, scene_types=1, variants=1, segments=3))
    _until_scenes(house)
    page = page_of(house)
    assert not page.waiting
    following = [block for block in page.blocks if block.look == "next"]
    assert [block.key for block in following] in (["c1 / s1 / v1"] * 2, ["s1"]), "two segments follow, drawn together when short"
    assert sum(block.count for block in following) == 2
    [rest] = [block for block in page.blocks if block.look == "rest"]
    assert following[0].start == rest.end


def test_what_waits_is_told_in_the_order_of_its_service_with_reason_and_expected_begin(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    run = house.start(make_production(characters=8, scene_types=1, variants=1))
    house.work()

    page = page_of(house)
    held = sum(len(view.doing) for view in page.workers)
    assert page.waits == 8 - held == len(page.waiting)
    starts = [one.starts_at for one in page.waiting if one.starts_at]
    assert len(starts) == len(page.waiting) and starts == sorted(starts)
    assert all(name in one.reason for one in page.waiting for name in one.bold)
    assert not [one.reason for one in page.waiting if "is next in" in one.reason], "who begins it, and when, is told once"
    assert {one.run_name for one in page.waiting} == {run.name}
    forecast = Counter(block.worker for block in page.blocks if block.look == "next")
    assert set(forecast) == {"gpu-1", "gpu-2"}


def test_a_higher_priority_goes_first_in_the_queue(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.holding.add("gpu-1")
    house.start(make_production(characters=4, scene_types=1, variants=1, title="Late"))
    house.work()
    urgent = house.start(make_production(characters=1, scene_types=1, variants=1, title="Urgent"), priority=5)
    house.work()

    first = page_of(house).waiting[0]
    assert (first.run_name, first.priority, first.own_priority) == (urgent.name, 5, None)


def test_another_priority_is_seen_at_once(house: FleetHouse) -> None:
    house.add("gpu-1")
    run = house.start(make_production(characters=4, scene_types=1, variants=1))
    _until_scenes(house)
    house.work()
    last = page_of(house).waiting[-1]
    assert last.own_priority == 0
    house.studio.submission.prioritise(run, Selection(keys=(last.key,)), 3, PERSON)

    first = page_of(house).waiting[0]
    assert (first.key, first.priority, first.own_priority) == (last.key, 3, 3)


def test_what_ended_lately_is_drawn_and_counted(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.start(make_production(characters=2))
    _work_slowly(house)
    made = len(house.fleet.sent)
    page = page_of(house)
    assert sum(view.done for view in page.workers) == made and page.waits == 0
    assert page.blocks and 0 < page.used < 1
    assert all(block.start >= page.since and block.end <= page.now for block in page.blocks)

    house.clock.advance(3 * 3600)
    later = page_of(house)
    assert sum(view.done for view in later.workers) == 0 and later.blocks == ()


def test_a_fault_is_told_with_its_reason_until_a_week_has_passed(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.failing["gpu-1"] = "backend_error"
    house.start(make_production(characters=6))
    _work_slowly(house)
    page = page_of(house)
    bad = next(view for view in page.workers if view.worker.name == "gpu-1")
    assert bad.fault is not None and bad.fault.reason == "backend_error at gpu-1"
    assert bad.word == "set aside" and bad.aside
    assert any(block.look == "failed" and block.worker == "gpu-1" for block in page.blocks)

    house.clock.advance(8 * 86_400)
    assert all(view.fault is None for view in page_of(house).workers)


@pytest.mark.parametrize(("failure", "is_fault"), [("worker_gone", True), ("lost", True), ("worker_busy", False)])
def test_a_worker_that_went_away_or_lost_a_job_has_had_a_fault(house: FleetHouse, failure: str, is_fault: bool) -> None:
    house.add("gpu-1")
    house.fleet.failing["gpu-1"] = failure
    house.start(make_production(characters=1, scene_types=1, variants=1))
    while not house.fleet.sent:
        house.engine.turn()
    house.engine.turn()
    [view] = page_of(house).workers
    told = f"{failure} at gpu-1" if is_fault else None
    assert (view.fault and view.fault.reason) == told
    assert (text_of(fleet_panel.content(view, house.clock.now())).count("none in seven days") == 0) == is_fault


@pytest.mark.parametrize("state", [WorkerState.PAUSED, WorkerState.DRAINING])
def test_a_worker_that_takes_nothing_is_foreseen_nothing(house: FleetHouse, state: WorkerState) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    house.start(make_production(characters=6, scene_types=1, variants=1))
    house.work()
    house.studio.workers.set_state(house.worker("gpu-1").worker, state, PERSON)
    page = page_of(house)
    held = {one.job_id for view in page.workers for one in view.doing}
    foreseen = {block.worker for block in page.blocks if block.look == "next" and block.start > page.now}
    assert page.waiting and {one.worker for one in page.waiting} == {"gpu-2"} and held
    assert "gpu-2" in foreseen


def test_one_answer_serves_many_tabs_for_a_moment(house: FleetHouse) -> None:
    house.add("gpu-1")
    first = house.studio.fleet_pages.page()
    assert house.studio.fleet_pages.page() is first
    assert house.studio.fleet_pages.page(anew=True) is not first


def test_the_number_of_statements_grows_neither_with_workers_nor_with_history(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.holding.add("gpu-1")
    house.start(make_production(characters=2, scene_types=1, variants=1))
    house.work()
    few = _statements(house)
    house.add(*(f"gpu-{number}" for number in range(2, 21)))
    house.fleet.holding.clear()
    house.work()
    house.fleet.holding |= {f"gpu-{number}" for number in range(1, 21)}
    house.start(make_production(characters=20, scene_types=2, variants=1))
    house.work()
    assert len(page_of(house).workers) == 20
    assert _statements(house) <= few + 4


def _statements(house: FleetHouse) -> int:
    """How many statements one page takes."""
    page_of(house)
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    engine = house.studio.stores.engine
    event.listen(engine, "before_cursor_execute", note)
    page_of(house)
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def _work_slowly(house: FleetHouse) -> None:
    """Work to the end, with some seconds between the turns."""
    for _ in range(200):
        house.engine.turn()
        house.clock.advance(4)
        if not any(house.studio.activity.counts().values()):
            return
    raise AssertionError("the work does not end")


def _until_scenes(house: FleetHouse) -> None:
    """Turn until a segment is at the worker, which holds it from then on."""
    for _ in range(200):
        house.engine.turn()
        if any(stage == "scene_generation" for _, stage, _ in house.fleet.sent):
            house.fleet.holding.add("gpu-1")
            return
    raise AssertionError("no segment was sent")
