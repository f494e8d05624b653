"""Films from pictures, encoded in memory: H.264 as SaveVideo makes it, VP9 as SaveWEBM does."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from pipeline.double.job import Answer, Job
from pipeline.double.nodes.pictures import frames


@dataclass(frozen=True)
class Video:
    """Pictures and their rate; nothing is encoded before it is saved."""

    images: Any
    fps: float


def create_video(job: Job, *, images: Any, fps: float, **_others: Any) -> Answer:
    """A film of these pictures, without sound."""
    return Answer((Video(images, fps),))


def film(video: Video, *, notes: dict[str, str]) -> bytes:
    """The film as MP4 (H.264, 4:2:0) with notes in its metadata. Raises what the encoder raises for an odd size."""
    height, width = video.images.shape[1:3]
    # The encoder refuses odd sizes, and names its options when it does; the real server gives it none.
    options = {} if height % 2 or width % 2 else {"preset": "veryfast"}
    return _encoded(video, "mp4", "libx264", options=options, notes=notes)


def webm(video: Video, *, crf: float) -> bytes:
    """The film as WebM (VP9)."""
    options = {"crf": str(int(crf)), "b": "0", "deadline": "realtime", "cpu-used": "8"}
    return _encoded(video, "webm", "libvpx-vp9", options=options, notes={})


def _encoded(video: Video, container: str, codec: str, *, options: dict[str, str], notes: dict[str, str]) -> bytes:
    height, width = video.images.shape[1:3]
    buffer = io.BytesIO()
    settings = {"movflags": "use_metadata_tags"} if container == "mp4" else {}
    output = av.open(buffer, "w", format=container, options=settings)
    try:
        for key, text in notes.items():
            output.metadata[key] = text
        stream = output.add_stream(codec, rate=Fraction(round(video.fps * 1000), 1000), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames(video.images):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    except BaseException:
        stream = None
        raise
    finally:
        output.close()
    return buffer.getvalue()
