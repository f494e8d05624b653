"""A blurred source image, refused by a house that is stricter than the defaults, and what its user reads and does then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image, ImageFilter

from pipeline.adapters import yaml_files
from pipeline.cli import main
from tests.acceptance.productions import Desk, portrait

Call = Callable[..., str]
TWO = {"matrix": {"characters": "all", "scene_types": ["walk"], "variants": "all"}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


@pytest.fixture
def call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command line in this process, where blurred source images fail; the answer is all that was printed."""
    known = yaml_files.load_presets()
    strict = tuple(replace(rule, severity="fail") if rule.measure == "sharpness" else rule for rule in known.qa["source"])
    monkeypatch.setattr(yaml_files, "load_presets", lambda: replace(known, qa={**known.qa, "source": strict}))
    for name, value in desk.environment({}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def call(*arguments: str | Path, code: int = 0) -> str:
        result = CliRunner().invoke(main, [str(one) for one in arguments], standalone_mode=False)
        assert result.return_value == code, result.output
        return " ".join(result.output.split())

    return call


def test_replacing_a_refused_picture_and_running_again_is_enough(desk: Desk, call: Call) -> None:
    folder = desk.write(**TWO)
    ivo = folder / "assets" / "ivo.png"
    Image.open(ivo).filter(ImageFilter.GaussianBlur(14)).save(ivo)

    told = call("run", folder, code=1)
    assert "source Ivo failed: sharpness of image ivo.png is" in told
    assert f"Refused source images: those of Ivo. Replace the files, then `./stripboard run {folder} --resume` checks" in told
    assert "Replace the files, then `./stripboard retry 1` checks the new ones." in call("status")

    ivo.write_bytes(portrait("Ivo"))
    told = call("run", folder, "--resume")

    assert "New source images in place of refused ones: those of Ivo are checked anew." in told
    assert "marked stale" not in told and "is delivered: 2 approved" in told


def test_a_flagged_picture_is_told_with_what_takes_a_better_one_in(desk: Desk) -> None:
    folder = desk.write(**TWO)
    ivo = folder / "assets" / "ivo.png"
    Image.open(ivo).filter(ImageFilter.GaussianBlur(14)).save(ivo)
    told = " ".join(desk.call("run", folder, code=4).stdout.split())
    assert f"and by `./stripboard run {folder} --new` at any time." in told
