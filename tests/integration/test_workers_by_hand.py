"""What the commands for workers say of what they have done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import entry
from pipeline.double import DoubleServer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for the commands."""
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    return tmp_path


def test_a_file_of_workers_says_which_are_new_changed_or_unchanged(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "fleet.yaml"
    lines = ["- {name: gpu-1, url: '127.0.0.1:9'}", "- {name: gpu-2, url: '127.0.0.1:10'}"]
    for price, extra, outcomes in (
        (1, lines[:1], ["registered"]),
        (1, lines, ["unchanged", "registered"]),
        (2, lines, ["changed", "unchanged"]),
    ):
        first = extra[0].replace("}", f", cost_per_hour: {price}}}")
        file.write_text("\n".join([first, *extra[1:]]), encoding="utf-8")
        assert entry.start(["workers", "apply", str(file)]) == 0
        told = capsys.readouterr().out.splitlines()
        assert [line.split(",")[0] for line in told] == [f'"gpu-{n}" is {word}' for n, word in enumerate(outcomes, 1)]
    assert entry.start(["workers", "apply", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcomes"] == {"gpu-1": "unchanged", "gpu-2": "unchanged"}


def test_the_test_of_a_worker_answers_in_json_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with DoubleServer(home / "double", is_instant=True) as server:
        assert entry.start(["workers", "add", "gpu-1", server.url]) == 0
        capsys.readouterr()
        assert entry.start(["workers", "test", "gpu-1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"worker": "gpu-1", "works": True}
    assert entry.start(["workers", "test", "gpu-1", "--json"]) != 0
    assert "gpu-1" in json.loads(capsys.readouterr().err)["error"]["message"]
