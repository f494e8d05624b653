"""The colours of both themes can be read: text at 4.5 to 1 on every surface, glyphs of statuses on their own colour."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components import palette

SHEET = (Path(__file__).resolve().parents[2] / "components" / "assets" / "tokens.css").read_text()
READABLE = 4.5
TEXTS = ("text-1", "text-2", "text-3", "warn", "bad-text")
SURFACES = ("surface-0", "surface-1", "surface-2", "surface-3")


def themes() -> dict[str, dict[str, str]]:
    dark, light = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in SHEET.split('[data-theme="light"]'))
    return {"dark": dark, "light": dark | light}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_can_be_read_on_every_surface(theme: str) -> None:
    tokens = themes()[theme]
    pairs = [(text, surface) for text in TEXTS for surface in SURFACES]
    poor = {pair: contrast(tokens[pair[0]], tokens[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < READABLE} == {}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_glyph_of_every_status_can_be_read_on_its_colour(theme: str) -> None:
    tokens = themes()[theme]
    found = {status: contrast(tokens[f"status-{status}"], tokens[f"ink-{status}"]) for status in palette.GLYPHS}
    assert {status: ratio for status, ratio in found.items() if ratio < READABLE} == {}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_primary_button_can_be_read(theme: str) -> None:
    tokens = themes()[theme]
    assert contrast(tokens["accent"], tokens["accent-ink"]) >= READABLE
