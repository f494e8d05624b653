"""Marks that make a drawn face its own: glasses, freckles, beards and the like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.adapters.media.canvas import Canvas
from pipeline.adapters.media.portrait_look import HALF_HEIGHT, HEAD, Look


def _none(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    """A face that needs nothing added."""


def _frames(canvas: Canvas, look: Look, radii: tuple[float, float], color: np.ndarray) -> None:
    y = HEAD[1] + 0.014
    for side in (-1, 1):
        center = (0.5 + side * 0.062 * look.eye_gap, y)
        lens = canvas.ellipse(center, radii)
        rim = np.clip(lens - canvas.ellipse(center, (radii[0] - 0.007, radii[1] - 0.007)), 0, 1)
        canvas.glow(lens * canvas.ellipse((center[0] - 0.02, center[1] - 0.03), (0.03, 0.03)), np.float32([255, 255, 255]), 0.10)
        canvas.fill(rim, color)
        canvas.fill(
            canvas.stroke([(center[0] + side * radii[0], y - 0.006), (0.5 + side * look.half_width, y - 0.012)], 0.007), color
        )
    gap = 0.062 * look.eye_gap - radii[0]
    canvas.fill(canvas.stroke([(0.5 - gap, y - 0.004), (0.5, y - 0.011), (0.5 + gap, y - 0.004)], 0.007), color)


def _glasses(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    _frames(canvas, look, (0.051, 0.034), np.float32([30, 28, 32]))


def _round_glasses(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    _frames(canvas, look, (0.044, 0.044), look.accent * 0.8)


def _earrings(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    for side in (-1, 1):
        x, y = 0.5 + side * (look.half_width + 0.006), HEAD[1] + 0.083
        ring = np.clip(canvas.ellipse((x, y), (0.02, 0.024)) - canvas.ellipse((x, y), (0.0125, 0.0165)), 0, 1)
        canvas.fill(ring, np.float32([236, 196, 92]))


def _freckles(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    pick = np.random.default_rng(look.seed + 5)
    for _ in range(34):
        x, y = 0.5 + pick.uniform(-0.105, 0.105), HEAD[1] + 0.058 + pick.uniform(-0.024, 0.026)
        size = pick.uniform(0.0018, 0.0034)
        canvas.shade(canvas.ellipse((x, y), (size, size)) * head, -0.32)


def _beard(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    (x, y), wide, tall = HEAD, look.half_width, HALF_HEIGHT
    outline = [
        (x - wide * 1.0, y + tall * 0.12),
        (x - wide * 0.72, y + tall * 0.36),
        (x - wide * 0.3, y + tall * 0.475),
        (x, y + tall * 0.50),
        (x + wide * 0.3, y + tall * 0.475),
        (x + wide * 0.72, y + tall * 0.36),
        (x + wide * 1.0, y + tall * 0.12),
        (x + wide * 0.92, y + tall * 0.72),
        (x + wide * 0.4, y + tall * 1.14),
        (x - wide * 0.4, y + tall * 1.14),
        (x - wide * 0.92, y + tall * 0.72),
    ]
    lips = canvas.ellipse((x, y + 0.125), (0.056, 0.024))
    beard = canvas.smooth(outline) * (1 - canvas.blur(lips, 0.006))
    canvas.fill(beard, look.hair * 0.82, 0.96)
    canvas.shade(beard, 0.13 * np.sin((canvas.x - 0.5) * 330 + 3 * np.sin(canvas.y * 60)))


def _moustache(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    x, y = 0.5, HEAD[1] + 0.102
    for side in (-1, 1):
        wing = [
            (x, y - 0.009),
            (x + side * 0.034, y - 0.006),
            (x + side * 0.074, y + 0.02),
            (x + side * 0.032, y + 0.015),
            (x, y + 0.008),
        ]
        canvas.fill(canvas.smooth(wing), look.hair * 0.8)


def _scar(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    x = 0.5 - look.light_side * 0.066
    line = canvas.stroke([(x - 0.014, HEAD[1] - 0.075), (x + 0.002, HEAD[1] - 0.01), (x + 0.012, HEAD[1] + 0.085)], 0.0085)
    canvas.fill(line * head, look.skin * np.float32([1.02, 0.72, 0.70]), 0.9)
    canvas.shade(canvas.blur(line, 0.004) * head, -0.15)


def _headband(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    (x, y), wide, tall = HEAD, look.half_width * 1.06, HALF_HEIGHT
    band = canvas.smooth(
        [
            (x - wide, y - tall * 0.45),
            (x, y - tall * 0.62),
            (x + wide, y - tall * 0.45),
            (x + wide, y - tall * 0.24),
            (x, y - tall * 0.40),
            (x - wide, y - tall * 0.24),
        ]
    )
    canvas.fill(band, look.accent * 0.9)
    canvas.shade(band, 0.14 * np.sin(canvas.x * 190))


def _paint(canvas: Canvas, look: Look, head: np.ndarray) -> None:
    for side in (-1, 1):
        for row in range(2):
            x, y = 0.5 + side * 0.095, HEAD[1] + 0.062 + 0.02 * row
            stripe = canvas.stroke([(x - side * 0.035, y + 0.004), (x + side * 0.035, y - 0.008)], 0.0105)
            canvas.fill(stripe * head, look.accent, 0.85)


EXTRAS: dict[str, Callable[[Canvas, Look, np.ndarray], None]] = {
    "none": _none,
    "glasses": _glasses,
    "earrings": _earrings,
    "freckles": _freckles,
    "beard": _beard,
    "scar": _scar,
    "moustache": _moustache,
    "headband": _headband,
    "round_glasses": _round_glasses,
    "paint": _paint,
}
