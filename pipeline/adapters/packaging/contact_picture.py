"""The contact sheet as one picture, for mails and walls."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pipeline.adapters.media.images import open_image, write_png
from pipeline.adapters.media.lettering import drawable
from pipeline.adapters.packaging.contact_sheet import Card, Sheet, tint
from pipeline.domain.errors import WorkFailed

Colour = tuple[int, int, int]
GROUND, PANEL, LINE = (16, 18, 22), (24, 27, 33), (42, 47, 56)
TEXT, DIM = (232, 230, 225), (152, 155, 163)
BOLD, PLAIN = 600, 400

MARGIN, GAP, CAPTION, NAME_WIDTH, HEAD = 32, 8, 24, 150, 116
THUMB_WIDTHS = (224, 160, 112, 80, 48)  # the widest that keeps the picture within LIMIT is taken
LIMIT = 60_000_000  # pixels


def draw(sheet: Sheet, target: Path, *, find: Callable[[str], Path]) -> None:
    """Draw the sheet as PNG. `find` gives the file of a poster's package path. Equal sheets give equal pictures.

    A sheet too large for LIMIT pixels at the smallest thumbnails is cut off below, and says so.
    """
    thumb, heights = _fitting(sheet)
    width = max(480, MARGIN * 2 + NAME_WIDTH + len(sheet.columns) * (thumb + GAP))
    height = min(HEAD + sum(heights) + MARGIN, max(HEAD + MARGIN + heights[0], LIMIT // width))
    canvas = _Canvas(width, height)
    canvas.write(sheet.title, MARGIN, 52, size=28, room=width - 2 * MARGIN, weight=BOLD)
    canvas.write(sheet.subtitle, MARGIN, 78, size=15, room=width - 2 * MARGIN, colour=DIM)
    for number, column in enumerate(sheet.columns):
        left = MARGIN + NAME_WIDTH + number * (thumb + GAP)
        canvas.write(column, left, HEAD - 8, size=13, room=thumb, colour=DIM)
    top = HEAD
    for row, row_height in zip(sheet.rows, heights, strict=True):
        if top + row_height > height:
            canvas.write("More rows are in contact_sheet.html", MARGIN, height - 12, size=13, room=width - 2 * MARGIN)
            break
        _draw_row(canvas, sheet, row, top, thumb, find)
        top += row_height
    write_png(canvas.pixels, target)


class _Canvas:
    """A picture with text in OpenCV's built-in face, which knows Latin, Cyrillic, Hebrew, Arabic and Chinese letters."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.empty((height, width, 3), dtype=np.uint8)
        self.pixels[:] = GROUND
        self._face = cv2.FontFace("sans")

    def fill(self, left: int, top: int, width: int, height: int, colour: Colour) -> None:
        """A filled rectangle."""
        self.pixels[top : top + height, left : left + width] = colour

    def width_of(self, text: str, size: int, weight: int = PLAIN) -> int:
        """How wide the text would be, in pixels."""
        return int(cv2.getTextSize((0, 0), drawable(text), (0, 0), self._face, size, weight)[2]) if text else 0

    def write(self, text: str, left: int, base: int, *, size: int, room: int, colour: Colour = TEXT, weight: int = PLAIN) -> None:
        """Text on a base line, shortened with an ellipsis to fit the room."""
        shown = text
        while shown and self.width_of(shown, size, weight) > room:
            text = text[:-1]
            shown = f"{text.rstrip()}…" if text else ""
        if shown:
            cv2.putText(self.pixels, drawable(shown), (left, base), colour, self._face, size, weight)


def _fitting(sheet: Sheet) -> tuple[int, list[int]]:
    """The thumbnail width, and the height of every row."""
    tallest = [max((len(sheet.cards.get((row, column), ())) for column in sheet.columns), default=1) for row in sheet.rows]
    for thumb in THUMB_WIDTHS:
        heights = [count * (thumb * 9 // 16 + CAPTION + GAP) + GAP * 2 for count in tallest]
        width = MARGIN * 2 + NAME_WIDTH + len(sheet.columns) * (thumb + GAP)
        if width * (HEAD + sum(heights) + MARGIN) <= LIMIT:
            break
    return thumb, heights


def _draw_row(canvas: _Canvas, sheet: Sheet, row: str, top: int, thumb: int, find: Callable[[str], Path]) -> None:
    canvas.fill(MARGIN, top, canvas.pixels.shape[1] - 2 * MARGIN, 1, LINE)
    canvas.write(row, MARGIN, top + GAP * 2 + 14, size=17, room=NAME_WIDTH - 12, weight=BOLD)
    for number, column in enumerate(sheet.columns):
        left, place = MARGIN + NAME_WIDTH + number * (thumb + GAP), top + GAP + GAP // 2
        for card in sheet.cards.get((row, column), ()):
            _draw_card(canvas, card, left, place, thumb, find)
            place += thumb * 9 // 16 + CAPTION + GAP


def _draw_card(canvas: _Canvas, card: Card, left: int, top: int, thumb: int, find: Callable[[str], Path]) -> None:
    height = thumb * 9 // 16
    canvas.fill(left, top, thumb, height + CAPTION, PANEL)
    if card.poster:
        canvas.pixels[top : top + height, left : left + thumb] = _thumbnail(find(card.poster), thumb, height)
    else:
        canvas.fill(left, top, thumb, height, (0, 0, 0))
    red, green, blue = (round(value * 255) for value in colorsys.hls_to_rgb(tint(card.title) / 360, 0.55, 0.55))
    canvas.fill(left, top, 4, height + CAPTION, (red, green, blue))
    if thumb < 80:
        return
    size = 13 if thumb >= 160 else 11
    caption = card.caption if thumb >= 160 else ""
    taken = canvas.width_of(caption, size)
    canvas.write(card.title, left + 10, top + height + 17, size=size, room=thumb - 24 - taken, weight=BOLD)
    canvas.write(caption, left + thumb - 7 - taken, top + height + 17, size=size, room=thumb, colour=DIM)


def _thumbnail(path: Path, width: int, height: int) -> np.ndarray:
    """The picture scaled and cropped to fill the space; black when it cannot be read."""
    try:
        picture = open_image(path)
    except WorkFailed:
        return np.zeros((height, width, 3), dtype=np.uint8)
    scale = max(width / picture.shape[1], height / picture.shape[0])
    size = (max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale)))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return scaled[top : top + height, left : left + width]
