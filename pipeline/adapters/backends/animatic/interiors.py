"""The painted places with a roof: each fills a Painting from far to near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.adapters.backends.animatic.painting import Painting


def _warehouse(art: Painting) -> None:
    back = (0.33, 0.30, 0.67, 0.66)
    art.pixels[:] = art.sky_low * 0.5
    left, top, right, bottom = back
    walls = (
        ([(0, 0), (1, 0), (right, top), (left, top)], art.sky_top * 0.7),
        ([(0, 0), (left, top), (left, bottom), (0, 1)], art.sky_low * 0.42),
        ([(1, 0), (right, top), (right, bottom), (1, 1)], art.sky_low * 0.5),
        ([(0, 1), (left, bottom), (right, bottom), (1, 1)], art.ground),
    )
    for outline, tone in walls:
        art.over(art.shape(outline), tone * (1 + 0.10 * art.noise(0.1, 0.08)[:, :, None]))
    art.over(art.box(*back), art.distant(art.sky_low * 0.7, 0.5))
    for column in range(3):
        pane = left + 0.03 + column * 0.105
        art.over(art.box(pane, top + 0.04, pane + 0.085, top + 0.19), art.light * 0.95)
        for bar in (0.028, 0.056):
            art.over(art.box(pane + bar, top + 0.04, pane + bar + 0.003, top + 0.19), art.sky_top * 0.5)
        art.over(art.box(pane, top + 0.112, pane + 0.085, top + 0.118), art.sky_top * 0.5)
    _girders(art, back)
    for column in range(3):
        pane = left + 0.03 + column * 0.105
        art.beam(
            [
                (pane, top + 0.05),
                (pane + 0.085, top + 0.05),
                (pane + 0.02 + column * 0.12, 1.0),
                (pane - 0.22 + column * 0.12, 1.0),
            ],
            0.10 + 0.12 * art.haze,
        )
    for _ in range(7):
        x, base = (
            float(art.pick.choice([art.pick.uniform(0.0, 0.28), art.pick.uniform(0.72, 0.95)])),
            float(art.pick.uniform(0.70, 0.92)),
        )
        size = 0.05 + 0.12 * (base - 0.62)
        tone = art.ground * float(art.pick.uniform(0.55, 1.2)) + np.float32([14, 8, 0])
        art.over(art.box(x, base - size * 1.5, x + size, base), tone)
        art.over(art.box(x, base - size * 1.5, x + size, base - size * 1.42), tone * 1.35)
        art.over(art.box(x + size * 0.9, base - size * 1.5, x + size, base), tone * 0.6)
    art.mist(0.66, 0.16, 0.35)


def _girders(art: Painting, back: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = back
    steel = art.sky_top * 0.42
    for step in range(5):
        near = (step / 4) ** 1.5
        x0, x1 = left * (1 - near), right + (1 - right) * near
        y0, y1 = top * (1 - near), bottom + (1 - bottom) * near
        thick = 0.006 + 0.016 * near
        for x in (x0, x1):
            art.over(art.box(x - thick / 2, y0, x + thick / 2, y1), art.distant(steel, 0.5 * (1 - near)))
        art.over(art.box(x0, y0, x1, y0 + thick * 1.4), art.distant(steel, 0.5 * (1 - near)))
        art.lamp(0.5, y0 + thick * 2 + 0.012, 0.010 + 0.014 * near, 0.75)


def _interior(art: Painting) -> None:
    floor = max(0.66, art.horizon)
    art.pixels[:] = (art.sky_low * 0.78) * (1.08 - 0.35 * np.abs(art.x - 0.45))[:, :, None]
    art.over(art.box(0, floor, 1, 1), art.ground * (1.15 - 0.5 * (art.y - floor))[:, :, None])
    for seam in np.linspace(-0.6, 1.6, 16):
        art.over(
            art.shape(
                [(0.5 + (seam - 0.5) * 0.55, floor), (0.5 + (seam - 0.5) * 0.55 + 0.002, floor), (seam + 0.006, 1), (seam, 1)]
            )
            * 0.5,
            art.ground * 0.55,
        )
    art.over(art.box(0, floor - 0.03, 1, floor), art.sky_top * 0.8)
    for left in (0.10, 0.37):
        art.over(art.box(left - 0.012, 0.10, left + 0.212, 0.53), art.sky_top * 0.62)
        art.over(art.box(left, 0.12, left + 0.2, 0.51), art.light * 0.97)
        art.over(art.box(left + 0.096, 0.12, left + 0.104, 0.51), art.sky_top * 0.62)
        art.over(art.box(left, 0.30, left + 0.2, 0.31), art.sky_top * 0.62)
        art.beam([(left, 0.2), (left + 0.2, 0.2), (left + 0.42, 1.0), (left + 0.12, 1.0)], 0.13)
    shelf = art.sky_top * 0.55
    art.over(art.box(0.70, 0.16, 0.93, floor + 0.02), shelf)
    for row in range(4):
        y = 0.19 + row * 0.115
        art.over(art.box(0.715, y, 0.915, y + 0.09), shelf * 0.6)
        x = 0.72
        while x < 0.895:
            wide, tall = float(art.pick.uniform(0.008, 0.02)), float(art.pick.uniform(0.05, 0.082))
            tone = np.float32(art.pick.uniform(60, 190, 3)) * 0.5 + shelf * 0.5
            art.over(art.box(x, y + 0.09 - tall, x + wide, y + 0.09), tone)
            x += wide + 0.002
    art.over(art.box(0.30, floor - 0.02, 0.62, floor + 0.09), art.sky_top * 0.75 + art.light * 0.06)
    art.over(art.box(0.30, floor - 0.10, 0.62, floor - 0.01), art.sky_top * 0.66)
    art.lamp(0.655, 0.42, 0.035, 0.8)
    art.over(art.box(0.652, 0.46, 0.658, floor + 0.06), art.sky_top * 0.4)


def _corridor(art: Painting) -> None:
    art.pixels[:] = art.sky_top * 0.8
    for step in range(9, -1, -1):
        near = 1 - step / 10
        half_x, half_y = 0.06 + 0.50 * near**1.6, 0.08 + 0.50 * near**1.6
        ring = [
            (0.5 - half_x * 0.8, 0.5 - half_y),
            (0.5 + half_x * 0.8, 0.5 - half_y),
            (0.5 + half_x, 0.5),
            (0.5 + half_x * 0.8, 0.5 + half_y),
            (0.5 - half_x * 0.8, 0.5 + half_y),
            (0.5 - half_x, 0.5),
        ]
        tone = art.distant(art.ground * (0.75 + 0.5 * (step % 2)), 0.75 * (1 - near))
        hollow = art.shape(ring)
        inner = art.shape([(0.5 + (x - 0.5) * 0.9, 0.5 + (y - 0.5) * 0.9) for x, y in ring])
        art.over(np.clip(hollow - inner, 0, 1), tone * 1.4)
        art.over((1 - hollow) * 0.25, tone)
        for side in (-1, 1):
            art.over(
                art.box(
                    0.5 + side * half_x * 0.62 - 0.02 * near,
                    0.5 - half_y * 0.97,
                    0.5 + side * half_x * 0.62 + 0.02 * near,
                    0.5 - half_y * 0.92,
                ),
                art.light,
            )
    art.lamp(0.5, 0.5, 0.07, 0.9)
    floor = np.clip((art.y - 0.62) * 2, 0, 1) * np.exp(-(((art.x - 0.5) / 0.3) ** 2))
    art.pixels += art.light * (floor * 0.14)[:, :, None]
    art.mist(0.5, 0.2, 0.25)


def _stage(art: Painting) -> None:
    art.pixels[:] = art.sky_top + (art.sky_low - art.sky_top) * np.clip(art.y / 0.8, 0, 1)[:, :, None]
    fold = 0.5 + 0.5 * np.sin(art.x * 120 + 2 * np.sin(art.y * 4))
    art.pixels *= (0.72 + 0.35 * fold)[:, :, None]
    art.over(art.box(0, 0.76, 1, 1), art.ground * (1.5 - art.y)[:, :, None] + art.sky_low * 0.2)
    own = art.light
    for lamp in range(6):
        x = 0.08 + lamp * 0.168
        art.light = np.roll(own, lamp % 3)
        goal = float(art.pick.uniform(0.1, 0.9))
        art.beam([(x - 0.008, 0.04), (x + 0.008, 0.04), (goal + 0.12, 0.95), (goal - 0.12, 0.95)], 0.30)
        art.lamp(x, 0.045, 0.014, 0.9)
    art.light = own
    art.over(art.box(0, 0.0, 1, 0.035), art.sky_top * 0.4)
    art.mist(0.8, 0.15, 0.4)


def _cyclorama(art: Painting) -> None:
    bend = np.clip((art.y - art.horizon + 0.10) / 0.20, 0, 1)[:, :, None]
    art.pixels[:] = art.sky_top + (art.sky_low - art.sky_top) * np.clip(art.y / art.horizon, 0, 1)[:, :, None]
    art.pixels += (art.ground - art.pixels) * (bend * bend * (3 - 2 * bend))
    away = np.hypot((art.x - art.sun[0]) * 1.2, art.y - art.sun[1])
    art.pixels *= (0.70 + 0.26 * np.exp(-((away / 0.42) ** 2)))[:, :, None]
    pool = np.hypot((art.x - 0.5) / 0.36, (art.y - art.horizon - 0.16) / 0.13)
    art.pixels += art.light * (0.05 * np.exp(-(pool**2)))[:, :, None]
    for side in (0.06, 0.90):
        art.over(art.box(side, 0.16, side + 0.004, 1.0), art.sky_top * 0.35)
        art.over(
            art.shape([(side - 0.03, 0.10), (side + 0.035, 0.13), (side + 0.035, 0.24), (side - 0.03, 0.21)]), art.sky_top * 0.25
        )
        art.lamp(side + (0.03 if side < 0.5 else -0.025), 0.18, 0.03, 0.8)


INTERIORS: dict[str, Callable[[Painting], None]] = {
    "warehouse": _warehouse,
    "interior": _interior,
    "corridor": _corridor,
    "stage": _stage,
    "cyclorama": _cyclorama,
}
