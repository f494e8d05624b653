"""The painted places under the sky: each fills a Painting from far to near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.adapters.backends.animatic.interiors import INTERIORS
from pipeline.adapters.backends.animatic.painting import Painting


def _skyline(art: Painting, distance: float, low: float, high: float, wide: tuple[float, float]) -> None:
    tone = art.distant(art.ground * 0.8 + 12, distance)
    x = -0.02
    while x < 1.0:
        width = float(art.pick.uniform(*wide))
        top = art.horizon - float(art.pick.uniform(low, high))
        art.over(art.box(x, top, x + width, art.horizon + 0.02), tone * float(art.pick.uniform(0.85, 1.12)))
        if art.pick.random() < 0.3:
            art.over(art.box(x + width * 0.45, top - 0.05, x + width * 0.5, top), tone)
        _windows(art, x, top, width, distance)
        x += width * float(art.pick.uniform(0.85, 1.25))


def _windows(art: Painting, x: float, top: float, width: float, distance: float) -> None:
    step_x, step_y = 0.012 + 0.008 * (1 - distance), 0.022 + 0.012 * (1 - distance)
    lit = (0.55 if art.night else 0.2) * art.density
    mask = np.zeros((art.height, art.width), np.float32)
    for column in np.arange(x + step_x * 0.6, x + width - step_x, step_x):
        for row in np.arange(top + step_y * 0.6, art.horizon - step_y, step_y):
            if art.pick.random() < lit:
                left, upper = int(column * art.width), int(row * art.height)
                right, lower = int((column + step_x * 0.5) * art.width) + 1, int((row + step_y * 0.45) * art.height) + 1
                mask[max(0, upper) : lower, max(0, left) : right] = float(art.pick.uniform(0.5, 1.0))
    art.over(mask * (0.85 if art.night else 0.4) * (1 - 0.5 * distance), art.light)


def _city(art: Painting) -> None:
    art.sky()
    _skyline(art, 0.95, 0.16, 0.34, (0.05, 0.11))
    art.mist(art.horizon, 0.14, 0.4)
    _skyline(art, 0.6, 0.12, 0.44, (0.07, 0.14))
    art.ground_plane()
    for side in (0, 1):
        near = [(0.0, 0.02), (0.15, 0.18), (0.22, art.horizon + 0.03), (0.0, 1.0)]
        art.over(art.shape([(abs(side - x), y) for x, y in near]), art.ground * 0.45)
    road = art.shape([(0.47, art.horizon), (0.53, art.horizon), (0.95, 1.0), (0.05, 1.0)])
    art.over(road * 0.8, art.ground * 0.55 + art.sky_low * 0.10)
    for step in range(6):
        down = art.horizon + (1 - art.horizon) * (step / 6) ** 1.6 + 0.01
        size = 0.004 + 0.012 * (step / 6)
        art.over(art.box(0.5 - size * 0.5, down, 0.5 + size * 0.5, down + size * 1.6), art.light * 0.8)
        for side in (-1, 1) if art.night else ():
            art.lamp(
                0.5 + side * (0.05 + 0.36 * (step / 6) ** 1.5),
                art.horizon - 0.02 - 0.20 * (step / 6) ** 1.4,
                0.006 + 0.008 * step / 6,
            )
    art.mist(art.horizon + 0.02, 0.06, 0.3)


def _trees(art: Painting, count: int, distance: float, base: float, tall: float) -> None:
    tone = art.distant(art.ground * 0.7, distance)
    mask = np.zeros((art.height, art.width), np.float32)
    for _ in range(round(count * (0.4 + art.density))):
        x, wide = float(art.pick.uniform(-0.03, 1.03)), float(art.pick.uniform(0.004, 0.010)) * (2.2 - distance * 1.6)
        lean, top = float(art.pick.uniform(-0.015, 0.015)), base - tall * float(art.pick.uniform(0.75, 1.1))
        mask = np.maximum(
            mask,
            art.shape(
                [(x - wide, base + 0.03), (x - wide * 0.5 + lean, top), (x + wide * 0.5 + lean, top), (x + wide, base + 0.03)]
            ),
        )
        for layer in range(5):
            y, half = top + tall * 0.13 * layer, (0.018 + 0.012 * layer) * (1.7 - distance)
            mask = np.maximum(mask, art.shape([(x + lean - half, y + 0.10), (x + lean, y - 0.03), (x + lean + half, y + 0.10)]))
    art.over(mask, tone)


def _forest(art: Painting) -> None:
    art.sky()
    for distance, count, tall in ((0.95, 26, 0.36), (0.75, 20, 0.48), (0.5, 13, 0.64)):
        _trees(art, count, distance, art.horizon + 0.03 * (1 - distance), tall)
        art.mist(art.horizon, 0.12, 0.45)
    art.ground_plane()
    for _ in range(4):
        x = float(art.pick.uniform(0.1, 0.9))
        art.beam([(x, 0.0), (x + 0.05, 0.0), (x - 0.12, 0.9), (x - 0.24, 0.9)], 0.12)
    _trees(art, 5, 0.12, min(0.97, art.horizon + 0.24), 0.95)
    art.mist(art.horizon + 0.05, 0.06, 0.3)


def _desert(art: Painting) -> None:
    art.sky()
    art.ridge(art.horizon, 0.12, 3, art.distant(art.ground * 0.7, 0.8))
    art.ground_plane()
    for level, shade in ((0.06, 0.95), (0.16, 1.06), (0.28, 0.88)):
        art.ridge(art.horizon + level + 0.05, 0.05, 1, art.ground * shade)
    art.mist(art.horizon, 0.08, 0.4)


def _mountains(art: Painting) -> None:
    art.sky()
    for distance, rise, tone in ((0.85, 0.40, 0.9), (0.6, 0.28, 0.75), (0.35, 0.14, 0.6)):
        art.ridge(art.horizon + 0.02, rise, 4, art.distant(art.ground * tone, distance))
        art.mist(art.horizon, 0.09, 0.35)
    art.ground_plane()
    _trees(art, 22, 0.3, art.horizon + 0.10, 0.16)


def _sea(art: Painting) -> None:
    art.sky()
    art.ridge(art.horizon + 0.004, 0.05, 2, art.distant(art.ground * 0.6, 0.85))
    sand, art.ground = art.ground, art.sky_top * 0.62 + np.float32([0, 14, 18])
    art.ground_plane()
    waves = art.noise(0.09, 0.006) * np.clip((art.y - art.horizon) * 3, 0, 1)
    art.over(np.clip(waves - 0.3, 0, 0.6) * (art.y > art.horizon), art.sky_low)
    for level, tone in ((0.80, art.sky_low * 0.97), (0.815, sand * 0.86), (0.84, sand)):
        art.over(art.shape([(0.0, level), (0.35, level - 0.035), (0.7, level + 0.02), (1.0, level - 0.01), (1, 1), (0, 1)]), tone)


def _harbor(art: Painting) -> None:
    art.sky()
    _skyline(art, 0.85, 0.05, 0.16, (0.06, 0.12))
    for x in (0.16, 0.40, 0.73):
        tone, tall = art.distant(art.ground * 0.8, 0.45), float(art.pick.uniform(0.30, 0.42))
        top = art.horizon - tall
        art.over(art.box(x, top, x + 0.012, art.horizon), tone)
        art.over(art.shape([(x - 0.06, top + 0.05), (x + 0.19, top - 0.02), (x + 0.19, top), (x - 0.06, top + 0.075)]), tone)
        art.over(art.box(x + 0.15, top, x + 0.152, top + 0.16), tone)
        art.lamp(x + 0.19, top - 0.01, 0.008, 0.8)
    art.ground_plane()
    gleam = np.clip(art.noise(0.12, 0.008), 0, 1) * np.clip((art.y - art.horizon) * 4, 0, 1)
    art.over(gleam * 0.35, art.sky_low)
    for column in range(7):
        for level in range(int(art.pick.integers(0, 3))):
            tone = np.float32([art.pick.uniform(80, 180), art.pick.uniform(55, 110), art.pick.uniform(40, 110)])
            x, y = column * 0.145 + 0.01 * level, 0.93 - 0.075 * level
            art.over(art.box(x, y - 0.072, x + 0.135, y), art.distant(tone * 0.7, 0.12))
            for rib in range(1, 9):
                art.over(art.box(x + rib * 0.015, y - 0.068, x + rib * 0.015 + 0.003, y - 0.004), art.distant(tone * 0.55, 0.12))
    art.over(art.box(0, 0.92, 1, 1), art.ground * 0.6)
    art.mist(art.horizon, 0.07, 0.5)


def _village(art: Painting) -> None:
    art.sky()
    art.ridge(art.horizon + 0.01, 0.10, 3, art.distant(art.ground, 0.7))
    art.ground_plane()
    for distance, count, size in ((0.6, 8, 0.07), (0.25, 5, 0.13)):
        for _ in range(count):
            x, base = float(art.pick.uniform(-0.05, 0.95)), art.horizon + 0.06 * (1 - distance)
            wall = art.distant(np.float32([188, 172, 150]) * float(art.pick.uniform(0.7, 1.0)), distance)
            art.over(art.box(x, base - size, x + size * 1.1, base), wall)
            art.over(
                art.shape([(x - size * 0.12, base - size), (x + size * 0.55, base - size * 1.7), (x + size * 1.22, base - size)]),
                art.distant(np.float32([110, 62, 48]), distance),
            )
            for pane in (0.22, 0.65):
                art.over(
                    art.box(x + size * pane, base - size * 0.7, x + size * (pane + 0.2), base - size * 0.4),
                    art.light * (0.9 if art.night else 0.55),
                )
        _trees(art, 7, distance, art.horizon + 0.05 * (1 - distance), 0.14 + 0.1 * (1 - distance))
    art.mist(art.horizon, 0.06, 0.3)


def _castle(art: Painting) -> None:
    art.sky()
    art.ridge(art.horizon, 0.30, 3, art.distant(art.ground * 0.8, 0.85))
    art.ridge(art.horizon + 0.02, 0.16, 2, art.distant(art.ground * 0.7, 0.6))
    stone, base = art.distant(np.float32([96, 92, 96]), 0.42), art.horizon - 0.06
    for x, wide, tall in ((0.44, 0.16, 0.16), (0.42, 0.045, 0.30), (0.50, 0.055, 0.40), (0.575, 0.045, 0.26)):
        art.over(art.box(x, base - tall, x + wide, base + 0.10), stone * float(art.pick.uniform(0.85, 1.1)))
        if wide < 0.1:
            art.over(
                art.shape([(x - 0.008, base - tall), (x + wide / 2, base - tall - 0.10), (x + wide + 0.008, base - tall)]),
                stone * 0.6,
            )
            art.lamp(x + wide / 2, base - tall * 0.7, 0.006, 0.7)
    art.ridge(art.horizon + 0.06, 0.07, 3, art.distant(art.ground * 0.6, 0.3))
    art.ground_plane()
    _trees(art, 16, 0.2, art.horizon + 0.14, 0.22)
    art.mist(art.horizon, 0.10, 0.5)


def _fields(art: Painting) -> None:
    art.sky()
    for distance, rise in ((0.85, 0.12), (0.6, 0.07)):
        art.ridge(art.horizon + 0.01, rise, 2, art.distant(art.ground * 0.9, distance))
    art.ground_plane()
    rows = 0.5 + 0.5 * np.sin(np.arctan2(art.x - 0.5, np.clip(art.y - art.horizon + 0.03, 0.01, 1)) * 26)
    art.over(rows * 0.22 * (art.y > art.horizon), art.ground * 1.5)
    _trees(art, 9, 0.55, art.horizon + 0.02, 0.12)
    art.mist(art.horizon, 0.06, 0.3)


SCENERY: dict[str, Callable[[Painting], None]] = {
    **INTERIORS,
    "city": _city,
    "forest": _forest,
    "desert": _desert,
    "mountains": _mountains,
    "sea": _sea,
    "harbor": _harbor,
    "village": _village,
    "castle": _castle,
    "fields": _fields,
}
