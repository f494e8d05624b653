"""The contact sheet as one picture, for mails and walls."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import open_image
from pipeline.adapters.packaging.contact_sheet import Card, Sheet, tint
from pipeline.domain.errors import WorkFailed

GROUND, PANEL, LINE = (16, 18, 22), (24, 27, 33), (42, 47, 56)
TEXT, DIM = (232, 230, 225), (152, 155, 163)

MARGIN, GAP, CAPTION, NAME_WIDTH, HEAD = 32, 8, 22, 150, 110
THUMB_WIDTHS = (240, 180, 120, 80, 48)  # the widest that keeps the picture within LIMIT is taken
LIMIT = 60_000_000  # pixels


def draw(sheet: Sheet, target: Path, *, find: Callable[[str], Path]) -> None:
    """Draw the sheet as PNG. `find` gives the file of a poster's package path. Equal sheets give equal pictures.

    A sheet too large for LIMIT pixels at the smallest thumbnails is cut off below, and says so.
    """
    thumb, heights = _fitting(sheet)
    width = MARGIN * 2 + NAME_WIDTH + len(sheet.columns) * (thumb + GAP)
    height = min(HEAD + sum(heights) + MARGIN, max(HEAD + MARGIN + heights[0], LIMIT // width))
    picture = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, 26), _clipped(pen, sheet.title, _font(28), width - 2 * MARGIN), TEXT, _font(28))
    pen.text((MARGIN, 62), _clipped(pen, sheet.subtitle, _font(15), width - 2 * MARGIN), DIM, _font(15))
    for number, column in enumerate(sheet.columns):
        left = MARGIN + NAME_WIDTH + number * (thumb + GAP)
        pen.text((left, HEAD - 20), _clipped(pen, column, _font(13), thumb), DIM, _font(13))
    top = HEAD
    for row, row_height in zip(sheet.rows, heights, strict=True):
        if top + row_height > height:
            pen.text((MARGIN, height - 24), "More rows are in contact_sheet.html", DIM, _font(13))
            break
        _draw_row(picture, pen, sheet, row, top, thumb, find)
        top += row_height
    with library_errors("backend_error", "The contact sheet cannot be written"):
        picture.save(target, format="PNG", compress_level=3)


def _fitting(sheet: Sheet) -> tuple[int, list[int]]:
    """The thumbnail width, and the height of every row."""
    tallest = [max((len(sheet.cards.get((row, column), ())) for column in sheet.columns), default=1) for row in sheet.rows]
    for thumb in THUMB_WIDTHS:
        heights = [count * (thumb * 9 // 16 + CAPTION + GAP) + GAP * 2 for count in tallest]
        width = MARGIN * 2 + NAME_WIDTH + len(sheet.columns) * (thumb + GAP)
        if width * (HEAD + sum(heights) + MARGIN) <= LIMIT:
            break
    return thumb, heights


def _draw_row(
    picture: Image.Image, pen: ImageDraw.ImageDraw, sheet: Sheet, row: str, top: int, thumb: int, find: Callable[[str], Path]
) -> None:
    pen.line((MARGIN, top, picture.width - MARGIN, top), LINE)
    pen.text((MARGIN, top + GAP * 2), _clipped(pen, row, _font(16), NAME_WIDTH - 12), TEXT, _font(16))
    for number, column in enumerate(sheet.columns):
        left, place = MARGIN + NAME_WIDTH + number * (thumb + GAP), top + GAP * 2
        for card in sheet.cards.get((row, column), ()):
            _draw_card(picture, pen, card, (left, place), thumb, find)
            place += thumb * 9 // 16 + CAPTION + GAP


def _draw_card(
    picture: Image.Image,
    pen: ImageDraw.ImageDraw,
    card: Card,
    corner: tuple[int, int],
    thumb: int,
    find: Callable[[str], Path],
) -> None:
    left, top = corner
    height = thumb * 9 // 16
    pen.rectangle((left, top, left + thumb - 1, top + height + CAPTION - 1), PANEL)
    if card.poster:
        picture.paste(_thumbnail(find(card.poster), thumb, height), (left, top))
    else:
        pen.rectangle((left, top, left + thumb - 1, top + height - 1), (0, 0, 0))
    strip = tuple(round(value * 255) for value in colorsys.hls_to_rgb(tint(card.title) / 360, 0.55, 0.55))
    pen.rectangle((left, top, left + 3, top + height + CAPTION - 1), strip)
    if thumb >= 80:
        size = 12 if thumb >= 180 else 10
        caption = card.caption if thumb >= 180 else ""
        room = thumb - 16 - pen.textlength(caption, _font(size))
        pen.text((left + 9, top + height + 4), _clipped(pen, card.title, _font(size), room), TEXT, _font(size))
        pen.text((left + thumb - 6, top + height + 4), caption, DIM, _font(size), anchor="ra")


def _thumbnail(path: Path, width: int, height: int) -> Image.Image:
    try:
        image = Image.fromarray(open_image(path))
    except WorkFailed:
        return Image.new("RGB", (width, height), (0, 0, 0))
    scale = max(width / image.width, height / image.height)
    size = (max(width, round(image.width * scale)), max(height, round(image.height * scale)))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0).crop((left, top, left + width, top + height))


def _clipped(pen: ImageDraw.ImageDraw, text: str, font: ImageFont.ImageFont, room: float) -> str:
    if pen.textlength(text, font) <= room:
        return text
    while text and pen.textlength(text + "…", font) > room:
        text = text[:-1]
    return text + "…"


_FONTS: dict[int, ImageFont.ImageFont] = {}


def _font(size: int) -> ImageFont.ImageFont:
    if size not in _FONTS:
        _FONTS[size] = ImageFont.load_default(size)
    return _FONTS[size]
