"""Every door says of work that waits why it does and what would change that, and no door promises an end that nobody can make."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from components import board, board_hint, board_side, cell_jobs, fleet_runs, pulse, pulse_panels
from components import fleet as fleet_head
from pipeline.cli import driving, status
from pipeline.domain.budget import Quantity, Scope
from pipeline.domain.overview import RunOverview
from pipeline.domain.progress import Outlook, Progress
from pipeline.domain.records import Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus
from pipeline.domain.workers import WorkerState
from tests.factories import AUTO, HUMAN, PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.rest import RestClient
from tests.unit.test_fleet_page import text_of

NO_WORKERS = "the fleet has no workers"


fleet = fleet_house


def overview(house: House, run: Run) -> RunOverview:
    """The overview as it would be read a while later."""
    house.clock.advance(10)
    return house.studio.overview.of(run.id)


def _pause(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.studio.workers.set_state(house.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)


def _drain(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.studio.workers.set_state(house.worker("gpu-1").worker, WorkerState.DRAINING, PERSON)


def _lose(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.servers.sightings.clear()
    house.clock.advance(3600)
    house.studio.workers.look()


def _set_aside(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.failing["gpu-1"] = "backend_error"


@pytest.mark.parametrize(
    ("happens", "words", "cure"),
    [
        (lambda house: None, NO_WORKERS, "add a worker"),
        (_pause, "gpu-1 is paused", "`./stripboard workers enable gpu-1`"),
        (_drain, "gpu-1 is draining", "`./stripboard workers enable gpu-1`"),
        (_lose, "gpu-1 is away: connection refused", "look at gpu-1"),
        (_set_aside, "gpu-1 is set aside for ", "`./stripboard workers take-back gpu-1 "),
    ],
)
def test_work_that_no_worker_can_do_is_told_with_its_cure_and_no_end(
    fleet: FleetHouse, happens: Callable[[FleetHouse], None], words: str, cure: str
) -> None:
    happens(fleet)
    run = fleet.start(make_production(characters=3, scene_types=1, variants=1, approvals=AUTO))
    for _ in range(40):
        fleet.engine.turn()
        fleet.clock.advance(1)

    assert fleet.studio.reports.progress(run.id).outlook is Outlook.WORKERS
    [told] = [one for one in fleet.studio.reports.held(run.id) if words in one]
    assert told.startswith("3 jobs wait: ") and f"(to change that: {cure}" in told
    found = overview(fleet, run)
    assert found.outlook is Outlook.WORKERS and (found.likely_at, found.latest_at, found.rests_at) == (None, None, None)
    assert [hold.words.startswith(words) for hold in found.held] == [True]
    assert found.hint is not None and (found.hint.kind, found.hint.waiting) == ("fleet", 3)
    assert found.hint.key.startswith(cure) and words in found.hint.text
    assert fleet.studio.fleet_forecasts.now().runs[0].likely_at is None


def test_a_fleet_that_works_again_takes_the_complaint_back(fleet: FleetHouse) -> None:
    run = fleet.start(make_production(characters=2, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    assert overview(fleet, run).outlook is Outlook.WORKERS
    fleet.add("gpu-1")
    found = overview(fleet, run)
    assert (found.outlook, found.held, found.hint) == (Outlook.WORKING, (), None)
    fleet.work()
    assert fleet.studio.reports.progress(run.id).outlook is not Outlook.WORKERS


def test_work_that_waits_for_its_turn_says_so_and_holds_nothing_up(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    run = fleet.start(make_production(characters=6, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()

    ready = sum(job.status is JobStatus.READY for job in fleet.jobs(run))
    [told] = fleet.studio.reports.held(run.id)
    assert told.startswith(f"{ready} jobs wait: the only worker for it is busy; gpu-1 is next in ")
    assert told.endswith("(to change that: add a worker)")
    found = overview(fleet, run)
    assert (found.outlook, found.held, found.hint) == (Outlook.WORKING, (), None)
    assert not fleet.studio.reports.held(run.id, with_workers=False)


@pytest.mark.parametrize("is_running", [True, False])
def test_work_that_no_budget_pays_for_is_held_with_its_cure_at_every_door_and_has_no_end(
    fleet: FleetHouse, is_running: bool
) -> None:
    fleet.add("gpu-1", cost_per_hour=3600.0)
    fleet.fleet.holding.add("gpu-1")
    run = fleet.start(make_production(characters=3, scene_types=1, variants=1, approvals=AUTO))
    if is_running:
        fleet.work()
    used = fleet.run(run).spent_cost + fleet.run(run).reserved_cost
    budgets = fleet.studio.budgets
    budgets.put(budgets.subject(Scope.PROJECT, run.title), Quantity.MONEY, PERSON, limit=used + 0.04104)
    fleet.work()

    cure = f'`./stripboard budgets set project "{run.title}" --money N`'
    found, now = overview(fleet, run), fleet.clock.now()
    assert found.outlook is (Outlook.WORKING if is_running else Outlook.BUDGET)
    assert (found.likely_at, found.latest_at, found.rests_at) == (None, None, None)
    [hold] = found.held
    assert (hold.cause, hold.remedy) == ("budget", cure) and "waits for a higher limit: needs at least " in hold.words
    ending = ", until what runs gives back what it does not need" if is_running else ""
    assert hold.words.endswith(f"has 0.041 of money free{ending}")
    hint = board_hint.hint(found)
    assert hold.words in text_of(hint) and cure in str(hint) and hold.words in text_of(board.facts(found, now))
    assert text_of(pulse.ending(run, found, now)) == hold.words
    assert hold.words.removeprefix("w") in text_of(pulse_panels.waits([pulse.RunLine(run, found)], [], now))
    assert f"generation {hold.words}; {cure} changes that" in fleet.studio.reports.held(run.id)
    given = RestClient(fleet).get(f"production-runs/{run.id}/progress").json()
    assert [one["remedy"] for one in given["held"]] == [cure] and given["rests_at"] is None

    forecast, page = fleet.studio.fleet_forecasts.now(), fleet.studio.fleet_pages.page(anew=True)
    [end] = forecast.runs
    assert (end.likely_at, end.latest_at) == (None, None) and fleet_runs.ends(end, now) == hold.words
    assert page.waits and "done" not in text_of(fleet_head.head(page, forecast))

    budgets.put(budgets.subject(Scope.PROJECT, run.title), Quantity.MONEY, PERSON, limit=1e6)
    found = overview(fleet, run)
    assert not found.held and found.likely_at is not None


def test_one_kind_that_nobody_can_do_is_told_beside_work_that_goes_on(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    run = fleet.start(make_production(characters=4, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    fleet.studio.workers.set_state(fleet.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)

    found = overview(fleet, run)
    assert found.outlook is Outlook.WORKING, "what the paused worker has begun goes on"
    assert [hold.words for hold in found.held] == ["gpu-1 is paused"] and found.likely_at is None
    assert found.hint is None


@pytest.mark.parametrize("approvals", [AUTO, HUMAN])
def test_the_board_and_pulse_say_what_to_do(fleet: FleetHouse, approvals: Any) -> None:
    run = fleet.start(make_production(characters=2, scene_types=1, variants=1, approvals=approvals))
    fleet.work()
    found, now = overview(fleet, run), fleet.clock.now()

    told = text_of(board_hint.hint(found))
    assert NO_WORKERS in told and "add a worker" in told and "Open the fleet" in told
    assert NO_WORKERS in text_of(board.facts(found, now)) and "done about" not in text_of(board.facts(found, now))
    line = pulse.RunLine(run, found)
    assert text_of(pulse.ending(run, found, now)) == f"waits: {NO_WORKERS}"
    panel = text_of(pulse_panels.waits([line], [], now))
    assert "add a worker" in panel and run.name in panel and "Nobody is waited for" not in panel


def test_a_queued_scene_says_why_it_waits_at_every_door(fleet: FleetHouse, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("gpu-1")
    run = fleet.start(make_production(characters=1, scene_types=2, variants=1, approvals=AUTO))
    _until_scenes(fleet, run)
    fleet.studio.workers.set_state(fleet.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)
    fleet.work()
    fleet.clock.advance(10)
    cell = next(cell for cell in fleet.cells(run).values() if cell.status is CellStatus.QUEUED)
    page = fleet.studio.cells.page(cell.id)

    [wait] = page.waits
    assert (wait.what, wait.reason.words, wait.reason.remedy) == (
        "segment 1",
        "gpu-1 is paused",
        "`./stripboard workers enable gpu-1`",
    )
    assert fleet.studio.reports.why(wait.job_id) == wait.reason
    side = text_of(board_side.one(page))
    assert "segment 1 waits: gpu-1 is paused" in side and "To change that: `./stripboard workers enable gpu-1`" in side
    assert "gpu-1 is paused" in text_of(cell_jobs.table(page)) and "waits for a slot" not in text_of(cell_jobs.table(page))
    status._one_cell(fleet.studio, run, cell.plan.key, as_json=False)
    assert wait.sentence in capsys.readouterr().out
    status._one_cell(fleet.studio, run, cell.plan.key, as_json=True)
    assert json.loads(capsys.readouterr().out)["waits"][0]["reason"]["remedy"] == "`./stripboard workers enable gpu-1`"

    client = RestClient(fleet)
    [given] = client.get(f"cells/{cell.id}").json()["waits"]
    assert given == {
        "job_id": wait.job_id, "what": "segment 1", "cause": "paused", "words": "gpu-1 is paused",
        "remedy": "`./stripboard workers enable gpu-1`",
    }  # fmt: skip
    assert client.get(f"jobs/{wait.job_id}").json()["waits"]["words"] == "gpu-1 is paused"
    done = next(job for job in fleet.jobs(run) if job.status is JobStatus.DONE)
    assert client.get(f"jobs/{done.id}").json()["waits"] is None


def test_a_scene_behind_a_picture_that_waits_says_what_the_picture_waits_for(fleet: FleetHouse) -> None:
    run = fleet.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    [cell] = fleet.cells(run).values()
    [wait] = fleet.studio.reports.cell(run, cell.plan.key).waits
    assert wait.sentence == f"variant image c1 / v1 waits: {NO_WORKERS} (to change that: add a worker)"


def test_status_and_progress_of_rest_tell_what_the_run_waits_for(fleet: FleetHouse, capsys: pytest.CaptureFixture[str]) -> None:
    run = fleet.start(make_production(characters=2, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    whole = status._whole(fleet.studio, run)
    assert whole["held"] == [f"2 jobs wait: {NO_WORKERS} (to change that: add a worker)"]
    assert [(one["cause"], one["words"], one["jobs"]) for one in whole["waits"]] == [("no_worker", NO_WORKERS, 2)]
    status._show(fleet.studio, run, show_cells=False)
    told = capsys.readouterr().out
    assert "no worker can do what waits" in told and whole["held"][0] in told

    given = RestClient(fleet).get(f"production-runs/{run.id}/progress").json()
    assert (given["outlook"], given["likely_at"], given["rests_at"]) == ("workers", None, None)
    assert given["held"] == [{"cause": "no_worker", "words": NO_WORKERS, "remedy": "add a worker"}]
    assert given["hint"]["kind"] == "fleet" and given["hint"]["key"] == "add a worker"


def test_run_stays_with_work_that_nobody_can_do_and_says_what_to_do(fleet: FleetHouse) -> None:
    run = fleet.start(make_production(characters=2, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    asked, told = threading.Event(), []

    class Shown:
        def update(self, progress: Progress | None, trouble: str = "", step: str = "", ends_at: object = None) -> None:
            told.append(trouble)
            if len(told) == 2:
                asked.set()

        def close(self) -> None:
            """Nothing."""

    progress = driving._watch(
        fleet.studio,
        run.id,
        asked,
        SimpleNamespace(error=None),
        SimpleNamespace(trouble=""),
        Shown(),  # type: ignore[arg-type]
    )
    assert progress.outlook is Outlook.WORKERS, "it has not ended by itself"
    assert told == [f"2 jobs wait: {NO_WORKERS} (to change that: add a worker)"] * 2


def test_jobs_of_a_run_that_is_paused_say_so(fleet: FleetHouse) -> None:
    run = fleet.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    [job] = [job for job in fleet.jobs(run) if job.status is JobStatus.READY]
    fleet.studio.runs.pause(run, PERSON)
    reason = fleet.studio.reports.why(job.id)
    assert reason is not None and (reason.cause, reason.remedy) == ("run_paused", f"`./stripboard resume {run.id}`")
    assert fleet.studio.reports.why(10**6) is None


def test_jobs_of_this_machine_wait_for_its_slots(house: House) -> None:
    assert house.engine, "somebody is at work"
    own = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    causes = {reason.cause for job in house.jobs(own) if (reason := house.studio.reports.why(job.id))}
    assert causes == {"slot"} and house.studio.reports.waits(own.id) == ()


def test_what_explains_a_run_costs_no_statement_more_for_more_scenes(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    few = fleet.start(make_production(characters=5, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    overview(fleet, few)
    asked: list[str] = []
    event.listen(fleet.studio.stores.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert overview(fleet, few).counts["blocked"] == 5
    before = len(asked)
    fleet.studio.runs.cancel(few, PERSON)
    fleet.fleet.holding.clear()
    fleet.work()
    fleet.fleet.holding.add("gpu-1")
    many = fleet.start(make_production(characters=40, scene_types=2, variants=2, approvals=AUTO))
    fleet.work()
    overview(fleet, many)
    asked.clear()
    assert overview(fleet, many).counts["blocked"] == 160
    assert len(asked) <= before


@pytest.mark.parametrize("workers", [1, 3])
def test_every_door_tells_the_end_that_the_fleet_foresees(fleet: FleetHouse, workers: int) -> None:
    names = [f"gpu-{number}" for number in range(1, workers + 1)]
    fleet.add(*names)
    measured = fleet.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    fleet.work()
    fleet.fleet.holding |= set(names)
    run = fleet.start(make_production(characters=6, scene_types=2, variants=1, approvals=AUTO))
    fleet.work()

    found = overview(fleet, run)
    [end] = [end for end in fleet.studio.fleet_forecasts.now().runs if end.run_id == run.id]
    assert end.likely_at is not None
    assert (found.likely_at, found.latest_at, found.rests_at) == (end.likely_at, end.latest_at, end.likely_at)
    given = RestClient(fleet).get(f"production-runs/{run.id}/progress").json()
    assert given["likely_at"].startswith(f"{end.likely_at:%Y-%m-%dT%H:%M:%S}")
    assert overview(fleet, measured).likely_at is None


def test_more_workers_end_a_run_earlier_on_its_board(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    run = fleet.start(make_production(characters=20, scene_types=2, variants=1, approvals=AUTO))
    fleet.engine.turn()
    alone, began = overview(fleet, run), fleet.clock.now()
    fleet.add("gpu-2", "gpu-3", "gpu-4")
    together = overview(fleet, run)
    assert alone.likely_at is not None and together.likely_at is not None
    assert together.likely_at - fleet.clock.now() < alone.likely_at - began


def test_a_deadline_that_the_machines_alone_will_miss_is_told_before_people_have_decided(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    run = fleet.start(make_production(characters=9, scene_types=2, variants=1, approvals=HUMAN))
    fleet.work()
    due = fleet.clock.now() + timedelta(seconds=15)
    fleet.studio.schedules.deadline(fleet.run(run), due, PERSON)
    found, now = overview(fleet, run), fleet.clock.now()
    assert found.likely_at is None and found.rests_at is not None and now < due < found.rests_at
    assert "▲ late" in text_of(board.facts(found, now)) and "▲ late" in text_of(pulse._run(pulse.RunLine(run, found), 0.0, now))
    [end] = fleet.studio.fleet_forecasts.now().runs
    assert end.likely_at == found.rests_at and "▲ late" in text_of(fleet_runs._due(end, now))


def _until_scenes(house: FleetHouse, run: Run) -> None:
    """Turn until the first segments are ready or at a worker, which holds them from then on."""
    for _ in range(200):
        house.engine.turn()
        if house.jobs(run, Stage.SCENE_GENERATION):
            house.fleet.holding.add("gpu-1")
            return
    raise AssertionError("no segment is ready")
