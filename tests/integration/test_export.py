"""Exports come out in the size, rate, length and colours that the format asks for."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.adapters.media.export import export
from pipeline.adapters.media.retro import DITHERS, LUMA
from pipeline.domain.errors import WorkFailed
from tests.fakes_workspace import FakeWorkspace
from tests.packaging_factories import codec_of, file_input, frames_of, make_clip, request

GAMEBOY = [[15, 56, 15], [48, 98, 48], [139, 172, 15], [155, 188, 15]]
PALETTES = {
    "gameboy": GAMEBOY,
    "snes": {"bits": [5, 5, 5], "max_colors": 256},
    "genesis": {"bits": [3, 3, 3], "max_colors": 64},
    "vga": {"bits": [6, 6, 6], "max_colors": 256},
}


def exported(tmp_path: Path, clip: Path, **settings):
    workspace = FakeWorkspace(tmp_path)
    result = export(request("export", [file_input(clip, "scene")], format=settings, label="one"), workspace)
    return result, workspace


def frames_of_gif(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        frames = []
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
    return frames


def test_a_scene_that_already_matches_is_copied(tmp_path):
    clip = make_clip(tmp_path / "a.mp4")
    result, workspace = exported(tmp_path, clip, codec="h264", container="mp4", width=128, height=72, fps=24)
    assert result.values["method"] == "stream copy"
    copied = frames_of(workspace.stored(result.files("export")[0].sha256))
    assert all(np.array_equal(one, other) for one, other in zip(copied, frames_of(clip), strict=True))


def test_streaming_is_h264_scaled_with_the_index_first(tmp_path):
    clip = make_clip(tmp_path / "a.mp4")
    result, workspace = exported(tmp_path, clip, codec="h264", container="mp4", width=320, height=240, faststart=True)
    output = result.files("export")[0]
    assert (output.facts["width"], output.facts["height"], output.facts["frames"]) == (320, 240, 12)
    data = workspace.stored(output.sha256).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("fit", "has_bars"), [("contain", True), ("cover", False), ("stretch", False)])
def test_fit_puts_bars_only_when_it_must(tmp_path, fit, has_bars):
    clip = make_clip(tmp_path / "a.mp4")
    result, workspace = exported(tmp_path, clip, width=128, height=128, fit=fit)
    picture = frames_of(workspace.stored(result.files("export")[0].sha256))[0]
    assert (picture[:8].max() < 12) == has_bars


@pytest.mark.parametrize(("fps", "frames"), [(12, 10), (30, 25), (25, 21), (24, 20)])
def test_another_rate_keeps_the_duration(tmp_path, fps, frames):
    clip = make_clip(tmp_path / "a.mp4", frames=20)
    facts = exported(tmp_path, clip, fps=fps, width=128, height=80)[0].files("export")[0].facts
    assert (facts["frames"], facts["fps"]) == (frames, fps)


def test_cinema_is_prores_4444_at_24_fps(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=3, fps=12)
    settings = {"codec": "prores_4444", "container": "mov", "width": 512, "height": 270, "fps": 24}
    result, workspace = exported(tmp_path, clip, **settings)
    output = result.files("export")[0]
    codec, profile, _ = codec_of(workspace.stored(output.sha256))
    assert (codec, profile, output.facts["frames"], output.facts["fps"]) == ("prores", "4444", 6, 24)
    assert output.media_type == "video/quicktime"


def test_vp9_goes_into_webm(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=6)
    result, _ = exported(tmp_path, clip, codec="vp9", container="webm")
    assert result.files("export")[0].facts["codec"] == "vp9"


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("dither", DITHERS)
def test_every_pixel_of_a_retro_export_is_in_the_palette(tmp_path, palette, dither):
    clip = make_clip(tmp_path / "a.mp4", frames=6)
    retro = {"palette": PALETTES[palette], "dither": dither, "sprite_columns": 4}
    result, workspace = exported(tmp_path, clip, name="16bit_game", width=64, height=56, retro=retro)
    loop = frames_of_gif(workspace.stored(result.files("export")[0].sha256))
    with Image.open(workspace.stored(result.files("sprite_sheet")[0].sha256)) as sheet:
        assert sheet.size == (256, 112)
        sprites = np.asarray(sheet.convert("RGB"))
    assert len(loop) == 6
    assert np.array_equal(sprites[:56, 64:128], loop[1])
    colours = {tuple(int(value) for value in colour) for colour in np.concatenate(loop).reshape(-1, 3)}
    if isinstance(PALETTES[palette], list):
        assert colours <= {tuple(colour) for colour in GAMEBOY}
    else:
        top = (1 << PALETTES[palette]["bits"][0]) - 1
        levels = {round(value / top * 255) for value in range(top + 1)}
        assert len(colours) <= PALETTES[palette]["max_colors"]
        assert all(value in levels for colour in colours for value in colour)


@pytest.mark.parametrize("dither", DITHERS)
def test_dithering_keeps_the_mean_brightness_near(tmp_path, dither):
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    grey = [[level, level, level] for level in (0, 85, 170, 255)]
    result, workspace = exported(tmp_path, clip, width=64, height=36, retro={"palette": grey, "dither": dither})
    loop = frames_of_gif(workspace.stored(result.files("export")[0].sha256))
    wanted = float(np.mean(frames_of(clip)[0] @ LUMA))
    assert float(np.mean(loop[0] @ LUMA)) == pytest.approx(wanted, abs=20 if dither == "none" else 6)


def test_a_few_shades_of_one_hue_are_matched_by_brightness(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=1)
    result, workspace = exported(tmp_path, clip, width=64, height=36, retro={"palette": GAMEBOY[::-1], "dither": "ordered"})
    loop = frames_of_gif(workspace.stored(result.files("export")[0].sha256))[0]
    picture = frames_of(clip)[0][::2, ::2].astype(float) @ LUMA
    assert len(np.unique(loop.reshape(-1, 3), axis=0)) >= 3
    assert np.corrcoef(loop[..., 1].ravel(), picture.ravel())[0, 1] > 0.7


def test_a_loop_runs_for_ever_lasts_as_long_as_the_scene_and_keeps_still_frames(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=24, start=0)
    result, workspace = exported(tmp_path, clip, codec="gif", container="gif", width=64, height=36, fps=24)
    path = workspace.stored(result.files("export")[0].sha256)
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        assert image.n_frames == 24
    assert result.files("export")[0].facts["duration_s"] == pytest.approx(1.0)
    assert not result.files("sprite_sheet")


def test_pixel_size_enlarges_the_clip_but_not_the_sheet(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    retro = {"palette": GAMEBOY, "pixel_size": 3, "sprite_columns": 2}
    result, _ = exported(tmp_path, clip, width=32, height=16, retro=retro)
    assert (result.files("export")[0].facts["width"], result.files("sprite_sheet")[0].facts["frame_width"]) == (96, 32)


@pytest.mark.parametrize(
    "settings",
    [
        {"codec": "h264", "width": 96, "height": 54, "fps": 12},
        {"codec": "prores_422", "container": "mov", "width": 96, "height": 54},
        {"width": 64, "height": 56, "retro": {"palette": PALETTES["snes"], "dither": "atkinson"}},
    ],
)
def test_the_same_scene_gives_the_same_bytes(tmp_path, settings):
    clip = make_clip(tmp_path / "a.mp4")
    first, second = (exported(tmp_path, clip, **settings)[0].outputs for _ in range(2))
    assert [output.sha256 for output in first] == [output.sha256 for output in second]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"codec": "theora"}, 'Unknown codec "theora"'),
        ({"codec": "prores_4444", "container": "mp4"}, "cannot hold prores_4444"),
        ({"width": 127}, "even width and height"),
        ({"width": 64, "fit": "squeeze"}, 'Unknown fit "squeeze"'),
        ({"bitrate": "fast"}, "not a bit rate"),
        ({"retro": {"palette": "snes"}}, "is a name, not colours"),
        ({"retro": {"palette": GAMEBOY, "dither": "riemersma"}}, "Unknown dither"),
        ({"width": 100_000}, "cannot be exported"),
    ],
)
def test_impossible_formats_are_refused_by_name(tmp_path, settings, words):
    with pytest.raises(WorkFailed, match=words) as caught:
        exported(tmp_path, make_clip(tmp_path / "a.mp4", frames=2), **settings)
    assert caught.value.failure_class == "bad_input"


def test_one_second_to_720p_is_quick(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", width=480, height=270, frames=24)
    started = time.process_time()
    exported(tmp_path, clip, codec="h264", container="mp4", width=1280, height=720)
    assert time.process_time() - started < 2.0  # 0.2 s on one core; the margin is for busy machines
