"""docs/rest.md tells of every route, in the words of the description that the server gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pipeline.api.description import operations
from tests.factories import House
from tests.rest import RestClient, picture
from tests.test_docs import ROOT

PAGE = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")


def test_the_page_lists_every_route(tmp_path: Path, sqlite_url: str) -> None:
    house = House(tmp_path, sqlite_url)
    described = RestClient(house).api.openapi()
    wanted = [
        f"| `{method} {path.removeprefix('/api/v1')}` | {operation['description'].split('. ')[0].split(chr(10))[0].rstrip('.')} |"
        for path, method, operation in operations(described)
    ]
    written = [line for line in PAGE.splitlines() if re.match(r"\| `(GET|POST|PUT|PATCH|DELETE) /", line)]
    assert written == wanted, "the table of docs/rest.md should be:\n" + "\n".join(wanted)
    house.close()


def test_the_production_of_the_page_runs_as_written(tmp_path: Path, sqlite_url: str) -> None:
    """The example's requests, sent to a server as they stand, end with the answers that the page shows."""
    house = House(tmp_path, sqlite_url)
    client = RestClient(house)
    [body] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    sent = json.loads(body)
    stored = client.ask("POST", "files", content=picture()).json()["sha256"]
    assert set(sent["files"]) == {"assets/mara.png"}
    sent["files"] = dict.fromkeys(sent["files"], stored)
    made = client.post("production-runs", sent, key="harbor-1")
    assert made.status_code == 201, made.text
    assert made.json()["status"] == "running"
    house.close()
