"""Costumes of drawn characters: what is painted on the shoulders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.adapters.media.canvas import Canvas
from pipeline.adapters.media.portrait_look import Look

LIGHT = np.float32([238, 234, 226])
DARK = np.float32([34, 33, 40])


def _collar(canvas: Canvas, body: np.ndarray, color: np.ndarray, depth: float = 0.10) -> None:
    for side in (-1, 1):
        flap = canvas.polygon(
            [
                (0.5 + side * 0.075, 0.625),
                (0.5 + side * 0.125, 0.665),
                (0.5 + side * 0.10, 0.69 + depth),
                (0.5 + side * 0.008, 0.735),
            ]
        )
        canvas.shade(canvas.blur(flap, 0.008) * body, -0.4)
        canvas.fill(flap, color)


def _opening(canvas: Canvas, color: np.ndarray, depth: float, wide: float = 0.085) -> np.ndarray:
    opening = canvas.polygon([(0.5 - wide, 0.63), (0.5 + wide, 0.63), (0.5, 0.63 + depth)])
    canvas.fill(opening, color)
    return opening


def _buttons(canvas: Canvas, look: Look, x: float, rows: tuple[float, ...]) -> None:
    for y in rows:
        canvas.fill(canvas.ellipse((x, y), (0.0105, 0.0105)), look.accent)
        canvas.glow(canvas.ellipse((x - 0.003, y - 0.003), (0.004, 0.004)), LIGHT, 0.5)


def _suit(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    _opening(canvas, LIGHT, 0.34, 0.09)
    canvas.fill(
        canvas.polygon([(0.478, 0.70), (0.522, 0.70), (0.532, 0.735), (0.525, 1.0), (0.475, 1.0), (0.468, 0.735)]), look.accent
    )
    canvas.fill(canvas.polygon([(0.472, 0.685), (0.528, 0.685), (0.517, 0.73), (0.483, 0.73)]), look.accent * 0.8)
    for side in (-1, 1):
        lapel = canvas.polygon(
            [
                (0.5 + side * 0.085, 0.63),
                (0.5 + side * 0.155, 0.74),
                (0.5 + side * 0.125, 0.77),
                (0.5 + side * 0.145, 0.79),
                (0.5, 1.0),
            ]
        )
        canvas.shade(canvas.blur(lapel, 0.008) * body, -0.35)
        canvas.fill(lapel, look.outfit * 0.72)
    canvas.fill(canvas.polygon([(0.66, 0.84), (0.73, 0.83), (0.725, 0.855), (0.665, 0.865)]), LIGHT)


def _coat(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    _opening(canvas, look.accent * 0.75, 0.24)
    for side in (-1, 1):
        flap = canvas.polygon(
            [
                (0.5 + side * 0.07, 0.60),
                (0.5 + side * 0.17, 0.68),
                (0.5 + side * 0.19, 0.82),
                (0.5 + side * 0.01, 0.88),
                (0.5 + side * 0.09, 0.70),
            ]
        )
        canvas.shade(canvas.blur(flap, 0.01) * body, -0.4)
        canvas.fill(flap, look.outfit * 1.25)
    _buttons(canvas, look, 0.44, (0.92, 0.98))
    _buttons(canvas, look, 0.56, (0.92, 0.98))


def _hoodie(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    hood = canvas.smooth(
        [(0.33, 0.66), (0.42, 0.60), (0.5, 0.70), (0.58, 0.60), (0.67, 0.66), (0.62, 0.74), (0.5, 0.79), (0.38, 0.74)]
    )
    neck = canvas.ellipse((0.5, 0.635), (0.085, 0.075))
    canvas.shade(canvas.blur(hood, 0.012) * body, -0.4)
    canvas.fill(hood * (1 - neck), look.outfit * 1.2)
    for side in (-1, 1):
        canvas.fill(
            canvas.stroke([(0.5 + side * 0.045, 0.75), (0.5 + side * 0.05, 0.84), (0.5 + side * 0.042, 0.91)], 0.008), LIGHT
        )
    canvas.fill(canvas.polygon([(0.38, 0.93), (0.62, 0.93), (0.64, 0.97), (0.36, 0.97)]) * body, look.accent)


def _armour(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    steel = look.outfit * 0.35 + 95
    for layer, y in enumerate((0.72, 0.79, 0.86)):
        for side in (-1, 1):
            plate = canvas.ellipse((0.5 + side * (0.27 + 0.012 * layer), y + 0.05), (0.135, 0.085), side * 18) * body
            canvas.shade(canvas.blur(plate, 0.01) * body, -0.35)
            canvas.fill(plate, steel * (1.12 - 0.14 * layer))
            canvas.glow(canvas.rim(plate, look.light_side, 0.012), LIGHT, 0.55)
    gorget = canvas.smooth([(0.39, 0.63), (0.5, 0.68), (0.61, 0.63), (0.63, 0.72), (0.5, 0.80), (0.37, 0.72)])
    canvas.shade(canvas.blur(gorget, 0.01) * body, -0.4)
    canvas.fill(gorget, steel * 1.2)
    canvas.fill(canvas.ellipse((0.5, 0.735), (0.021, 0.025)), look.accent)


def _stripes(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    rows = np.clip(np.sin((canvas.y + 0.35 * (canvas.x - 0.5) ** 2) * 2 * np.pi / 0.062) * 6, 0, 1)
    canvas.fill(body * rows, LIGHT * np.clip(1.12 - 0.7 * (canvas.y - 0.66), 0, 1.1)[:, :, None], 0.92)
    neck = canvas.stroke([(0.40, 0.645), (0.45, 0.70), (0.5, 0.715), (0.55, 0.70), (0.60, 0.645)], 0.026)
    canvas.fill(neck, look.outfit * 0.8)


def _scarf(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    wrap = canvas.smooth(
        [(0.37, 0.60), (0.43, 0.585), (0.5, 0.615), (0.57, 0.585), (0.63, 0.60), (0.65, 0.68), (0.5, 0.74), (0.35, 0.68)]
    )
    tail = canvas.smooth([(0.54, 0.68), (0.62, 0.67), (0.655, 0.80), (0.66, 0.95), (0.57, 0.96), (0.56, 0.82)])
    for piece in (tail, wrap):
        canvas.shade(canvas.blur(piece, 0.014) * body, -0.45)
        canvas.fill(piece, look.accent * 0.92)
        canvas.shade(piece, 0.12 * np.sin((canvas.x * 0.5 + canvas.y) * 150))
        canvas.shade(piece, -0.5 * np.clip(canvas.y - 0.66, 0, 1))


def _dress(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    skin = canvas.smooth([(0.36, 0.66), (0.5, 0.64), (0.64, 0.66), (0.60, 0.76), (0.5, 0.845), (0.40, 0.76)]) * body
    canvas.fill(skin, look.skin * 0.93)
    canvas.shade(skin * canvas.blur(canvas.ellipse((0.5, 0.64), (0.09, 0.05)), 0.02), -0.3)
    edge = canvas.stroke([(0.355, 0.66), (0.40, 0.765), (0.5, 0.85), (0.60, 0.765), (0.645, 0.66)], 0.014)
    canvas.fill(edge * body, look.accent)
    for x, y in ((0.43, 0.685), (0.465, 0.712), (0.5, 0.722), (0.535, 0.712), (0.57, 0.685)):
        canvas.fill(canvas.ellipse((x, y), (0.0115, 0.0115)), LIGHT)
        canvas.shade(canvas.ellipse((x + 0.003, y + 0.004), (0.006, 0.005)), -0.25)


def _jacket(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    _opening(canvas, LIGHT * 0.92, 0.42, 0.10)
    for side in (-1, 1):
        canvas.fill(
            canvas.stroke([(0.5 + side * 0.098, 0.645), (0.5 + side * 0.05, 0.84), (0.5 + side * 0.004, 1.04)], 0.014),
            look.accent,
        )
        canvas.fill(canvas.stroke([(0.5 + side * 0.25, 0.80), (0.5 + side * 0.15, 0.82)], 0.010) * body, look.accent * 0.8)
    _collar(canvas, body, look.outfit * 0.6, 0.06)


def _uniform(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    stand = canvas.smooth([(0.41, 0.60), (0.5, 0.645), (0.59, 0.60), (0.60, 0.665), (0.5, 0.70), (0.40, 0.665)])
    canvas.shade(canvas.blur(stand, 0.01) * body, -0.35)
    canvas.fill(stand, look.outfit * 0.65)
    canvas.fill(canvas.stroke([(0.40, 0.668), (0.5, 0.704), (0.60, 0.668)], 0.009), look.accent)
    for side in (-1, 1):
        board = canvas.polygon(
            [(0.5 + side * 0.16, 0.695), (0.5 + side * 0.29, 0.745), (0.5 + side * 0.275, 0.785), (0.5 + side * 0.15, 0.735)]
        )
        canvas.fill(board * body, look.accent * 0.9)
    _buttons(canvas, look, 0.5, (0.76, 0.83, 0.90, 0.97))
    for column in range(3):
        canvas.fill(
            canvas.polygon(
                [
                    (0.62 + column * 0.03, 0.83),
                    (0.645 + column * 0.03, 0.83),
                    (0.645 + column * 0.03, 0.85),
                    (0.62 + column * 0.03, 0.85),
                ]
            ),
            (look.accent, LIGHT, look.outfit * 1.5)[column],
        )


def _poncho(canvas: Canvas, look: Look, body: np.ndarray) -> None:
    for depth, color in ((0.10, look.accent), (0.15, LIGHT * 0.9), (0.20, look.accent * 0.7), (0.30, look.outfit * 1.5)):
        zigzag = [
            (x, 0.64 + depth + 0.55 * abs(x - 0.5) * 0.5 + (0.014 if i % 2 else -0.014))
            for i, x in enumerate(np.linspace(0.1, 0.9, 25))
        ]
        canvas.fill(canvas.stroke(zigzag, 0.017) * body, color)
    roll = canvas.stroke([(0.395, 0.635), (0.44, 0.70), (0.5, 0.72), (0.56, 0.70), (0.605, 0.635)], 0.034)
    canvas.fill(roll, look.outfit * 0.75)


OUTFITS: dict[str, Callable[[Canvas, Look, np.ndarray], None]] = {
    "coat": _coat,
    "hoodie": _hoodie,
    "suit": _suit,
    "armour": _armour,
    "stripes": _stripes,
    "scarf": _scarf,
    "dress": _dress,
    "jacket": _jacket,
    "uniform": _uniform,
    "poncho": _poncho,
}
