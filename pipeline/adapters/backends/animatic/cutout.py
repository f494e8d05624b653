"""Separates the figure of a picture from its background, and fills the hole it leaves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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

    @property
    def head_height(self) -> float:
        """From the top of the hair to the chin."""
        return max(1.0, self.chin - self.top)


def find_figure(rgb: np.ndarray) -> Figure:
    """The most likely figure: whatever stands apart from the border colours, near the middle, down to the lower edge.

    Always gives one: where nothing stands apart, a soft head-and-shoulders shape.
    """
    height, width = rgb.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    outline = _outline(small)
    top, chin, bottom, center = _landmarks(outline)
    soft = cv2.GaussianBlur(outline, (0, 0), 0.8)
    mask = np.clip(cv2.resize(_refined(soft, rgb), (width, height), interpolation=cv2.INTER_CUBIC) * 1.8 - 0.65, 0, 1)
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


def _outline(small: np.ndarray) -> np.ndarray:
    """Mask 0..1 of the figure on the small copy."""
    height, width = small.shape[:2]
    prior = _bust(width, height)
    distance = _distance_from_border(small)
    likely = np.clip((distance - 9) / 14, 0, 1)
    marks = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    marks[(likely > 0.5) & (prior > 0.05)] = cv2.GC_PR_FGD
    marks[(likely > 0.9) & (prior > 0.6)] = cv2.GC_FGD
    marks[(prior < 0.02) | ((likely < 0.1) & (prior < 0.15))] = cv2.GC_BGD
    if not (marks == cv2.GC_FGD).any():
        return prior
    cv2.setRNGSeed(7)  # grabCut starts from random clusters; the same picture must give the same outline
    cv2.grabCut(small, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    found = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    found = _largest(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    found = 1 - _reachable_from_top(found)
    if not 0.06 < found.mean() < 0.85:
        return prior
    return found.astype(np.float32)


def _distance_from_border(small: np.ndarray) -> np.ndarray:
    """How far each pixel's colour is from a smooth background fitted to the upper border."""
    height, width = small.shape[:2]
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2], axis=-1)
    border = (rows < -0.84) | ((np.abs(columns) > 0.88) & (rows < 0.25))
    keep = border
    for _ in range(2):
        weights, *_rest = np.linalg.lstsq(terms[keep], lab[keep], rcond=None)
        away = np.linalg.norm(lab - (terms @ weights).astype(np.float32), axis=-1)
        keep = border & (away <= np.quantile(away[border], 0.85))
    spread = float(np.quantile(away[border], 0.8))
    return away / max(1.0, spread / 6)


def _bust(width: int, height: int) -> np.ndarray:
    """Where figures usually are: a wide soft head and shoulders in the middle."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    across = (columns - 0.5) * min(1.8, max(0.7, width / height))
    head = (across / 0.30) ** 2 + ((rows - 0.42) / 0.40) ** 2
    shoulders = (across / 0.48) ** 2 + ((rows - 1.0) / 0.42) ** 2
    return np.clip(1.35 - np.minimum(head, shoulders), 0, 1)


def _largest(found: np.ndarray) -> np.ndarray:
    count, labels, stats, _centers = cv2.connectedComponentsWithStats(found)
    if count < 2:
        return found
    return (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)


def _reachable_from_top(found: np.ndarray) -> np.ndarray:
    """Background that touches the top or a side; holes inside the figure are not background."""
    padded = cv2.copyMakeBorder(1 - found, 1, 0, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _count, labels = cv2.connectedComponents(padded)
    return (labels[1:, 1:-1] == labels[0, 0]).astype(np.uint8)


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
