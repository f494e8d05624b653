"""`run` of what was run before: delivered, rejected since, half placed, flagged, or made from another folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.productions import Desk

ONE = {"matrix": {"characters": ["Mara"], "scene_types": ["walk"], "variants": ["formal"]}}
TWO = {"matrix": {"characters": ["Mara", "Ivo"], "scene_types": ["walk"], "variants": ["formal"]}}
KEY = "Mara / walk / formal"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


def placed(folder: Path) -> list[str]:
    """The exports in the output folder, by character and take."""
    return sorted(f"{path.parent.name} {path.stem[-3:]}" for path in (folder / "output").rglob("*") if path.is_file())


def test_a_scene_rejected_after_the_delivery_opens_the_run_again(desk: Desk) -> None:
    folder = desk.write(**TWO)
    package = desk.json("run", folder)["delivery"]["path"]
    assert placed(folder) == ["Ivo t01", "Mara t01"]

    desk.call("reject", "--cell", KEY, "--reason", "too dark")

    resumed = desk.call("run", folder, "--resume", code=1)
    assert "is stuck: 1 approved, 1 rejected" in resumed.stdout and f"scene {KEY} rejected: too dark" in resumed.stdout
    assert "./stripboard retry 1" in resumed.stdout and "rollback" not in resumed.stdout
    assert package not in resumed.stdout and "complete already" not in resumed.stdout
    answer = desk.json("run", folder, "--resume", code=1)
    assert (answer["run"]["status"], answer["outlook"], answer["delivery"]) == ("running", "stuck", None)
    assert "stuck: something failed or was rejected" in desk.call("status").stdout

    desk.call("retry", "1", "--all")
    again = desk.json("run", folder, "--resume")
    assert (again["run"]["status"], again["delivery"]["number"]) == ("completed", 2)
    assert placed(folder) == ["Ivo t01", "Mara t02"], "the rejected take is taken away"

    desk.call("submit", "--cell", KEY, "--mode", "all")
    desk.call("run", folder, "--resume")
    desk.call("reject", "--cell", KEY, "--reason", "too bright")
    resumed = desk.call("run", folder, "--resume", code=1)
    assert f"./stripboard rollback 1 --cell '{KEY}'" in resumed.stdout
    desk.call("rollback", "1", "--cell", KEY)
    assert desk.json("run", folder, "--resume")["delivery"]["number"] == 4
    assert placed(folder) == ["Ivo t01", "Mara t02"]


def test_outputs_that_cannot_be_placed_are_listed_and_end_with_an_error(desk: Desk) -> None:
    folder = desk.write(**TWO)
    (folder / "output").mkdir()
    in_the_way = folder / "output" / "Mara"
    in_the_way.touch()

    told = desk.call("run", folder, code=1)

    assert "Delivery: " in told.stdout and "not every output is where the production wants it" in told.stdout
    assert f'"{in_the_way}" is a file where a folder is wanted: move it away' in told.stdout
    assert placed(folder) == ["Ivo t01", "output ara"], "the others are placed"
    answer = desk.json("run", folder, "--resume", code=1)
    assert len(answer["outputs"]) == len(answer["not_placed"]) == 1
    assert answer["delivery"]["number"] == 1 and "Free some room" not in answer["not_placed"][0]

    in_the_way.unlink()
    answer = desk.json("run", folder, "--resume")
    assert (len(answer["outputs"]), answer["not_placed"]) == (2, [])


def test_flagged_pictures_that_nobody_decides_on_are_told(desk: Desk) -> None:
    folder = desk.write(**ONE)
    Image.new("RGB", (512, 512), (250, 250, 250)).save(folder / "assets" / "mara.png")

    told = desk.call("run", folder, "--until", "prepare").stdout

    assert "Used although flagged:" in told and "source images of Mara: " in told
    [line] = desk.json("status")["flagged"]
    assert "sharpness" in line and "at least 15 is asked" in line
    assert "source images of Mara: " in desk.call("status").stdout


def test_a_run_of_another_folder_is_not_taken_over(desk: Desk) -> None:
    first = desk.write("first", **ONE)
    desk.call("run", first, "--until", "prepare")
    second = desk.write("second", **TWO, seed=9)
    before = desk.json("status")

    for how in (["--resume"], []):
        refused = desk.call("run", second, *how, code=5).stderr
        assert str(first) in refused and str(second) in refused and "another title" in refused and "--new" in refused
    assert desk.json("status") == before

    desk.call("run", first, "--resume")
    desk.call("run", second, "--resume", code=5)
    desk.write("second", **TWO, seed=9, title="Another")
    assert desk.json("run", second, "--resume")["run"]["id"] == 2


def test_a_production_whose_folder_was_moved_goes_on_as_a_new_run(desk: Desk) -> None:
    first = desk.write("first", **ONE)
    desk.call("run", first, "--until", "shots")
    moved = desk.folder / "moved"
    shutil.move(first, moved)
    desk.call("run", moved, "--resume", code=5)

    answer = desk.json("run", moved, "--new")

    assert (answer["run"]["id"], answer["run"]["status"]) == (2, "completed")
    attempts = desk.json("status", "--cell", KEY)["attempts"]
    assert attempts[0]["outcome"] == "reused", "what was generated is taken over"
    assert placed(moved) == ["Mara t01"]
    assert desk.json("run", moved, "--resume")["run"]["id"] == 2
