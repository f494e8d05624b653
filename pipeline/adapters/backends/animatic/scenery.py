"""The painted places: each fills a Painting from far to near."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

Point = tuple[float, float]
_SHIFT = 4


@dataclass
class Painting:
    """A landscape in the making. Colours are RGB float32 0..255; positions are shares of width and height."""

    width: int
    height: int
    pick: np.random.Generator
    sky_top: np.ndarray
    sky_low: np.ndarray
    ground: np.ndarray
    light: np.ndarray
    horizon: float
    haze: float
    night: bool
    sun: Point
    density: float = 0.6
    pixels: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = np.zeros((self.height, self.width, 3), np.float32)
        self.y, self.x = np.mgrid[0 : 1 : self.height * 1j, 0 : 1 : self.width * 1j].astype(np.float32)

    def sky(self) -> None:
        """Gradient, a sun or moon glow, a few bands of cloud."""
        down = np.clip(self.y / self.horizon, 0, 1)[:, :, None] ** 1.3
        self.pixels[:] = self.sky_top + (self.sky_low - self.sky_top) * down
        sun = self.sun
        away = np.hypot((self.x - sun[0]) * self.width / self.height, self.y - sun[1])
        self.pixels += self.light * (0.38 * np.exp(-((away / 0.28) ** 2)) + 0.6 * np.exp(-((away / 0.045) ** 4)))[:, :, None]
        cloud = np.clip(self.noise(0.22, 0.05) * 0.9 + self.noise(0.07, 0.02) * 0.5 - 0.25, 0, 1) * (down[:, :, 0] < 1)
        tone = self.sky_low * 0.55 + 105 if not self.night else self.sky_low * 0.8
        self.over(cloud * 0.5, tone)
        if self.night:
            stars = (self.pick.random((self.height, self.width)) > 0.9992) & (self.y < self.horizon * 0.8)
            self.pixels[stars] = 235

    def ground_plane(self) -> None:
        """The ground from the horizon to the viewer, darker towards him."""
        depth = np.clip((self.y - self.horizon) / (1 - self.horizon), 0, 1)
        tone = self.sky_low * (0.30 * (1 - depth) ** 2)[:, :, None] + self.ground * (1 - 0.45 * depth)[:, :, None]
        rough = 1 + 0.06 * self.noise(0.05, 0.008)[:, :, None]
        self.over((self.y >= self.horizon).astype(np.float32), np.clip(tone * rough, 0, 255))

    def noise(self, across: float, down: float) -> np.ndarray:
        """Smooth noise about -1..1, with patches of these sizes."""
        size = (max(3, int(1 / across) + 2), max(3, int(1 / down) + 2))
        coarse = self.pick.uniform(-1, 1, (size[1], size[0])).astype(np.float32)
        return cv2.resize(coarse, (self.width, self.height), interpolation=cv2.INTER_CUBIC)

    def over(self, mask: np.ndarray, tone: np.ndarray) -> None:
        """Paint a colour, or a picture of colours, through a mask 0..1."""
        self.pixels += (tone - self.pixels) * mask[:, :, None]

    def shape(self, points: Sequence[Point]) -> np.ndarray:
        """Antialiased coverage 0..1 of a polygon."""
        mask = np.zeros((self.height, self.width), np.uint8)
        scaled = np.array(points) * np.float64([self.width, self.height]) * (1 << _SHIFT)
        cv2.fillPoly(mask, [np.round(scaled).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
        return mask.astype(np.float32) / 255

    def box(self, left: float, top: float, right: float, bottom: float) -> np.ndarray:
        """Coverage of an upright rectangle."""
        return self.shape([(left, top), (right, top), (right, bottom), (left, bottom)])

    def distant(self, tone: np.ndarray, distance: float) -> np.ndarray:
        """A colour as it looks through the air: 0 is near, 1 is lost in the haze."""
        return tone + (self.sky_low - tone) * min(0.93, distance * (0.45 + 0.55 * self.haze))

    def ridge(self, base: float, rise: float, roughness: int, tone: np.ndarray) -> None:
        """A range of hills: a broken line, filled down to the horizon and beyond."""
        xs = np.linspace(0, 1, 160)
        line = np.zeros_like(xs)
        for octave in range(5):
            count = roughness * 2**octave + 2
            line += np.interp(xs, np.linspace(0, 1, count), self.pick.uniform(0, 1, count)) / 2**octave
        line = (line - line.min()) / max(1e-6, float(np.ptp(line)))
        points = [(float(x), base - rise * float(value)) for x, value in zip(xs, line, strict=True)]
        self.over(self.shape([*points, (1.0, 1.0), (0.0, 1.0)]), tone)

    def mist(self, level: float, thickness: float, strength: float) -> None:
        """A band of haze around a height."""
        band = np.exp(-(((self.y - level) / thickness) ** 2)) * (0.8 + 0.2 * self.noise(0.3, 0.1))
        self.over(np.clip(band * strength * (0.3 + self.haze), 0, 0.9), self.sky_low * 0.8 + self.light * 0.15)

    def beam(self, points: Sequence[Point], strength: float) -> None:
        """A shaft of light, soft at its sides."""
        soft = cv2.GaussianBlur(self.shape(points), (0, 0), self.width / 90)
        self.pixels += self.light * (soft * strength)[:, :, None]

    def lamp(self, x: float, y: float, size: float, strength: float = 0.9) -> None:
        """A small light with a glow."""
        away = np.hypot((self.x - x) * self.width / self.height, self.y - y) / size
        self.pixels += self.light * (np.exp(-(away**2)) * strength + np.exp(-((away / 4) ** 2)) * strength * 0.22)[:, :, None]


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


SCENERY: dict[str, Callable[[Painting], None]] = {
    "city": _city,
    "warehouse": _warehouse,
    "interior": _interior,
    "corridor": _corridor,
    "stage": _stage,
    "forest": _forest,
    "desert": _desert,
    "mountains": _mountains,
    "sea": _sea,
    "harbor": _harbor,
    "village": _village,
    "castle": _castle,
    "cyclorama": _cyclorama,
    "fields": _fields,
}
