"""The example of docs/command-backend.md does what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from pipeline.adapters.backends.command import run_command
from pipeline.domain.work import InputFile
from tests.fakes_workspace import FakeWorkspace
from tests.media_factories import character, request

PAGE = Path(__file__).parents[2] / "docs" / "command-backend.md"


@pytest.fixture
def command(tmp_path: Path) -> dict[str, object]:
    """The parameters that run the example of the page, as a production beside it would."""
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "make.py").write_text(example, encoding="utf-8")
    return {"command": [sys.executable, "make.py"], "base_dir": str(tmp_path)}


def test_the_example_makes_a_still_and_a_plate(tmp_path: Path, command: dict[str, object]) -> None:
    asked = {"width": 96, "height": 64, "seed": 1, **command}
    inputs: tuple[tuple[InputFile, ...], ...] = ((character(tmp_path),), ())
    for number, files in enumerate(inputs):
        made = run_command(request("variant_generation", files, **asked), FakeWorkspace(tmp_path / f"work{number}"))
        assert made.outputs[0].facts == {"width": 96, "height": 64}


def test_the_example_makes_a_segment_and_tells_how_far_it_is(tmp_path: Path, command: dict[str, object]) -> None:
    asked = {"frames": 12, "fps": 6, "width": 96, "height": 64, "frame_offset": 12, "total_frames": 24, **command}
    workspace = FakeWorkspace(tmp_path / "work")

    made = run_command(request("scene_generation", (character(tmp_path),), **asked), workspace)

    assert made.files("segment")[0].facts["frames"] == 12 and made.files("last_frame")
    assert workspace.reports[-1][0] == 1.0
