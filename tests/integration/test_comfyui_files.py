"""Files of a server brought into form: animations whose equal frames were stored as one, and previews of whatever kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.adapters.backends.comfyui.files import keep_preview, take_in
from pipeline.adapters.media.images import probe_image
from pipeline.adapters.storage.workspace import PREVIEW, Spool
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Request
from tests.comfyui import new_request


def request() -> Request:
    """A segment of 6 frames of 64x48 pixels at 25 frames a second."""
    return new_request("scene_generation", "http://a", (), {"frames": 6, "fps": 25, "width": 64, "height": 48})


def animation(path: Path, shown_ms: list[int]) -> Path:
    """An animated WebP whose frames are shown so long."""
    pictures = [Image.fromarray(np.full((48, 64, 3), 40 * number, np.uint8)) for number in range(len(shown_ms))]
    pictures[0].save(path, "WEBP", save_all=True, append_images=pictures[1:], duration=shown_ms, lossless=True)
    return path


def taken(tmp_path: Path, file: Path, asked: Request) -> int:
    """How many frames the segment has that was made of it."""
    spool = Spool(tmp_path / "spool", tmp_path / "media")
    spool.begin(asked)
    [segment] = take_in(spool, asked, [file], seconds=1.0).files("segment")
    return int(segment.facts["frames"])


@pytest.mark.parametrize("shown_ms", [[40] * 6, [40, 120, 80], [200, 40]])
def test_equal_frames_that_were_stored_as_one_count_as_many(tmp_path: Path, shown_ms: list[int]) -> None:
    assert taken(tmp_path, animation(tmp_path / "a", shown_ms), request()) == 6


@pytest.mark.parametrize("shown_ms", [[40] * 5, [40] * 7, [40, 60, 40, 40, 40, 40], [40, 100_000], [33] * 6])
def test_an_animation_of_another_rate_or_length_is_corrupt(tmp_path: Path, shown_ms: list[int]) -> None:
    with pytest.raises(WorkFailed) as failure:
        taken(tmp_path, animation(tmp_path / "a", shown_ms), request())
    assert failure.value.failure_class == "corrupt_output"


def test_a_large_preview_becomes_a_small_jpeg_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (2000, 1000), (9, 9, 200)).save(tmp_path / "large.png")
    keep_preview((tmp_path / "large.png").read_bytes(), tmp_path)
    facts = probe_image(tmp_path / PREVIEW)
    assert (facts.format, facts.width, facts.height) == ("JPEG", 512, 256)
    before = (tmp_path / PREVIEW).read_bytes()
    for bad in (b"", b"no picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (10**6).to_bytes(4) * 2):
        keep_preview(bad, tmp_path)
    assert (tmp_path / PREVIEW).read_bytes() == before
    keep_preview(before, tmp_path / "cleared away")
    assert not (tmp_path / "cleared away").exists()
