"""`/workflows`: a graph is sent, corrected, compared, tried, judged and removed over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.work import OutputFile, Result, Update, UpdateState
from tests.fleet import FleetHouse
from tests.fleet_fixtures import open_fleet_house
from tests.registered import SCHEMAS, SEGMENT, changed
from tests.rest import RestClient, picture, problem


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with one worker that can run the graph."""
    with open_fleet_house(tmp_path, database_url) as found:
        found.add("gpu-1", catalogue=SCHEMAS)
        yield found


@pytest.fixture
def client(house: FleetHouse) -> RestClient:
    """REST over the house."""
    return RestClient(house)


def sent(client: RestClient, graph: Any = SEGMENT, **query: Any) -> dict[str, Any]:
    """A graph is imported; the answer."""
    answer = client.ask("POST", "workflows", params={"name": "Wan", **query}, content=json.dumps(graph).encode())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_graph_is_sent_and_found_again_with_what_each_worker_lacks(client: RestClient) -> None:
    made = sent(client, file="i2v.json", note="first")
    assert (made["is_new"], made["number"], made["origin"], made["kind"]) == (True, 1, "i2v.json", "segment")
    assert {one["slot"] for one in made["bindings"]} >= {"start_image", "seed", "frames"}
    assert made["graph"] == SEGMENT and made["proposals"][0]["confidence"] > 0.9
    assert not sent(client)["is_new"]
    assert sent(client, name="Other", file="a\x00\u202eb.json")["origin"] == "ab.json"
    client.ask("DELETE", f"workflows/{made['workflow_id'] + 1}")
    [found] = client.get("workflows").json()["items"]
    [version] = found["versions"]
    assert (found["default"], version["state"], version["fits"][0]["can_run"]) == (1, "untried", True)
    assert client.get(f"workflows/{found['id']}").json() == found


def test_bindings_are_corrected_and_versions_compared(client: RestClient) -> None:
    made = sent(client)
    bindings = [{name: one[name] for name in ("slot", "node", "input")} for one in made["bindings"]]
    body = {"base": 1, "bindings": [*bindings, {"slot": "custom:noise", "node": "5", "input": "strength"}], "note": "noise"}
    answer = client.post(f"workflows/{made['workflow_id']}/versions", body)
    assert answer.status_code == 201 and answer.json()["number"] == 2, answer.text
    told = client.get(f"workflows/{made['workflow_id']}/difference", params={"old": 1, "new": 2}).json()
    assert [one["slot"] for one in told["bound"]] == ["custom:noise"] and not told["is_empty"]
    sent(client, changed(SEGMENT, "5", strength=0.5))
    told = client.get(f"workflows/{made['workflow_id']}/difference", params={"old": 1, "new": 3}).json()
    assert [(one["node"], one["old"], one["new"]) for one in told["inputs"]] == [("5", 0.15, 0.5)]

    body["bindings"] = [{"slot": "seed", "node": "77", "input": "seed"}]
    assert "does not exist" in problem(client.post(f"workflows/{made['workflow_id']}/versions", body), 422)
    assert "has no version 9" in problem(client.get(f"workflows/{made['workflow_id']}/versions/9"), 404)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"{}", "has no nodes"),
        (b"no json", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\x89PNG\r\n", "damaged"),
    ],
)
def test_what_is_no_graph_is_refused_with_the_cure(client: RestClient, content: bytes, words: str) -> None:
    answer = client.ask("POST", "workflows", params={"name": "Wan"}, content=content)
    assert words in problem(answer, 422)
    assert client.get("workflows").json() == {"items": []}


def test_the_same_key_imports_once(client: RestClient) -> None:
    body = json.dumps(SEGMENT).encode()
    options: dict[str, Any] = {"params": {"name": "Wan"}, "content": body, "headers": {"Idempotency-Key": "k"}}
    first, again = client.ask("POST", "workflows", **options), client.ask("POST", "workflows", **options)
    assert first.json() == again.json() and again.headers["Idempotency-Replayed"] == "true"


def test_a_test_shot_is_asked_for_made_and_judged(client: RestClient, house: FleetHouse) -> None:
    made = sent(client)
    source = client.ask("POST", "files", content=picture(side=256)).json()["sha256"]
    path = f"workflows/{made['workflow_id']}/versions/1"
    assert "Nothing is stored" in problem(client.post(f"{path}/shots", {"source": "0" * 64}), 422)
    assert "no worker" in problem(client.post(f"{path}/shots", {"worker": "other"}), 404)
    asked = client.post(f"{path}/shots", {"source": source, "seed": 4, "worker": "gpu-1"})
    assert asked.status_code == 201, asked.text
    shot = asked.json()
    assert (shot["status"], shot["worker"], shot["parameters"]["seed"]) == ("queued", "gpu-1", 4)
    assert "No test shot" in problem(client.ask("PATCH", path, json={"judgement": "good"}), 409)

    [request] = house.studio.test_shots.begin()
    file = OutputFile("segment", shot["source"]["sha256"], shot["source"]["size_bytes"], "video/mp4", facts={"frames": 6})
    done = Update(request.attempt_id, UpdateState.DONE, result=Result((file,), seconds=2.5))
    house.studio.test_shots.settle(house.studio.test_shots.find(shot["id"]), done)

    found = client.get(f"test-shots/{shot['id']}").json()
    assert (found["status"], found["seconds"], found["facts"]) == ("done", 2.5, {"frames": 6})
    judged = client.ask("PATCH", path, json={"judgement": "good"}).json()
    assert (judged["state"], judged["is_default"], len(judged["shots"])) == ("good", True, 1)
    assert client.ask("DELETE", f"test-shots/{shot['id']}").json()["status"] == "done"


def test_a_workflow_is_archived_taken_back_and_removed(client: RestClient) -> None:
    workflow_id = sent(client)["workflow_id"]
    client.ask("PATCH", f"workflows/{workflow_id}", json={"archived": True})
    assert client.get("workflows").json()["items"] == []
    assert len(client.get("workflows", params={"archived": True}).json()["items"]) == 1
    assert client.ask("PATCH", f"workflows/{workflow_id}", json={"archived": False}).json()["archived_at"] is None
    assert client.ask("DELETE", f"workflows/{workflow_id}").status_code == 204
    assert f"no workflow {workflow_id}" in problem(client.get(f"workflows/{workflow_id}"), 404)
