"""Hair styles of drawn characters: each gives what lies behind the head and what lies before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.adapters.media.canvas import Canvas, Point
from pipeline.adapters.media.portrait_look import HALF_HEIGHT, HEAD, Look


@dataclass(frozen=True)
class Hair:
    """Two masks, 0..1; None where this style has nothing there."""

    back: np.ndarray | None
    front: np.ndarray | None


def _cap(look: Look, *, lift: float = 0.045, part: float = 0.0, fringe: float = 0.55, temple: float = 0.0) -> list[Point]:
    """Outline of hair on the skull: over the crown, down to the temples, back along the hairline."""
    (x, y), wide, tall = HEAD, look.half_width, HALF_HEIGHT
    top = y - tall - lift
    line = y - tall * fringe
    return [
        (x - wide * 1.10, y - tall * 0.1 + temple),
        (x - wide * 1.13, y - tall * 0.62),
        (x - wide * 0.62, top + 0.022),
        (x, top),
        (x + wide * 0.62, top + 0.022),
        (x + wide * 1.13, y - tall * 0.62),
        (x + wide * 1.10, y - tall * 0.1 + temple),
        (x + wide * 0.95, y - tall * 0.22),
        (x + wide * 0.80, line + 0.018),
        (x + wide * 0.35, line - 0.012),
        (x + wide * part, line - 0.034),
        (x - wide * 0.40, line - 0.004),
        (x - wide * 0.82, line + 0.024),
        (x - wide * 0.95, y - tall * 0.22),
    ]


def _short(canvas: Canvas, look: Look) -> Hair:
    return Hair(None, canvas.smooth(_cap(look, part=0.3, fringe=0.52)))


def _buzz(canvas: Canvas, look: Look) -> Hair:
    return Hair(None, canvas.smooth(_cap(look, lift=0.014, fringe=0.62)) * 0.85)


def _bob(canvas: Canvas, look: Look) -> Hair:
    wide = look.half_width
    outline = [
        (0.5 - wide * 1.1, 0.25),
        (0.5, 0.165),
        (0.5 + wide * 1.1, 0.25),
        (0.5 + wide * 1.52, 0.42),
        (0.5 + wide * 1.5, 0.55),
        (0.5 + wide * 0.8, 0.575),
        (0.5 - wide * 0.8, 0.575),
        (0.5 - wide * 1.5, 0.55),
        (0.5 - wide * 1.52, 0.42),
    ]
    return Hair(canvas.smooth(outline), canvas.smooth(_cap(look, fringe=0.36, part=0.1, temple=0.09)))


def _long(canvas: Canvas, look: Look) -> Hair:
    wide = look.half_width
    outline = [
        (0.5 - wide * 1.1, 0.24),
        (0.5, 0.158),
        (0.5 + wide * 1.1, 0.24),
        (0.5 + wide * 1.5, 0.44),
        (0.5 + wide * 1.75, 0.66),
        (0.5 + wide * 1.5, 0.85),
        (0.5 + wide * 0.7, 0.74),
        (0.5 - wide * 0.7, 0.74),
        (0.5 - wide * 1.5, 0.85),
        (0.5 - wide * 1.75, 0.66),
        (0.5 - wide * 1.5, 0.44),
    ]
    locks = canvas.smooth(_cap(look, fringe=0.6, part=-0.05, temple=0.11))
    for side in (-1, 1):
        lock = [
            (0.5 + side * wide * 0.98, 0.33),
            (0.5 + side * wide * 1.3, 0.48),
            (0.5 + side * wide * 1.36, 0.70),
            (0.5 + side * wide * 1.08, 0.80),
            (0.5 + side * wide * 1.0, 0.6),
            (0.5 + side * wide * 0.93, 0.45),
        ]
        locks = np.maximum(locks, canvas.smooth(lock))
    return Hair(canvas.smooth(outline), locks)


def _bun(canvas: Canvas, look: Look) -> Hair:
    knot = canvas.ellipse((0.5, 0.145), (0.075, 0.066))
    return Hair(knot, canvas.smooth(_cap(look, lift=0.028, fringe=0.66)))


def _afro(canvas: Canvas, look: Look) -> Hair:
    back = _cloud(canvas, look, (0.5, 0.315), (look.half_width * 1.72, 0.225))
    return Hair(back, canvas.smooth(_cap(look, lift=0.055, fringe=0.56)))


def _curls(canvas: Canvas, look: Look) -> Hair:
    back = _cloud(canvas, look, (0.5, 0.37), (look.half_width * 1.42, 0.215))
    front = canvas.smooth(_cap(look, lift=0.04, fringe=0.55))
    pick = np.random.default_rng(look.seed + 3)
    for across in np.linspace(-0.85, 0.85, 7):
        center = (0.5 + look.half_width * float(across), 0.272 + 0.035 * abs(float(across)) + pick.uniform(-0.012, 0.012))
        front = np.maximum(front, canvas.ellipse(center, (0.033, 0.03)))
    return Hair(back, front)


def _cloud(canvas: Canvas, look: Look, center: Point, radii: Point) -> np.ndarray:
    """A round mass of hair with a lively edge."""
    pick = np.random.default_rng(look.seed + 4)
    mask = canvas.ellipse(center, radii)
    for turn in np.linspace(0, 2 * np.pi, 22, endpoint=False):
        puff = (center[0] + radii[0] * 0.94 * float(np.cos(turn)), center[1] + radii[1] * 0.94 * float(np.sin(turn)))
        size = pick.uniform(0.03, 0.046)
        mask = np.maximum(mask, canvas.ellipse(puff, (size, size)))
    return mask


def _quiff(canvas: Canvas, look: Look) -> Hair:
    wide, tall = look.half_width, HALF_HEIGHT
    x, y = HEAD
    wave = [
        (x - wide * 1.06, y - tall * 0.3),
        (x - wide * 1.05, y - tall * 0.85),
        (x - wide * 0.7, y - tall * 1.32),
        (x + wide * 0.1, y - tall * 1.52),
        (x + wide * 0.95, y - tall * 1.38),
        (x + wide * 1.16, y - tall * 0.95),
        (x + wide * 1.04, y - tall * 0.35),
        (x + wide * 0.9, y - tall * 0.55),
        (x + wide * 0.3, y - tall * 0.74),
        (x - wide * 0.5, y - tall * 0.62),
        (x - wide * 0.92, y - tall * 0.45),
    ]
    return Hair(None, canvas.smooth(wave))


def _ponytail(canvas: Canvas, look: Look) -> Hair:
    side = look.light_side
    tail = [
        (0.5 + side * 0.10, 0.22),
        (0.5 + side * 0.23, 0.24),
        (0.5 + side * 0.29, 0.40),
        (0.5 + side * 0.265, 0.60),
        (0.5 + side * 0.215, 0.73),
        (0.5 + side * 0.20, 0.55),
        (0.5 + side * 0.16, 0.36),
    ]
    return Hair(canvas.smooth(tail), canvas.smooth(_cap(look, lift=0.03, fringe=0.6, part=-0.3)))


def _undercut(canvas: Canvas, look: Look) -> Hair:
    wide, tall, side = look.half_width, HALF_HEIGHT, look.light_side
    x, y = HEAD
    sweep = [
        (x - side * wide * 0.72, y - tall * 0.78),
        (x - side * wide * 0.5, y - tall * 1.2),
        (x + side * wide * 0.3, y - tall * 1.3),
        (x + side * wide * 1.08, y - tall * 1.0),
        (x + side * wide * 1.28, y - tall * 0.3),
        (x + side * wide * 1.2, y + tall * 0.28),
        (x + side * wide * 0.92, y - tall * 0.1),
        (x + side * wide * 0.5, y - tall * 0.52),
    ]
    shaved = canvas.smooth(_cap(look, lift=0.012, fringe=0.6)) * 0.45
    return Hair(None, np.maximum(shaved, canvas.smooth(sweep)))


HAIR_STYLES: dict[str, Callable[[Canvas, Look], Hair]] = {
    "short": _short,
    "bob": _bob,
    "long": _long,
    "bun": _bun,
    "afro": _afro,
    "quiff": _quiff,
    "ponytail": _ponytail,
    "buzz": _buzz,
    "curls": _curls,
    "undercut": _undercut,
}
