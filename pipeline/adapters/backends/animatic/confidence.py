"""Says whether an outline is good enough to cut a figure out by: a wrong cut is worse than none."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.outline import EDGE, Reading

LEAST_AREA, MOST_AREA = 0.08, 0.82
AGREEMENT = 0.93  # how much the two readings must overlap
SUPPORT = 0.94  # how much of the outline must follow edges of the picture
LONGEST_GUESS = 0.05  # the longest piece of outline that follows none, as a share of it
SET_WITHIN = 0.02  # how much inside the outline may have the colours of the set
UPPER, TOP_CONTACT, SIDE_CONTACT = 0.75, 0.40, 0.10  # shoulders may reach the sides, below the upper part
SYMMETRY = 0.45  # the narrower half of a head against the wider; a ponytail is the most that is usual


def trusted(reading: Reading) -> bool:
    """Whether the outline by colour may be used."""
    outline = reading.by_color
    if not LEAST_AREA < float(outline.mean()) < MOST_AREA or touches_frame(outline):
        return False
    if overlap(outline, reading.by_edges) < AGREEMENT or symmetry(outline) < SYMMETRY:
        return False
    support, longest = edge_support(outline, reading.steps)
    return support >= SUPPORT and longest <= LONGEST_GUESS and set_within(outline, reading.away) <= SET_WITHIN


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Shared area as a share of the area of both together."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def touches_frame(outline: np.ndarray) -> bool:
    """Whether it runs along the top or the upper sides of the picture as scenery does and heads do not."""
    upper = outline[: int(outline.shape[0] * UPPER)]
    return bool(outline[0].mean() > TOP_CONTACT or max(upper[:, 0].mean(), upper[:, -1].mean()) > SIDE_CONTACT)


def symmetry(outline: np.ndarray) -> float:
    """The narrower half of the head against the wider, on both sides of the axis of the shoulders."""
    rows = np.flatnonzero(outline.any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1])
    tall = bottom - top
    head = outline[top : top + max(2, int(tall * 0.45))]
    body = outline[bottom - max(1, int(tall * 0.15)) : bottom + 1]
    columns = np.arange(outline.shape[1])
    axis = float((body.sum(axis=0) * columns).sum() / max(1, body.sum()))
    left, right = float(head[:, columns < axis].sum()), float(head[:, columns >= axis].sum())
    return min(left, right) / max(1.0, left, right)


def set_within(outline: np.ndarray, away: np.ndarray) -> float:
    """How much of the outline's inside has the colours that the set would have there."""
    inside = cv2.erode(outline, np.ones((3, 3), np.uint8)) > 0
    return float((inside & (away < 5)).sum() / max(1, inside.sum()))


def edge_support(outline: np.ndarray, steps: np.ndarray) -> tuple[float, float]:
    """Share of the outline that lies on edges, and the longest piece that does not, as a share of it."""
    height, width = outline.shape
    near = cv2.dilate(steps, np.ones((5, 5), np.uint8)) > EDGE
    contours, _tree = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = max(contours, key=len)[:, 0]
    inside = (points[:, 0] > 1) & (points[:, 0] < width - 2) & (points[:, 1] > 1) & (points[:, 1] < height - 2)
    points = points[inside]
    if len(points) < 20:
        return 0.0, 1.0
    held = near[points[:, 1], points[:, 0]]
    ends = np.flatnonzero(np.diff(np.concatenate([[1], held.astype(int), [1]])))
    longest = int((ends[1::2] - ends[::2]).max(initial=0))
    return float(held.mean()), longest / len(points)
