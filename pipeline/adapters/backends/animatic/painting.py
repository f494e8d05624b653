"""A painted landscape in the making: sky, ground, ridges, shapes, haze and light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

Point = tuple[float, float]
_SHIFT = 4  # OpenCV draws with sub-pixel coordinates of 1/16


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
