"""REST: decisions on single cells and variant images, on what was seen or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus
from tests.factories import HUMAN, PERSON, House, make_production
from tests.rest import RestClient, problem


@pytest.fixture
def client(house: House) -> RestClient:
    """REST over the house."""
    return RestClient(house)


@pytest.fixture
def run(house: House) -> Run:
    """A run with two scenes in review."""
    run = house.start(make_production(characters=1, scene_types=1, approvals=HUMAN))
    house.work()
    for still in house.stills(run).values():
        if still.variant:
            house.studio.review.approve_variant(run, still.key, PERSON)
    house.work()
    return run


def cell_in(client: RestClient, run: Run, status: str) -> dict[str, Any]:
    """A cell of the run in this status."""
    return client.get(f"production-runs/{run.id}/cells", params={"status": status}).json()["items"][0]


def test_a_cell_is_approved_as_it_was_seen(client: RestClient, run: Run) -> None:
    cell = cell_in(client, run, "review")
    read = client.get(f"cells/{cell['id']}")
    answer = client.post(f"cells/{cell['id']}/approve", {"note": "yes"}, headers={"If-Match": read.headers["etag"]})
    assert answer.json()["status"] == "approved" and answer.json()["version"] > cell["version"]
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    [take] = client.get(f"cells/{cell['id']}/takes").json()["items"]
    assert (take["decision"], take["note"]) == ("approved", "yes")
    assert client.get(f"takes/{take['id']}").json() == take


def test_a_cell_that_someone_else_decided_on_is_left_alone(house: House, client: RestClient, run: Run) -> None:
    cell = cell_in(client, run, "review")
    seen = client.get(f"cells/{cell['id']}").headers["etag"]
    client.post(f"cells/{cell['id']}/reject", {"reason": "too dark"})
    told = problem(client.post(f"cells/{cell['id']}/approve", headers={"If-Match": seen}), 412)
    assert "rejected" in told and cell["key"] in told
    assert house.cells(run)[cell["key"]].status is CellStatus.REJECTED


def test_versions_hold_for_whole_selections(house: House, client: RestClient, run: Run) -> None:
    cells = client.get(f"production-runs/{run.id}/cells").json()["items"]
    versions = {cell["key"]: cell["version"] for cell in cells}
    client.post(f"cells/{cells[0]['id']}/approve")
    body = {"cells": {"keys": list(versions)}, "versions": versions}
    assert "approved" in problem(client.post(f"production-runs/{run.id}/approve", body), 409)
    assert house.statuses(run) == {CellStatus.APPROVED: 1, CellStatus.REVIEW: 1}


def test_a_cell_goes_back_to_its_approved_take_and_gets_new_ones(house: House, client: RestClient, run: Run) -> None:
    cell = cell_in(client, run, "review")
    client.post(f"cells/{cell['id']}/approve")
    assert client.post(f"cells/{cell['id']}/takes", {"seed": 7}).json() == {"number": 2}
    house.work()
    assert len(client.get(f"cells/{cell['id']}/takes").json()["items"]) == 2
    assert client.post(f"cells/{cell['id']}/rollback").json()["approved_take"] == 1
    assert client.post(f"cells/{cell['id']}/takes", {"from_segment": 2}).status_code == 202
    assert "is over" in problem(client.post(f"cells/{cell['id']}/takes"), 409)
    assert client.post(f"cells/{cell['id']}/priority", {"priority": 9}).json() == {"done": [cell["key"]]}
    assert client.post(f"cells/{cell['id']}/cancel").json() == {"done": [cell["key"]]}
    assert client.post(f"cells/{cell['id']}/retry").json() == {"done": []}


def test_a_new_take_is_asked_for_as_the_cell_was_seen(client: RestClient, run: Run) -> None:
    cell = cell_in(client, run, "review")
    stale = {"If-Match": f'"{cell["version"] - 1}"'}
    assert "Look again" in problem(client.post(f"cells/{cell['id']}/takes", headers=stale), 412)


def test_a_decision_is_taken_back(client: RestClient, run: Run) -> None:
    cell = cell_in(client, run, "review")
    client.post(f"cells/{cell['id']}/reject", {"reason": "too dark"})
    assert client.post(f"production-runs/{run.id}/undo", {"keys": [cell["key"]]}).json() == {"done": [cell["key"]]}
    assert client.get(f"cells/{cell['id']}").json()["status"] == "review"


def test_a_cell_says_what_it_waits_for(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    cell = client.get(f"cells/{cell_in(client, run, 'queued')['id']}").json()
    assert [one["text"] for one in cell["blocked_by"]] == ["variant image c1 / v1 is in review"]


def test_a_variant_image_is_chosen_refused_and_made_again(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1, variants=1, candidates=3, approvals=HUMAN))
    house.work()
    [image] = client.get(f"production-runs/{run.id}/variant-images").json()["items"]
    path = f"variant-images/{image['id']}"
    assert "has no candidate 4" in problem(client.post(f"{path}/approve", {"candidate": 4}), 404)
    assert client.post(f"{path}/reject", {"reason": "not her"}).json()["status"] == "rejected"
    assert client.post(f"{path}/retry").json()["done"] == ["variant c1 / v1"]
    house.work()
    problem(client.post(f"{path}/approve", {"take": image["take"]}), 409)
    approved = client.post(f"{path}/approve", {"candidate": 2, "take": image["take"] + 1}).json()
    assert (approved["status"], approved["hero"] is not None) == ("approved", True)
    assert client.get(path).json() == approved


def test_decisions_without_a_subject_say_so(client: RestClient, run: Run) -> None:
    assert "name the cells" in problem(client.post(f"production-runs/{run.id}/reject", {"cells": {}, "reason": "no"}), 422)
    assert "cells" in problem(client.post(f"production-runs/{run.id}/approve", {}), 422)
    client.post(f"production-runs/{run.id}/approve", {"cells": {}})
    assert "nothing to decide" in problem(client.post(f"production-runs/{run.id}/approve", {"cells": {}}), 409)
    assert "no cell" in problem(client.post(f"production-runs/{run.id}/approve", {"cells": {"keys": ["nobody"]}}), 404)
