"""Quiet hours, later starts and caps, in the slots of this machine and at the workers of a fleet."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from pipeline.domain.budget import Action, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode
from pipeline.domain.records import Run
from pipeline.domain.schedule import QuietHours, Schedule
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house

fleet = fleet_house


def quiet_now(house: House, run: Run) -> None:
    """Quiet hours of the production from an hour ago to an hour from now."""
    start, end = (house.clock.now() + timedelta(hours=hours) for hours in (-1, 1))
    window = QuietHours(f"{start:%H:%M}-{end:%H:%M}", "UTC")
    house.studio.schedules.put(run.project_id, Schedule(window), PERSON)


def generating(house: House, run: Run) -> Counter[str]:
    """Running jobs of generation by scene type; stills are `still`."""
    cells = {cell.id: cell.plan.scene_type for cell in house.cells(run).values()}
    stages = (Stage.SCENE_GENERATION, Stage.VARIANT_GENERATION)
    running = [job for job in house.jobs(run) if job.status is JobStatus.RUNNING and job.stage in stages]
    return Counter(cells[job.subject_id] if job.subject == "cell" else "still" for job in running)


def test_nothing_is_generated_in_quiet_hours_and_everything_afterwards(house: House) -> None:
    run = house.create(make_production(characters=1))
    other = house.create(make_production(title="Other", characters=1, scene_types=1))
    quiet_now(house, run)
    for one in (run, other):
        house.studio.submission.submit(one, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    assert house.statuses(run) == {CellStatus.QUEUED: 4}
    assert house.statuses(other)[CellStatus.APPROVED] == 2, "another production works on"
    [told] = house.studio.reports.held(run.id)
    assert "when quiet hours end" in told and "--no-quiet-hours" in told

    house.clock.advance(3601)
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 4}


def test_the_end_of_a_run_is_told_with_its_quiet_hours_and_its_later_start(house: House) -> None:
    house.start(make_production(characters=1))
    house.work()  # the times of its stages are measured now
    run = house.create(make_production(title="Other", characters=1))
    ready = house.clock.now()
    quiet_now(house, run)
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    found = house.studio.overview.of(run.id)
    assert found.likely_at is not None and found.latest_at is not None
    assert ready + timedelta(hours=1) < found.likely_at < found.latest_at < ready + timedelta(hours=1, minutes=5)

    house.studio.schedules.start_after(house.run(run), ready + timedelta(hours=3), PERSON)
    house.clock.advance(10)
    found = house.studio.overview.of(run.id)
    assert found.likely_at is not None and found.likely_at > ready + timedelta(hours=3)


def test_the_end_of_a_run_is_told_with_its_caps_and_not_with_a_scene_type_that_is_paused(house: House) -> None:
    house.start(make_production(characters=1))
    house.work()
    run = house.create(make_production(title="Other", characters=8))
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()

    def rests_s(schedule: Schedule) -> float:
        with house.studio.stores.begin(house.clock.now()) as store:
            store.schedules.put(run.project_id, schedule)
            store.journal.record("project.scheduled", actor=PERSON, subject="project", subject_id=run.project_id, data={})
        house.clock.advance(10)
        found = house.studio.overview.of(run.id)
        assert found.rests_at is not None
        assert (found.likely_at is None) == (0 in schedule.scene_types.values())
        return (found.rests_at - house.clock.now()).total_seconds()

    usual = rests_s(Schedule())
    assert rests_s(Schedule(parallel=1, scene_types={"s1": 1})) >= usual
    assert rests_s(Schedule(scene_types={"s1": 0})) < usual
    house.backend.release()


def test_a_run_starts_not_before_its_moment(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1))
    house.studio.schedules.start_after(run, house.clock.now() + timedelta(hours=2), PERSON)
    house.studio.submission.submit(house.run(run), EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    assert house.statuses(run) == {CellStatus.QUEUED: 2}
    hold = house.studio.schedules.hold(run.id)
    assert hold is not None and hold.cause == "start_after"
    house.clock.advance(2 * 3600 + 1)
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 2}
    assert house.studio.schedules.hold(run.id) is None


def test_a_production_generates_no_more_at_once_than_its_cap(house: House) -> None:
    run = house.create(make_production(characters=2))
    house.studio.schedules.put(run.project_id, Schedule(parallel=3, scene_types={"s1": 1}), PERSON)
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    engine = house.engine
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work(engine)
    now = generating(house, run)
    assert now == {"s1": 1, "s2": 2}, "what is behind capped jobs is not kept waiting"
    [told] = house.studio.reports.held(run.id)
    assert f"{run.title} may have 3 at once, and has all 3" in told and "--parallel N" in told
    house.studio.schedules.put(run.project_id, Schedule(scene_types={"s1": 1}), PERSON)
    [told] = house.studio.reports.held(run.id)
    assert "s1 may have 1 at once, and has it" in told and '--scene-type "s1=N"' in told
    assert [hold.cause for hold in house.studio.overview.of(run.id).held] == ["cap"]
    house.studio.schedules.put(run.project_id, Schedule(), PERSON)
    assert not house.studio.reports.held(run.id)
    house.backend.release()
    house.backend.holds = lambda request: False
    house.work(engine)
    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    assert not house.studio.reports.held(run.id)


def beside_each_other(house: House) -> tuple[Run, Run]:
    """Two runs whose pictures are ready to be made at the same moment, in ten minutes; none that has begun ends."""
    house.backend.holds = lambda request: request.stage in ("scene_generation", "variant_generation")
    runs = house.create(make_production(characters=6)), house.create(make_production(title="Salt", characters=6, seed=7))
    for run in runs:
        house.studio.schedules.start_after(run, house.clock.now() + timedelta(minutes=10), PERSON)
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    return runs


def test_two_productions_share_the_slots_of_this_machine(house: House) -> None:
    one, two = beside_each_other(house)
    house.clock.advance(601)
    house.work()
    counts = [generating(house, run).total() for run in (one, two)]
    assert counts[0] == counts[1] > 0


def test_the_share_of_a_production_weighs_it_in_slots_too(house: House) -> None:
    one, two = beside_each_other(house)
    house.studio.schedules.put(two.project_id, Schedule(share=2.0), PERSON)
    house.clock.advance(601)
    house.work()
    counts = [generating(house, run).total() for run in (one, two)]
    assert counts[1] == 2 * counts[0] > 0


def test_slots_go_to_the_run_that_is_due(house: House) -> None:
    one, two = beside_each_other(house)
    house.studio.schedules.deadline(two, house.clock.now() + timedelta(seconds=600), PERSON)
    house.clock.advance(601)
    house.work()
    assert generating(house, two).total() > 0
    assert not generating(house, one), "every slot is taken by what is due"
    house.backend.release()
    house.backend.holds = lambda request: False
    house.work()
    assert {status for run in (one, two) for status in house.statuses(run)} == {CellStatus.APPROVED}


def test_an_urgent_run_whose_caps_are_reached_keeps_no_slot_from_others(house: House) -> None:
    house.backend.holds = lambda request: request.stage == "scene_generation"
    capped = house.create(make_production(characters=4), priority=2)
    other = house.create(make_production(title="Salt", characters=4, seed=7))
    house.studio.schedules.put(capped.project_id, Schedule(scene_types={"s1": 1, "s2": 1}), PERSON)
    for run in (capped, other):
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    assert generating(house, capped) == {"s1": 1, "s2": 1}
    assert generating(house, other).total() >= 2, "what the first could not use"


def test_workers_take_what_is_due_first_and_the_page_says_so(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    first = fleet.start(make_production(characters=2))
    fleet.work()
    due = fleet.start(make_production(title="Salt", characters=2, seed=7))
    fleet.studio.schedules.deadline(due, fleet.clock.now() + timedelta(seconds=1), PERSON)
    fleet.work()
    page = fleet.studio.fleet_pages.page(anew=True)
    assert {one.run_name for one in page.waiting[:2]} == {due.name}
    told = next(one for one in page.waiting if one.run_id == first.id)
    assert told.cause == "deadline" and "is due in 1 s goes first" in told.reason and "stripboard deadline" in told.remedy
    [end] = [run for run in fleet.studio.fleet_forecasts.now().runs if run.run_id == due.id]
    assert end.due_at == fleet.run(due).deadline
    sent = len(fleet.fleet.sent)
    fleet.clock.advance(2)
    fleet.fleet.holding.clear()
    fleet.work()
    of_run = {job.key: run.id for run in (first, due) for job in fleet.jobs(run)}
    assert {of_run[key] for _, _, key in fleet.fleet.sent[sent : sent + 3]} == {due.id}


def test_the_share_of_a_production_weighs_it_at_the_fleet(fleet: FleetHouse) -> None:
    fleet.add(*(f"gpu-{number}" for number in range(6)))
    fleet.fleet.holding |= {f"gpu-{number}" for number in range(6)}
    one = fleet.start(make_production(characters=6))
    two = fleet.start(make_production(title="Salt", characters=6, seed=7))
    fleet.studio.schedules.put(two.project_id, Schedule(share=2.0), PERSON)
    for run in (one, two):
        fleet.studio.schedules.start_after(run, fleet.clock.now() + timedelta(hours=1), PERSON)
    fleet.work()
    fleet.clock.advance(3601)
    fleet.work()
    assert [sum(generating(fleet, run).values()) for run in (one, two)] == [4, 8], "each worker has one and the next"


def test_the_forecast_of_a_fleet_knows_quiet_hours_and_caps(fleet: FleetHouse) -> None:
    names = [f"gpu-{number}" for number in range(8)]
    fleet.add(*names)
    fleet.fleet.holding |= set(names)
    run = fleet.start(make_production(characters=8))
    fleet.work()
    now = fleet.clock.now()

    def takes_s(schedule: Schedule) -> float:
        fleet.studio.schedules.put(run.project_id, schedule, PERSON)
        fleet.clock.advance(30)
        [found] = fleet.studio.fleet_forecasts.now().runs
        assert found.likely_at is not None
        return (found.likely_at - fleet.clock.now()).total_seconds()

    usual = takes_s(Schedule())
    assert takes_s(Schedule(parallel=1)) > takes_s(Schedule(scene_types={"s1": 1})) > usual
    start, end = (now + timedelta(minutes=minutes) for minutes in (-1, 120))
    assert takes_s(Schedule(QuietHours(f"{start:%H:%M}-{end:%H:%M}", "UTC"))) > 6600


def test_a_fleet_keeps_quiet_hours_and_caps_and_its_page_says_so(fleet: FleetHouse) -> None:
    fleet.add("gpu-1", "gpu-2", "gpu-3", "gpu-4")
    run = fleet.start(make_production(characters=2))
    quiet_now(fleet, run)
    fleet.work()
    assert not fleet.fleet.sent
    page = fleet.studio.fleet_pages.page(anew=True)
    assert page.waiting and {one.cause for one in page.waiting} == {"quiet_hours"}
    assert all("--no-quiet-hours" in one.remedy for one in page.waiting)

    fleet.fleet.holding |= {"gpu-1", "gpu-2", "gpu-3", "gpu-4"}
    fleet.studio.schedules.put(run.project_id, Schedule(parallel=2), PERSON)
    fleet.work()
    assert len(fleet.fleet.sent) == 2
    page = fleet.studio.fleet_pages.page(anew=True)
    assert {one.cause for one in page.waiting} == {"cap"}
    assert all(f"concurrency of {run.title} is 2" in one.reason for one in page.waiting)

    fleet.studio.schedules.put(run.project_id, Schedule(), PERSON)
    fleet.fleet.holding.clear()
    fleet.work()
    assert fleet.statuses(run) == {CellStatus.APPROVED: 8}


def test_what_a_level_of_a_budget_has_stopped_says_so_in_the_queue_of_the_fleet(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    run = fleet.start(make_production(characters=2))
    fleet.fleet.holding.add("gpu-1")
    fleet.work()
    subject = fleet.studio.budgets.subject(Scope.PROJECT, run.title)
    levels = [Threshold(1e-6, Action.FINISH)]
    fleet.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=36_000, thresholds=levels)
    fleet.fleet.holding.clear()
    fleet.work()
    page = fleet.studio.fleet_pages.page(anew=True)
    assert page.waiting and {one.cause for one in page.waiting} == {"budget"}
    assert "no new generation starts" in page.waiting[0].reason
    fleet.studio.budgets.remove(fleet.studio.budgets.find(Scope.PROJECT, run.title, Quantity.GPU_SECONDS), PERSON)
    fleet.work()
    assert fleet.statuses(run) == {CellStatus.APPROVED: 8}


def test_a_job_that_a_budget_does_not_cover_names_the_budget_and_no_worker(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    run = fleet.start(make_production(characters=2))
    fleet.fleet.holding.add("gpu-1")
    fleet.work()
    subject = fleet.studio.budgets.subject(Scope.PROJECT, run.title)
    spent = fleet.run(run).spent_seconds + fleet.run(run).reserved_seconds
    fleet.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent + 0.001)
    other = fleet.start(make_production(title="Salt", characters=1, seed=7))
    fleet.work()
    page = fleet.studio.fleet_pages.page(anew=True)
    of_run = [one for one in page.waiting if one.run_id == run.id]
    assert of_run and all((one.cause, one.worker, one.starts_at) == ("budget", "", None) for one in of_run)
    assert f"the budget of {run.title} has 0.0 GPU-seconds free" in of_run[0].reason
    assert of_run[0].remedy == f'`./stripboard budgets set project "{run.title}" --gpu-hours N`'
    assert any(one.worker == "gpu-1" for one in page.waiting if one.run_id == other.id), "others get the worker"


def test_a_job_that_the_budget_of_its_run_does_not_cover_says_so(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    run = fleet.start(make_production(characters=2))
    fleet.fleet.holding.add("gpu-1")
    fleet.work()
    with fleet.studio.stores.begin(fleet.clock.now()) as store:
        now = store.runs.by_ids([run.id])[run.id]
        store.runs.change(run.id, limit_bytes=now.spent_bytes + now.reserved_bytes)
    [told] = {one.reason for one in fleet.studio.fleet_pages.page(anew=True).waiting}
    assert "needs" in told and f"the budget of {run.name} has 0.0 MB free" in told
    with fleet.studio.stores.begin(fleet.clock.now()) as store:
        store.runs.change(run.id, limit_bytes=None)
    assert {one.cause for one in fleet.studio.fleet_pages.page(anew=True).waiting} == {"busy"}
