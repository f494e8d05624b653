"""Keeps the outline of a still's figure inside its PNG, in a chunk of our own that every viewer passes over.

A still knows its figure exactly while it is painted; to find it again in a dark or busy picture is guesswork.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.cutout import Figure

CHUNK = b"stMt"  # ancillary, private, safe to copy
SIDE = 640
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">HHffff")


def keep_matte(path: Path, figure: Figure) -> None:
    """Add the figure to the PNG at `path`. Equal figures give equal bytes."""
    height, width = figure.mask.shape
    scale = min(1.0, SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = (np.clip(cv2.resize(figure.mask, size, interpolation=cv2.INTER_AREA), 0, 1) * 255 + 0.5).astype(np.uint8)
    head = _HEAD.pack(*size, figure.top / height, figure.chin / height, figure.bottom / height, figure.center_x / width)
    body = head + zlib.compress(small.tobytes(), 6)
    chunk = struct.pack(">I", len(body)) + CHUNK + body + struct.pack(">I", zlib.crc32(CHUNK + body))
    data = path.read_bytes()
    path.write_bytes(data[:-12] + chunk + data[-12:])  # before the closing chunk, which is always 12 bytes long


def kept_matte(path: Path, width: int, height: int) -> Figure | None:
    """The figure kept in a PNG, at the size of its picture; None when there is none, or none that can be trusted."""
    try:
        body = _find(path.read_bytes())
        if body is None:
            return None
        across, down, top, chin, bottom, center = _HEAD.unpack_from(body)
        wanted = across * down
        if not 0 < wanted <= SIDE * SIDE or not 0 <= top < chin <= bottom <= 1.01 or not 0 <= center <= 1:
            return None
        raw = zlib.decompressobj().decompress(body[_HEAD.size :], wanted)
        small = np.frombuffer(raw, np.uint8).reshape(down, across).astype(np.float32) / 255
    except (OSError, ValueError, struct.error, zlib.error):
        return None
    mask = np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    return Figure(mask=mask, top=top * height, chin=chin * height, bottom=bottom * height, center_x=center * width)


def _find(data: bytes) -> bytes | None:
    if not data.startswith(_SIGNATURE):
        return None
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == CHUNK:
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return None
