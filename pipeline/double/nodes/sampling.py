"""Stand-ins for models and samplers: no weights, but the same inputs, progress, previews and loading times."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pipeline.double.job import Answer, Job
from pipeline.double.nodes.pictures import blank, frames, jpeg

STEP_S = 0.12  # pretended, of one step of a small picture


@dataclass(frozen=True)
class Model:
    """A model by the name of its file."""

    name: str


@dataclass(frozen=True)
class Conditioning:
    """What a text encoder makes of a text: the text."""

    text: str


@dataclass(frozen=True)
class Latent:
    """What samplers pass on: a size, and the pictures it stands for once there are any."""

    width: int
    height: int
    count: int
    pictures: Any = None
    text: str = ""

    def values(self) -> np.ndarray:
        """Numbers as a latent has them, an eighth of the size."""
        shape = (1, 4, self.count, max(1, self.height // 8), max(1, self.width // 8))
        seed = int.from_bytes(hashlib.sha256(self.text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(shape, np.float32)


def load_checkpoint(job: Job, *, ckpt_name: str) -> Answer:
    """A whole model: network, text encoder, decoder."""
    job.load_model(ckpt_name)
    model = Model(ckpt_name)
    return Answer((model, model, model))


def load_clip(job: Job, *, clip_name: str, **_others: Any) -> Answer:
    """A text encoder."""
    job.load_model(clip_name)
    return Answer((Model(clip_name),))


def load_network(job: Job, *, unet_name: str, **_others: Any) -> Answer:
    """A network."""
    job.load_model(unet_name)
    return Answer((Model(unet_name),))


def encode_text(job: Job, *, text: str, clip: Model) -> Answer:
    """A text for the sampler."""
    return Answer((Conditioning(text),))


def empty_latent_video(job: Job, *, width: int, height: int, length: int, batch_size: int) -> Answer:
    """Nothing yet, of this size."""
    return Answer((Latent(width, height, length),))


def empty_latent(job: Job, *, width: int, height: int, batch_size: int) -> Answer:
    """Nothing yet, of this size."""
    return Answer((Latent(width, height, batch_size),))


def encode_pictures(job: Job, *, pixels: Any, vae: Model) -> Answer:
    """Pictures for the sampler to start from."""
    return Answer((Latent(pixels.shape[2], pixels.shape[1], pixels.shape[0], pictures=pixels),))


def decode_pictures(job: Job, *, samples: Latent, vae: Model) -> Answer:
    """The pictures that a latent stands for."""
    return Answer((blank(samples.count, samples.height, samples.width) if samples.pictures is None else samples.pictures,))


def sample(
    job: Job,
    *,
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    seed: int,
    steps: int,
    denoise: float = 1.0,
    **_others: Any,
) -> Answer:
    """Step by step towards a picture in colours of the text and the seed; from given pictures it does not go far."""
    goal = dream(positive.text, seed, latent_image.width, latent_image.height)
    if latent_image.pictures is not None:
        start = next(frames(latent_image.pictures)).astype(np.float32)
        goal = (start + (goal.astype(np.float32) - start) * min(denoise, 1) * 0.4).astype(np.uint8)
    walk(job, steps, lambda share: goal)
    pictures = np.broadcast_to(goal.astype(np.float32) / 255, (latent_image.count, *goal.shape))
    text = f"{positive.text} {seed} {steps}"
    return Answer((Latent(latent_image.width, latent_image.height, latent_image.count, pictures=pictures, text=text),))


def walk(job: Job, steps: int, picture: Any) -> None:
    """The steps of a sampler: each takes its time, tells itself, and shows `picture(share)` when previews are wanted."""
    for step in range(1, steps + 1):
        job.work(STEP_S)
        preview = None
        if job.previews:
            preview = ("JPEG", jpeg(_grainy(picture(step / steps), 1 - step / steps, step)))
        job.step(step, steps, preview)


def _grainy(picture: np.ndarray, share: float, step: int) -> np.ndarray:
    grain = np.random.default_rng(step).integers(0, 256, picture.shape, np.uint8)
    return (picture * (1 - share) + grain * share).astype(np.uint8)


def dream(text: str, seed: int, width: int, height: int) -> np.ndarray:
    """A soft picture (RGB uint8) in colours of a text and a seed."""
    digest = hashlib.sha256(f"{text}\x1f{seed}".encode()).digest()
    small = np.random.default_rng(int.from_bytes(digest[:8], "big")).integers(30, 226, (4, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
