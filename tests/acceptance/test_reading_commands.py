"""The commands that only read or begin: their answers, their JSON, their exit codes, and names that try to do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.productions import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


def test_an_invalid_production_is_told_whole_and_ends_with_3(desk: Desk) -> None:
    folder = desk.write(
        variants=[{"name": "formal", "candidates": 0}],
        matrix={"characters": ["Marra"], "scene_types": "all", "variants": "all"},
    )
    (folder / "assets" / "ivo.png").unlink()

    told = desk.call("validate", folder, code=3).stdout
    report = desk.json("validate", folder, code=3)

    assert 'Did you mean "Mara"?' in told and "assets/ivo.png" in told and "candidates" in told
    assert report["valid"] is False and len(report["issues"]) >= 3
    assert all(set(issue) == {"path", "line", "severity", "message", "suggestion", "file"} for issue in report["issues"])
    for command in (["run"], ["run", "--validate-only"], ["run", "--dry-run"], ["info"], ["estimate"], ["plan"]):
        assert "assets/ivo.png" in desk.call(command[0], folder, *command[1:], code=3).stdout
    assert not (desk.home / "stripboard.db").exists()


def test_reading_a_production_makes_nothing(desk: Desk) -> None:
    folder = desk.write()

    assert desk.json("validate", folder)["valid"] is True
    assert desk.json("run", folder, "--validate-only")["valid"] is True
    assert desk.json("info", folder)["production"]["title"] == "Small"
    assert desk.json("estimate", folder)["estimate"]["cells"] == 4
    plan = desk.json("plan", folder)
    assert plan["counts"] == {"add": 4, "re-run": 0, "reuse": 0, "blocked": 0, "dropped": 0}
    assert desk.json("run", folder, "--dry-run") == plan
    for command in ("validate", "info", "estimate", "plan"):
        assert desk.call(command, folder).stdout
    assert not desk.home.exists()


def test_a_plan_tells_what_a_changed_production_would_do(desk: Desk) -> None:
    folder = desk.write()
    desk.call("run", folder)
    assert desk.json("plan", folder)["counts"]["reuse"] == 4

    walk = {"name": "walk", "prompt": "{character} walks", "camera": "pan_left"}
    dance = {"name": "dance", "prompt": "{character} dances", "segments": 2}
    bow = {"name": "bow", "prompt": "{character} bows"}
    desk.write(scene_types=[dance, walk, bow], approvals={"variants": "human", "scenes": "auto"})

    plan = desk.json("plan", folder)
    steps = {cell["key"]: (cell["step"], cell["why"]) for cell in plan["cells"]}
    assert steps["Mara / dance / formal"] == ("reuse", "take 1 is approved")
    assert steps["Mara / walk / formal"] == ("re-run", "changed: camera")
    assert steps["Mara / bow / formal"] == ("add", "new")
    assert plan["cells"][0]["waits_for"] == [], "its image is approved already, and comes out the same"
    desk.write(variants=[{"name": "formal", "prompt": "a coat"}], approvals={"variants": "human", "scenes": "auto"})
    assert desk.json("plan", folder)["cells"][0]["waits_for"] == ["your decision on variant image Mara / formal"]
    assert "measured" in plan["basis"]


def test_every_reading_command_prints_json_alone(desk: Desk) -> None:
    folder = desk.write()
    assert desk.json("list") == []
    desk.call("run", folder, "--until", "characters")

    assert desk.json("list")[0]["name"] == "Small #1"
    assert desk.json("status", "Small #1")["progress"]["outlook"] == "reached"
    assert desk.json("status", "small", "--cell", "Mara / walk / formal")["cell"]["status"] in ("queued", "generating")
    assert desk.json("submit", "--dry-run")["skipped"]["Mara / walk / formal"].startswith("it is queued")
    assert desk.json("presets")["palettes"]
    assert list(desk.json("presets", "formats")) == ["formats"]
    assert desk.json("schema")["$schema"].startswith("https://json-schema.org/")
    assert "Small #1" in desk.call("status").stdout
    assert "Mara / walk / formal" in desk.call("status", "--cells").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["validat"], 2, 'Did you mean "validate"?'),
        (["frobnicate"], 2, "`./stripboard --help` lists all."),
        (["run"], 2, "PATH"),
        (["status"], 2, "There is no run yet"),
        (["validate", "nowhere"], 2, "There is no production at nowhere"),
        (["approve", "9"], 2, "There is no run"),
        (["verify-delivery", "nowhere.zip"], 2, "nowhere.zip"),
        (["run"], 2, "`./stripboard run --help` shows how it is used."),
        (["create", "a\nb"], 2, "title"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(desk: Desk, arguments: list[str], code: int, words: str) -> None:
    told = desk.call(*arguments, code=code)

    assert words in told.stderr and told.stdout == ""
    assert told.stderr.count("\n") == 1 and "Traceback" not in told.stderr
    assert told.stderr.count("--help") <= 1


def test_errors_are_json_on_standard_error_when_json_is_asked_for(desk: Desk) -> None:
    told = desk.call("status", "--json", code=2)

    assert json.loads(told.stderr)["error"] == {
        "kind": "not_found",
        "message": "There is no run yet. Start one with `./stripboard run PATH`.",
    }


@pytest.mark.parametrize("command", [["validate"], ["info"], ["plan"], ["estimate"], ["run"], ["run", "--dry-run"]])
def test_a_path_that_does_not_exist_is_wrong_usage_and_json_too(desk: Desk, command: list[str]) -> None:
    told = desk.call(*command, "nope", "--json", code=2)

    assert told.stdout == "" and json.loads(told.stderr)["error"]["kind"] == "not_found"


def test_a_file_that_cannot_be_read_is_json_too(desk: Desk) -> None:
    (desk.folder / "nul.yaml").write_bytes(b"production: \0")
    told = desk.call("validate", "nul.yaml", "--json", code=3)

    assert "nul.yaml" in told.stdout + told.stderr
    json.loads(told.stdout or told.stderr)


def test_a_home_that_cannot_be_made_is_told(desk: Desk) -> None:
    (desk.folder / "file").write_text("")

    told = desk.call("list", code=1, STRIPBOARD_HOME=str(desk.folder / "file" / "home"))

    assert "Traceback" not in told.stderr and "home" in told.stderr


def test_a_database_that_is_no_database_is_told_with_its_story(desk: Desk) -> None:
    desk.home.mkdir()
    (desk.home / "stripboard.db").write_text("this is no database, and long enough to be read as one")

    told = desk.call("list", code=1)

    assert "The database cannot be used" in told.stderr
    assert "Traceback" in next((desk.home / "logs").glob("error-*.log")).read_text()


def test_names_cannot_move_the_cursor(desk: Desk) -> None:
    told = desk.call("validate", "no\x1b[2Jwhere", code=2)

    assert "\x1b" not in told.stdout + told.stderr


@pytest.mark.parametrize("template", ["character_matrix", "commercial", "game_assets", "short_film"])
def test_a_template_makes_a_production_that_is_valid(desk: Desk, template: str) -> None:
    desk.call("create", "Löwen & Ko: Nr. 1", "--template", template)

    folder = next(path for path in desk.folder.iterdir() if path.is_dir())
    assert desk.json("validate", folder) == {
        "valid": True,
        "title": "Löwen & Ko: Nr. 1",
        "source": str(folder),
        "issues": [],
    }
    desk.call("create", "Löwen & Ko: Nr. 1", "--template", template, code=1)


def test_colour_only_on_a_terminal_and_never_with_no_color(desk: Desk) -> None:
    folder = desk.write()

    assert "\x1b" not in desk.call("validate", folder).stdout
    assert "\x1b" in desk.call("validate", folder, FORCE_COLOR="1").stdout
    assert "\x1b[3" not in desk.call("validate", folder, FORCE_COLOR="1", NO_COLOR="1").stdout
