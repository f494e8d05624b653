"""Rules over REST and the command line: saved, explained, tried, halted; what is wrong is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import entry
from pipeline.domain.matrix import Selection
from pipeline.domain.statuses import CellStatus
from pipeline.services.trigger_console import Asked
from tests.factories import PERSON, House, make_production
from tests.rest import RestClient, problem

TITLE = "Harbor Nights"
AGAIN = {
    "name": "again",
    "when": "cell.approved",
    "where": {"field": "attempts", "below": 2},
    "do": [{"submit": {"mode": "all"}}],
}


@pytest.fixture
def client(house: House) -> RestClient:
    """REST over the house."""
    return RestClient(house)


def test_a_rule_is_saved_approved_tried_explained_and_removed(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    made = client.ask("POST", "triggers", json={"rule": AGAIN, "project": TITLE})
    assert made.status_code == 201, made.text
    rule = made.json()
    assert (rule["state"], rule["version"]) == ("waits for approval", 1)
    approved = client.ask("POST", f"triggers/{rule['id']}/approve", json={"version": 1}).json()
    assert approved["state"] == "on"
    house.work()
    [event] = house.events("cell.approved")
    tried = client.ask("POST", f"triggers/{rule['id']}/dry-run", json={"event": event.seq}).json()
    assert [one["outcome"] for one in tried["verdicts"]] == ["matched"]
    course = client.ask("POST", "triggers/simulate", json={"run": run.id, "event": event.seq}).json()
    assert course["ended"] == "quiet"
    again = client.ask("POST", "triggers/replay", json={"run": run.id, "drafts": [AGAIN]}).json()
    assert again["firings"] == 1
    house.studio.firing.settle()
    [fired] = client.get("triggers/firings").json()["items"]
    assert [effect["state"] for effect in fired["effects"]] == ["done"]
    assert [one["outcome"] for one in client.get("triggers/verdicts", params={"event": event.seq}).json()["items"]] == ["matched"]
    assert client.get(f"triggers/firings/{fired['id']}").json()["open_jobs"] == 1
    house.work()
    house.studio.firing.settle()
    followed = client.get(f"triggers/firings/{fired['id']}").json()
    assert followed["about"] == "c1 / s1 / v1" and followed["total"]["jobs"] >= 3 and followed["total"]["gpu_seconds"] > 0
    assert client.get("triggers/firings/77").status_code == 404
    assert client.ask("DELETE", f"triggers/{rule['id']}").status_code == 204
    assert client.get("triggers").json()["items"] == []


def test_what_cannot_be_a_rule_is_told_at_its_field(house: House, client: RestClient) -> None:
    house.create(make_production())
    bad = {"name": "a", "when": "cell.approved", "where": {"field": "colour", "is": "red"}, "do": ["approve"]}
    answer = client.ask("POST", "triggers", json={"rule": bad, "project": TITLE})
    assert "colour" in problem(answer, 422)
    loop = {"name": "a", "when": "cell.queued", "do": [{"submit": {"mode": "all"}}]}
    assert "a → a" in problem(client.ask("POST", "triggers", json={"rule": loop, "project": TITLE}), 403)


def test_all_rules_are_halted_in_one_call_and_resumed(house: House, client: RestClient) -> None:
    house.create(make_production())
    receipt = client.ask("POST", "triggers/halt", json={"stop_queued": True}).json()
    assert receipt["receipt"]["jobs"] == 0
    assert client.get("triggers").json()["halted"]
    assert client.ask("POST", "triggers/resume").status_code == 204
    problem(client.ask("POST", "triggers/resume"), 409)


def test_the_receipt_of_a_halt_names_the_rules_that_had_asked_for_what_was_stopped(
    house: House, client: RestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = house.start(make_production(characters=2, scene_types=1, variants=1), auto_deliver=False)
    house.work()
    wider = {"name": "wider", "when": "cell.stale", "do": [{"submit": {"mode": "all", "characters": ["c1"]}}]}
    narrow = {"name": "narrow", "when": "cell.changed", "do": [{"submit": {"mode": "all"}}]}
    for spec in (wider, narrow):
        saved = client.ask("POST", "triggers", json={"rule": spec, "project": TITLE}).json()
        client.ask("POST", f"triggers/{saved['id']}/approve", json={"version": 1})
    ids = {one["name"]: one["id"] for one in client.get("triggers").json()["items"]}
    house.studio.review.mark_stale(run, {"c1 / s1 / v1": "new"}, PERSON)
    house.studio.submission.prioritise(run, Selection(keys=("c2 / s1 / v1",)), 3, PERSON)
    house.studio.firing.settle()
    receipt = client.ask("POST", "triggers/halt", json={"stop_queued": True}).json()["receipt"]
    stopped = [("narrow", "c2 / s1 / v1"), ("wider", "c1 / s1 / v1")]
    assert (receipt["jobs"], receipt["cells"]) == (2, ["c1 / s1 / v1", "c2 / s1 / v1"])
    told = [{"rule": name, "rule_id": ids[name], "jobs": 1, "cells": [key], "stills": []} for name, key in stopped]
    assert sorted(receipt["causes"], key=lambda one: one["rule"]) == told
    assert house.statuses(run)[CellStatus.CANCELLED] == 2
    client.ask("POST", "triggers/resume")
    house.studio.review.mark_stale(run, {"c1 / s1 / v1": "newer"}, PERSON)
    house.studio.firing.settle()
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.studio.settings.home))
    monkeypatch.setenv("DATABASE_URL", house.url)
    assert entry.start(["triggers", "halt", "--queued"]) == 0
    assert f"asked for by wider (rule {ids['wider']}): 1 job of c1 / s1 / v1" in capsys.readouterr().out


def test_an_event_made_up_counts_as_having_happened_over_rest_and_on_the_command_line_as_on_the_console(
    house: House, client: RestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    whole = {"name": "whole", "when": "cell.approved", "where": {"field": "character.all_approved", "is": True}, "do": ["flag"]}
    client.ask("POST", "triggers", json={"rule": whole, "project": TITLE})
    about = {"type": "cell.approved", "about": "c1 / s1 / v1"}
    assert house.studio.trigger_console.follow(Asked(run.id, **about)).walk.total.firings == 1
    body = {"run": run.id, "type": about["type"], "subject_id": house.cells(run)[about["about"]].id}
    assert len(client.ask("POST", "triggers/simulate", json=body).json()["firings"]) == 1
    assert "no scene 99" in problem(client.ask("POST", "triggers/simulate", json={**body, "subject_id": 99}), 404)
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.studio.settings.home))
    monkeypatch.setenv("DATABASE_URL", house.url)
    command = ["triggers", "simulate", str(run.id), "--type", about["type"], "--about", about["about"]]
    assert entry.start([*command, "--under-way", "--json"]) == 0
    assert [one["rule"] for one in json.loads(capsys.readouterr().out)["firings"]] == ["whole"]
    assert entry.start(command[:3]) != 0


def test_the_command_line_applies_lists_and_exports_the_same_rules(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.create(make_production())
    monkeypatch.setenv("STRIPBOARD_HOME", str(house.studio.settings.home))
    monkeypatch.setenv("DATABASE_URL", house.url)
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"triggers": [AGAIN]}), encoding="utf-8")
    assert entry.start(["triggers", "apply", str(file), "--project", TITLE]) == 0
    capsys.readouterr()
    assert entry.start(["triggers", "export"]) == 0
    exported = capsys.readouterr().out
    file.write_text(exported, encoding="utf-8")
    assert entry.start(["triggers", "apply", str(file), "--project", TITLE, "--json"]) == 0
    assert [one["version"] for one in json.loads(capsys.readouterr().out)["rules"]] == [1]
    assert entry.start(["triggers", "chain-graph", "--json"]) == 0
    assert [(edge["source"], edge["target"]) for edge in json.loads(capsys.readouterr().out)["edges"]] == [("1", "1")]
    for words in (
        ["list"],
        ["chain-graph"],
        ["show", "again"],
        ["approve", "again"],
        ["disable", "again"],
        ["firings"],
        ["halt"],
        ["resume"],
    ):
        assert entry.start(["triggers", *words]) == 0
