"""Paints any frame of a scene by its index alone: layers under the camera's pose, vignette, light, grain."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, radians, sin
from typing import Any

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.camera import CameraPath, Pose
from pipeline.adapters.backends.animatic.grade import grain_tile, vignette
from pipeline.adapters.backends.animatic.layers import Layers
from pipeline.adapters.backends.animatic.parameters import number

GOLDEN = 0x9E3779B97F4A7C15  # spreads neighbouring frame numbers over the whole grain tile


class FramePainter:
    """Paints frames of one scene; the same index always gives the same picture."""

    def __init__(self, layers: Layers, path: CameraPath, *, grade: Mapping[str, Any], seed: int) -> None:
        self.width, self.height, self.total = layers.width, layers.height, path.total
        self._layers, self._path, self._seed = layers, path, seed
        strength = number(grade, "vignette", 0.2)
        self._vignette = vignette(self.width, self.height, strength) if strength > 0 else None
        grain = round(number(grade, "grain", 0.05), 3)
        self._grain = grain_tile(self.width, self.height, grain) if grain > 0 else None

    def paint(self, index: int) -> np.ndarray:
        """Frame `index` of the scene, RGB uint8 (height, width, 3)."""
        pose = self._path.pose(index)
        picture = self._warped(self._layers.back, self._back_matrix(pose), cv2.BORDER_REFLECT)
        if self._layers.front is not None:
            front = self._warped(self._layers.front, self._front_matrix(pose), cv2.BORDER_CONSTANT)
            hole = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(front, 3)), cv2.COLOR_GRAY2BGRA)
            picture = cv2.add(cv2.multiply(picture, hole, scale=1 / 255), front)
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB)
        light = 1 + 0.008 * pose.light
        if self._vignette is not None:
            picture = cv2.multiply(picture, self._vignette, scale=light / 255)
        else:
            picture = cv2.convertScaleAbs(picture, alpha=light)
        if self._grain is not None:
            picture = cv2.add(picture, self._grain_of(index), dtype=cv2.CV_8U)
        return picture

    def _warped(self, layer: np.ndarray, matrix: np.ndarray, border: int) -> np.ndarray:
        return cv2.warpAffine(layer, matrix, (self.width, self.height), flags=cv2.INTER_LINEAR, borderMode=border)

    def _back_matrix(self, pose: Pose) -> np.ndarray:
        """Behind a figure the set is further away: it grows less and moves less."""
        flat = self._layers.front is None
        near = self._layers.follows if flat else 0.75
        zoom = 1 + (pose.zoom - 1) * near
        off_x = (self._layers.back.shape[1] - self.width) / 2
        off_y = (self._layers.back.shape[0] - self.height) / 2
        about = (off_x + self._layers.focus[0], off_y + self._layers.focus[1])
        depth = pose.depth * self._layers.follows if flat else pose.depth
        shift_x = (pose.x * near - depth * 0.5) * self.width - off_x
        shift_y = pose.y * near * self.width - off_y
        return _turned(about, zoom, zoom, pose.roll, shift_x, shift_y)

    def _front_matrix(self, pose: Pose) -> np.ndarray:
        shift_x = (pose.x + pose.depth * 0.5) * self.width
        # The figure is cut off at the frame's lower edge, so it may sink but never rise above it.
        breath = 0.0035 * pose.breath
        about = (self._layers.focus[0], float(self.height))
        zoom_about = self._layers.focus
        base = _turned(zoom_about, pose.zoom, pose.zoom, pose.roll, shift_x, pose.y * self.width)
        breathe = _turned(about, 1 + breath * 0.4, 1 + breath + 0.0035, 0.12 * pose.breath, 0, 0)
        return _after(base, breathe)

    def _grain_of(self, index: int) -> np.ndarray:
        mixed = ((index + 1) * GOLDEN ^ (self._seed * 0x2545F4914F6CDD1D)) >> 17
        x, y = mixed & 63, (mixed >> 6) & 63
        return self._grain[y : y + self.height, x : x + self.width]


def _turned(about: tuple[float, float], zoom_x: float, zoom_y: float, roll: float, shift_x: float, shift_y: float) -> np.ndarray:
    """Scale and turn about a point, then shift."""
    lean_cos, lean_sin = cos(radians(roll)), sin(radians(roll))
    a, b, c, d = zoom_x * lean_cos, -zoom_y * lean_sin, zoom_x * lean_sin, zoom_y * lean_cos
    return np.float64([
        [a, b, about[0] - a * about[0] - b * about[1] + shift_x],
        [c, d, about[1] - c * about[0] - d * about[1] + shift_y],
    ])  # fmt: skip


def _after(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """One matrix that does `first`, then `second`."""
    last = np.float64([[0, 0, 1]])
    return (np.vstack([second, last]) @ np.vstack([first, last]))[:2]
