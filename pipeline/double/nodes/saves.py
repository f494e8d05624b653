"""Nodes that save: into the output folder, into temp, or straight into the WebSocket."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from typing import Any

from PIL import Image

from pipeline.double.folders import SavePlace
from pipeline.double.job import Answer, Job
from pipeline.double.nodes.films import Video, film, webm
from pipeline.double.nodes.instant import blank_film, blank_png
from pipeline.double.nodes.pictures import frames, png
from pipeline.double.nodes.sampling import Latent

CONTAINERS = {"auto": "mp4", "mp4": "mp4", "mkv": "mkv", "webm": "webm"}


def save_image(job: Job, *, images: Any, filename_prefix: str = "ComfyUI") -> Answer:
    """Numbered PNG files with the graph inside."""
    place = job.place(filename_prefix, width=images.shape[2], height=images.shape[1])
    return Answer((images,), {"images": _pngs(job, images, place, "output")})


def preview_image(job: Job, *, images: Any) -> Answer:
    """PNG files in the temp folder, under a name that nobody can guess."""
    digest = hashlib.sha256(f"{job.prompt_id} {job.node_id}".encode()).digest()
    letters = "".join(chr(ord("a") + byte % 26) for byte in digest[:5])
    place = job.place(f"ComfyUI_temp_{letters}", "temp")
    return Answer((images,), {"images": _pngs(job, images, place, "temp")})


def _pngs(job: Job, images: Any, place: SavePlace, kind: str) -> list[dict[str, str]]:
    notes = {"prompt": job.graph_text()}
    for key, value in (job.extra_data.get("extra_pnginfo") or {}).items():
        notes[key] = json.dumps(value)
    shown = []
    for index, picture in enumerate(frames(images)):
        name = place.name(index, "png")
        if job.life.setup.is_instant:
            data = blank_png(picture.shape[1], picture.shape[0])
        else:
            data = png(picture, notes=notes, effort=4 if kind == "output" else 1)
        job.save(place.folder / name, data)
        shown.append({"filename": name, "subfolder": place.subfolder, "type": kind})
    return shown


def save_to_socket(job: Job, *, images: Any) -> Answer:
    """One binary frame a picture; nothing on the disk, nothing in the history."""
    for index, picture in enumerate(frames(images)):
        job.step(index, images.shape[0], ("PNG", png(picture, effort=1)))
    return Answer()


def preview_any(job: Job, *, source: Any) -> Answer:
    """Any value as text."""
    text = source if isinstance(source, str) else json.dumps(source, default=str)
    return Answer((text,), {"text": [text]})


def save_latent(job: Job, *, samples: Latent, filename_prefix: str = "latents/ComfyUI") -> Answer:
    """A file of the sampler's result: a header and float32 numbers."""
    place = job.place(filename_prefix)
    name = f"{place.stem}_{place.counter:05}_.latent"
    values = samples.values()
    header = json.dumps({"latent_tensor": {"dtype": "F32", "shape": values.shape, "data_offsets": [0, values.nbytes]}}).encode()
    job.save(place.folder / name, struct.pack("<Q", len(header)) + header + values.tobytes())
    return Answer((samples,), {"latents": [{"filename": name, "subfolder": place.subfolder, "type": "output"}]})


def save_video(job: Job, *, video: Video, filename_prefix: str = "video/ComfyUI", **choices: Any) -> Answer:
    """One film. Newer releases look at `format` only now, and not at the codec at all."""
    container = CONTAINERS.get(choices.get("format", ""))
    if container is None:
        raise TypeError("SaveVideo.execute() missing 1 required positional argument: 'format'")
    place = job.place(filename_prefix, width=video.images.shape[2], height=video.images.shape[1])
    if job.life.setup.is_instant:
        count, height, width = video.images.shape[:3]
        return _film(job, place, blank_film(width, height, count, video.fps) + _own(job), container)
    return _film(job, place, film(video, notes={"prompt": job.graph_text()}), container)


def _own(job: Job) -> bytes:
    """A box of MP4 that players pass over: two jobs do not make the same file, since the real server notes the graph in it."""
    mark = job.prompt_id.encode()
    return struct.pack(">I4s", 8 + len(mark), b"free") + mark


def save_webm(job: Job, *, images: Any, filename_prefix: str, codec: str, fps: float, crf: float) -> Answer:
    """One WebM film."""
    place = job.place(filename_prefix, width=images.shape[2], height=images.shape[1])
    return _film(job, place, webm(Video(images, fps), crf=crf), "webm")


def save_animated_webp(
    job: Job, *, images: Any, filename_prefix: str, fps: float, lossless: bool, quality: int, method: str
) -> Answer:
    """One animated WebP."""
    place = job.place(filename_prefix, width=images.shape[2], height=images.shape[1])
    pictures = [Image.fromarray(frame) for frame in frames(images)]
    if job.life.setup.is_instant:
        for index, picture in enumerate(pictures):  # the encoder would make one of equal frames
            picture.putpixel((index % picture.width, 0), (255, 255, 255))
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=int(1000 / fps),
        lossless=lossless,
        quality=quality,
        method=0,
    )
    return _film(job, place, buffer.getvalue(), "webp")


def _film(job: Job, place: SavePlace, data: bytes, suffix: str) -> Answer:
    name = place.name(0, suffix)
    job.save(place.folder / name, data)
    return Answer((), {"images": [{"filename": name, "subfolder": place.subfolder, "type": "output"}], "animated": [True]})
