"""Moving pictures through PyAV: written deterministically, read with hard limits, probed by decoding."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from pipeline.adapters import small_files
from pipeline.adapters.media.failures import library_errors
from pipeline.domain.errors import WorkFailed

BT709 = 1  # the code for colour primaries, transfer and matrix alike
LIMITED_RANGE = 1

# H.273 matrix codes to the names PyAV converts by.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}

CODECS = frozenset(
    [
        "h264",
        "hevc",
        "prores",
        "vp8",
        "vp9",
        "av1",
        "libdav1d",
        "libvpx",
        "libvpx-vp9",
        "mpeg4",
        "mjpeg",
        "png",
        "ffv1",
        "dnxhd",
        "rawvideo",
        "qtrle",
    ],
)


@dataclass(frozen=True)
class VideoLimits:
    """What a video file may be at most; beyond any of these it is refused while reading."""

    pixels: int = 8192 * 4320
    frames: int = 200_000
    duration_s: float = 4 * 3600.0
    size_bytes: int = 64 * 1024**3


class VideoWriter:
    """Writes RGB frames as H.264 in MP4: exact size, rate and count; equal frames give equal bytes.

    Use as a context manager: the file is complete when the block ends, and removed when it ends by an error.
    Raises WorkFailed: `bad_input` for a size H.264 4:2:0 cannot have, `disk_full`, else `backend_error`.
    """

    def __init__(
        self, path: Path, *, width: int, height: int, fps: int | Fraction, crf: int = 19, preset: str = "superfast"
    ) -> None:
        if width % 2 or height % 2 or min(width, height) < 16:
            raise WorkFailed(
                "bad_input", f"H.264 needs an even width and height of at least 16 pixels, not {width}x{height}. Change the size."
            )
        self.path, self.width, self.height, self.frames = path, width, height, 0
        self._rate = Fraction(fps)
        # One converter for all frames: a frame's own `reformat` would set the scaler up anew each time.
        self._converter = VideoReformatter()
        with self._errors():
            # bitexact leaves out dates and version strings; the faststart move puts the index first for the web.
            options = {"movflags": "+faststart", "fflags": "+bitexact"}
            self._container = av.open(str(path), "w", format="mp4", options=options)
            self._stream = self._make_stream(crf, preset)

    def write(self, rgb: np.ndarray) -> None:
        """Append one frame: RGB, uint8, shape (height, width, 3)."""
        if rgb.shape != (self.height, self.width, 3) or rgb.dtype != np.uint8:
            raise ValueError(f"frame {self.frames} is {rgb.dtype} {rgb.shape}, not uint8 {(self.height, self.width, 3)}")
        with self._errors():
            frame = self._converter.reformat(
                av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"),
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=1,  # jobs already run side by side
            )
            frame.pts = self.frames
            frame.time_base = 1 / self._rate
            self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Flush the encoder and complete the file."""
        with self._errors():
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def discard(self) -> None:
        """Give up: close what can be closed and remove the file."""
        with suppress(av.FFmpegError, OSError):  # the file is thrown away; why closing it failed no longer matters
            self._container.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
        except WorkFailed:
            self.discard()
            raise

    def _make_stream(self, crf: int, preset: str) -> Any:
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        context = stream.codec_context
        context.time_base = 1 / self._rate
        # One thread: the bytes must not depend on the number of cores, and jobs already run side by side.
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE
        # The fastest preset leaves deblocking out; smooth skies need it.
        context.options = {"crf": str(crf), "preset": preset, "x264-params": "no-deblock=0:deblock=0,0"}
        return stream

    def _errors(self) -> Any:
        return library_errors("backend_error", f'Video "{self.path.name}" cannot be written')


def read_frames(
    path: Path, *, limits: VideoLimits = VideoLimits(), failure_class: str = "corrupt_output"
) -> Iterator[np.ndarray]:
    """Yield every frame of the first video stream in order: RGB, uint8, (height, width, 3). Holds one frame at a time.

    Raises WorkFailed(failure_class) for a file that is damaged, is no video, or goes beyond a limit.
    """
    for frame in decode_frames(path, limits=limits, failure_class=failure_class):
        with library_errors(failure_class, f'Video "{path.name}" cannot be converted'):
            rgb = to_rgb(frame)
        yield rgb


def decode_frames(
    path: Path, *, limits: VideoLimits = VideoLimits(), failure_class: str = "corrupt_output"
) -> Iterator[av.VideoFrame]:
    """Like read_frames, but yields the decoded frames as they are (planes, time stamps), not yet converted."""
    with open_video(path, limits=limits, failure_class=failure_class) as (container, stream):
        yield from _decoded(container, stream, path, limits=limits, failure_class=failure_class)


def _decoded(container: Any, stream: Any, path: Path, *, limits: VideoLimits, failure_class: str) -> Iterator[av.VideoFrame]:
    frames = container.decode(stream)
    count = 0
    while True:
        with library_errors(failure_class, f'Video "{path.name}" is damaged after frame {count}'):
            frame = next(frames, None)
        if frame is None:
            break
        count += 1
        if count > limits.frames or frame.width * frame.height > limits.pixels:
            raise WorkFailed(failure_class, f'Video "{path.name}" has more frames or pixels than accepted.')
        yield frame
    if count == 0:
        raise WorkFailed(failure_class, f'Video "{path.name}" has no picture.')


def probe(
    path: Path, *, count: bool = False, limits: VideoLimits = VideoLimits(), failure_class: str = "corrupt_output"
) -> dict[str, Any]:
    """Facts of a video: width, height, fps, frames, duration_s, codec, pix_fmt, audio, variable_fps.

    `frames` and `duration_s` are what the header claims; with `count` every frame is decoded and they are the truth.
    `variable_fps` is known only with `count`. Raises WorkFailed(failure_class) like read_frames.
    """
    if count:
        return measure(path, limits=limits, failure_class=failure_class).facts
    with open_video(path, limits=limits, failure_class=failure_class) as (container, stream):
        return _claimed(container, stream)


def _claimed(container: Any, stream: Any) -> dict[str, Any]:
    rate = stream.average_rate or stream.guessed_rate or Fraction(0)
    return {
        "width": stream.codec_context.width,
        "height": stream.codec_context.height,
        "fps": round(float(rate), 6),
        "frames": stream.frames,
        "duration_s": round(float(stream.frames / rate), 6) if rate else 0.0,
        "codec": stream.codec_context.codec.canonical_name,
        "pix_fmt": stream.codec_context.pix_fmt or "",
        "audio": bool(container.streams.audio),
        "variable_fps": False,
    }


@dataclass(frozen=True)
class Measured:
    """The facts of a video, counted (see `probe`), and its last picture (RGB)."""

    facts: dict[str, Any]
    last: np.ndarray


def measure(path: Path, *, limits: VideoLimits = VideoLimits(), failure_class: str = "corrupt_output") -> Measured:
    """Decode every frame, in one reading. Raises WorkFailed(failure_class) like read_frames, and for frames with damage."""
    with open_video(path, limits=limits, failure_class=failure_class) as (container, stream):
        facts = _claimed(container, stream)
        count, gaps, before, frame = 0, [], None, None
        for frame in _decoded(container, stream, path, limits=limits, failure_class=failure_class):
            count += 1
            if frame.is_corrupt:  # the decoder has found wrong bytes and painted over them
                raise WorkFailed(failure_class, f'Video "{path.name}" is damaged in frame {count}.')
            if frame.time is not None and before is not None:
                gap = frame.time - before
                gaps = [min([gap, *gaps]), max([gap, *gaps])]
            before = frame.time
        with library_errors(failure_class, f'Video "{path.name}" cannot be converted'):
            last = to_rgb(frame)
    shortest, longest = gaps or (0.0, 0.0)
    counted = {
        "frames": count,
        "duration_s": round(count / facts["fps"], 6) if facts["fps"] else 0.0,
        # Time stamps in milliseconds round a steady rate apart by up to two of them; more is a variable rate.
        "variable_fps": longest - shortest > 0.0021,
    }
    return Measured(facts | counted, last)


class _Converters(threading.local):
    """One converter a thread, kept: setting one up costs more than converting a small frame."""

    def __init__(self) -> None:
        self.to_rgb = VideoReformatter()


_CONVERTERS = _Converters()


def to_rgb(frame: av.VideoFrame) -> np.ndarray:
    """One decoded frame as RGB uint8 (height, width, 3), by the matrix it is tagged with (BT.709 when untagged)."""
    source = _MATRICES.get(int(frame.colorspace), Colorspace.ITU709)
    # Without a number the converter starts a thread for each core, which takes longer than a frame does.
    return _CONVERTERS.to_rgb.reformat(frame, format="rgb24", src_colorspace=source, threads=1).to_ndarray()


@contextmanager
def open_video(
    path: Path, *, limits: VideoLimits = VideoLimits(), failure_class: str = "corrupt_output"
) -> Iterator[tuple[Any, Any]]:
    """Open a video file with every guard on: yields (container, first video stream), closed at the end of the block."""
    demuxer = _demuxer(path, limits, failure_class)
    with library_errors(failure_class, f'Video "{path.name}" cannot be opened'):
        # The demuxer is fixed and only plain files may be opened: a playlist must not reach other files or the network.
        container = av.open(str(path), format=demuxer, options={"protocol_whitelist": "file"})
    try:
        with library_errors(failure_class, f'Video "{path.name}" cannot be opened'):
            stream = _checked_stream(container, path, limits, failure_class)
        yield container, stream
    finally:
        container.close()


def _demuxer(path: Path, limits: VideoLimits, failure_class: str) -> str:
    """Which demuxer reads the file, by its first bytes and not by its name."""
    with library_errors(failure_class, f'Video "{path.name}" cannot be opened'):
        size = small_files.size_of(path)
        if size is None:
            raise WorkFailed(failure_class, f'Video "{path.name}" does not exist or is not a file.')
        if size > limits.size_bytes:
            raise WorkFailed(failure_class, f'Video "{path.name}" is larger than {limits.size_bytes} bytes.')
        head = small_files.head(path, 16)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    what = "is empty" if not head else "is not an MP4, MOV, Matroska, WebM or AVI file"
    raise WorkFailed(failure_class, f'Video "{path.name}" {what}.')


def _checked_stream(container: Any, path: Path, limits: VideoLimits, failure_class: str) -> Any:
    if not container.streams.video:
        raise WorkFailed(failure_class, f'Video "{path.name}" has no picture, only {len(container.streams)} other stream(s).')
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None:
        raise WorkFailed(failure_class, f'Video "{path.name}" uses a codec that is not known.')
    if context.codec.canonical_name not in CODECS and context.name not in CODECS:
        raise WorkFailed(failure_class, f'Video "{path.name}" uses the codec {context.name}, which is not accepted.')
    if context.width * context.height > limits.pixels:
        raise WorkFailed(failure_class, f'Video "{path.name}" claims {context.width}x{context.height} pixels.')
    claimed_s = (container.duration or 0) / av.time_base
    if stream.duration and stream.time_base:
        claimed_s = max(claimed_s, float(stream.duration * stream.time_base))
    if stream.average_rate:
        claimed_s = max(claimed_s, float(stream.frames / stream.average_rate))
    if claimed_s > limits.duration_s or stream.frames > limits.frames:
        raise WorkFailed(failure_class, f'Video "{path.name}" claims {claimed_s:.0f} s, {stream.frames} frames.')
    # The size can change in the middle of a stream; this makes the decoder itself refuse, before it allocates.
    context.options = {**context.options, "max_pixels": str(limits.pixels)}
    context.thread_count = 1
    return stream
