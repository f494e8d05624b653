"""The strip at the foot of a frame that says what one is looking at, with running time code."""

from __future__ import annotations

import threading
from functools import lru_cache

import cv2
import numpy as np

from pipeline.adapters.media.lettering import drawable

INK = np.float32([236, 236, 230])
ACCENT = np.float32([255, 176, 59])
SEPARATOR = "  ·  "
_DARK = 0.34
_FACES = threading.local()


def timecode(index: int, fps: int) -> str:
    """HH:MM:SS:FF of a frame, counted from zero."""
    seconds, frames = divmod(index, fps)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"


class Slate:
    """Draws the strip on frames of one size. Text that is too long for the width is cut off with dots; time code never is."""

    def __init__(self, *, width: int, height: int, fps: int, words: tuple[str, ...], total: int) -> None:
        self.width, self.fps, self.total = width, fps, max(1, total)
        self.strip = int(min(max(15, round(min(height, width * 0.7) * 0.058)), max(3, height * 0.2)))
        self.text_px = max(5, round(self.strip * 0.60))
        self._digits = _digit_cells(self.text_px, self.strip)
        self._cell = next(iter(self._digits.values())).shape[1]
        self._margin = max(3, round(self.strip * 0.4))
        room = width - self._margin * 3 - self._cell * 11
        self.line = _line([word for word in words if word], self.text_px, room)
        self._text = _text_mask(self.line, self.text_px, self.strip)

    def draw(self, frame: np.ndarray, index: int) -> None:
        """Draw on the frame (RGB uint8) in place; `index` counts from the first frame of the scene."""
        area = frame[-self.strip :]
        mask = np.zeros((self.strip, self.width), np.float32)
        text = self._text[:, : max(0, self.width - 2 * self._margin)]
        mask[:, self._margin : self._margin + text.shape[1]] = text
        code = np.hstack([self._digits[sign] for sign in timecode(index, self.fps)])[:, -self.width :]
        right = max(0, self.width - self._margin - code.shape[1])
        mask[:, right : right + code.shape[1]] = code[:, : self.width - right]
        light = area * np.float32(_DARK) * (1 - mask)[:, :, None] + INK * mask[:, :, None]
        done = round(self.width * (index + 1) / self.total)
        line = max(1, self.strip // 14)
        light[:line, :done] = ACCENT
        area[:] = np.clip(light, 0, 255).astype(np.uint8)


def _line(words: list[str], size: int, room: int) -> str:
    """As many of the words as fit; the first ones go first, for everybody on a production knows its title."""
    lines = [SEPARATOR.join(words[first:]) for first in range(max(1, len(words) - 1))]
    return next((line for line in lines if _measure(line, size) <= room), _fitted(lines[-1], size, room))


def _fitted(text: str, size: int, room: int) -> str:
    """The text, shortened until it fits."""
    if room < size * 2:
        return ""
    while text and _measure(text, size) > room:
        text = text[: max(0, int(len(text) * room / max(room + 1, _measure(text, size))) - 1)].rstrip(" ·…") + "…"
        if text == "…":
            return ""
    return text


def _shown(text: str) -> str:
    """The line as it is drawn: the words stay in their order, and each is read in its own direction."""
    return SEPARATOR.join(drawable(word) for word in text.split(SEPARATOR))


def _measure(text: str, size: int) -> int:
    _x, _y, width, _h = cv2.getTextSize((8192, 64), _shown(text), (0, 0), _face(), size, 500)
    return int(width) + 2


@lru_cache(maxsize=64)
def _text_mask(text: str, size: int, strip: int) -> np.ndarray:
    """Coverage 0..1 of a line of text, (strip, its width)."""
    width = _measure(text, size) if text else 1
    picture = np.zeros((strip, max(1, width), 3), np.uint8)
    if text:
        baseline = round(strip * 0.5 + size * 0.37)
        cv2.putText(picture, _shown(text), (1, baseline), (255, 255, 255), _face(), size, 500)
    return picture[:, :, 0].astype(np.float32) / 255


@lru_cache(maxsize=8)
def _digit_cells(size: int, strip: int) -> dict[str, np.ndarray]:
    """Every sign of a time code in a cell of one width, so that the code does not dance."""
    wide = max(3, max(_measure(sign, size) for sign in "0123456789") - 1)
    cells = {}
    for sign in "0123456789:":
        glyph = _text_mask(sign, size, strip)
        glyph = glyph[:, np.flatnonzero(glyph.any(axis=0))][:, :wide]
        left = (wide - glyph.shape[1]) // 2
        cells[sign] = np.pad(glyph, ((0, 0), (left, wide - glyph.shape[1] - left)))
    return cells


def _face() -> cv2.FontFace:
    """The font inside the OpenCV wheel: no font of the machine is needed, and every machine draws the same.

    One per thread, for it keeps a glyph cache without a lock.
    """
    if not hasattr(_FACES, "face"):
        _FACES.face = cv2.FontFace("sans")
    return _FACES.face
