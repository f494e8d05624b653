"""The look of a picture: colour grade by style numbers, vignette, film grain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.parameters import group, number, triple

LUMA = np.float32([0.2126, 0.7152, 0.0722])


def graded(rgb: np.ndarray, style: Mapping[str, Any]) -> np.ndarray:
    """The picture (RGB uint8) under the style's grade: lift, gamma, gain, contrast, saturation, tints of shadows and lights."""
    grade = group(style, "grade")
    if not grade:
        return rgb
    light = rgb.astype(np.float32) / 255
    lift, gain = triple(grade, "lift", (0, 0, 0)), triple(grade, "gain", (1, 1, 1))
    gamma = np.clip(triple(grade, "gamma", (1, 1, 1)), 0.2, 5)
    light = np.clip(light * gain + lift * (1 - light), 0, 1) ** (1 / gamma)
    light = (light - 0.45) * number(grade, "contrast", 1.0) + 0.45
    luma = (light @ LUMA)[:, :, None]
    light = luma + (light - luma) * number(grade, "saturation", 1.0)
    light = np.where(light > 0.8, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2), light)  # a soft shoulder, as film has
    shadow = np.clip(1 - luma * 2, 0, 1)
    bright = np.clip(luma * 2 - 1, 0, 1)
    light = light + _tint(grade, "tint_shadows") * shadow + _tint(grade, "tint_highlights") * bright
    return (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8)


@lru_cache(maxsize=4)
def vignette(width: int, height: int, strength: float) -> np.ndarray:
    """A map to multiply a frame with, uint8 (height, width, 3), 255 meaning unchanged."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot((columns / width - 0.5) / 0.72, (rows / height - 0.5) / 0.72)
    fall = 1 - np.clip(strength, 0, 1) * np.clip(away - 0.35, 0, 1) ** 1.5
    return cv2.merge([(fall * 255 + 0.5).astype(np.uint8)] * 3)


@lru_cache(maxsize=4)
def grain_tile(width: int, height: int, strength: float) -> np.ndarray:
    """Film grain to add to a frame: int16, larger than the frame by 64 each way, so that every frame cuts its own piece."""
    noise = np.random.default_rng(1977).normal(0, 1, (height + 64, width + 64)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 0.7) * 2.2 * strength * 14
    return cv2.merge([np.round(soft).astype(np.int16)] * 3)


def _tint(grade: Mapping[str, Any], key: str) -> np.ndarray:
    """A tint as an offset: written as a small offset around 0, or as a colour around its own grey."""
    tint = triple(grade, key, (0, 0, 0))
    if tint.max() > 0.35:
        tint = (tint - tint.mean()) * 0.25
    return tint
