"""How much of a production, and of one of its scene types, is generated at once: kept here and by a fleet, set at any door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import entry
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Invalid
from pipeline.domain.records import Run
from pipeline.domain.schedule import Schedule
from pipeline.domain.workers import WorkRecord
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fleet import FleetHouse
from tests.integration.test_starting import generating
from tests.production_documents import body, parsed
from tests.rest import RestClient

WORKERS = tuple(f"gpu-{number}" for number in range(1, 7))


@pytest.fixture(params=["slots", "fleet"])
def house(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house with slots of its own, or with more workers than any cap lets work."""
    found: House = FleetHouse(tmp_path, database_url) if request.param == "fleet" else House(tmp_path, database_url)
    if isinstance(found, FleetHouse):
        found.add(*WORKERS)
        know_as_slow(found)
    yield found
    found.check()
    found.close()


def know_as_slow(house: FleetHouse) -> None:
    """Every worker is known to take long for everything: so none is left without work because another one ends in a moment."""
    house.start(make_production(title="Before", characters=1))
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        shown = {(one.worker_id, one.work): one for one in store.workers.records()}
        for worker in store.workers.all():
            for work in {work for _, work in shown}:
                slow = WorkRecord(worker.id, work, samples=9, seconds_per_frame=10.0)
                store.workers.keep_record(slow, is_new=(worker.id, work) not in shown)


@pytest.fixture
def run_scenes(house: House) -> Iterator[Any]:
    """Submits a run and works until only scenes are being made, of which none ends; answers with how many, by scene type."""

    def work(run: Run) -> Counter[str]:
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
        house.backend.holds = lambda request: request.stage == "scene_generation"
        house.work()
        return generating(house, run)

    yield work
    house.backend.release()
    house.backend.holds = lambda request: False
    house.work()


@pytest.fixture(params=["file", "rest", "command line"])
def capped_run(request: pytest.FixtureRequest, house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a run whose production has these caps, set at this door."""

    def made(caps: dict[str, Any]) -> Run:
        production = make_production(characters=4)
        if request.param == "file":
            return house.create(replace(production, schedule=parsed(body(schedule=caps)).production.schedule))
        run = house.create(production)
        if request.param == "rest":
            answer = RestClient(house).ask("PUT", f"projects/{run.project_id}/schedule", json=caps)
            assert answer.status_code == 200
            return run
        monkeypatch.setenv("STRIPBOARD_HOME", str(house.folder / "home"))
        monkeypatch.setenv("DATABASE_URL", house.url)
        options = [f"--scene-type={name}={most}" for name, most in caps.get("scene_types", {}).items()]
        options += [f"--parallel={caps['parallel']}"] if "parallel" in caps else []
        assert entry.start(["schedule", run.title, *options]) == 0
        return run

    return made


def test_without_a_cap_there_is_room_for_more_than_any_of_these_caps(house: House, run_scenes: Any) -> None:
    found = run_scenes(house.create(make_production(characters=4)))
    assert found.total() >= 4 and found["s1"] > 1


def test_a_cap_of_a_production_is_kept(capped_run: Any, run_scenes: Any) -> None:
    assert run_scenes(capped_run({"parallel": 2})).total() == 2


def test_a_cap_of_a_scene_type_is_kept_and_the_others_go_on(capped_run: Any, run_scenes: Any) -> None:
    found = run_scenes(capped_run({"scene_types": {"s1": 1}}))
    assert found["s1"] == 1 and found["s2"] > 1


def test_of_both_the_narrower_counts(capped_run: Any, run_scenes: Any) -> None:
    assert run_scenes(capped_run({"parallel": 3, "scene_types": {"s1": 1, "s2": 1}})) == {"s1": 1, "s2": 1}


# A scene type that a rule has paused ------------------------------------------------------------------------------------


def paused(house: House) -> Run:
    """A run of which a rule has paused one scene type."""
    run = house.create(make_production(characters=1))
    with house.studio.stores.begin(house.clock.now()) as store:
        store.schedules.put(run.project_id, Schedule(scene_types={"s1": 0}))
    return run


def test_other_settings_leave_a_paused_scene_type_paused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = paused(house)
    assert house.studio.schedules.share(run.project_id, 2.0, PERSON) == Schedule(scene_types={"s1": 0}, share=2.0)
    path = f"projects/{run.project_id}/schedule"
    client = RestClient(house)
    given = {name: value for name, value in client.get(path).json().items() if value is not None}
    assert client.ask("PUT", path, json={**given, "parallel": 3}).json()["scene_types"] == {"s1": 0}
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.folder / "home"))
    monkeypatch.setenv("DATABASE_URL", house.url)
    assert entry.start(["schedule", run.title, "--parallel", "4"]) == 0
    assert house.studio.schedules.of(run.project_id) == Schedule(parallel=4, scene_types={"s1": 0}, share=2.0)
    assert entry.start(["schedule", run.title, "--scene-type", "s1=0"]) == 0
    assert house.studio.schedules.of(run.project_id) == Schedule(parallel=4, share=2.0)


def test_nobody_but_a_rule_pauses_a_scene_type_by_its_cap(house: House) -> None:
    run = paused(house)
    with pytest.raises(Invalid, match="s2: 0 at once cannot be"):
        house.studio.schedules.put(run.project_id, Schedule(scene_types={"s1": 0, "s2": 0}), PERSON)
    refused = RestClient(house).ask("PUT", f"projects/{run.project_id}/schedule", json={"scene_types": {"s2": 0}})
    assert refused.status_code == 422


def test_what_waits_for_a_paused_scene_type_is_told_so(house: House, run_scenes: Any) -> None:
    run = paused(house)
    assert not run_scenes(run)["s1"]
    told = house.studio.reports.held(run.id)
    assert any("s1 is paused" in each and '--scene-type "s1=0"' in each for each in told)
