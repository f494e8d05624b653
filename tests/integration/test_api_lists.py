"""REST: lists come in pages that neither repeat nor lose anything; what is malformed or foreign is told, never a fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import House, make_production
from tests.rest import API, RestClient, problem

LARGE = 2**63


@pytest.fixture
def client(house: House) -> RestClient:
    """REST over the house."""
    return RestClient(house)


@pytest.mark.parametrize("limit", [1, 3, 8, 500])
def test_the_pages_of_a_list_are_the_list(house: House, client: RestClient, limit: int) -> None:
    run = house.start(make_production())
    house.work()
    other = house.start(make_production(title="Other", characters=1))
    whole = [cell.id for cell in house.studio.reports.matrix(run.id).cells]
    pages = client.pages(f"production-runs/{run.id}/cells", limit=limit)
    assert [cell["id"] for page in pages for cell in page] == whole
    assert all(len(page) <= limit for page in pages) and len(pages) == -(-len(whole) // limit)
    jobs = [job["id"] for page in client.pages("jobs", limit=limit, run=run.id) for job in page]
    assert jobs == sorted((job.id for job in house.jobs(run)), reverse=True)
    events = [event["seq"] for page in client.pages("events", limit=500) for event in page]
    assert events == list(range(1, house.studio.reports.last_seq() + 1))
    runs = [run["id"] for page in client.pages("production-runs", limit=limit) for run in page]
    assert runs == [other.id, run.id]


def test_a_filter_that_there_is_not_is_refused_and_the_known_ones_are_named(house: House, client: RestClient) -> None:
    told = problem(client.get("jobs?stat=failed&run=1"), 422)
    assert "query/stat" in told and "status" in told
    assert "query/all" in problem(client.ask("POST", "production-runs/1/pause?all=yes"), 422)


def test_filters_choose(house: House, client: RestClient) -> None:
    run = house.start(make_production())
    house.work()
    path = f"production-runs/{run.id}/cells"
    found = client.get(path, params={"character": "c1", "scene_type": "s2", "status": ["approved", "failed"]}).json()["items"]
    assert [cell["key"] for cell in found] == ["c1 / s2 / v1", "c1 / s2 / v2"]
    assert client.get(path, params={"stale": True}).json()["items"] == []
    assert client.get(path, params={"status": "failed"}).json()["items"] == []
    assert client.get("production-runs", params={"status": "running"}).json()["items"] == []
    segments = client.get("jobs", params={"run": run.id, "stage": "scene_generation", "status": "done"}).json()["items"]
    assert len(segments) == 16
    of_one = client.get("jobs", params={"subject": "cell", "subject_id": found[0]["id"]}).json()["items"]
    assert {job["subject_id"] for job in of_one} == {found[0]["id"]}


def test_a_job_tells_of_its_attempts_and_has_a_log(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1))
    house.work()
    job = client.get("jobs", params={"run": run.id}).json()["items"][0]
    full = client.get(f"jobs/{job['id']}").json()
    assert full["attempts"][0]["outcome"] == "done" and full["seconds"] == job["seconds"]
    log = client.get(f"jobs/{job['id']}/log")
    assert log.headers["content-type"].startswith("text/plain") and log.text


def test_the_libraries_hold_what_runs_were_made_of(house: House, client: RestClient) -> None:
    run = house.create(make_production())
    for path, names in (("characters", ["c1", "c2"]), ("variants", ["v1", "v2"]), ("scene-types", ["s1", "s2"])):
        entries = client.get(path, params={"project": run.project_id}).json()["items"]
        assert [entry["name"] for entry in entries] == names
        assert client.get(f"{path}/{entries[0]['id']}").json() == entries[0]
    assert client.get("locations").json() == {"items": [], "next": None}
    [project] = client.get("projects").json()["items"]
    assert client.get(f"projects/{run.project_id}").json() == project


def test_events_go_on_after_a_number_and_keep_to_a_run(house: House, client: RestClient) -> None:
    run = house.start(make_production(characters=1))
    other = house.create(make_production(title="Other", characters=1))
    last = house.studio.reports.last_seq()
    assert [event["seq"] for event in client.get("events", params={"after": last - 1}).json()["items"]] == [last]
    assert {event["run_id"] for event in client.get("events", params={"run": run.id}).json()["items"]} == {run.id}
    assert [event["type"] for event in client.get("events", params={"run": other.id}).json()["items"]] == ["run.created"]


# What nobody should send --------------------------------------------------------------------------------------------

THINGS = ["production-runs", "cells", "takes", "jobs", "deliveries", "projects", "characters", "variants", "variant-images"]


@pytest.mark.parametrize("thing", [*THINGS, "scene-types", "locations"])
def test_what_is_not_there_is_not_found(client: RestClient, thing: str) -> None:
    assert "There is no" in problem(client.get(f"{thing}/987654"), 404)
    for key in (0, -1, LARGE, 10**40, "x", "1.5", "%00", "٣", "1e3"):
        assert client.get(f"{thing}/{key}").status_code == 422, key


@pytest.mark.parametrize(
    "parameters",
    [{"limit": 0}, {"limit": 501}, {"limit": "many"}, {"cursor": "!"}, {"cursor": "AAAA"}, {"cursor": "a" * 101}, {"run": LARGE}],
)
def test_malformed_questions_are_told(client: RestClient, parameters: dict[str, Any]) -> None:
    problem(client.get("jobs", params=parameters), 422)


def test_a_cursor_of_another_list_is_refused(house: House, client: RestClient) -> None:
    run = house.start(make_production())
    cursor = client.get(f"production-runs/{run.id}/cells", params={"limit": 1}).json()["next"]
    assert "none that this list has given out" in problem(client.get("jobs", params={"cursor": cursor}), 422)


@pytest.mark.parametrize(
    "body",
    [
        {"cells": {"keys": ["a\x00b"]}},
        {"cells": {"keys": [1]}},
        {"cells": {"keys": "c1"}},
        {"cells": {"keys": ["x" * 501]}},
        {"cells": {"keys": ["x"] * 20_001}},
        {"cells": None},
        {"mode": "everything"},
        {"mode": 1},
        {"unknown": True},
        [],
        "text",
    ],
)
def test_malformed_bodies_are_told(house: House, client: RestClient, body: Any) -> None:
    run = house.create(make_production())
    problem(client.post(f"production-runs/{run.id}/submit", body), 422)


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b'{"mode": "\\ud800"}', b'{"\\ud800": 1}', b"[" * 100_000, b'{"mode": NaN}', b"1" * 5000, b"\x00"],
)
def test_bodies_that_are_no_json_are_told(house: House, client: RestClient, content: bytes) -> None:
    run = house.create(make_production(characters=1))
    path = f"production-runs/{run.id}/submit"
    for kind in ("application/json", "text/plain"):
        answer = client.ask("POST", path, content=content, headers={"content-type": kind})
        assert answer.status_code in (400, 422), answer.text
        problem(answer, answer.status_code)


def test_an_unknown_address_is_not_found_and_a_wrong_method_not_allowed(client: RestClient) -> None:
    assert "lists what there is" in problem(client.get("nothing"), 404)
    answer = client.ask("PUT", "production-runs")
    assert "GET, POST" in problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_the_description_and_its_page_are_served(client: RestClient) -> None:
    described = client.get(f"{API}/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in described["paths"]:
        assert path in page.text
    assert page.text.count("<script") == page.text.count('<script src="/assets/') and "http://" not in page.text
