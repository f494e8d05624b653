"""`./stripboard workflows`: from a file that ComfyUI wrote to a version that is tried, called good and named by a production."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.double import DoubleServer
from tests.acceptance.productions import Desk
from tests.fleet import WORKFLOWS


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A command line with an empty home."""
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


def test_a_workflow_goes_from_a_file_to_a_version_that_is_called_good(desk: Desk, tmp_path: Path) -> None:
    assert "No workflow is kept yet" in desk.call("workflows").stdout
    told = desk.call("workflows", "import", WORKFLOWS / "image_to_video.json", "--name", "Demo", "--note", "first").stdout
    assert "Demo, version 1 is kept: it makes a segment" in told
    assert desk.json("workflows", "import", WORKFLOWS / "image_to_video.json", "--name", "demo")["is_new"] is False
    shown = desk.json("workflows", "show", "demo")
    assert shown["number"] == 1 and {one["slot"] for one in shown["bindings"]} >= {"start_image", "prompt", "negative_prompt"}
    assert "start_image" in desk.call("workflows", "show", "Demo").stdout

    desk.call("workflows", "bind", "Demo", "steps=none", "custom:mood=4.text", code=0)
    assert "seed=5.seed" in desk.call("workflows", "bind", "Demo", "seed", code=2).stderr
    assert "does not exist" in desk.call("workflows", "bind", "Demo", "seed=99.seed", code=2).stderr
    changed = desk.json("workflows", "compare", "Demo", "1", "2")
    assert [one["slot"] for one in changed["bound"]] == ["custom:mood"]
    assert "+ custom:mood is bound to 4.text" in desk.call("workflows", "compare", "Demo", "1", "2").stdout

    assert "There is no worker yet" in desk.call("workflows", "check", "Demo", code=1).stdout
    assert "There is no worker yet" in desk.call("workflows", "test", "Demo", code=5).stderr
    with DoubleServer(tmp_path / "double", is_instant=True) as server:
        desk.call("workers", "add", "gpu-1", server.url)
        assert "gpu-1: has everything" in desk.call("workflows", "check", "Demo").stdout
        waits = desk.json("workflows", "test", "Demo", "--no-wait")["shot"]
        assert waits["status"] == "queued"
        out = desk.folder / "shot.mp4"
        shot = desk.json("workflows", "test", "Demo", "--prompt", "she turns", "--frames", "8", "--out", out)["shot"]
    assert (shot["status"], shot["facts"]["frames"]) == ("done", 8)
    assert out.stat().st_size == shot["result"]["size_bytes"]

    assert "The default is version 2" in desk.call("workflows", "judge", "Demo", "good").stdout
    [found] = desk.json("workflows", "list")["workflows"]
    assert (found["default"], found["versions"][0]["state"]) == (2, "good")
    assert "tried, good" in desk.call("workflows", "list").stdout


def test_a_production_that_names_one_is_checked_and_one_in_use_is_archived(desk: Desk) -> None:
    for name, file in (("Video", "image_to_video.json"), ("Looks", "image_to_image.json")):
        desk.call("workflows", "import", WORKFLOWS / file, "--name", name)
    defaults = {"fps": 6, "resolution": "256x144", "duration_s": 1}
    named = defaults | {"workflow": {"registered": "Vidoe"}, "still_workflow": {"registered": "Looks", "version": 1}}
    folder = desk.write(backend="comfyui", locations=None, defaults=named)
    assert 'Did you mean "Video"?' in desk.call("validate", folder, code=3).stdout
    desk.write(backend="comfyui", locations=None, defaults=named | {"workflow": {"registered": "Video", "file": "x.json"}})
    assert "exclude each other" in desk.call("validate", folder, code=3).stdout
    desk.write(backend="comfyui", locations=None, defaults=named | {"workflow": {"registered": "Video"}})
    assert desk.json("validate", folder)["valid"] is True
    without = {"workflow": {"registered": "Video", "bindings": {"prompt": "none", "seed": "5.steps"}}}
    desk.write(backend="comfyui", locations=None, defaults=named | without)
    told = " ".join(issue["message"] for issue in desk.json("validate", folder)["issues"])
    assert "It takes no prompt" not in told, "that was chosen"
    desk.call("workflows", "bind", "Video", "prompt=none")
    desk.write(backend="comfyui", locations=None, defaults=named | {"workflow": {"registered": "Video", "version": 2}})
    report = desk.json("validate", folder)
    assert report["valid"] is True and "It takes no prompt" in " ".join(issue["message"] for issue in report["issues"])
    without = {"workflow": {"registered": "Video", "bindings": {"height": "none"}}}
    desk.write(backend="comfyui", locations=None, defaults=named | without)
    assert "Workflow Video: Its clips have 256x360, not 256x144 as asked for" in desk.call("validate", folder, code=3).stdout
    desk.call("workflows", "archive", "Video")
    assert "is archived" in desk.call("validate", folder, code=3).stdout
    desk.call("workflows", "archive", "Video", "--undo")
    desk.call("workflows", "remove", "Video")
    assert "no workflow" in desk.call("workflows", "show", "Video", code=2).stderr


def test_what_is_no_workflow_is_refused_in_one_line(desk: Desk) -> None:
    path = desk.folder / "bad.json"
    for content, words in (("{}", "no nodes"), (json.dumps({"nodes": [], "links": []}), "editor format"), ("", "is empty")):
        path.write_text(content)
        told = desk.call("workflows", "import", path, code=2).stderr
        assert words in told and told.count("\n") == 1
    assert "does not exist" in desk.call("workflows", "import", desk.folder / "none.json", code=2).stderr
    os.mkfifo(desk.folder / "pipe.json")
    assert "does not exist" in desk.call("workflows", "import", desk.folder / "pipe.json", code=2).stderr


def test_what_is_set_by_mistake_is_told_or_can_be_taken_back(desk: Desk) -> None:
    desk.call("workers", "add", "gpu-1", "127.0.0.1:9", "--tag", "48gb", "--cost-per-hour", "2")
    assert "Give --name, --tag, --cost-per-hour or --places" in desk.call("workers", "edit", "gpu-1", code=2).stderr
    desk.call("workers", "edit", "gpu-1", "--tag", "")
    [worker] = desk.json("workers")["workers"]
    assert (worker["worker"]["tags"], worker["worker"]["cost_per_hour"]) == ([], 2.0)

    desk.call("run", desk.write(), "--until", "prepare")
    assert "That is past." in desk.call("deadline", "1", "2020-01-01T08:00+00:00").stdout
    assert "has started no run so far" in desk.call("budgets", "set", "user", "nobody", "--money", "3").stdout
    assert "There is no budget of money for ben." in desk.call("budgets", "remove", "user", "ben", "--money", code=2).stderr
