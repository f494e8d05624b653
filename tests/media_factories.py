"""Makes requests, pictures and videos for tests of the media rooms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.adapters.media.samples import draw_character
from pipeline.adapters.media.video import VideoWriter
from pipeline.domain.work import InputFile, Request


def request(stage: str, inputs: Iterable[InputFile] = (), **parameters: Any) -> Request:
    """A valid request; only the stage and what the test names matters."""
    return Request(
        attempt_id="00000000-0000-4000-8000-000000000001",
        job_key="job",
        stage=stage,
        backend="animatic",
        fingerprint="f",
        inputs=tuple(inputs),
        parameters=parameters,
    )


def input_file(path: Path, role: str, label: str = "") -> InputFile:
    """A file on disk as an input."""
    kind = {".png": "image/png", ".mp4": "video/mp4"}.get(path.suffix, "application/octet-stream")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "0" * 64
    return InputFile(role=role, sha256=sha256, path=str(path), media_type=kind, label=label or path.name)


def character(folder: Path, name: str = "Mara", side: int = 384) -> InputFile:
    """A drawn character as the source image of a request."""
    path = folder / f"{name}.png"
    draw_character(name, path, (side, side))
    return input_file(path, "source")


def texture(width: int, height: int, seed: int = 1) -> np.ndarray:
    """A picture with structure at all sizes, RGB uint8."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (4, 12, 40):
        coarse = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / 3
    return np.clip(picture, 0, 255).astype(np.uint8)


def write_video(path: Path, frames: Iterable[np.ndarray], fps: int = 24) -> Path:
    """An H.264 file of these frames."""
    writer = None
    for frame in frames:
        writer = writer or VideoWriter(path, width=frame.shape[1], height=frame.shape[0], fps=fps)
        writer.write(frame)
    assert writer is not None
    writer.close()
    return path


def moving(width: int = 160, height: int = 96, frames: int = 12, seed: int = 1, start: int = 0) -> list[np.ndarray]:
    """Frames of a slow pan over a texture."""
    wide = texture(width + 4 * (frames + start), height, seed)
    return [np.ascontiguousarray(wide[:, 2 * (i + start) : 2 * (i + start) + width]) for i in range(frames)]
