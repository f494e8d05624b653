"""Quiet hours, later starts, deadlines and caps: how files, REST and the command line set them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.cli import entry
from pipeline.domain.production import Timing
from pipeline.domain.schedule import QuietHours, Schedule
from tests.factories import PERSON, House, make_production
from tests.production_documents import body, parsed
from tests.rest import RestClient, problem


def test_the_schedule_of_a_production_file_is_taken(house: House) -> None:
    timing = Timing(
        Schedule(QuietHours("22:00-07:00", "Europe/Berlin"), 4, {"s1": 2}, 2.0), "2030-01-01T08:00+01:00", "2030-01-02T08:00Z"
    )
    run = house.create(replace(make_production(characters=1), schedule=timing))
    assert house.studio.schedules.of(run.project_id) == timing.schedule
    assert house.run(run).start_after == datetime(2030, 1, 1, 7, 0, tzinfo=UTC)
    assert house.run(run).deadline == datetime(2030, 1, 2, 8, 0, tzinfo=UTC)
    plain = house.create(make_production(characters=1))
    assert house.studio.schedules.of(plain.project_id) == timing.schedule, "a file without a schedule leaves it"
    assert len(house.events("project.scheduled")) == 1


def test_a_scene_type_of_any_name_has_a_limit_in_a_file() -> None:
    names = ["typ 0", "stand-off", "Größe", "歩く"]
    kinds = [{"name": name, "prompt": "{character} waits"} for name in names]
    found = parsed(body(scene_types=kinds, schedule={"scene_types": dict.fromkeys(names, 1)}))
    assert not found.issues and found.production is not None
    assert found.production.schedule.schedule.scene_types == dict.fromkeys(names, 1)


def test_the_schedule_of_a_file_does_not_let_a_scene_type_go_on_that_a_rule_has_paused(house: House) -> None:
    made = replace(make_production(characters=1), schedule=Timing(Schedule(parallel=4, scene_types={"s1": 2, "s2": 3})))
    run = house.create(made)
    with house.studio.stores.begin(house.clock.now()) as store:
        store.schedules.put(run.project_id, Schedule(parallel=4, scene_types={"s1": 0, "s2": 3}))
    house.create(made)
    assert house.studio.schedules.of(run.project_id).scene_types == {"s1": 0, "s2": 3}
    house.studio.schedules.put(run.project_id, Schedule(), PERSON)
    house.create(made)
    assert house.studio.schedules.of(run.project_id) == made.schedule.schedule


def test_rest_sets_schedules_and_later_starts(house: House) -> None:
    client = RestClient(house)
    run = house.create(make_production(characters=1))
    path = f"projects/{run.project_id}/schedule"
    nothing = {"quiet_hours": None, "time_zone": None, "parallel": None, "scene_types": {}, "share": 1.0}
    assert client.get(path).json() == nothing
    body = {"quiet_hours": "22:00-07:00", "time_zone": "Europe/Berlin", "parallel": 2, "scene_types": {"s1": 1}, "share": 2.0}
    assert client.ask("PUT", path, json=body).json() == body
    assert client.get(path).json() == body
    assert "no time zone" in problem(client.ask("PUT", path, json={**body, "time_zone": "Mars/Olympus"}), 422)
    assert client.ask("PUT", path, json={**body, "share": 0}).status_code == 422
    refused = problem(client.ask("PUT", path, json={**body, "scene_types": {"s1": 1, "dance": 2}}), 422)
    assert 'There is no scene type "dance". Known: s1, s2' in refused
    assert client.get("projects/999/schedule").status_code == 404
    at = client.post(f"production-runs/{run.id}/start-after", {"at": "2030-01-01T08:00+01:00"})
    assert at.status_code == 200 and house.run(run).start_after == datetime(2030, 1, 1, 7, 0, tzinfo=UTC)
    assert client.post(f"production-runs/{run.id}/start-after", {"at": None}).status_code == 200
    assert house.run(run).start_after is None
    assert client.post(f"production-runs/{run.id}/start-after", {"at": "2030-02-30T08:00Z"}).status_code == 422
    due = client.post(f"production-runs/{run.id}/deadline", {"at": "2030-01-01T08:00+01:00"})
    assert due.json()["deadline"].startswith("2030-01-01T07:00:00") and due.json()["start_after"] is None
    assert client.post(f"production-runs/{run.id}/deadline", {"at": None}).json()["deadline"] is None
    assert client.post("production-runs/999/deadline", {"at": None}).status_code == 404


def test_the_command_line_sets_them_too(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    house = House(tmp_path, sqlite_url)
    run = house.create(make_production())
    house.close()
    assert (
        entry.start(["schedule", run.title, "--quiet-hours", "22:00-07:00", "--zone", "Europe/Berlin", "--scene-type", "s1=2"])
        == 0
    )
    assert capsys.readouterr().out.strip() == f"{run.title}: quiet from 22:00 to 07:00 Europe/Berlin, 2 of s1 at once"
    assert entry.start(["schedule", run.title, "--no-quiet-hours", "--parallel", "3", "--scene-type", "s1=0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schedule"] == {"parallel": 3}
    assert entry.start(["schedule", run.title, "--scene-type", "S2=4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schedule"] == {"parallel": 3, "scene_types": {"s2": 4}}
    assert entry.start(["schedule", run.title, "--scene-type", "S2=0", "--scene-type", "s=1"]) == 2
    assert 'There is no scene type "s". Did you mean' in capsys.readouterr().err
    assert entry.start(["schedule", run.title, "--quiet-hours", "late"]) != 0
    assert entry.start(["start-after", run.name, "2030-01-01T08:00+01:00"]) == 0
    assert entry.start(["start-after", run.name, "now", "--json"]) == 0
    assert entry.start(["start-after", run.name, "soon"]) != 0
    assert entry.start(["schedule", run.title, "--share", "2"]) == 0
    assert "a share of 2" in capsys.readouterr().out
    assert entry.start(["schedule", run.title, "--share", "0"]) != 0
    assert entry.start(["deadline", run.name, "2020-01-01T08:00+01:00"]) == 0
    assert "is due 2020-01-01 08:00" in capsys.readouterr().out
    assert entry.start(["status", run.name]) == 0
    assert re.search(r"Due 2020-01-01 .*: late\.", capsys.readouterr().out)
    assert entry.start(["deadline", run.name, "none"]) == 0
    assert entry.start(["status", run.name]) == 0
    assert "Due" not in capsys.readouterr().out


def test_the_command_line_gives_a_run_or_some_cells_a_priority(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = house.start(make_production(characters=2))
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.studio.settings.home))
    monkeypatch.setenv("DATABASE_URL", house.url)
    assert entry.start(["priority", run.name, "5"]) == 0
    assert f"Run {run.name} has priority 5." in capsys.readouterr().out
    assert entry.start(["priority", run.name, "--character", "c1", "--json", "--", "-2"]) == 0
    told = json.loads(capsys.readouterr().out)
    cells = {cell.plan.key: cell.priority for cell in house.studio.reports.matrix(run.id).cells}
    assert house.run(run).priority == 5
    assert (
        set(told["cells"])
        == {key for key, priority in cells.items() if priority == -2}
        == {k for k in cells if k.startswith("c1")}
    )
    assert entry.start(["priority", run.name, "1001"]) == 2
