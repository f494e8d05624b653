"""`run` with the rules of its production: they fire while it works, and it ends only when they have heard of its end."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pipeline.adapters.packaging.verify import verify
from pipeline.domain.rules.templates import TEMPLATES
from tests.acceptance.productions import Desk

PACKAGE = next(template.rule for template in TEMPLATES if template.key == "auto-package")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


def test_a_rule_about_the_end_of_a_run_has_fired_when_the_command_ends(desk: Desk) -> None:
    rule = {"name": "tell", "when": "run.completed", "do": [{"notify": {"to": "producers", "text": "It is done."}}]}

    desk.json("run", desk.write(triggers=[rule]))

    [message] = desk.json("messages")["messages"]
    assert (message["target"], message["payload"]["text"]) == ("producers", "It is done.")


def test_the_command_waits_a_moment_for_rules_that_gather_events_and_says_which_are_left(desk: Desk) -> None:
    soon, late = (
        {"name": name, "when": "run.completed", "do": [{"notify": {"to": name}}], "wait_s": wait_s}
        for name, wait_s in (("soon", 1), ("late", 3600))
    )

    answer = desk.json("run", desk.write(triggers=[soon, late]))

    assert [message["target"] for message in desk.json("messages")["messages"]] == ["soon"]
    assert answer["rules_gather_until"]


def test_each_character_is_packaged_as_it_is_complete_and_the_run_is_delivered_whole(desk: Desk) -> None:
    answer = desk.json("run", desk.write(triggers=[PACKAGE]))

    fired = desk.json("triggers", "firings")["firings"]
    assert [[effect["state"] for effect in one["firing"]["effects"]] for one in fired] == [["done", "done"]] * 2
    assert answer["run"]["status"] == "completed"
    packages = {path: media_of(path) for path in (desk.home / "deliveries").glob("*.zip")}
    assert sorted(packages.values()) == [2, 2, 4]
    assert packages[Path(answer["delivery"]["path"])] == 4
    assert all(verify(path).is_ok for path in packages)


def media_of(package: Path) -> int:
    """How many videos a package holds."""
    with zipfile.ZipFile(package) as archive:
        return sum(name.endswith(".mp4") for name in archive.namelist())
