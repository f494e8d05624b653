"""Text as a program without a layout engine has to draw it: from left to right, glyph by glyph."""

from __future__ import annotations

import unicodedata
from itertools import groupby

_MARK = "•"  # stands for a pictograph, which the face inside OpenCV does not have
_PICTOGRAPHS = range(0x1F000, 0x1FB00)
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f", "\u20e3"}  # they make one pictograph out of several signs
_FLAGS = range(0x1F1E6, 0x1F200)
_TONES = range(0x1F3FB, 0x1F400)
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def drawable(text: str) -> str:
    """The text with what is read from right to left in the order in which it stands on paper, and a dot for each pictograph.

    It follows the Unicode rules for direction as far as names need them: letters, numbers, brackets and spaces; no embedding
    marks. Arabic letters are not joined.
    """
    if text.isascii():
        return text
    clusters = _clusters(_without_pictographs(text))
    strong = [_direction(cluster) for cluster in clusters]
    if "R" not in strong:
        return "".join(clusters)
    base = next(direction for direction in strong if direction in ("L", "R"))
    levels = _levels(strong, base)
    clusters = [cluster.translate(_MIRRORED) if level % 2 else cluster for cluster, level in zip(clusters, levels, strict=True)]
    places = list(range(len(clusters)))
    for level in range(max(levels), 0, -1):
        places = _turned(places, {place for place in places if levels[place] >= level})
    return "".join(clusters[place] for place in places)


def _turned(places: list[int], deep: set[int]) -> list[int]:
    """The places, with each unbroken run of those in `deep` the other way round."""
    runs = [(is_deep, list(run)) for is_deep, run in groupby(places, deep.__contains__)]
    return [place for is_deep, run in runs for place in (reversed(run) if is_deep else run)]


def _without_pictographs(text: str) -> str:
    kept: list[str] = []
    joins = False
    for sign in text:
        code = ord(sign)
        if sign in _JOINERS:
            joins = sign == "\u200d" or joins
        elif code in _PICTOGRAPHS:
            second_half = code in _TONES or (code in _FLAGS and kept[-1:] == [_MARK])
            if not (kept[-1:] == [_MARK] and (joins or second_half)):
                kept.append(_MARK)
            joins = False
        else:
            kept.append(sign)
            joins = False
    return "".join(kept)


def _clusters(text: str) -> list[str]:
    """Every sign with the marks above and below it."""
    found: list[str] = []
    for sign in text:
        if found and unicodedata.combining(sign):
            found[-1] += sign
        else:
            found.append(sign)
    return found


def _direction(cluster: str) -> str:
    """L or R for letters, N for numbers, and a space for what takes the direction of its surroundings."""
    kind = unicodedata.bidirectional(cluster[0])
    return {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}.get(kind, " ")


def _levels(strong: list[str], base: str) -> list[int]:
    """How deep each cluster is embedded in a line of this base direction: even reads to the right, odd to the left."""
    sides: list[str] = []
    before = base
    for direction in strong:
        before = direction if direction in ("L", "R") else before
        sides.append(" " if direction == " " else before)
    for index, side in enumerate(sides):
        if side == " ":
            left = sides[index - 1] if index else base
            right = next((other for other in sides[index:] if other != " "), base)
            sides[index] = left if left == right else base
    outer = 0 if base == "L" else 2
    pairs = zip(sides, strong, strict=True)
    return [(2 if direction == "N" else 1) if side == "R" else outer for side, direction in pairs]
