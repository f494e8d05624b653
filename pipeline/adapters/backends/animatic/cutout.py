"""Separates the figure of a picture from its background, and fills the hole it leaves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.confidence import LEAST_AREA, trusted
from pipeline.adapters.backends.animatic.outline import read_outline

WORKING_SIDE = 176  # the outline is found on a small copy; the picture's own edges refine it
EDGE_SIDE = 640


@dataclass(frozen=True)
class Figure:
    """The figure in a picture. `mask` is float32 0..1 of the picture's size; the rest are pixels of it."""

    mask: np.ndarray
    top: float
    chin: float
    bottom: float
    center_x: float

    @classmethod
    def whole(cls, width: int, height: int) -> Figure:
        """For a picture whose figure cannot be told from its set: all of it is the figure."""
        mask = np.ones((height, width), np.float32)
        return cls(mask=mask, top=0.0, chin=height * 0.55, bottom=float(height), center_x=width / 2)

    @property
    def stands_apart(self) -> bool:
        """False when there is nothing but figure: then the picture is shown as it is."""
        return float(self.mask.min()) < 0.5

    @property
    def head_height(self) -> float:
        """From the top of the hair to the chin."""
        return max(1.0, self.chin - self.top)


def find_figure(rgb: np.ndarray, alpha: np.ndarray | None = None) -> Figure:
    """The figure by the picture's own transparency (`alpha`, 0..1) where it has one, else by colours and edges.

    The whole picture when neither gives an outline to be sure of.
    """
    height, width = rgb.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    if alpha is not None:
        outline = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)
        if not LEAST_AREA / 2 < float(outline.mean()) < 0.97:
            return Figure.whole(width, height)
        mask = alpha
    else:
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        reading = read_outline(small)
        if reading is None or not trusted(reading):
            return Figure.whole(width, height)
        outline = reading.by_color
        soft = _refined(cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 0.8), rgb)
        mask = np.clip(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC) * 1.8 - 0.65, 0, 1)
    top, chin, bottom, center = _landmarks(outline.astype(np.float32))
    up, across = height / size[1], width / size[0]
    return Figure(mask=mask, top=top * up, chin=chin * up, bottom=bottom * up, center_x=center * across)


def clean_background(rgb: np.ndarray, mask: np.ndarray, *, blur: float) -> np.ndarray:
    """The picture without the figure: the hole is filled from around it; all is softened by `blur` (share of the width)."""
    height, width = rgb.shape[:2]
    scale = 240 / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    hole = cv2.dilate(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.ones((7, 7), np.uint8))
    known = np.clip(1 - hole * 1.6, 0, 1)[:, :, None]
    filled = _push_pull(small * known, known)
    soft = cv2.GaussianBlur(small * known + filled * (1 - known), (0, 0), max(0.6, blur * size[0]))
    return np.clip(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def _refined(mask: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """The small mask on a larger grid, its edge drawn to the picture's own edges (a guided filter)."""
    scale = min(1.0, EDGE_SIDE / max(rgb.shape[:2]))
    size = (max(2, round(rgb.shape[1] * scale)), max(2, round(rgb.shape[0] * scale)))
    guide = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    rough = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)
    reach = max(3, max(size) // WORKING_SIDE * 3) | 1
    window = (2 * reach + 1, 2 * reach + 1)
    mean_guide, mean_rough = cv2.blur(guide, window), cv2.blur(rough, window)
    together = cv2.blur(guide * rough, window) - mean_guide * mean_rough
    slope = together / (cv2.blur(guide * guide, window) - mean_guide**2 + 4e-4)
    offset = mean_rough - slope * mean_guide
    return np.clip(cv2.blur(slope, window) * guide + cv2.blur(offset, window), 0, 1)


def _push_pull(weighted: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fill where the weight is zero by ever coarser averages of what is known."""
    if min(weight.shape[:2]) <= 2:
        return weighted / np.maximum(weight, 1e-3) if weight.max() > 0 else np.full_like(weighted, 96)
    size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
    less = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    less_weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 1)
    coarse = _push_pull(less, less_weight)
    coarse = cv2.resize(coarse, (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)
    known = np.clip(weight * 2, 0, 1)
    return weighted / np.maximum(weight, 1e-3) * known + coarse * (1 - known)


def _landmarks(outline: np.ndarray) -> tuple[float, float, float, float]:
    """Top of the head, chin, lower end, and the head's middle across, in pixels of the outline."""
    height = outline.shape[0]
    widths = outline.sum(axis=1)
    rows = np.flatnonzero(widths > 1)
    top, bottom = float(rows[0]), float(rows[-1])
    tall = bottom - top
    chin = top + tall * 0.55
    smooth = np.convolve(widths, np.ones(5) / 5, mode="same")
    first, last = int(top + tall * 0.32), int(top + tall * 0.72)
    if last > first + 2:
        neck = first + int(np.argmin(smooth[first:last]))
        widest = smooth[int(top) : neck].max(initial=0.0)
        # A real neck is clearly narrower than the head above and the shoulders below; long hair hides it.
        if first < neck < last - 1 and smooth[neck] < 0.8 * widest and smooth[neck] < 0.8 * smooth[min(height - 1, last)]:
            chin = float(neck)
    head = outline[int(top) : int(chin) + 1]
    center = float((head.sum(axis=0) * np.arange(outline.shape[1])).sum() / max(1.0, head.sum()))
    return top, chin, bottom, center
