"""Where no engine works on a run every door says so, and no end is told."""

from __future__ import annotations

import pytest

from components import board_hint, fleet_banner, fleet_queue, pulse
from pipeline.cli import entry
from pipeline.domain.fleet.rules import ENGINE
from pipeline.engine.dispatcher import Dispatcher
from tests.factories import PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house
from tests.rest import RestClient

fleet = fleet_house


def kill(house: House, engine: Dispatcher) -> None:
    """The engine is there no more, and nobody has noted that."""
    house.studio.locks.release(f"engine-{engine.engine_id}")


def text_of(parts: object) -> str:
    return str(parts)


def test_an_engine_counts_until_it_leaves_or_dies(house: House) -> None:
    assert not house.studio.reports.is_attended()
    first, second = house.new_engine(), house.new_engine()
    first.drain(0.0)
    assert house.studio.reports.is_attended()
    kill(house, second)
    assert not house.studio.reports.is_attended()


def test_a_run_that_nobody_works_on_says_so_and_tells_no_end(house: House) -> None:
    run = house.start(make_production(characters=1))
    engine = house.new_engine()
    house.backend.holds = lambda request: request.stage == "scene_generation"
    house.work(engine)
    assert ENGINE not in {hold.cause for hold in house.studio.overview.of(run.id).held}
    kill(house, engine)
    house.clock.advance(60)

    found = house.studio.overview.of(run.id)

    assert [hold.cause for hold in found.held] == [ENGINE]
    assert (found.likely_at, found.latest_at, found.rests_at, found.rate_per_hour) == (None, None, None, None)
    assert house.studio.reports.held(run.id)[0].startswith("generation waits for an engine: none works on its run")
    assert "no engine works on this run" in text_of(board_hint.hint(found))
    assert "none works on its run" in text_of(pulse.ending(house.run(run), found, house.clock.now()))
    told = RestClient(house).get(f"production-runs/{run.id}/progress").json()
    assert told["held"][0]["cause"] == ENGINE and told["likely_at"] is None
    house.backend.release()
    house.rest()
    assert house.studio.overview.of(run.id).held == ()


def test_what_waits_for_workers_waits_for_an_engine_first(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    run = fleet.start(make_production())
    engine = fleet.new_engine()
    fleet.work(engine)
    kill(fleet, engine)
    page, forecast = fleet.studio.fleet_pages.page(anew=True), fleet.studio.fleet_forecasts.now()
    assert not page.is_attended and "No engine is at work" in text_of(fleet_banner.lines(page))
    assert {one.reason for one in page.waiting} == {"waits for an engine: none works on its run"}
    assert {end.likely_at for end in forecast.runs} == {None}
    assert "engine" in text_of(fleet_queue.content(page, forecast, "order"))
    assert {waits.reason.cause for waits in fleet.studio.reports.waits(run.id)} == {ENGINE}
    assert {fleet.studio.reports.why(job.id).cause for job in fleet.jobs(run) if fleet.studio.reports.why(job.id)} == {ENGINE}
    fleet.fleet.holding.clear()
    fleet.rest()


def test_a_run_that_is_paused_or_over_needs_none(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.start(make_production(characters=1))
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.studio.settings.home))
    monkeypatch.setenv("DATABASE_URL", house.url)
    assert entry.start(["status"]) == 0
    assert "waits for an engine: none works on its run" in capsys.readouterr().out.replace("\n", " ")
    house.studio.runs.pause(run, PERSON)
    assert entry.start(["status"]) == 0
    assert "engine" not in capsys.readouterr().out


def test_an_engine_of_one_run_leaves_the_others_waiting_for_one(fleet: FleetHouse) -> None:
    fleet.add("gpu-1")
    fleet.fleet.holding.add("gpu-1")
    first, second = fleet.start(make_production(title="First")), fleet.start(make_production(title="Second"))
    of_all = fleet.new_engine()
    fleet.work(of_all)
    kill(fleet, of_all)
    fleet.work(fleet.new_engine(only=first.id))
    reports, overview = fleet.studio.reports, fleet.studio.overview
    assert ENGINE not in {hold.cause for hold in overview.of(first.id).held}
    assert [hold.cause for hold in overview.of(second.id).held] == [ENGINE]
    assert {waits.reason.cause for waits in reports.waits(second.id)} == {ENGINE}
    assert ENGINE not in {waits.reason.cause for waits in reports.waits(first.id)}
    page = fleet.studio.fleet_pages.page(anew=True)
    assert page.is_attended and ENGINE in {one.cause for one in page.waiting if one.run_id == second.id}
    assert ENGINE not in {one.cause for one in page.waiting if one.run_id == first.id}
    ends = {end.run_id: end.likely_at for end in fleet.studio.fleet_forecasts.now().runs}
    assert ends[first.id] is not None and ends[second.id] is None
    fleet.fleet.holding.clear()
    fleet.rest()
