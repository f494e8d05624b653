from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.adapters.backends.animatic import render_segment, render_still
from pipeline.adapters.backends.animatic.confidence import trusted
from pipeline.adapters.backends.animatic.cutout import Figure, find_figure
from pipeline.adapters.backends.animatic.layers import layers_of
from pipeline.adapters.backends.animatic.matte import kept_matte
from pipeline.adapters.backends.animatic.outline import read_outline
from pipeline.adapters.media.images import open_image, write_png
from pipeline.adapters.media.portrait_look import HALF_HEIGHT, HEAD, Look
from pipeline.adapters.media.portraits import paint
from pipeline.adapters.media.samples import look_of
from pipeline.adapters.media.video import probe
from pipeline.domain.work import InputFile
from tests.fakes_workspace import FakeWorkspace
from tests.media_factories import input_file, request, texture

SIDE = 256
FIRST = (
    "Mara", "Idris", "Yuki", "Tomas", "Noor", "Celeste", "Okoro", "Lena", "Viktor", "Paloma", "Tariq", "Amara", "Tess", "Lars",
)  # fmt: skip
LAST = ("Vell", "Voss", "Navarro")
NAMES = [f"{first} {last}" for first in FIRST for last in LAST]


@pytest.fixture
def workspace(tmp_path) -> FakeWorkspace:
    return FakeWorkspace(tmp_path / "work")


@pytest.fixture(scope="module")
def portraits() -> dict[str, tuple[Look, np.ndarray]]:
    return {name: (look_of(name), paint(look_of(name), SIDE)) for name in NAMES}


def place(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return columns, rows


def face_of(look: Look) -> np.ndarray:
    columns, rows = place(SIDE, SIDE)
    return ((columns - HEAD[0]) / (look.half_width * 0.9)) ** 2 + ((rows - HEAD[1]) / (HALF_HEIGHT * 0.9)) ** 2 < 1


def landscape() -> np.ndarray:
    columns, rows = place(480, 320)
    sky = np.dstack([90 + 120 * rows, 140 + 60 * rows, np.full_like(rows, 210)])
    for base, tone in ((0.5, (110, 120, 140)), (0.62, (70, 100, 80)), (0.78, (40, 70, 45))):
        sky[rows > base + 0.06 * np.sin(columns * 9 + base * 20)] = tone
    return (sky + np.random.default_rng(1).normal(0, 4, sky.shape)).clip(0, 255).astype(np.uint8)


def bricks(width: int, height: int) -> np.ndarray:
    wall = np.full((height, width, 3), (150, 80, 60), np.uint8)
    wall[::12] = wall[1::12] = (190, 180, 170)
    wall[:, ::24] = wall[:, 1::24] = (190, 180, 170)
    return wall


def before(ground: np.ndarray) -> np.ndarray:
    """A head and shoulders before another ground."""
    figure = find_figure(paint(look_of("Mara Vell"), SIDE))
    cover = figure.mask[:, :, None]
    return (paint(look_of("Mara Vell"), SIDE) * cover + ground * (1 - cover)).astype(np.uint8)


UNCLEAR = {
    "landscape": landscape,
    "bricks": lambda: before(bricks(SIDE, SIDE)),
    "busy": lambda: before(texture(SIDE, SIDE)),
    "texture": lambda: texture(300, 400),
    "flat": lambda: np.full((60, 60, 3), 90, np.uint8),
    "thin": lambda: texture(30, 500),
}


def still(workspace: FakeWorkspace, source: Path, **changes) -> InputFile:
    asked = {
        "character": "Mara", "variant": "formal", "prompt": "evening suit", "seed": 7, "candidate": 1,
        "width": 320, "height": 180, "framing": "medium", "style": {},
    }  # fmt: skip
    made = render_still(request("variant_generation", [input_file(source, "source")], **(asked | changes)), workspace)
    return workspace.input_of(made.outputs[0], "still")


@pytest.mark.parametrize("name", NAMES)
def test_a_drawn_character_keeps_its_face_and_leaves_its_backdrop(portraits, name):
    look, picture = portraits[name]

    figure = find_figure(picture)

    columns, rows = place(SIDE, SIDE)
    corners = (rows < 0.12) & (np.abs(columns - 0.5) > 0.3)
    assert figure.stands_apart
    assert figure.mask[face_of(look)].mean() > 0.98
    assert figure.mask[face_of(look)].min() > 0.5
    assert figure.mask[(rows > 0.9) & (np.abs(columns - 0.5) < 0.2)].mean() > 0.98
    assert figure.mask[corners].mean() < 0.01
    assert figure.top / SIDE < HEAD[1] - HALF_HEIGHT * 0.7 < HEAD[1] < figure.chin / SIDE


def test_the_backdrop_between_a_ponytail_and_the_neck_is_left_out(portraits):
    tailed = [(look, picture) for look, picture in portraits.values() if look.hair_style == "ponytail"]

    assert tailed
    for look, picture in tailed:
        gap, tail = (int(SIDE * (0.5 + look.light_side * across)) for across in (0.165, 0.235))
        mask = find_figure(picture).mask
        assert mask[int(SIDE * 0.5), gap] < 0.3
        assert mask[int(SIDE * 0.45), tail] > 0.7


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_picture_without_a_clear_figure_is_shown_whole(workspace, tmp_path, kind):
    write_png(UNCLEAR[kind](), tmp_path / "source.png")

    one, same = (still(workspace, tmp_path / "source.png") for _ in range(2))
    other = still(workspace, tmp_path / "source.png", candidate=2)

    assert not find_figure(UNCLEAR[kind]()).stands_apart
    assert one.sha256 == same.sha256 != other.sha256
    assert open_image(Path(one.path)).shape == (180, 320, 3)
    assert not kept_matte(Path(one.path), 320, 180).stands_apart


def test_a_whole_picture_moves_as_one_layer_also_before_a_plate(workspace, tmp_path):
    write_png(UNCLEAR["bricks"](), tmp_path / "source.png")
    write_png(landscape(), tmp_path / "plate.png")
    shown, plate = still(workspace, tmp_path / "source.png"), input_file(tmp_path / "plate.png", "plate")

    layers = layers_of(
        shown.path, shown.sha256, plate_path=plate.path, plate_sha256=plate.sha256,
        framing="medium", width=320, height=180, has_figure=True,
    )  # fmt: skip
    made = render_segment(
        request("scene_generation", [shown, plate], character="Mara", frames=6, fps=24, width=320, height=180, seed=1), workspace
    )

    assert layers.front is None
    assert probe(workspace.stored(made.files("segment")[0].sha256), count=True)["frames"] == 6


def test_a_whole_tall_picture_keeps_the_head_at_its_top(workspace, tmp_path):
    tall = texture(200, 400)
    cv2.circle(tall, (100, 40), 22, (255, 0, 255), -1)
    write_png(tall, tmp_path / "source.png")

    for framing in ("wide", "medium", "close_up"):
        shown = open_image(Path(still(workspace, tmp_path / "source.png", framing=framing).path)).astype(int)
        pink = (shown[:, :, 0] > 190) & (shown[:, :, 1] < 70) & (shown[:, :, 2] > 190)
        rows, columns = np.flatnonzero(pink.any(axis=1)), np.flatnonzero(pink.any(axis=0))
        assert 0.8 < rows.size / columns.size < 1.25, framing


def test_a_picture_that_is_transparent_is_cut_out_by_its_own_outline(workspace, tmp_path):
    columns, rows = place(SIDE, SIDE)
    shape = (((columns - 0.5) / 0.18) ** 2 + ((rows - 0.4) / 0.22) ** 2 < 1) | ((np.abs(columns - 0.5) < 0.35) & (rows > 0.7))
    picture = np.dstack([texture(SIDE, SIDE), shape.astype(np.uint8) * 255])
    Image.fromarray(picture).save(tmp_path / "source.png")
    Image.fromarray(np.dstack([picture[:, :, :3], np.full(shape.shape, 255, np.uint8)])).save(tmp_path / "opaque.png")

    cut, whole = (kept_matte(Path(still(workspace, tmp_path / name).path), 320, 180) for name in ("source.png", "opaque.png"))

    assert cut.stands_apart
    assert not whole.stands_apart
    assert cut.mask[100, 160] > 0.95
    assert cut.mask[:60, :60].max() < 0.05


def test_an_outline_that_lost_half_a_face_is_not_trusted(portraits):
    _look, picture = portraits["Tomas Vell"]
    reading = read_outline(cv2.resize(picture, (176, 176), interpolation=cv2.INTER_AREA))
    halved, headless, spilt = (reading.by_color.copy() for _ in range(3))
    halved[:100, :88] = 0
    headless[:100] = 0
    spilt[:60, 60:176] = 1

    assert trusted(reading)
    for wrong in (halved, headless, spilt):
        assert not trusted(replace(reading, by_color=wrong))
        assert not trusted(replace(reading, by_color=wrong, by_edges=wrong))


def test_a_whole_figure_covers_its_picture():
    figure = Figure.whole(40, 30)

    assert figure.mask.shape == (30, 40)
    assert not figure.stands_apart
    assert 0 <= figure.top < figure.chin <= figure.bottom
