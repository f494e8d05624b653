"""Small generated media and whole delivery orders, for the tests of assembly, export and delivery."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.adapters.media.export import export
from pipeline.adapters.media.images import write_png
from pipeline.adapters.media.video import VideoWriter, decode_frames, read_frames
from pipeline.domain.work import InputFile, Request
from tests.fakes_workspace import FakeWorkspace


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


CREATED_AT = "2026-03-01T12:00:00+00:00"
CASTS = (("Mara", "dance"), ("Mara", "walk"), ("Ilja Ć", "dance"))


def delivery_request(folder: Path, *, created_at: str = CREATED_AT, number: int = 1, **parameters: Any) -> Request:
    """An order of three clips with posters, one retro loop with its sprite sheet, and one WebM, made below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs, files = [], []
    for index, (character, scene_type) in enumerate(CASTS):
        clip = folder / f"{index}.mp4"
        if not clip.exists():
            make_clip(clip, frames=6 + index, hue=30 * index)
        poster = folder / f"{index}.png"
        write_png(frame(index), poster)
        inputs.append(file_input(clip, "export", label=f"clip-{index}"))
        inputs.append(file_input(poster, "poster", media_type="image/png", label=f"poster-{index}"))
        facts = {"format": "streaming_1080p", "fps": 24, "frames": 6 + index, "width": 128, "height": 72}
        name = f"streaming/{character.split()[0]}/{scene_type}_casual_t01.mp4"
        files.append(_entry(index, character, scene_type, label=f"clip-{index}", name=name, **facts))
    inputs += _retro_inputs(folder)
    files.append(_entry(0, "Mara", "dance", label="loop", name="game/dance.gif", format="16bit_game", role="export", fps=12))
    files.append(_entry(0, "Mara", "dance", label="loop", name="game/dance.png", format="16bit_game", role="sprite_sheet"))
    inputs.append(file_input(_webm(folder), "export", media_type="video/webm", label="web"))
    files.append(_entry(1, "Mara", "walk", label="web", name="web/walk.webm", format="webm_720p", fps=24))
    settings = {
        "delivery": {"project": "Harbor Nights", "number": number, "run": 7},
        "author": "Studio & Sons",
        "created_at": created_at,
        "files": files,
        "timeline": [f"{character} / {scene_type} / casual" for character, scene_type in CASTS],
        "digital_source_type": "algorithmicMedia",
        "credentials_dir": str(folder / "credentials"),
    }
    return request("delivery", inputs, **(settings | parameters))


def _entry(index: int, character: str, scene_type: str, **fields: Any) -> dict[str, Any]:
    recipe = {
        "inputs": [{"role": "source", "label": character, "sha256": f"{index}a" * 32}],
        "seed": 1234 + index,
        "parameters": {"prompt": f"{character} <b>{scene_type}</b>", "crf": 18.5, "gain": [1.04, 1.0, 0.95], "frames": [24, 24]},
        "tools": {"backend": "animatic"},
        "verdict": "pass",
        "approved_by": "rules",
        "approved_at": "2026-03-01T11:00:00+00:00",
    }
    subject = {"cell": f"{character} / {scene_type} / casual", "character": character, "scene_type": scene_type}
    return {**subject, "variant": "casual", "take": 1, "poster_label": f"poster-{index}", "recipe": recipe, **fields}


def _retro_inputs(folder: Path) -> list[InputFile]:
    workspace = FakeWorkspace(folder / "retro")
    retro = {"palette": {"bits": [5, 5, 5], "max_colors": 256}, "dither": "error_diffusion"}
    settings = {"name": "16bit_game", "width": 64, "height": 56, "fps": 12, "retro": retro}
    result = export(request("export", [file_input(folder / "0.mp4", "scene")], format=settings), workspace)
    return [workspace.input_of(output, output.role, "loop") for output in result.outputs]


def _webm(folder: Path) -> Path:
    workspace = FakeWorkspace(folder / "webm")
    settings = {"codec": "vp9", "container": "webm"}
    result = export(request("export", [file_input(folder / "1.mp4", "scene")], format=settings), workspace)
    return workspace.stored(result.outputs[0].sha256)
