"""A name template of a production, as its user sees it: checked first, then in the package and in the output folders."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pipeline.adapters.packaging.verify import verify
from tests.acceptance.productions import Desk

TWO = {"matrix": {"characters": "all", "scene_types": ["walk"], "variants": "all"}}
OUTPUTS = [{"format": "preview_360p", "path": "output/"}, {"format": "16bit_game", "path": "output/"}]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


def media(package: str) -> list[str]:
    with zipfile.ZipFile(package) as file:
        return sorted(name.partition("media/")[2] for name in file.namelist() if "media/" in name)


def placed(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder / "output").as_posix() for path in (folder / "output").rglob("*") if path.is_file())


def test_a_template_that_cannot_do_is_refused_before_anything_is_made(desk: Desk) -> None:
    for template, said in (
        ("{scene_type}/{variant}", '"Ivo / walk / formal" would both be named'),
        ("{charcter}", "Did you mean {character}?"),
    ):
        folder = desk.write(**TWO, naming=template)
        told = desk.call("validate", folder, code=3).stdout
        assert said in told and "production.naming" in told
        assert said in desk.call("run", folder, code=3).stdout
    assert not (desk.home / "deliveries").exists()


def test_package_and_output_folders_are_named_by_the_template(desk: Desk) -> None:
    folder = desk.write(**TWO, outputs=OUTPUTS, naming="{character}/{scene_type} ({variant}) {format}")
    assert "{character}/{scene_type} ({variant}) {format}" in desk.call("info", folder).stdout

    first = desk.json("run", folder)

    names = [
        f"{name}/walk (formal) {kind}"
        for name in ("Ivo", "Mara")
        for kind in ("16bit_game.gif", "16bit_game.png", "preview_360p.mp4")
    ]
    assert placed(folder) == names
    assert media(first["delivery"]["path"]) == names
    assert verify(Path(first["delivery"]["path"])).is_ok

    desk.write(**TWO, outputs=OUTPUTS, naming="{ordinal:03}_{format}")
    assert desk.json("run", folder, "--resume")["delivery"]["number"] == 1, "a run keeps the names it was made with"
    second = desk.json("run", folder)
    assert second["run"]["id"] == 2
    assert media(second["delivery"]["path"])[0] == "001_16bit_game.gif"
    assert {"001_preview_360p.mp4", *names} <= set(placed(folder)), "what another run has placed stays"
