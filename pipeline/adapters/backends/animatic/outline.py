"""Draws the outline of the figure in a small picture, by two readings that may confirm each other.

One reading follows edges: the set is what can be reached over calm ground without crossing one. The other follows
colour: the figure is what differs from the set as it would look behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

EDGE = 1.6  # a step of colour (Lab, per pixel) that ends calm ground
APART = 16.0  # from this distance on, in spreads of the set's own colours, a pixel is likely the figure's
LEAST_GROUND = 80  # pixels; smaller calm patches inside a figure are skin that has the colour of the set
_SMALL, _WIDE = np.ones((3, 3), np.uint8), np.ones((9, 9), np.uint8)


@dataclass(frozen=True)
class Reading:
    """Both outlines, uint8 0 or 1; the size of the colour step at each pixel, and how far its colour is from the set's."""

    by_color: np.ndarray
    by_edges: np.ndarray
    steps: np.ndarray
    away: np.ndarray


def read_outline(small: np.ndarray) -> Reading | None:
    """Both readings of an RGB picture; None when nothing in it stands apart from its border."""
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    away = _away_from_border(lab)
    usual = _Usual(lab.shape[1], lab.shape[0], _axis(away))
    rough = cv2.morphologyEx(((away > APART) & (usual.place > 0.05)).astype(np.uint8), cv2.MORPH_OPEN, _SMALL)
    away = _away_from_set(lab, cv2.dilate(rough, _WIDE), usual.place > 0.55)
    steps = _steps(lab)
    calm = _calm_areas(steps, usual)
    edges = _by_edges(calm, away, usual)
    away = _away_from_set(lab, cv2.dilate(edges, _SMALL), usual.heart)
    gaps = _gaps(calm, away, usual)
    if gaps.any():
        edges = edges & (1 - gaps)
        away = _away_from_set(lab, cv2.dilate(edges, _SMALL), usual.heart)
    color = _by_color(small, away, usual, edges)
    if color is None:
        return None
    return Reading(by_color=_whole(color, away, usual), by_edges=edges, steps=steps, away=away)


class _Usual:
    """Where figures usually are: a wide soft head and shoulders around an axis; the face is surely the figure's."""

    def __init__(self, width: int, height: int, axis: float) -> None:
        rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
        across = (columns - np.float32(axis)) * min(1.8, max(0.7, width / height))
        head = (across / 0.30) ** 2 + ((rows - 0.42) / 0.40) ** 2
        shoulders = (across / 0.48) ** 2 + ((rows - 1.0) / 0.42) ** 2
        self.place = np.clip(1.35 - np.minimum(head, shoulders), 0, 1)
        self.heart = ((across / 0.085) ** 2 + ((rows - 0.40) / 0.13) ** 2 < 1) | ((np.abs(across) < 0.1) & (rows > 0.85))
        face = (across / 0.105) ** 2 + ((rows - 0.40) / 0.15) ** 2 < 1
        self.face = (across / 0.13) ** 2 + ((rows - 0.40) / 0.165) ** 2 < 1
        self.spine = face | ((np.abs(across) < 0.06) & (rows > 0.25))


class _Areas:
    """Connected areas of a mask, and what can be said of each of them at once."""

    def __init__(self, mask: np.ndarray, connectivity: int = 8) -> None:
        self.count, self.labels, stats, _centers = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
        self.sizes, self.tops = stats[:, cv2.CC_STAT_AREA], stats[:, cv2.CC_STAT_TOP]
        self._flat = self.labels.ravel()

    def share(self, values: np.ndarray) -> np.ndarray:
        """The mean of `values` in each area."""
        total = np.bincount(self._flat, weights=values.ravel().astype(np.float64), minlength=self.count)
        return total / np.maximum(self.sizes, 1)

    def of(self, chosen: np.ndarray) -> np.ndarray:
        """The mask of the chosen areas, uint8; the area of what is not in the mask is never chosen."""
        chosen = chosen.copy()
        chosen[0] = False
        return chosen[self.labels].astype(np.uint8)


def _away_from_border(lab: np.ndarray) -> np.ndarray:
    """How far each pixel's colour is from a smooth background fitted to the upper border."""
    height, width = lab.shape[:2]
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


def _away_from_set(lab: np.ndarray, figure: np.ndarray, avoid: np.ndarray) -> np.ndarray:
    """How far each pixel's colour is from the set around the figure, carried on behind it."""
    outside = (figure == 0) & ~avoid
    if outside.sum() < 50:
        return _away_from_border(lab)
    known = outside.astype(np.float32)
    seen = np.dstack([lab * known[:, :, None], known])
    blurred = np.zeros_like(seen)
    for reach, weight in ((6, 1.0), (18, 2e-2), (60, 4e-4)):
        blurred += weight * _soft(seen, reach)
    away = np.linalg.norm(lab - blurred[:, :, :3] / np.maximum(blurred[:, :, 3:], 1e-9), axis=-1)
    return away / max(0.6, float(np.quantile(away[outside], 0.9)) / 4)


def _soft(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur, through a smaller copy where it is wide."""
    if sigma < 12:
        return cv2.GaussianBlur(picture, (0, 0), sigma)
    height, width = picture.shape[:2]
    size = (max(4, width // 6), max(4, height // 6))
    small = cv2.GaussianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / 6)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _axis(away: np.ndarray) -> float:
    """Where across the picture the figure stands; the middle unless it is clearly elsewhere."""
    weight = np.clip(away[int(away.shape[0] * 0.2) :] / APART - 1, 0, 1).sum(axis=0)
    if weight.sum() < 1:
        return 0.5
    center = float((weight * np.linspace(0, 1, weight.size)).sum() / weight.sum())
    return center if 0.08 < abs(center - 0.5) < 0.3 else 0.5


def _steps(lab: np.ndarray) -> np.ndarray:
    """The size of the colour step at each pixel."""
    lab = cv2.GaussianBlur(lab, (0, 0), 0.7)
    across = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.125)
    return np.sqrt((across**2 + down**2).sum(axis=-1))


def _calm_areas(steps: np.ndarray, usual: _Usual) -> _Areas:
    """Areas without an edge in them; a gap of one pixel in an edge lets nothing through."""
    calm = ((steps < EDGE) & ~usual.heart).astype(np.uint8)
    return _Areas(cv2.morphologyEx(calm, cv2.MORPH_OPEN, _SMALL), connectivity=4)


def _by_edges(calm: _Areas, away: np.ndarray, usual: _Usual) -> np.ndarray:
    """All but the calm areas that have the colours of the set."""
    alike = calm.share((away < 6) & ~usual.heart)
    ground = calm.of((calm.sizes >= LEAST_GROUND) & ~_cheeks(calm, usual) & ((alike > 0.2) | ((calm.tops == 0) & (alike > 0))))
    found = 1 - cv2.dilate(ground, _SMALL)
    areas = _Areas(cv2.morphologyEx(found, cv2.MORPH_OPEN, _SMALL))
    if areas.count < 2:
        return found
    return areas.of(np.arange(areas.count) == 1 + int(np.argmax(areas.sizes[1:])))


def _cheeks(calm: _Areas, usual: _Usual) -> np.ndarray:
    """Which calm areas belong to the face, whatever their colour: small ones that lie in part where a face surely is."""
    return calm.share(usual.face) > 0.25


def _gaps(calm: _Areas, away: np.ndarray, usual: _Usual) -> np.ndarray:
    """Pieces of the set that the figure encloses, as between a ponytail and the neck."""
    hopeful = (
        (calm.sizes >= LEAST_GROUND)
        & (calm.share(usual.spine) == 0)
        & (calm.share(away < 20) >= 0.15)
        & (calm.share(away < 60) >= 0.5)
    )
    return cv2.dilate(calm.of(hopeful), _SMALL)


def _by_color(small: np.ndarray, away: np.ndarray, usual: _Usual, edges: np.ndarray) -> np.ndarray | None:
    """What differs from the set, cleaned up by the picture's own colours (GrabCut)."""
    likely = np.clip((away - 9) / 14, 0, 1)
    marks = np.full(away.shape, cv2.GC_PR_BGD, np.uint8)
    marks[(likely > 0.5) & (usual.place > 0.05)] = cv2.GC_PR_FGD
    marks[(likely > 0.9) & (usual.place > 0.6)] = cv2.GC_FGD
    marks[(usual.place < 0.02) | ((likely < 0.1) & (usual.place < 0.15))] = cv2.GC_BGD
    marks[cv2.dilate(edges, _SMALL) == 0] = cv2.GC_BGD
    if not (marks == cv2.GC_FGD).any():
        return None
    marks[usual.heart & ((away > 10) | (marks != cv2.GC_BGD))] = cv2.GC_FGD
    marks[usual.face & (cv2.erode(edges, _SMALL) > 0)] = cv2.GC_FGD
    if not np.isin(marks, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        return None
    cv2.setRNGSeed(7)  # GrabCut starts from random clusters; the same picture must give the same outline
    cv2.grabCut(small, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    found = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.morphologyEx(found, cv2.MORPH_OPEN, _SMALL)


def _whole(found: np.ndarray, away: np.ndarray, usual: _Usual) -> np.ndarray:
    """The largest piece and what belongs to it, without holes except those that show the set."""
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    pieces = _Areas(found)
    if pieces.count < 2:
        return found
    largest = 1 + int(np.argmax(pieces.sizes[1:]))
    belongs = (pieces.sizes > 0.05 * pieces.sizes[largest]) & (pieces.share(usual.place) > 0.5)
    belongs[largest] = True
    kept = pieces.of(belongs)
    holes = _Areas(1 - kept)
    open_labels = np.unique(np.concatenate([holes.labels[0], holes.labels[:, 0], holes.labels[:, -1]]))
    enclosed = ~np.isin(np.arange(holes.count), open_labels)
    filled = enclosed & ((holes.share(away > 7) > 0.5) | (holes.share(usual.place) > 0.93) | (holes.sizes < 12))
    return kept | holes.of(filled)
