"""Location plates: procedural matte paintings from a location's preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.grade import graded
from pipeline.adapters.backends.animatic.painting import Painting
from pipeline.adapters.backends.animatic.parameters import color, group, number, pick
from pipeline.adapters.backends.animatic.scenery import SCENERY

PAINTED_SIDE = 1600  # a soft painting has no more detail than this; larger frames show it enlarged

# The kind of scenery a preset or prompt word stands for; the first word found decides.
KINDS = {
    "interior": "interior", "room": "interior", "office": "interior", "apartment": "interior", "kitchen": "interior",
    "bedroom": "interior", "studio": "cyclorama", "cyclorama": "cyclorama", "lab": "interior", "laboratory": "interior",
    "hospital": "interior", "spaceship": "corridor", "corridor": "corridor", "tunnel": "corridor", "sci": "corridor",
    "bunker": "corridor", "dungeon": "corridor", "club": "stage", "stage": "stage", "theatre": "stage", "theater": "stage",
    "bar": "stage", "industrial": "warehouse", "warehouse": "warehouse", "factory": "warehouse", "hangar": "warehouse",
    "garage": "warehouse", "city": "city", "urban": "city", "street": "city", "downtown": "city", "rooftop": "city",
    "neon": "city", "cyberpunk": "city", "suburb": "village", "suburban": "village", "village": "village",
    "town": "village", "forest": "forest", "woods": "forest", "jungle": "forest", "park": "forest", "garden": "forest",
    "desert": "desert", "dunes": "desert", "beach": "sea", "sea": "sea", "ocean": "sea", "coast": "sea", "lake": "sea",
    "harbor": "harbor", "harbour": "harbor", "port": "harbor", "docks": "harbor", "dock": "harbor", "mountain": "mountains",
    "mountains": "mountains", "snow": "mountains", "alpine": "mountains", "castle": "castle", "fantasy": "castle",
    "medieval": "castle", "ruins": "castle", "field": "fields", "fields": "fields", "farm": "fields",
    "countryside": "fields", "meadow": "fields", "rural": "fields",
}  # fmt: skip
# The same by the kind of shapes that a location preset names.
SILHOUETTES = {
    "beams": "warehouse", "skyline": "city", "cranes": "harbor", "trees": "forest", "dunes": "desert",
    "mountains": "mountains", "none": "cyclorama", "interior": "interior", "curtains": "stage",
}  # fmt: skip
NIGHT = ("night", "midnight", "neon", "club")
WARM = ("sunset", "sunrise", "dusk", "dawn", "golden", "evening")


def paint_plate(values: Mapping[str, Any], width: int, height: int) -> np.ndarray:
    """The plate of a location, RGB uint8 (height, width, 3). The same request always paints the same place."""
    scale = min(1.0, PAINTED_SIDE / max(width, height))
    painted = _painted(values, max(16, round(width * scale)), max(16, round(height * scale)))
    if painted.shape[:2] != (height, width):
        painted = cv2.resize(painted, (width, height), interpolation=cv2.INTER_CUBIC)
    return graded(painted, group(values, "style"))


def _painted(values: Mapping[str, Any], width: int, height: int) -> np.ndarray:
    look = group(values, "look")
    words = _words(values)
    kind = next((KINDS[word] for word in words if word in KINDS), SILHOUETTES.get(str(look.get("silhouettes")), "fields"))
    sky_top, horizon_color, ground, light = _palette(words, kind)
    painting = Painting(
        width=width,
        height=height,
        pick=pick("plate", values.get("location"), values.get("preset"), values.get("seed", 0)),
        sky_top=color(look, "sky_top", sky_top),
        sky_low=color(look, "sky_bottom", horizon_color),
        ground=color(look, "ground", ground),
        light=color(look, "light", light),
        sun=(number(look, "light_x", 0.68), number(look, "light_y", 0.28)),
        density=float(np.clip(number(look, "density", 0.6), 0, 1)),
        horizon=float(np.clip(number(look, "horizon", 0.62), 0.25, 0.9)),
        haze=float(np.clip(number(look, "haze", 0.45), 0, 1)),
        night=any(word in NIGHT for word in words),
    )
    SCENERY[kind](painting)
    return _finished(painting)


def _words(values: Mapping[str, Any]) -> list[str]:
    # The preset says it best; the name of the place and its prompt come after.
    told = " ".join(str(values.get(key) or "") for key in ("preset", "location", "hdri", "prompt"))
    return "".join(sign if sign.isalnum() else " " for sign in told.lower()).split()


def _palette(words: list[str], kind: str) -> tuple[str, str, str, str]:
    if any(word in NIGHT for word in words):
        return "#0b1230", "#3b3a6b", "#14161f", "#ffc27a"
    if any(word in WARM for word in words):
        return "#3b4a7d", "#f2a566", "#3a2f30", "#ffd9a0"
    return {
        "warehouse": ("#2b3138", "#8d949a", "#3b3833", "#f4e3c0"),
        "corridor": ("#141a22", "#5d7f92", "#1d232a", "#a8e4ff"),
        "interior": ("#4d463f", "#a8998a", "#5b4635", "#ffe2b4"),
        "stage": ("#120b1c", "#48235c", "#170e1f", "#ff6fb2"),
        "forest": ("#8fb1b5", "#dfe6cf", "#2f3b24", "#fff1c4"),
        "desert": ("#5f95c4", "#f0d9ae", "#c39a63", "#fff0cc"),
        "mountains": ("#5a86b8", "#d9e4ec", "#5d6b63", "#fff6e3"),
        "harbor": ("#5b7796", "#e2c9a8", "#28343d", "#ffdca8"),
        "sea": ("#4f8fc9", "#dcebf0", "#2d6c84", "#fff3d6"),
    }.get(kind, ("#5d8ec2", "#e3e6df", "#4c5a3c", "#fff0cf"))


def _finished(painting: Painting) -> np.ndarray:
    """Bloom round the lights, a touch of canvas texture, and rounding."""
    picture = painting.pixels
    small = cv2.resize(picture, (max(8, painting.width // 8), max(8, painting.height // 8)), interpolation=cv2.INTER_AREA)
    bloom = cv2.resize(
        cv2.GaussianBlur(np.clip(small - 150, 0, 255), (0, 0), 3),
        (painting.width, painting.height),
        interpolation=cv2.INTER_LINEAR,
    )
    texture = cv2.GaussianBlur(painting.pick.normal(0, 1, picture.shape[:2]).astype(np.float32), (0, 0), 0.8)
    return (np.clip(picture + bloom * 0.35 + texture[:, :, None] * 3.0, 0, 255) + 0.5).astype(np.uint8)
