"""Faults are planned over HTTP, where that is allowed, and only those that a server can act on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.double import DoubleServer

DEADLINE_S = 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DoubleServer]:
    """A running double that takes faults."""
    with DoubleServer(tmp_path / "home", speed=1e9, controls_faults=True) as running:
        yield running


def test_faults_are_planned_over_http_only_where_that_is_allowed(server: DoubleServer, tmp_path: Path) -> None:
    """The control route is off unless asked for."""
    url = f"{server.url}/double/faults"
    planned = requests.post(url, json={"kind": "status", "route": "/prompt", "status": 502}, timeout=DEADLINE_S)
    assert planned.json()["planned"][0]["kind"] == "status"
    assert requests.get(f"{server.url}/prompt", timeout=DEADLINE_S).status_code == 502
    assert requests.post(url, json={"kind": "bad luck"}, timeout=DEADLINE_S).status_code == 400
    with DoubleServer(tmp_path / "other") as other:
        assert requests.get(f"{other.url}/double/faults", timeout=DEADLINE_S).status_code == 404


@pytest.mark.parametrize(
    ("fault", "allowed"),
    [
        ({"kind": "stall", "times": "x"}, '"times" must be a whole number from 1 to'),
        ({"kind": "stall", "times": 0}, '"times" must be a whole number from 1 to'),
        ({"kind": "stall", "times": True}, "not True"),
        ({"kind": "drop", "probability": "0.5"}, '"probability" must be a number from 0.0 to 1.0'),
        ({"kind": "drop", "route": 5}, '"route" must be a text such as "/prompt"'),
        ({"kind": "drop", "seed": []}, '"seed" must be a whole number'),
        ({"kind": "stall", "seconds": "abc"}, '"seconds" must be a number from 0.0 to'),
        ({"kind": "late", "seconds": float("nan")}, '"seconds" must be a number'),
        ({"kind": "status", "status": 99}, '"status" must be a whole number from 200 to 599'),
        ({"kind": "huge", "size_bytes": 10**12}, '"size_bytes" must be a whole number'),
        ({"kind": "stall", "second": 2}, "It takes: route, times, probability, seed, seconds."),
        ({"kind": "kill"}, "must be one of before_accept, after_accept, mid_job, after_job"),
        ({"kind": "dead_worker", "form": "c"}, "must be one of a, b"),
        ({"kind": ["stall"]}, "There are: drop"),
        ([1], "A fault is an object"),
        ({"kind": "drop", "self": 1}, ""),
    ],
)
def test_a_mistyped_fault_is_refused_with_what_is_allowed_and_changes_nothing(
    server: DoubleServer, fault: Any, allowed: str
) -> None:
    url = f"{server.url}/double/faults"
    answer = requests.post(url, data=json.dumps(fault), headers={"Content-Type": "application/json"}, timeout=DEADLINE_S)
    assert answer.status_code == 400 and allowed in answer.json()["error"]
    assert requests.get(url, timeout=DEADLINE_S).json()["planned"] == []
    assert requests.get(f"{server.url}/prompt", timeout=DEADLINE_S).status_code == 200


def test_a_fault_that_is_no_json_is_refused(server: DoubleServer) -> None:
    answer = requests.post(f"{server.url}/double/faults", data="{kind: stall}", timeout=DEADLINE_S)
    assert answer.status_code == 400 and answer.json()["error"]
