"""Small generated media, and a workspace on a temporary folder, for the tests of assembly, export and delivery."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.adapters.media.video import VideoWriter, decode_frames, read_frames
from pipeline.domain.errors import NotFound
from pipeline.domain.work import InputFile, OutputFile, Request


class FolderWorkspace:
    """A Workspace that stores what is published under `<root>/store/<sha256>` and remembers the progress notes."""

    def __init__(self, root: Path, *, job: str = "job") -> None:
        self.root = root
        self.notes: list[tuple[float, str]] = []
        self._scratch = root / "scratch"
        self._kept = root / "kept" / job
        for folder in (self._scratch, self._kept, root / "store"):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        return self._scratch

    @property
    def kept(self) -> Path:
        return self._kept

    def publish(
        self, path: Path, *, role: str, media_type: str, label: str = "", facts: dict[str, Any] | None = None
    ) -> OutputFile:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        size = path.stat().st_size
        shutil.move(path, self.root / "store" / digest)
        return OutputFile(role, digest, size, media_type, label, facts or {})

    def stored(self, sha256: str) -> Path:
        path = self.root / "store" / sha256
        if not path.exists():
            raise NotFound(f"no stored file {sha256}")
        return path

    def report(self, fraction: float, note: str = "") -> None:
        self.notes.append((fraction, note))

    def as_input(self, output: OutputFile, *, role: str | None = None, label: str | None = None) -> InputFile:
        """A published file as the input of the next stage."""
        return InputFile(
            role=role or output.role,
            sha256=output.sha256,
            path=str(self.stored(output.sha256)),
            media_type=output.media_type,
            label=output.label if label is None else label,
        )


def request(stage: str, inputs: Sequence[InputFile], **parameters: Any) -> Request:
    """A Request with made-up identifiers."""
    return Request(
        attempt_id="00000000-0000-4000-8000-000000000001",
        job_key=f"{stage}:test",
        stage=stage,
        backend="local",
        fingerprint="f" * 64,
        inputs=tuple(inputs),
        parameters=parameters,
    )


def file_input(path: Path, role: str, *, media_type: str = "video/mp4", label: str = "") -> InputFile:
    """Any file on disk as an input."""
    return InputFile(role, hashlib.sha256(path.read_bytes()).hexdigest(), str(path), media_type, label)


def frame(index: int, *, width: int = 128, height: int = 72, hue: int = 0) -> np.ndarray:
    """A picture with a gradient, and a bright bar that moves with `index`: RGB uint8 (height, width, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack([rows * 200 // height, columns * 200 // width, np.full_like(rows, 60 + hue)], axis=-1)
    left = (index * 4) % (width - 16)
    picture[height // 4 : height * 3 // 4, left : left + 16] = (240, 220, 200)
    return picture.astype(np.uint8)


def make_clip(
    path: Path, *, frames: int = 12, width: int = 128, height: int = 72, fps: int = 24, start: int = 0, hue: int = 0
) -> Path:
    """An H.264 clip of `frame` pictures."""
    with VideoWriter(path, width=width, height=height, fps=fps) as writer:
        for index in range(start, start + frames):
            writer.write(frame(index, width=width, height=height, hue=hue))
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    """All frames as RGB arrays."""
    return list(read_frames(path))


def time_stamps(path: Path) -> list[float]:
    """Presentation times of all frames in seconds."""
    return [float(frame.pts * frame.time_base) for frame in decode_frames(path)]


def codec_of(path: Path) -> tuple[str, str, str]:
    """(codec, profile, pixel format) of the first video stream."""
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.codec.canonical_name, str(context.profile), str(context.pix_fmt)
