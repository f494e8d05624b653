"""A small painting surface: smooth shapes with gradients, shadows and rim light, in RGB floats."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Point = tuple[float, float]
_SHIFT = 4  # OpenCV draws with sub-pixel coordinates of 1/16


class Canvas:
    """RGB float32 picture, values 0..255, coordinates 0..1 across and 0..1 down a square."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.pixels = np.zeros((side, side, 3), np.float32)
        rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
        self.x, self.y = columns, rows

    def polygon(self, points: Sequence[Point]) -> np.ndarray:
        """Coverage 0..1 of a filled polygon, antialiased."""
        mask = np.zeros((self.side, self.side), np.uint8)
        scaled = np.round(np.array(points) * self.side * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [scaled], 255, cv2.LINE_AA, _SHIFT)
        return mask.astype(np.float32) / 255

    def smooth(self, points: Sequence[Point]) -> np.ndarray:
        """Coverage of the closed curve through these points."""
        return self.polygon(closed_curve(points))

    def ellipse(self, center: Point, radii: Point, angle: float = 0.0) -> np.ndarray:
        """Coverage of an ellipse, turned by `angle` degrees."""
        turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        lean = np.deg2rad(angle)
        across, down = radii[0] * np.cos(turn), radii[1] * np.sin(turn)
        xs = center[0] + across * np.cos(lean) - down * np.sin(lean)
        ys = center[1] + across * np.sin(lean) + down * np.cos(lean)
        return self.polygon(list(zip(xs, ys, strict=True)))

    def stroke(self, points: Sequence[Point], thickness: float) -> np.ndarray:
        """Coverage of a line through these points, round at its ends."""
        mask = np.zeros((self.side, self.side), np.uint8)
        scaled = np.round(np.array(open_curve(points)) * self.side * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(mask, [scaled], False, 255, max(1, round(thickness * self.side)), cv2.LINE_AA, _SHIFT)
        return mask.astype(np.float32) / 255

    def fill(self, mask: np.ndarray, color: np.ndarray, opacity: float = 1.0) -> None:
        """Paint a colour (or a whole picture of colours) through a mask."""
        box = _box(mask)
        if color.ndim > 1:
            color = color[box]
        self.pixels[box] += (color - self.pixels[box]) * (mask[box] * np.float32(opacity))[:, :, None]

    def shade(self, mask: np.ndarray, amount: np.ndarray | float) -> None:
        """Multiply what is under the mask by 1 + amount: below zero darkens, above lightens."""
        box = _box(mask)
        change = amount[box] if isinstance(amount, np.ndarray) else np.float32(amount)
        self.pixels[box] = np.clip(self.pixels[box] * (1 + mask[box] * change)[:, :, None], 0, 255)

    def glow(self, mask: np.ndarray, color: np.ndarray, opacity: float) -> None:
        """Add light of a colour through a mask."""
        box = _box(mask)
        light = np.float32(color) * (mask[box] * np.float32(opacity))[:, :, None]
        self.pixels[box] = np.clip(self.pixels[box] + light, 0, 255)

    def blur(self, mask: np.ndarray, radius: float) -> np.ndarray:
        """The mask, softened; `radius` is a fraction of the side."""
        sigma = radius * self.side
        box = _box(mask, round(3 * sigma) + 1)
        soft = np.zeros_like(mask)
        soft[box] = blurred(mask[box], sigma)
        return soft

    def rim(self, mask: np.ndarray, side: int, width: float) -> np.ndarray:
        """The thin band of a shape that a light from the left (-1) or right (1) and a little above would catch."""
        step = width * self.side
        move = np.float32([[1, 0, -side * step], [0, 1, step * 0.45]])
        moved = cv2.warpAffine(mask, move, (self.side, self.side))
        return self.blur(np.clip(mask - moved, 0, 1), width * 0.35) * mask

    def finished(self) -> np.ndarray:
        """The picture as RGB uint8."""
        return np.clip(self.pixels + 0.5, 0, 255).astype(np.uint8)


def _box(mask: np.ndarray, margin: int = 0) -> tuple[slice, slice]:
    """The part of the picture a mask touches: most shapes are small, and work on them should be too."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    return slice(top, rows[-1] + 1 + margin), slice(left, columns[-1] + 1 + margin)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; large radii go through a smaller copy, which looks the same and costs far less."""
    if sigma < 0.3 or picture.size == 0:
        return picture
    factor = int(min(16, max(1, sigma // 3)))
    if factor == 1:
        return cv2.GaussianBlur(picture, (0, 0), sigma)
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(2, width // factor), max(2, height // factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / factor), (width, height), interpolation=cv2.INTER_CUBIC)


def closed_curve(points: Sequence[Point], steps: int = 12) -> list[Point]:
    """Catmull-Rom curve through all points and back to the first."""
    ring = [points[-1], *points, points[0], points[1]]
    return [p for i in range(len(points)) for p in _span(ring[i : i + 4], steps)]


def open_curve(points: Sequence[Point], steps: int = 12) -> list[Point]:
    """Catmull-Rom curve from the first point to the last."""
    if len(points) < 3:
        return list(points)
    row = [points[0], *points, points[-1]]
    return [p for i in range(len(points) - 1) for p in _span(row[i : i + 4], steps)] + [points[-1]]


def _span(four: Sequence[Point], steps: int) -> list[Point]:
    a, b, c, d = (np.array(p) for p in four)
    found = []
    for t in np.linspace(0, 1, steps, endpoint=False):
        p = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        found.append((float(p[0]), float(p[1])))
    return found
