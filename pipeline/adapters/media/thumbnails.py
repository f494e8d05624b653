"""Small pictures for the board: made once from a stored picture, kept under its hash, never changed."""

from __future__ import annotations

import contextlib
import threading
import uuid
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import open_image

QUALITY = 84
WIDEST = 4
"""A thumbnail is at most this many times as wide as it is high; what is wider gets less height."""

_AT_A_TIME = 2


@lru_cache(maxsize=8)
def thumbnails(root: Path) -> Thumbnails:
    """The one cache of a folder in this process."""
    return Thumbnails(root)


class Thumbnails:
    """A folder of JPEG pictures by height and hash. It is a cache: whoever removes it loses time and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._slots = threading.BoundedSemaphore(_AT_A_TIME)

    def of(self, picture: Path, sha256: str, height: int) -> Path:
        """The JPEG of this stored picture, at most `height` high and never larger than the picture.

        Raises WorkFailed("bad_input") for a file that is no acceptable picture.
        """
        target = self.root / str(height) / sha256[:2] / f"{sha256[2:]}.jpg"
        if target.is_file():
            return target
        with self._slots:  # decoding holds a whole picture in memory
            if not target.is_file():
                _place(_encoded(open_image(picture), height), target)
        return target


def _encoded(picture: np.ndarray, height: int) -> bytes:
    high, wide = picture.shape[:2]
    scale = min(1.0, height / high, height * WIDEST / wide)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    with library_errors("bad_input", "The thumbnail cannot be made"):
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
        done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise ValueError("the JPEG encoder refused the picture")
    return data.tobytes()


def _place(content: bytes, target: Path) -> None:
    """Whole or not at all; two that make the same picture at once do not meet."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    with library_errors("backend_error", f'The thumbnail "{target}" cannot be written'):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
