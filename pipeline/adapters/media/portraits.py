"""Paints one character: backdrop, costume, head, hair and face, lit from one side."""

from __future__ import annotations

import numpy as np

from pipeline.adapters.media.canvas import Canvas
from pipeline.adapters.media.portrait_extras import EXTRAS
from pipeline.adapters.media.portrait_hair import HAIR_STYLES
from pipeline.adapters.media.portrait_look import HALF_HEIGHT, HEAD, Look
from pipeline.adapters.media.portrait_outfits import OUTFITS

SIDE = 768
SHOULDERS = [(0.5, 0.60), (0.61, 0.655), (0.74, 0.70), (0.825, 0.77), (0.86, 0.90), (0.875, 1.08), (0.5, 1.10)]


def paint(look: Look, side: int = SIDE) -> np.ndarray:
    """The whole portrait, RGB uint8, shape (side, side, 3)."""
    canvas = Canvas(side)
    _backdrop(canvas, look)
    hair = HAIR_STYLES[look.hair_style](canvas, look)
    _paint_hair(canvas, look, hair.back)
    _neck(canvas, look)
    _costume(canvas, look)
    head = _head(canvas, look)
    _face(canvas, look)
    EXTRAS[look.extra](canvas, look, head)
    _paint_hair(canvas, look, hair.front)
    _finish(canvas, look)
    return canvas.finished()


def mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A closed outline from its right half, top to bottom."""
    return points + [(1 - x, y) for x, y in reversed(points)]


def _backdrop(canvas: Canvas, look: Look) -> None:
    slope = np.clip(0.25 + 0.55 * (1 - canvas.y) + 0.2 * look.light_side * (canvas.x - 0.5), 0, 1)[:, :, None]
    canvas.pixels[:] = look.backdrop * 0.38 + (look.backdrop * 1.15 - look.backdrop * 0.38) * slope
    halo = np.exp(-((canvas.x - 0.5) ** 2 / 0.09 + (canvas.y - 0.36) ** 2 / 0.08))
    canvas.glow(halo, look.backdrop * 0.5 + 60, 0.5)
    pick = np.random.default_rng(look.seed)
    for _ in range(7):
        center, radius = (pick.uniform(0, 1), pick.uniform(0, 0.75)), pick.uniform(0.03, 0.09)
        canvas.glow(
            canvas.blur(canvas.ellipse(center, (radius, radius)), 0.006), look.accent * 0.3 + 60, pick.uniform(0.05, 0.13)
        )


def _neck(canvas: Canvas, look: Look) -> None:
    wide = 0.062 * look.face_width
    neck = canvas.smooth(mirrored([(0.5 + wide, 0.50), (0.5 + wide * 0.95, 0.60), (0.5 + wide * 1.5, 0.655), (0.53, 0.73)]))
    canvas.fill(neck, look.skin * 0.86)
    under_chin = canvas.blur(canvas.ellipse((0.5, 0.535), (0.11, 0.075)), 0.018)
    canvas.shade(neck * under_chin, -0.42)


def _costume(canvas: Canvas, look: Look) -> None:
    body = canvas.smooth(mirrored(SHOULDERS[1:-1]))
    canvas.fill(body, look.outfit)
    canvas.shade(body, 0.22 - 0.75 * np.clip(canvas.y - 0.66, 0, 1))
    canvas.shade(body, 0.22 * look.light_side * (canvas.x - 0.5) * 2)
    canvas.glow(
        canvas.rim(body, look.light_side, 0.016) * np.clip(np.abs(canvas.x - 0.5) * 10 - 1, 0, 1), look.accent * 0.5 + 110, 0.5
    )
    OUTFITS[look.outfit_style](canvas, look, body)
    for fold in (-1, 1):
        line = canvas.stroke([(0.5 + fold * 0.25, 0.84), (0.5 + fold * 0.265, 0.92), (0.5 + fold * 0.25, 1.0)], 0.012)
        canvas.shade(body * canvas.blur(line, 0.008), -0.45)


def _head(canvas: Canvas, look: Look) -> np.ndarray:
    (x, y), wide, tall = HEAD, look.half_width, HALF_HEIGHT
    for side in (-1, 1):
        ear = canvas.ellipse((x + side * wide * 0.99, y + 0.02), (0.026, 0.043), side * -8)
        canvas.fill(ear, look.skin * 0.9)
        canvas.shade(canvas.blur(canvas.ellipse((x + side * wide, y + 0.02), (0.011, 0.024)), 0.004), -0.25)
    chin = wide * look.jaw * 0.42
    outline = [
        (x, y - tall),
        (x + wide * 0.62, y - tall * 0.86),
        (x + wide, y - tall * 0.28),
        (x + wide * 0.97, y + tall * 0.22),
        (x + wide * look.jaw, y + tall * 0.62),
        (x + chin, y + tall * 0.95),
        (x, y + tall * 1.01),
    ]
    head = canvas.smooth(outline + [(1 - px, py) for px, py in reversed(outline[1:-1])])
    canvas.fill(head, look.skin)
    side_light = look.light_side * (canvas.x - 0.5) / wide
    canvas.shade(head, np.clip(0.10 * side_light + 0.06 - 0.16 * np.clip(-side_light - 0.15, 0, 1), -0.4, 0.4))
    canvas.shade(head, -0.22 * np.clip((canvas.y - y - tall * 0.45) / tall, 0, 1))
    for side in (-1, 1):
        blush = canvas.blur(canvas.ellipse((x + side * wide * 0.58, y + 0.072), (0.036, 0.024)), 0.02)
        canvas.fill(blush * head, look.skin * np.float32([1.0, 0.68, 0.66]), 0.4)
    canvas.glow(canvas.rim(head, look.light_side, 0.013), look.accent * 0.4 + 120, 0.4)
    return head


def _face(canvas: Canvas, look: Look) -> None:
    for side in (-1, 1):
        _eye(canvas, look, side)
        _brow(canvas, look, side)
    _nose(canvas, look)
    _mouth(canvas, look)


def _eye(canvas: Canvas, look: Look, side: int) -> None:
    x, y, big = 0.5 + side * 0.062 * look.eye_gap, HEAD[1] + 0.012, look.eye_size
    socket = canvas.blur(canvas.ellipse((x, y - 0.006), (0.045, 0.032)), 0.014)
    canvas.shade(socket, -0.2)
    inner, outer = x - side * 0.034 * big, x + side * 0.036 * big
    almond = canvas.smooth([(inner, y + 0.004), (x, y - 0.0205 * big), (outer, y - 0.003), (x, y + 0.0165 * big)])
    canvas.fill(almond, np.float32([246, 243, 238]))
    canvas.shade(almond * canvas.ellipse((x, y - 0.026 * big), (0.045, 0.02)), -0.25)
    iris = canvas.ellipse((x, y - 0.001), (0.0172 * big, 0.0172 * big)) * almond
    canvas.fill(iris, look.iris)
    canvas.shade(iris * canvas.ellipse((x, y - 0.012), (0.03, 0.012)), -0.5)
    canvas.fill(canvas.ellipse((x, y - 0.001), (0.0078 * big, 0.0078 * big)) * almond, np.float32([14, 12, 14]))
    canvas.fill(canvas.ellipse((x + look.light_side * 0.006, y - 0.007), (0.0045, 0.0045)), np.float32([255, 255, 255]))
    lid = canvas.stroke([(inner, y + 0.003), (x, y - 0.0215 * big), (outer + side * 0.006, y - 0.006)], 0.0085)
    canvas.fill(lid, np.minimum(look.hair, 60) * 0.6)
    crease = canvas.stroke([(inner, y - 0.012), (x, y - 0.034 * big), (outer, y - 0.018)], 0.004)
    canvas.shade(crease, -0.28)


def _brow(canvas: Canvas, look: Look, side: int) -> None:
    x, y = 0.5 + side * 0.064 * look.eye_gap, HEAD[1] - 0.044
    tilt = look.brow_tilt * 0.03
    brow = canvas.smooth(
        [
            (x - side * 0.042, y + 0.006 + tilt),
            (x - side * 0.005, y - 0.012),
            (x + side * 0.046, y + 0.002 - tilt),
            (x - side * 0.002, y + 0.001),
            (x - side * 0.042, y + 0.016 + tilt),
        ]
    )
    canvas.fill(brow, look.hair * 0.62, 0.95)


def _nose(canvas: Canvas, look: Look) -> None:
    x, y, dark = 0.5, HEAD[1] + 0.068, -look.light_side
    bridge = canvas.stroke([(x + dark * 0.012, y - 0.055), (x + dark * 0.015, y - 0.02), (x + dark * 0.026, y + 0.004)], 0.011)
    canvas.shade(canvas.blur(bridge, 0.006), -0.3)
    canvas.shade(canvas.blur(canvas.ellipse((x, y + 0.012), (0.026, 0.009)), 0.005), -0.34)
    for side in (-1, 1):
        canvas.shade(canvas.ellipse((x + side * 0.0135, y + 0.0105), (0.0058, 0.0034)), -0.55)
    canvas.glow(canvas.blur(canvas.ellipse((x + look.light_side * 0.003, y - 0.006), (0.008, 0.011)), 0.005), look.skin, 0.2)


def _mouth(canvas: Canvas, look: Look) -> None:
    x, y, wide = 0.5, HEAD[1] + 0.122, 0.047
    lift = look.mouth_curve * 0.013
    corner_y = y - lift
    upper = canvas.smooth(
        [
            (x - wide, corner_y),
            (x - 0.014, y - 0.011),
            (x, y - 0.007),
            (x + 0.014, y - 0.011),
            (x + wide, corner_y),
            (x, y + 0.003 + lift * 0.5),
        ]
    )
    lower = canvas.smooth(
        [(x - wide, corner_y), (x, y + 0.002 + lift * 0.5), (x + wide, corner_y), (x + 0.02, y + 0.0185), (x - 0.02, y + 0.0185)]
    )
    lips = look.skin * np.float32([0.83, 0.52, 0.50])
    canvas.fill(lower, lips * 1.08)
    canvas.fill(upper, lips * 0.82)
    canvas.fill(canvas.stroke([(x - wide, corner_y), (x, y + 0.002 + lift * 0.5), (x + wide, corner_y)], 0.004), lips * 0.4)
    canvas.glow(canvas.blur(canvas.ellipse((x + look.light_side * 0.008, y + 0.010), (0.014, 0.0035)), 0.003), look.skin, 0.25)
    canvas.shade(canvas.blur(canvas.ellipse((x, y + 0.032), (0.026, 0.006)), 0.007), -0.22)


def _paint_hair(canvas: Canvas, look: Look, mask: np.ndarray | None) -> None:
    """Hair: colour, strands along the growth, a soft sheen, a lit edge; it throws a little shadow on what lies behind."""
    if mask is None:
        return
    canvas.shade(canvas.blur(mask, 0.012) * (1 - mask), -0.28)
    canvas.fill(mask, look.hair)
    pick = np.random.default_rng(look.seed + 1)
    around = np.arctan2(canvas.x - 0.5, 0.62 - canvas.y)
    strands = np.zeros_like(canvas.x)
    for waves in (31.0, 57.0, 93.0):
        strands += np.sin(around * waves + pick.uniform(0, 6) + 3 * np.sin(canvas.y * 9 + pick.uniform(0, 6)))
    canvas.shade(mask, strands * 0.055 - 0.12)
    top = np.hypot((canvas.x - 0.5 - look.light_side * 0.05) / 0.2, (canvas.y - 0.27) / 0.075)
    canvas.glow(mask * np.exp(-((top - 1.0) ** 2) / 0.12) * np.clip(0.42 - canvas.y, 0, 1) * 3, look.hair * 0.7 + 45, 0.55)
    canvas.glow(canvas.rim(mask, look.light_side, 0.013), look.accent * 0.4 + 130, 0.5)


def _finish(canvas: Canvas, look: Look) -> None:
    edge = np.hypot((canvas.x - 0.5) / 0.75, (canvas.y - 0.48) / 0.8)
    canvas.shade(np.ones_like(edge), -0.42 * np.clip(edge - 0.45, 0, 1))
    # A breath of grain: flat colour gives feature detectors nothing to hold on to and looks like plastic.
    grain = np.random.default_rng(look.seed + 2).normal(0, 2.2, canvas.x.shape).astype(np.float32)
    canvas.pixels += grain[:, :, None]
