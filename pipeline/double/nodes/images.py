"""Nodes that make and change pictures, without weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from pipeline.double.job import Answer, Job
from pipeline.double.nodes.pictures import batch, each

LARGEST_CHANNEL_BYTES = 2 * 1024**3
BLUR_S_PER_PIXEL = 1.2e-6  # pretended: about 0.3 s for the widest blur of 512 x 512
METHODS = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def empty_image(job: Job, *, width: int, height: int, batch_size: int, color: int) -> Answer:
    """A batch of one colour. Fails as the real one does when it would not fit into memory."""
    channel_bytes = width * height * batch_size * 4
    if channel_bytes > LARGEST_CHANNEL_BYTES:
        raise job.out_of_memory(channel_bytes)
    rgb = np.array([(color >> shift) & 0xFF for shift in (16, 8, 0)], np.float32) / 255
    return Answer((np.broadcast_to(rgb, (batch_size, height, width, 3)),))


def solid_mask(job: Job, *, value: float, width: int, height: int) -> Answer:
    """A mask (1, height, width) of one value."""
    return Answer((np.full((1, height, width), value, np.float32),))


def load_image(job: Job, *, image: str) -> Answer:
    """A picture from the input folder, or from another that its name tells; raises what Pillow raises."""
    with Image.open(job.life.folders.annotated(image)) as opened:
        picture = ImageOps.exif_transpose(opened)
        alpha = picture.getchannel("A") if "A" in picture.getbands() else None
        rgb = np.asarray(picture.convert("RGB"), np.float32)[None] / 255
    mask = 1 - np.asarray(alpha, np.float32)[None] / 255 if alpha else np.zeros((1, 64, 64), np.float32)
    return Answer((rgb, mask))


def add_noise(job: Job, *, image: Any, seed: int, strength: float) -> Answer:
    """Seeded noise over every picture."""
    pictures = batch(image)
    noise = np.random.default_rng(seed).standard_normal(pictures.shape, np.float32)
    return Answer((np.clip(pictures + noise * np.float32(strength), 0, 1),))


def composite_masked(
    job: Job, *, destination: Any, source: Any, x: int, y: int, resize_source: bool, mask: np.ndarray | None = None
) -> Answer:
    """One picture laid over another at a place, through a mask."""
    below, above = batch(destination).copy(), batch(source)
    height, width = below.shape[1:3]
    if resize_source:
        above = each(above, lambda picture: picture.resize((width, height)))
    tall, wide = min(above.shape[1], height - y), min(above.shape[2], width - x)
    share = np.ones((1, tall, wide, 1), np.float32) if mask is None else mask[:, :tall, :wide, None]
    patch = below[:, y : y + tall, x : x + wide]
    below[:, y : y + tall, x : x + wide] = patch + (above[:, :tall, :wide] - patch) * share
    return Answer((below,))


def blur(job: Job, *, image: Any, blur_radius: int, sigma: float) -> Answer:
    """A Gaussian blur; wide ones pretend to take their time."""
    count, height, width = image.shape[:3]
    job.work(count * height * width * BLUR_S_PER_PIXEL * max(0, blur_radius - 8) / 23)
    reach = min(sigma, blur_radius / 2)
    return Answer((each(image, lambda picture: picture.filter(ImageFilter.GaussianBlur(reach))),))


def scale(job: Job, *, image: Any, upscale_method: str, width: int, height: int, crop: str) -> Answer:
    """Pictures of another size; a side of 0 follows the other one, `center` keeps the proportions by cropping."""
    tall, wide = image.shape[1:3]
    if not width and not height:
        return Answer((image,))
    width = width or max(1, round(wide * height / tall))
    height = height or max(1, round(tall * width / wide))
    method = METHODS[upscale_method]
    if crop == "center":
        return Answer((each(image, lambda picture: ImageOps.fit(picture, (width, height), method)),))
    return Answer((each(image, lambda picture: picture.resize((width, height), method)),))


def crop(job: Job, *, image: Any, width: int, height: int, x: int, y: int) -> Answer:
    """A part of every picture, kept inside it."""
    tall, wide = image.shape[1:3]
    left, top = min(x, wide - 1), min(y, tall - 1)
    return Answer((batch(image)[:, top : top + height, left : left + width],))


def repeat(job: Job, *, image: Any, amount: int) -> Answer:
    """The batch several times over."""
    return Answer((np.concatenate([batch(image)] * amount),))


def from_batch(job: Job, *, image: Any, batch_index: int, length: int) -> Answer:
    """A piece of a batch."""
    pictures = batch(image)
    start = min(len(pictures) - 1, batch_index)
    return Answer((pictures[start : start + length],))


def rebatch(job: Job, *, images: list[Any], batch_size: list[int]) -> Answer:
    """Batches of another size, as a list: what follows runs once for each."""
    size = batch_size[0]
    pictures = [picture for one in images for picture in batch(one)]
    return Answer(([np.stack(pictures[at : at + size]) for at in range(0, len(pictures), size)],))
