"""REST: a run from its production to its sealed package, over the same services as the command line."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.domain.statuses import CellStatus, RunStatus
from tests.factories import HUMAN, House, make_production
from tests.rest import RestClient, picture, problem, source


@pytest.fixture
def client(house: House) -> RestClient:
    """REST over the house."""
    return RestClient(house)


def test_a_production_is_sent_assessed_run_and_delivered(house: House, client: RestClient) -> None:
    sent = source(client, approvals={"variants": "auto", "scenes": "auto"}, locations=None)
    assessed = client.post("assessments", sent).json()
    assert assessed["is_valid"] and assessed["estimate"]["cells"] == 4
    made = client.post("production-runs", {**sent, "submit": True})
    assert made.status_code == 201 and made.json()["status"] == "running"
    run = client.get(made.headers["location"]).json()
    assert run["name"] == "Small #1"
    house.work()
    progress = client.get(f"production-runs/{run['id']}/progress").json()
    assert progress["approved"] == progress["total"] == 4
    [delivery] = client.get("deliveries", params={"run": run["id"]}).json()["items"]
    assert delivery["status"] == "sealed"
    package = client.get(f"deliveries/{delivery['id']}/package")
    assert hashlib.sha256(package.content).hexdigest() == delivery["package_sha256"]
    assert "Small-run1-delivery1.zip" in package.headers["content-disposition"]


def test_a_package_comes_in_byte_ranges(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1))
    house.work()
    [delivery] = client.get("deliveries", params={"run": run.id}).json()["items"]
    path = f"deliveries/{delivery['id']}/package"
    whole = client.get(path).content
    part = client.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert client.get(path, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_packaging_tells_how_far_it_is_and_is_cancelled(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1), auto_deliver=False)
    house.work()
    made = client.post(f"production-runs/{run.id}/deliver")
    assert made.status_code == 202 and made.headers["location"] == f"/api/v1/deliveries/{made.json()['id']}"
    path = f"deliveries/{made.json()['id']}"
    assert client.get(f"{path}/progress").json()["fraction"] == 0
    assert "no package" in problem(client.get(f"{path}/package"), 409)
    assert client.post(f"{path}/cancel").json()["status"] == "failed"
    assert "nothing to cancel" in problem(client.post(f"{path}/cancel"), 409)
    again = client.post(f"production-runs/{run.id}/deliver").json()
    assert "a newer one" in problem(client.get(f"{path}/progress"), 409)
    house.work()
    assert client.get(f"deliveries/{again['id']}/progress").json()["step"] == "sealed"


def test_views_are_kept_for_the_project(house: House, client: RestClient) -> None:
    run = house.create(make_production())
    path = f"production-runs/{run.id}/views"
    for query in ("layer=qa", "layer=cost"):
        assert client.post(path, {"name": "mine", "query": query}).status_code == 200
    assert client.get(path).json() == {"items": [{"name": "mine", "query": "layer=cost"}]}
    for _ in range(2):
        assert client.ask("DELETE", path, params={"name": "mine"}).status_code == 204
    assert client.get(path).json() == {"items": []}


def test_cells_are_submitted_and_the_others_are_left_out_with_the_reason(house: House, client: RestClient) -> None:
    run = house.create(make_production())
    cells = {"characters": ["c1"]}
    preview = client.post(f"production-runs/{run.id}/preview", {"cells": cells}).json()
    assert house.statuses(run) == {CellStatus.NOT_STARTED: 8}
    receipt = client.post(f"production-runs/{run.id}/submit", {"cells": cells}).json()
    assert receipt["accepted"] == preview["accepted"] and len(receipt["accepted"]) == 4
    assert house.statuses(run) == {CellStatus.NOT_STARTED: 4, CellStatus.QUEUED: 4}
    again = client.post(f"production-runs/{run.id}/submit", {}).json()
    assert len(again["accepted"]) == 4 and set(again["skipped"].values()) == {"it is queued; mode missing leaves it as it is"}


def test_a_run_is_paused_resumed_ranked_and_cancelled(house: House, client: RestClient) -> None:
    run = house.start(make_production())
    assert client.post(f"production-runs/{run.id}/pause").json()["status"] == "paused"
    assert "cannot become paused" in problem(client.post(f"production-runs/{run.id}/pause"), 409)
    assert client.post(f"production-runs/{run.id}/resume").json()["status"] == "running"
    assert client.post(f"production-runs/{run.id}/resume", {"until": "shots"}).json()["until"] == "shots"
    assert client.post(f"production-runs/{run.id}/priority", {"priority": 7}).json()["priority"] == 7
    assert client.post(f"production-runs/{run.id}/cancel", {"cells": {"characters": ["c1"]}}).json()["done"]
    assert house.statuses(run)[CellStatus.CANCELLED] == 4
    assert client.post(f"production-runs/{run.id}/cancel").json() == {"done": ["run Harbor Nights #1"]}
    assert house.run(run).status is RunStatus.CANCELLED


def test_what_is_missing_for_a_delivery_is_listed(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1, approvals=HUMAN))
    answer = client.post(f"production-runs/{run.id}/deliver")
    assert "cannot be delivered yet" in problem(answer, 409)
    assert len(answer.json()["missing"]) == 4


def test_rejected_scenes_are_asked_for_again(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1, approvals=HUMAN))
    house.work()
    for image in client.get(f"production-runs/{run.id}/variant-images", params={"status": "review"}).json()["items"]:
        assert client.post(f"variant-images/{image['id']}/approve").json()["status"] == "approved"
    house.work()
    rejected = client.post(f"production-runs/{run.id}/reject", {"cells": {"scene_types": ["s1"]}, "reason": "too dark"})
    assert len(rejected.json()["done"]) == 2
    assert len(client.post(f"production-runs/{run.id}/resubmit", {}).json()["done"]) == 2
    house.work()
    approved = client.post(f"production-runs/{run.id}/approve", {"cells": {}, "note": "fine"})
    assert len(approved.json()["done"]) == 4
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


# What comes from outside --------------------------------------------------------------------------------------------


def test_a_production_from_outside_sees_no_file_of_this_machine(house: House, client: RestClient) -> None:
    (house.folder / "secret.png").write_bytes(picture())
    for path in (str(house.folder / "secret.png"), "../secret.png", "assets/../../secret.png", "assets/other.png"):
        sent = source(client, characters=[{"name": "Mara", "source_images": [path]}])
        assert "did not come with the production" in problem(client.post("production-runs", sent), 422)
    sent = source(client, script="/etc/passwd")
    assert "production.script" in problem(client.post("assessments", sent), 422)
    for path in ("/tmp/out", "../out", "a/../../b"):
        sent = source(client, outputs=[{"format": "preview_360p", "path": path}])
        assert "plain relative folder" in problem(client.post("production-runs", sent), 422)
    assert client.get("production-runs").json()["items"] == []


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a//x.png", "C:/x.png", ".ssh/x", "a\\x.png", "a/./b", "~/x"])
def test_files_keep_to_plain_names(client: RestClient, name: str) -> None:
    sent = source(client)
    sent["files"][name] = sent["files"]["assets/mara.png"]
    assert "cannot be the name of a file" in problem(client.post("production-runs", sent), 422)


def test_a_run_that_its_budget_does_not_cover_is_made_only_without_submitting_it(client: RestClient) -> None:
    sent = source(client, budget={"gpu_hours": 1e-9})
    assert "No run was made." in problem(client.post("production-runs", sent | {"submit": True}), 403)
    assert client.get("production-runs").json()["items"] == []
    assert client.post("production-runs", sent | {"submit": False}).json()["status"] == "draft"


def test_a_production_from_outside_names_no_program(client: RestClient) -> None:
    sent = source(client, backend="command", command=["/bin/sh", "-c", "true"])
    assert "must not name a program" in problem(client.post("production-runs", sent), 403)


def test_an_invalid_production_is_answered_with_all_its_issues(client: RestClient) -> None:
    sent = source(client, matrix={"characters": ["Maria"], "scene_types": ["dans"]})
    answer = client.post("production-runs", sent)
    assert "is not a valid production" in problem(answer, 422)
    assert {issue["severity"] for issue in answer.json()["issues"]} >= {"error"}
    assert len([issue for issue in answer.json()["issues"] if issue["severity"] == "error"]) == 2


def test_a_file_that_was_never_sent_is_named(client: RestClient) -> None:
    sent = source(client)
    sent["files"]["assets/mara.png"] = "0" * 64
    assert "Send the file first" in problem(client.post("production-runs", sent), 422)


def test_a_run_from_outside_keeps_its_files_where_it_finds_them_again(house: House, client: RestClient) -> None:
    sent = source(client)
    first, second = (client.post("production-runs", sent).json() for _ in range(2))
    assert first["id"] != second["id"]
    kept = list(house.studio.settings.uploads_root.iterdir())
    assert [path.name.startswith(".") for path in kept] == [False]
    assert (kept[0] / "assets" / "mara.png").read_bytes() == picture()


def test_an_empty_file_is_refused(client: RestClient) -> None:
    assert "is empty" in problem(client.ask("POST", "files", content=b""), 422)
