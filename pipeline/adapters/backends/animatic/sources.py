"""Source images as the animatic works on them: scaled down, and with their own transparency where they have one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import MATTE, open_image
from pipeline.domain.files import PICTURE_FORMATS


@dataclass(frozen=True)
class Source:
    """A picture (RGB uint8) and its opacity (float32 0..1, same size); None when it is opaque or nearly so."""

    rgb: np.ndarray
    alpha: np.ndarray | None


def open_source(path: Path, side: int) -> Source:
    """The picture, at most `side` pixels on its longer side. Raises WorkFailed("bad_input") when it cannot be read."""
    rgb = open_image(path)  # refuses what is not acceptable before anything else looks at the file
    alpha = _opacity(path)
    if alpha is not None:
        rgb = _without_matte(rgb, alpha)
    scale = side / max(rgb.shape[:2])
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        alpha = None if alpha is None else cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return Source(rgb=rgb, alpha=alpha)


def _opacity(path: Path) -> np.ndarray | None:
    with library_errors("bad_input", f'Image "{path.name}" cannot be read'), Image.open(path, formats=PICTURE_FORMATS) as image:
        if not image.has_transparency_data:
            return None
        channel = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A")
        alpha = np.asarray(channel, dtype=np.float32) / 255
    return alpha if float((alpha < 0.1).mean()) > 0.03 else None


def _without_matte(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The figure's own colours at its soft edges, where `open_image` has mixed them with grey."""
    cover = alpha[:, :, None]
    own = (rgb - np.float32(MATTE) * (1 - cover)) / np.maximum(cover, 0.05)
    return np.where(cover > 0.05, np.clip(own + 0.5, 0, 255), rgb).astype(np.uint8)
