"""The servers of the demo's fleet fail when they are told to."""

from __future__ import annotations

import re
from pathlib import Path

import requests

from pipeline.double.faults import KINDS
from pipeline.wiring_doubles import doubles

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "user-guide.md"


def test_a_server_of_the_demo_takes_faults_and_says_what_is_to_come(tmp_path: Path) -> None:
    with doubles(tmp_path, 1) as [server]:
        address = f"{server.url}/double/faults"
        asked = {"kind": "out_of_memory", "times": 2}
        assert requests.post(address, json=asked, timeout=10).json()["planned"][0].items() >= asked.items()
        assert requests.post(address, json={"kind": "sulk"}, timeout=10).status_code == 400
        requests.post(address, json={"clear": True}, timeout=10)
        assert requests.get(address, timeout=10).json() == {"planned": [], "taken": []}


def test_the_guide_names_every_fault_that_there_is() -> None:
    [told] = re.findall(r"^`kind` is one of (.*?);", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert tuple(re.findall(r"`(\w+)`", told)) == KINDS
