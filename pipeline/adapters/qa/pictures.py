"""What can be measured of one picture, or of two."""

from __future__ import annotations

import cv2
import numpy as np

MEASURED_SIDE = 384  # sharpness depends on size, so every picture is brought to this longer side first
NEAR_BLACK = 8
NEAR_WHITE = 247
BLACK = 20

# Results must not depend on how many cores a machine has.
cv2.setNumThreads(1)


def grey_of(rgb: np.ndarray) -> np.ndarray:
    """Luma of RGB uint8 (height, width, 3) as uint8 (height, width)."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def scaled(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture with its longer side brought to `side` pixels."""
    factor = side / max(picture.shape[:2])
    size = (max(2, round(picture.shape[1] * factor)), max(2, round(picture.shape[0] * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def sharpness(grey: np.ndarray) -> float:
    """Variance of the Laplacian at a normalised size: about 0 for a flat or blurred picture, hundreds for a crisp one."""
    return float(cv2.Laplacian(scaled(grey, MEASURED_SIDE), cv2.CV_32F).var())


def exposure(grey: np.ndarray) -> tuple[float, float]:
    """Shares 0..1 of the pixels that are clipped to black and to white."""
    counts = np.bincount(grey.ravel(), minlength=256)
    return float(counts[: NEAR_BLACK + 1].sum() / grey.size), float(counts[NEAR_WHITE:].sum() / grey.size)


def black_fraction(grey: np.ndarray) -> float:
    """Share 0..1 of the pixels that are black to the eye."""
    return float(np.count_nonzero(grey <= BLACK) / grey.size)


def clear_subject(grey: np.ndarray) -> float:
    """0..1: how much what catches the eye is gathered in one place. About 0 for a pattern, towards 1 for one small subject.

    Spectral residual saliency; the score compares its spread with that of an even field.
    """
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    spectrum = np.fft.fft2(small)
    size = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = size - cv2.blur(size, (3, 3))
    salient = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    salient = cv2.GaussianBlur(salient.astype(np.float32), (0, 0), 3)
    salient = np.clip(salient - np.median(salient), 0, None)
    total = float(salient.sum())
    if total <= 1e-9 or small.std() < 1:
        return 0.0
    ys, xs = np.mgrid[0:64, 0:64]
    x, y = float((salient * xs).sum() / total), float((salient * ys).sum() / total)
    spread = np.sqrt(float((salient * ((xs - x) ** 2 + (ys - y) ** 2)).sum() / total))
    even = 64 / np.sqrt(6)
    return float(np.clip(1 - spread / even, 0, 1))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of two grey uint8 pictures of one size: 1 identical, about 0 unrelated."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = _soft(a), _soft(b)
    var_a, var_b = _soft(a * a) - mean_a**2, _soft(b * b) - mean_b**2
    both = _soft(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


def color_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean CIE Lab distance of two RGB pictures of one size: 1 is barely visible, 10 is another colour.

    Both are softened first, so that a shift of position counts little and a shift of colour counts whole.
    """
    first, second = (cv2.cvtColor(_tiny(picture), cv2.COLOR_RGB2LAB) for picture in (one, other))
    return float(np.linalg.norm(first - second, axis=-1).mean())


def _tiny(rgb: np.ndarray) -> np.ndarray:
    return cv2.resize(rgb, (16, 9), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _soft(values: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(values, (11, 11), 1.5)
