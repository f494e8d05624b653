"""Batches of pictures as nodes pass them on: float32 (count, height, width, 3) of 0..1, or frames painted when asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin


@dataclass(frozen=True)
class Painted:
    """A batch that is painted frame by frame each time somebody looks: small to keep, equal each time."""

    shape: tuple[int, int, int, int]
    paint: Callable[[int], np.ndarray]
    """RGB uint8 (height, width, 3) of one frame."""


def frames(images: Any) -> Iterator[np.ndarray]:
    """Each picture as RGB uint8 (height, width, 3)."""
    if isinstance(images, Painted):
        yield from (images.paint(index) for index in range(images.shape[0]))
        return
    for picture in images:
        yield (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def batch(images: Any) -> np.ndarray:
    """The whole batch as an array."""
    if isinstance(images, Painted):
        return np.stack([frame.astype(np.float32) / 255 for frame in frames(images)])
    return np.asarray(images)


def each(images: Any, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """The batch with every picture changed by Pillow."""
    changed = [np.asarray(change(Image.fromarray(frame)), np.float32) / 255 for frame in frames(images)]
    return np.stack(changed)


def blank(count: int, height: int, width: int) -> np.ndarray:
    """A black batch that takes no memory, whatever its size."""
    return np.broadcast_to(np.zeros((1, 1, 1, 1), np.float32), (count, height, width, 3))


def png(picture: np.ndarray, *, notes: dict[str, str] | None = None, effort: int = 4) -> bytes:
    """A picture (RGB uint8) as PNG, with notes as text chunks."""
    told = PngImagePlugin.PngInfo()
    for key, text in (notes or {}).items():
        told.add_text(key, text)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=told, compress_level=effort)
    return buffer.getvalue()


def jpeg(picture: np.ndarray, *, longest_side: int = 512) -> bytes:
    """A picture (RGB uint8) as a small JPEG, as previews are."""
    image = Image.fromarray(picture)
    image.thumbnail((longest_side, longest_side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
