"""Stand-ins for the models of a production, drawn by the embedded previsualisation renderer instead of a network."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from pipeline.adapters.backends.animatic import render_still
from pipeline.adapters.backends.animatic.camera import MOVES, camera_path
from pipeline.adapters.backends.animatic.frames import FramePainter
from pipeline.adapters.backends.animatic.layers import layers_of
from pipeline.adapters.backends.animatic.plates import paint_plate
from pipeline.adapters.media.images import open_image
from pipeline.domain.work import InputFile, OutputFile, Request
from pipeline.double.job import Answer, Job
from pipeline.double.nodes.pictures import Painted, blank, frames, png
from pipeline.double.nodes.sampling import Conditioning, Model, walk

SETTLE_FRAMES = 8  # the first frame is the start image itself; over so many frames it flows into the painted way


def image_to_video(
    job: Job,
    *,
    model: Model,
    image: Any,
    positive: Conditioning,
    negative: Conditioning,
    width: int,
    height: int,
    frames: int,
    fps: float,
    seed: int,
    steps: int,
) -> Answer:
    """A moving picture that begins with the image: a camera's way through it, chosen by the words and the seed."""
    if job.life.setup.is_instant:
        return Answer((blank(frames, height, width),))
    moving = _moving(_fitted(image, width, height), positive.text, count=frames, fps=fps, seed=seed)
    walk(job, steps, lambda share: moving.paint(round(share * (frames - 1))))
    return Answer((moving,))


def image_to_image(
    job: Job,
    *,
    model: Model,
    image: Any,
    positive: Conditioning,
    negative: Conditioning,
    width: int,
    height: int,
    seed: int,
    steps: int,
    denoise: float,
) -> Answer:
    """A still of the person in the image, dressed and lit as the words say; each seed another one."""
    if job.life.setup.is_instant:
        return Answer((blank(1, height, width),))
    still = _still(next(frames(image)), positive.text, width=width, height=height, seed=seed)
    walk(job, steps, lambda share: still)
    return Answer((still[None].astype(np.float32) / 255,))


def text_to_image(
    job: Job,
    *,
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    width: int,
    height: int,
    seed: int,
    steps: int,
) -> Answer:
    """A place without people, painted as the words say."""
    if job.life.setup.is_instant:
        return Answer((blank(1, height, width),))
    place = paint_plate({"prompt": positive.text, "seed": seed % 2**31}, width, height)
    walk(job, steps, lambda share: place)
    return Answer((place[None].astype(np.float32) / 255,))


def _fitted(image: Any, width: int, height: int) -> np.ndarray:
    first = Image.fromarray(next(frames(image)))
    return np.asarray(first if first.size == (width, height) else ImageOps.fit(first, (width, height)))


def _moving(start: np.ndarray, text: str, *, count: int, fps: float, seed: int) -> Painted:
    height, width = start.shape[:2]
    identity = hashlib.sha256(start.tobytes()).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.png"
        path.write_bytes(png(start))
        layers = layers_of(
            str(path), identity, plate_path="", plate_sha256="", framing="medium", width=width, height=height, has_figure=True
        )
    moves = sorted(name for name in MOVES if name != "static")
    move = moves[int(hashlib.sha256(f"{text}\x1f{seed}".encode()).hexdigest(), 16) % len(moves)]
    way = camera_path({"move": move}, total=count, fps=fps, identity=(text, seed))
    painter = FramePainter(layers, way, grade={}, seed=seed)
    difference = start.astype(np.float32) - painter.paint(0)

    def paint(index: int) -> np.ndarray:
        picture = painter.paint(index)
        if index >= SETTLE_FRAMES:
            return picture
        weight = np.float32((1 - index / SETTLE_FRAMES) ** 2)
        return np.clip(picture + difference * weight + 0.5, 0, 255).astype(np.uint8)

    return Painted((count, height, width, 3), paint)


def _still(picture: np.ndarray, text: str, *, width: int, height: int, seed: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        desk = _Desk(Path(folder))
        source = desk.scratch / "source.png"
        source.write_bytes(png(picture))
        request = Request(
            attempt_id="",
            job_key="",
            stage="variant_generation",
            backend="animatic",
            fingerprint="",
            inputs=(InputFile("source", "", str(source), "image/png"),),
            parameters={"width": width, "height": height, "seed": seed % 2**31, "prompt": text, "variant": text[:80]},
        )
        render_still(request, desk)
        return open_image(desk.published)


class _Desk:
    """A workspace for one still that is looked at once and thrown away."""

    def __init__(self, folder: Path) -> None:
        self.scratch = self.kept = folder
        self.published = folder

    def publish(self, path: Path, *, role: str, media_type: str, label: str = "", facts: Any = None) -> OutputFile:
        self.published = path
        return OutputFile(role, "", path.stat().st_size, media_type, label, facts or {})

    def publish_content(self, content: bytes, *, role: str, media_type: str, facts: Any = None) -> OutputFile:
        path = self.scratch / role
        path.write_bytes(content)
        return self.publish(path, role=role, media_type=media_type, facts=facts)

    def stored(self, sha256: str) -> Path:
        return self.scratch / sha256

    def report(self, fraction: float, note: str = "") -> None:
        """Nobody asks."""
