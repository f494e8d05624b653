"""The preset files hold what the rest of Stripboard reads from them."""

from __future__ import annotations

from pipeline.domain.presets import KINDS
from pipeline.domain.validation.outputs import CONTAINERS_OF
from tests.production_documents import body, errors, issues, presets

GRADE = {"lift", "gamma", "gain", "contrast", "saturation", "tint_shadows", "tint_highlights", "vignette", "grain"}
LOOK = {"horizon", "sky_top", "sky_bottom", "ground", "silhouettes", "density", "haze", "light", "light_x", "light_y"}
CAMERA = {"zoom_from", "zoom_to", "dx", "dy", "parallax", "shake", "roll"}


def test_there_is_enough_to_choose_from() -> None:
    counts = {kind: len(presets().table(kind)) for kind in KINDS}
    assert counts["styles"] >= 8 and counts["locations"] >= 8 and counts["shots"] >= 10
    for name in ("cinema_4k", "streaming_1080p", "16bit_game", "webm_720p", "vertical_1080x1920", "preview_360p"):
        assert name in presets().formats
    assert {"snes", "genesis", "gameboy", "nes", "vga"} <= set(presets().palettes)


def test_presets_hold_all_their_numbers() -> None:
    assert all(set(style["grade"]) == GRADE and style["prompt"] for style in presets().styles.values())
    assert all(set(place["look"]) == LOOK and place["prompt"] for place in presets().locations.values())
    assert all(set(move) == CAMERA for move in presets().cameras.values())


def test_palettes_are_colours_or_bits() -> None:
    for palette in presets().palettes.values():
        if "colors" in palette:
            assert all(len(color) == 3 and all(0 <= value <= 255 for value in color) for color in palette["colors"])
        else:
            assert len(palette["bits"]) == 3 and 2 <= palette["max_colors"] <= 256


def test_every_preset_makes_a_valid_production() -> None:
    outputs = [{"format": name, "path": name} for name in presets().formats]
    places = [{"name": name, "preset": name} for name in presets().locations]
    shots = [{"template": name, "character": "Mara", "variant": "casual", "location": "harbor"} for name in presets().shots]
    for style in presets().styles:
        found = issues(body(style={"preset": style}, outputs=outputs, locations=places, shots=shots))
        assert errors(found) == []


def test_cinema_4k_is_what_it_says() -> None:
    cinema = presets().formats["cinema_4k"]
    assert (cinema["width"], cinema["height"], cinema["codec"], cinema["fps"]) == (4096, 2160, "prores_4444", 24)
    assert all(entry["container"] in CONTAINERS_OF[entry["codec"]] for entry in presets().formats.values())
