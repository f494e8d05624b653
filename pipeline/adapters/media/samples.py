"""Draws stylised character portraits: the source images of the demo and of the starter templates."""

from __future__ import annotations

import colorsys
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pipeline.adapters.media.images import write_png
from pipeline.adapters.media.portrait_extras import EXTRAS
from pipeline.adapters.media.portrait_hair import HAIR_STYLES
from pipeline.adapters.media.portrait_look import Look
from pipeline.adapters.media.portrait_outfits import OUTFITS
from pipeline.adapters.media.portraits import paint

SKINS = ("#f6d7bf", "#eec09c", "#d9a27a", "#c08457", "#9a6540", "#74482c", "#553222", "#f3cdb6")
HAIRS = ("#1b1716", "#2f1f18", "#5a3420", "#8a5227", "#c58a3f", "#e3c27a", "#9c2f1d", "#5d6a78", "#d9d5cf", "#3d2416", "#7a2d5e")
FACIAL_HAIR = ("beard", "moustache")
HAIR_WITH_BEARD = ("short", "quiff", "buzz", "curls", "undercut", "afro")
OUTFITS_WITH_BEARD = ("coat", "suit", "jacket", "uniform")


def draw_character(name_or_seed: str, path: Path, size: tuple[int, int] = (768, 768)) -> None:
    """Draw the portrait that belongs to this name as PNG of `size` (width, height). Equal arguments give equal bytes."""
    width, height = size
    unit = paint(look_of(name_or_seed))
    write_png(_fit(unit, width, height), path)


def look_of(name_or_seed: str) -> Look:
    """The looks of a name. Names that differ only a little look as different as any others."""
    digest = hashlib.sha256(name_or_seed.encode()).digest()
    pick = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    hue = float(pick.random())
    # Backdrop, costume and accent stand apart on the colour circle, so that the figure reads against its ground.
    look = Look(
        seed=int.from_bytes(digest[8:12], "big"),
        skin=_rgb(SKINS[pick.integers(len(SKINS))]),
        hair=_rgb(HAIRS[pick.integers(len(HAIRS))]),
        outfit=_hsv(hue, 0.45 + 0.3 * pick.random(), 0.38 + 0.3 * pick.random()),
        accent=_hsv(hue + 0.42 + 0.2 * pick.random(), 0.65, 0.9),
        backdrop=_hsv(hue + 0.45 + 0.12 * pick.random(), 0.42, 0.62),
        iris=_hsv(float(pick.choice([0.08, 0.1, 0.35, 0.55, 0.6])), 0.6, 0.5),
        hair_style=str(pick.choice(list(HAIR_STYLES))),
        outfit_style=str(pick.choice(list(OUTFITS))),
        extra=str(pick.choice(list(EXTRAS))),
        face_width=float(pick.uniform(0.92, 1.08)),
        jaw=float(pick.uniform(0.72, 0.95)),
        eye_gap=float(pick.uniform(0.92, 1.1)),
        eye_size=float(pick.uniform(0.88, 1.15)),
        brow_tilt=float(pick.uniform(-0.25, 0.25)),
        mouth_curve=float(pick.uniform(-0.2, 1.0)),
        light_side=int(pick.choice([-1, 1])),
    )
    return _in_keeping(look, digest[12], digest[13])


def _in_keeping(look: Look, hair: int, outfit: int) -> Look:
    """Faces with a beard or a moustache wear hair and costumes that go with it; `hair` and `outfit` choose among them."""
    if look.extra not in FACIAL_HAIR:
        return look
    hair_style, outfit_style = look.hair_style, look.outfit_style
    if hair_style not in HAIR_WITH_BEARD:
        hair_style = HAIR_WITH_BEARD[hair % len(HAIR_WITH_BEARD)]
    if outfit_style == "dress":
        outfit_style = OUTFITS_WITH_BEARD[outfit % len(OUTFITS_WITH_BEARD)]
    return replace(look, hair_style=hair_style, outfit_style=outfit_style)


def _fit(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale to cover the asked size; cut evenly left and right, or off the bottom."""
    scale = max(width / picture.shape[1], height / picture.shape[0])
    grown = cv2.resize(picture, (round(picture.shape[1] * scale), round(picture.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    left = (grown.shape[1] - width) // 2
    return np.ascontiguousarray(grown[:height, left : left + width])


def _rgb(code: str) -> np.ndarray:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)


def _hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), dtype=np.float32) * 255
