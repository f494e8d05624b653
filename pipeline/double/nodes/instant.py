"""Nodes of instant servers: pictures of the right size that cost nothing, and files that were encoded once for all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from PIL import Image

from pipeline.double.job import Answer, Job, Node
from pipeline.double.nodes.films import Video, film
from pipeline.double.nodes.pictures import blank, frames, png


def empty_image(job: Job, *, width: int, height: int, batch_size: int, **_others: Any) -> Answer:
    """A batch of this size."""
    return Answer((blank(batch_size, height, width),))


def load_image(job: Job, *, image: str) -> Answer:
    """A picture of the file's size; only its header is read."""
    with Image.open(job.life.folders.annotated(image)) as opened:
        width, height = opened.size
    return Answer((blank(1, height, width), blank(1, height, width)[..., 0]))


def scaled(job: Job, *, image: Any, width: int, height: int, **_others: Any) -> Answer:
    """A batch of another size."""
    return Answer((blank(image.shape[0], height or image.shape[1], width or image.shape[2]),))


def unchanged(job: Job, *, image: Any, **_others: Any) -> Answer:
    """What came in."""
    return Answer((image,))


def repeated(job: Job, *, image: Any, amount: int) -> Answer:
    """A longer batch."""
    return Answer((blank(image.shape[0] * amount, *image.shape[1:3]),))


INSTANT: Mapping[str, Node] = {
    "EmptyImage": empty_image,
    "ImageAddNoise": unchanged,
    "ImageBlur": unchanged,
    "ImageCrop": scaled,
    "ImageScale": scaled,
    "LoadImage": load_image,
    "RepeatImageBatch": repeated,
}
"""Instead of the nodes of these names."""


@cache
def blank_png(width: int, height: int) -> bytes:
    """A black picture as PNG."""
    return png(next(frames(blank(1, height, width))))


@cache
def blank_film(width: int, height: int, count: int, fps: float) -> bytes:
    """A black film as MP4."""
    return film(Video(blank(count, height, width), fps), notes={})
