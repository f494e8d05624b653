"""REST and the command line: budgets are listed, set, raised and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import entry
from tests.factories import House, make_production
from tests.rest import RestClient, problem


@pytest.fixture
def client(house: House) -> RestClient:
    """REST over the house."""
    return RestClient(house)


def test_a_budget_is_set_listed_raised_and_removed(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    levels = [{"at_percent": 95, "action": "finish"}, {"at_percent": 50}]
    body = {"scope": "project", "of": run.title, "quantity": "gpu_seconds", "limit": 7200, "thresholds": levels}
    made = client.ask("PUT", "budgets", json=body)
    assert made.status_code == 200, made.text
    assert [level["action"] for level in made.json()["thresholds"]] == ["notify", "finish"]
    assert made.json()["spent"] == pytest.approx(house.run(run).spent_seconds)
    assert [one["name"] for one in client.get("budgets").json()["items"]] == [run.title]

    del body["thresholds"]
    raised = client.ask("PUT", "budgets", json={**body, "limit": 9000}).json()
    assert (raised["limit"], len(raised["thresholds"])) == (9000, 2)
    low = {**body, "limit": house.run(run).spent_seconds / 2}
    assert "Choose a higher limit" in problem(client.ask("PUT", "budgets", json=low), 403)

    where = {"scope": "project", "of": run.title, "quantity": "gpu_seconds"}
    assert client.ask("DELETE", "budgets", params=where).status_code == 204
    assert "There is no budget" in problem(client.ask("DELETE", "budgets", params=where), 404)
    assert client.get("budgets").json() == {"items": []}


def test_what_cannot_be_a_budget_is_said(house: House, client: RestClient) -> None:
    house.create(make_production())
    body = {"scope": "project", "of": "Nobody", "quantity": "money", "limit": 1}
    assert "There is no production" in problem(client.ask("PUT", "budgets", json=body), 404)
    twice = [{"at_percent": 50}, {"at_percent": 50}]
    user = {"scope": "user", "of": "Ann", "quantity": "money", "limit": 1, "thresholds": twice}
    assert "two thresholds" in problem(client.ask("PUT", "budgets", json=user), 422)
    assert client.ask("PUT", "budgets", json={**body, "limit": -1}).status_code == 422


def test_the_command_line_does_the_same(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert entry.start(["budgets"]) == 0
    assert "There is no budget yet" in capsys.readouterr().out
    house = House(tmp_path, sqlite_url)
    run = house.create(make_production())
    house.close()

    assert entry.start(["budgets", "set", "run", run.name, "--gpu-hours", "2", "--at", "80", "--at", "95%:finish"]) == 0
    assert "2.00 GPU-h" in capsys.readouterr().out
    assert entry.start(["budgets", "set", "user", "Ann", "--disk-gb", "3", "--json"]) == 0
    capsys.readouterr()
    assert entry.start(["budgets", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["budgets"]
    assert [(one["scope"], one["quantity"], one["limit"]) for one in told] == [
        ("user", "disk_bytes", 3e9),
        ("run", "gpu_seconds", 7200),
    ]
    assert entry.start(["budgets"]) == 0
    assert "95 % finish" in capsys.readouterr().out
    assert entry.start(["budgets", "set", "run", run.name, "--no-levels"]) == 0
    assert entry.start(["budgets", "set", "user", "Ann", "--at", "70"]) == 0
    capsys.readouterr()
    assert entry.start(["budgets", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["budgets"]
    assert [(one["limit"], [level["at_percent"] for level in one["thresholds"]]) for one in told] == [(3e9, [70]), (7200, [])]
    assert entry.start(["budgets", "remove", "run", str(run.id), "--gpu-hours"]) == 0
    assert entry.start(["budgets", "remove", "run", str(run.id), "--gpu-hours"]) == 2
    assert entry.start(["budgets", "set", "user", "Ann", "--money", "5", "--at", "often"]) == 2
    assert entry.start(["budgets", "set", "user", "Ann"]) == 2
    capsys.readouterr()
    assert entry.start(["budgets", "set", "user", "Bea", "--at", "70"]) == 2
    assert "Bea has no limit that could have levels" in capsys.readouterr().err
