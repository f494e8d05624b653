"""Stills of pictures whose figure cannot be cut out: the whole picture framed, its edges melting into its own colours."""

from __future__ import annotations

import cv2
import numpy as np

CLOSEST = 1.8  # how much larger than whole a picture may be shown
NEARLY = 1.25  # a picture that nearly fills the frame fills it: a narrow strip beside it looks like a mistake
FACE_LINE = 0.40  # where faces usually are, from the top of a picture
FADE = 0.09  # how wide an edge inside the frame melts, as a share of the frame's width


def framed_whole(
    rgb: np.ndarray, *, share: float, tone: np.ndarray, wobble: np.random.Generator, width: int, height: int
) -> np.ndarray:
    """The picture (RGB uint8) in a frame of this size: nearly whole for a small head's `share`, filling it for a large one.

    `tone` is the colour of the variant's clothes: a breath of it lies over the picture.
    """
    matrix = _placement(rgb, share, wobble, width, height)
    scale = float(matrix[0, 0])
    picture = cv2.GaussianBlur(rgb, (0, 0), 0.35 / scale) if scale < 0.6 else rgb
    flags = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    front = cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    mask = _soft_frame(rgb, matrix, width, height)[:, :, None]
    mixed = _surroundings(rgb, width, height) * (1 - mask) + front * mask
    cast = tone / max(1.0, float(tone.mean()))
    mixed *= 0.88 + 0.12 * np.clip(cast, 0.3, 1.9)
    return (np.clip(mixed * _light(wobble, width, height), 0, 255) + 0.5).astype(np.uint8)


def _placement(rgb: np.ndarray, share: float, wobble: np.random.Generator, width: int, height: int) -> np.ndarray:
    contain = min(width / rgb.shape[1], height / rgb.shape[0])
    cover = max(width / rgb.shape[1], height / rgb.shape[0])
    closeness = float(np.clip((share - 0.27) / 0.41, 0, 1.2)) + float(wobble.uniform(0, 0.12))
    scale = min(contain * CLOSEST, contain * (cover / contain) ** closeness * (1.02 + 0.12 * closeness))
    if scale < cover < NEARLY * scale:
        scale = cover * 1.02
    wide, tall = rgb.shape[1] * scale, rgb.shape[0] * scale
    left = (width - wide) / 2 + float(wobble.uniform(-0.045, 0.045)) * width
    # Heads stand high in tall pictures: hardly anything is cut off there.
    spare = float(np.clip(0.15 - 0.37 * (rgb.shape[0] / rgb.shape[1] - 1), 0.02, 0.15))
    top = max(-spare * tall, 0.45 * height - FACE_LINE * tall)
    if wide >= width:
        left = min(0.0, max(width - wide, left))
    top = min(0.0, max(height - tall, top)) if tall >= height else (height - tall) / 2
    return np.float32([[scale, 0, left], [0, scale, top]])


def _soft_frame(rgb: np.ndarray, matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    """0..1: where the picture shows; edges of it that lie inside the frame melt."""
    scale, left, top = float(matrix[0, 0]), float(matrix[0, 2]), float(matrix[1, 2])
    fade = FADE * width
    across = _ramp(np.arange(width), left, left + rgb.shape[1] * scale, width, fade)
    down = _ramp(np.arange(height), top, top + rgb.shape[0] * scale, height, fade)
    return (down[:, None] * across[None, :]).astype(np.float32)


def _ramp(at: np.ndarray, begin: float, end: float, limit: int, fade: float) -> np.ndarray:
    rise = np.clip((at - begin) / fade, 0, 1) if begin > 0.5 else np.ones(len(at))
    fall = np.clip((end - at) / fade, 0, 1) if end < limit - 0.5 else np.ones(len(at))
    both = rise * fall
    return both * both * (3 - 2 * both)


def _surroundings(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture's own colours, far out of focus and a little darker."""
    small = cv2.resize(rgb, (48, max(8, round(48 * height / width))), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.clip(cv2.resize(cv2.GaussianBlur(small, (0, 0), 3.5), (width, height), interpolation=cv2.INTER_CUBIC), 0, 255) * 0.8


def _light(wobble: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A gentle light from one side."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    key_x = 0.5 + float(wobble.choice([-1, 1])) * float(wobble.uniform(0.18, 0.3))
    pool = np.exp(-(((columns - key_x) / 0.42) ** 2 + ((rows - 0.4) / 0.5) ** 2))
    return (0.9 + 0.16 * pool)[:, :, None]
