"""How surely a picture shows what another picture shows, by local features that fit one placement."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.adapters.qa.pictures import scaled

SOURCE_SIDE = 448
STILL_SIDE = 640
RATIO = 0.78  # Lowe's test: a match must be this much better than the second best
HALF_SURE = 22.0  # so many matches that agree, all of them, give a likeness of one half
LEAST = 5  # fewer agree by chance


class Likeness:
    """Compares stills with the source images of one character; the sources' features are found once."""

    def __init__(self, sources: list[np.ndarray]) -> None:
        """`sources` are grey uint8 pictures."""
        self._detector = cv2.SIFT_create(nfeatures=700, contrastThreshold=0.02)
        self._sources = [self._features(source, SOURCE_SIDE) for source in sources]

    def of(self, grey: np.ndarray) -> float:
        """0..1: the likeness to the most alike source. Below 0.2 another face, above 0.5 surely the same picture content."""
        points, descriptors = self._features(grey, STILL_SIDE)
        return max((_agreement(source, points, descriptors) for source in self._sources), default=0.0)

    def _features(self, grey: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray | None]:
        found, descriptors = self._detector.detectAndCompute(scaled(grey, side), None)
        points = np.float32([point.pt for point in found]).reshape(-1, 2)
        if descriptors is None:
            return points, None
        # Root-SIFT: closer to how alike two patches really look, and it forgives changes of contrast.
        descriptors = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
        return points, descriptors.astype(np.float32)


def _agreement(source: tuple[np.ndarray, np.ndarray | None], points: np.ndarray, descriptors: np.ndarray | None) -> float:
    source_points, source_descriptors = source
    if descriptors is None or source_descriptors is None or min(len(points), len(source_points)) < LEAST:
        return 0.0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(source_descriptors, descriptors, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
    if len(good) < LEAST:
        return 0.0
    here = np.float32([source_points[match.queryIdx] for match in good])
    there = np.float32([points[match.trainIdx] for match in good])
    matrix, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=5.0, maxIters=1000)
    if matrix is None or not 0.1 < float(np.hypot(matrix[0, 0], matrix[1, 0])) < 8:
        return 0.0
    # Several source features can sit on one spot of the still; a spot is one witness only.
    spots = {tuple(np.round(there[i] / 3).astype(int)) for i in np.flatnonzero(inliers)}
    # Drawn eyes look alike on any face: a few agree there while most do not. Where it is the same face, most agree.
    united = min(1.0, 1.5 * float(inliers.sum()) / len(good))
    agreeing = max(0, len(spots) - LEAST) * united
    return float(agreeing**2 / (agreeing**2 + HALF_SURE**2))
