"""A still taken apart for movement: the figure with its soft outline, and the set behind it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from pipeline.adapters.backends.animatic import framing
from pipeline.adapters.backends.animatic.cutout import Figure, clean_background, find_figure
from pipeline.adapters.backends.animatic.matte import kept_matte
from pipeline.adapters.media.images import open_image

OVERSCAN = 1.16  # the set is larger than the frame, so that camera moves do not run out of it
PLACE_OVERSCAN = 1.05  # a place alone should be seen nearly whole
WHOLE_OVERSCAN = 1.06  # so is a picture that stays whole
WHOLE_FOLLOWS = 0.6
KEPT_PIXELS = 12_000_000  # how many pixels of prepared layers one process keeps: scenes of one still come together


@dataclass(frozen=True)
class Layers:
    """RGBA pictures in frame coordinates (uint8), ready for warping: OpenCV warps four channels far faster than three.

    `back` is OVERSCAN times the frame. `front` is as large as the frame and premultiplied by its alpha;
    it is None when nothing stands before the set.
    """

    width: int
    height: int
    back: np.ndarray
    front: np.ndarray | None
    focus: tuple[float, float]
    follows: float = 1.0  # how much of the camera's way a picture without depth goes along


_kept: OrderedDict[tuple[object, ...], Layers] = OrderedDict()
_lock = Lock()


def layers_of(
    still_path: str,
    still_sha256: str,
    *,
    plate_path: str,
    plate_sha256: str,
    framing: str,
    width: int,
    height: int,
    has_figure: bool,
) -> Layers:
    """The layers of a still (and a plate behind it), prepared once per process for as long as there is room."""
    key = (still_sha256, plate_sha256, framing, width, height, has_figure)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    still = open_image(Path(still_path))
    plate = open_image(Path(plate_path)) if plate_path else None
    if has_figure:
        figure = kept_matte(Path(still_path), still.shape[1], still.shape[0]) or find_figure(still)
        if figure.stands_apart:
            made = _with_figure(still, figure, plate, framing, width, height)
        else:
            made = _whole_picture(still, plate, width, height)
    else:
        made = _place_alone(still, width, height)
    with _lock:
        _kept[key] = made
        while len(_kept) > 1 and len(_kept) * width * height > KEPT_PIXELS:
            _kept.popitem(last=False)
    return made


def _with_figure(still: np.ndarray, figure: Figure, plate: np.ndarray | None, word: str, width: int, height: int) -> Layers:
    matrix = framing.placement(figure, share=framing.head_share(word), width=width, height=height)
    closeness = framing.head_share(word)
    if plate is None:
        set_blur, source = 0.012, clean_background(still, figure.mask, blur=0.012)
    else:
        set_blur, source = 0.0025 + 0.012 * closeness, plate
    back = _cover(source, round(width * OVERSCAN), round(height * OVERSCAN), 1.0 + 0.35 * closeness)
    if plate is not None:
        back = cv2.GaussianBlur(back, (0, 0), max(0.5, set_blur * width))
    front, mask = _cut(still, figure, matrix, width, height)
    if plate is not None:
        front = _lit_by(front, mask, back)
    back = _shadowed(back, mask)
    focus = (
        figure.center_x * float(matrix[0, 0]) + float(matrix[0, 2]),
        (figure.top + figure.chin) / 2 * float(matrix[1, 1]) + float(matrix[1, 2]),
    )
    return Layers(
        width=width,
        height=height,
        back=cv2.cvtColor(back, cv2.COLOR_RGB2RGBA),
        front=_premultiplied(front, mask),
        focus=focus,
    )


def _place_alone(plate: np.ndarray, width: int, height: int) -> Layers:
    """A place without a figure: nothing stands before it."""
    back = _cover(plate, round(width * PLACE_OVERSCAN), round(height * PLACE_OVERSCAN), 1.0)
    focus = (width / 2, height * 0.52)
    return Layers(width=width, height=height, back=cv2.cvtColor(back, cv2.COLOR_RGB2RGBA), front=None, focus=focus)


def _whole_picture(still: np.ndarray, plate: np.ndarray | None, width: int, height: int) -> Layers:
    """A picture that cannot be taken apart: one layer, moved gently, in the light of the place."""
    back = _cover(still, round(width * WHOLE_OVERSCAN), round(height * WHOLE_OVERSCAN), 1.0)
    if plate is not None:
        place = plate.reshape(-1, 3).mean(axis=0)
        back = np.clip(back * (0.82 + 0.18 * place / max(1.0, float(place.mean()))), 0, 255).astype(np.uint8)
    focus = (width / 2, height * 0.45)
    return Layers(
        width=width, height=height, back=cv2.cvtColor(back, cv2.COLOR_RGB2RGBA), front=None, focus=focus, follows=WHOLE_FOLLOWS
    )


def _premultiplied(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    alpha = mask[:, :, None]
    return (np.dstack([np.clip(picture, 0, 255) * alpha, alpha * 255]) + 0.5).astype(np.uint8)


def _cover(picture: np.ndarray, width: int, height: int, closer: float) -> np.ndarray:
    """Scale and crop to fill the size, the middle kept; `closer` crops in further."""
    scale = max(width / picture.shape[1], height / picture.shape[0]) * closer
    move = np.float32([
        [scale, 0, width / 2 - picture.shape[1] * scale / 2],
        [0, scale, height / 2 - picture.shape[0] * scale / 2],
    ])  # fmt: skip
    if scale < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.35 / scale)
    return cv2.warpAffine(picture, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _cut(still: np.ndarray, figure: Figure, matrix: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    scale = float(matrix[0, 0])
    if scale < 0.6:
        still = cv2.GaussianBlur(still, (0, 0), 0.35 / scale)
    flags = cv2.INTER_CUBIC if scale > 1.05 else cv2.INTER_LINEAR
    front = cv2.warpAffine(still, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    mask = cv2.warpAffine(figure.mask, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Rows above the picture's own top would repeat its first line; nothing of the figure is there.
    top = int(max(0, matrix[1, 2]))
    mask[:top] = 0
    return front, np.clip(mask, 0, 1)


def _lit_by(front: np.ndarray, mask: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Bring the figure into the light of the place: a share of its colour cast, and a little of it around the edges."""
    place = back.reshape(-1, 3).mean(axis=0)
    cast = place / max(1.0, float(place.mean()))
    level = float(np.clip(place.mean() / 110, 0.72, 1.12))
    lit = front * (0.82 + 0.18 * cast) * (0.55 + 0.45 * level)
    edge = np.clip(cv2.GaussianBlur(1 - mask, (0, 0), max(1.0, mask.shape[1] / 160)) * mask * 1.6, 0, 1)
    return lit + (place * 0.9 + 30 - lit) * (edge * 0.35)[:, :, None]


def _shadowed(back: np.ndarray, mask: np.ndarray) -> np.ndarray:
    height, width = mask.shape
    grown = np.zeros(back.shape[:2], np.float32)
    top, left = (back.shape[0] - height) // 2, (back.shape[1] - width) // 2
    grown[top : top + height, left : left + width] = mask
    soft = cv2.GaussianBlur(cv2.resize(grown, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), (0, 0), width / 110)
    soft = cv2.resize(soft, (back.shape[1], back.shape[0]), interpolation=cv2.INTER_LINEAR)
    return (back * (1 - 0.22 * soft)[:, :, None]).astype(np.uint8)
