"""Whole clips from one shape to another: packet copy without loss, and encoding with the settings of an output format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.video import BT709, LIMITED_RANGE, decode_frames, open_video
from pipeline.domain.errors import WorkFailed

# bitexact leaves out dates and version strings, so equal frames give equal files.
MUXER_OPTIONS = {"fflags": "+bitexact"}
# As small as `veryfast` at two thirds of its time: `superfast` with the look-ahead that saves the bits.
X264_SPEED = {"preset": "superfast", "x264-params": "mbtree=1:rc-lookahead=12"}
UNTAGGED = 2  # FFmpeg's code for a colour matrix that nobody stated


@dataclass(frozen=True)
class Encoding:
    """How frames become a stream: FFmpeg encoder, pixel format, options, threads (0 lets the encoder choose)."""

    encoder: str
    pix_fmt: str
    container: str
    options: Mapping[str, str]
    threads: int = 1
    bit_rate: int | None = None
    is_faststart: bool = False


def encoding_for(settings: Mapping[str, Any]) -> Encoding:
    """The Encoding of an output format's settings: codec h264, prores_4444, prores_422 or vp9.

    Raises WorkFailed("bad_input") for a codec that is not known or a container that cannot hold it.
    """
    codec = str(settings.get("codec", "h264"))
    container = str(settings.get("container", "mov" if codec.startswith("prores") else "webm" if codec == "vp9" else "mp4"))
    if codec not in _ENCODINGS:
        raise WorkFailed("bad_input", f'Unknown codec "{codec}". There are: {", ".join(_ENCODINGS)}, gif.')
    base, containers = _ENCODINGS[codec]
    if container not in containers:
        raise WorkFailed("bad_input", f"A .{container} file cannot hold {codec}. Use container: {' or '.join(containers)}.")
    options = dict(base.options)
    bit_rate = settings.get("bitrate")
    if codec in ("h264", "vp9"):
        if not bit_rate:
            options["crf"] = str(settings.get("crf", options["crf"]))
        else:
            options.pop("crf")
        if codec == "h264" and settings.get("preset"):
            options["preset"] = str(settings["preset"])
            options.pop("x264-params")
    return Encoding(
        encoder=base.encoder,
        pix_fmt=base.pix_fmt,
        container=container,
        options=options,
        threads=base.threads,
        bit_rate=bits_per_second(bit_rate) if bit_rate else None,
        is_faststart=container in ("mp4", "mov") and bool(settings.get("faststart", container == "mp4")),
    )


def bits_per_second(value: int | float | str) -> int:
    """`8M`, `800k` or a plain number as bits per second; raises WorkFailed("bad_input") for anything else."""
    text = str(value).strip().lower()
    factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:], 1)
    try:
        rate = int(float(text.rstrip("km")) * factor)
    except ValueError:
        rate = 0
    if rate < 1_000:
        raise WorkFailed("bad_input", f'"{value}" is not a bit rate. Write it like 8M or 800k.')
    return rate


def encode(frames: Iterable[av.VideoFrame], path: Path, *, width: int, height: int, fps: Fraction, encoding: Encoding) -> int:
    """Encode frames that already have this size; returns how many. Tagged BT.709, limited range. Equal frames, equal bytes.

    Raises WorkFailed: `disk_full`, else `backend_error`.
    """
    options = dict(MUXER_OPTIONS)
    if encoding.is_faststart:
        options["movflags"] = "+faststart"
    count = 0
    with (
        library_errors("backend_error", f'Video "{path.name}" cannot be written'),
        av.open(str(path), "w", format=encoding.container, options=options) as container,
    ):
        stream = _add_stream(container, width, height, fps, encoding)
        for frame in frames:
            frame.pts = count
            frame.time_base = 1 / fps
            frame.pict_type = av.video.frame.PictureType.NONE  # what the source had must not force key frames here
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count


def conform(frames: Iterable[av.VideoFrame], *, width: int, height: int, fit: str, pix_fmt: str) -> Iterator[av.VideoFrame]:
    """Scale frames to width × height in `pix_fmt`. `fit`: contain (black bars), cover (cropped) or stretch."""
    graph: Any = None
    for frame in frames:
        if (frame.width, frame.height, frame.format.name) == (width, height, pix_fmt):
            yield frame
            continue
        if graph is None:
            graph = _scaler(frame, width, height, fit, pix_fmt)
        graph.push(frame)
        yield graph.pull()


def retime(frames: Iterable[Any], *, source_fps: Fraction, source_frames: int, fps: Fraction) -> Iterator[Any]:
    """Choose frames for another rate with the duration kept: round(duration × fps) frames, each the one shown at its middle."""
    wanted = max(1, round(source_frames * fps / source_fps))
    target = 0
    for index, frame in enumerate(frames):
        while target < wanted and min(source_frames - 1, int((target + Fraction(1, 2)) * source_fps / fps)) == index:
            yield frame
            target += 1


def can_copy(paths: Sequence[Path], *, codec: str, width: int, height: int, fps: Fraction) -> bool:
    """Whether the packets of these files can stand in one stream: same codec, headers, size, rate and picture delay."""
    seen = set()
    for path in paths:
        with open_video(path, failure_class="bad_input") as (_, stream):
            context = stream.codec_context
            if (context.codec.canonical_name, context.width, context.height) != (codec, width, height):
                return False
            if stream.average_rate != fps or not context.extradata:
                return False
            seen.add((bytes(context.extradata), context.pix_fmt, context.has_b_frames))
    return len(seen) == 1


def copy_packets(paths: Sequence[Path], target: Path, *, fps: Fraction, container: str = "mp4", is_faststart: bool = True) -> int:
    """Join files by copying packets, with contiguous time stamps of one frame each; returns the number of frames.

    The files must pass `can_copy`. Raises WorkFailed: `bad_input` for a damaged source, `disk_full`, else `backend_error`.
    """
    options = dict(MUXER_OPTIONS)
    if is_faststart:
        options["movflags"] = "+faststart"
    done = 0
    with (
        library_errors("backend_error", f'Video "{target.name}" cannot be written'),
        av.open(str(target), "w", format=container, options=options) as output,
    ):
        stream: Any = None
        for path in paths:
            with open_video(path, failure_class="bad_input") as (source, video):
                if stream is None:
                    stream = output.add_stream_from_template(video)
                    stream.time_base = 1 / fps
                done += _copy_one(source, video, output, stream, start=done, fps=fps)
    return done


def to_planes(frame: av.VideoFrame) -> np.ndarray:
    """A yuv420p frame as one uint8 array, shape (height × 3 / 2, width): luma rows, then both chroma planes."""
    if frame.format.name != "yuv420p":
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1)
    return frame.to_ndarray()


def from_planes(planes: np.ndarray) -> av.VideoFrame:
    """The other way round."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format="yuv420p")


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    """The frames of a stored input; anything wrong with it is `bad_input`."""
    return decode_frames(path, failure_class="bad_input")


def _copy_one(source: Any, video: Any, output: Any, stream: Any, *, start: int, fps: Fraction) -> int:
    ticks = Fraction(1) / fps / video.time_base  # of the source, per frame
    packets = [packet for packet in source.demux(video) if packet.dts is not None and packet.pts is not None]
    if not packets:
        return 0
    first = min(packet.pts for packet in packets)
    for packet in packets:
        packet.pts = start + round((packet.pts - first) / ticks)
        packet.dts = start + round((packet.dts - first) / ticks)
        packet.duration = 1
        packet.time_base = 1 / fps
        packet.stream = stream
        output.mux_one(packet)
    return len(packets)


def _add_stream(container: Any, width: int, height: int, fps: Fraction, encoding: Encoding) -> Any:
    stream = container.add_stream(encoding.encoder, rate=fps)
    stream.width, stream.height, stream.pix_fmt = width, height, encoding.pix_fmt
    context = stream.codec_context
    context.time_base = 1 / fps
    context.thread_count = encoding.threads or min(8, os.cpu_count() or 1)
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    context.options = dict(encoding.options)
    if encoding.bit_rate:
        stream.bit_rate = encoding.bit_rate
    return stream


def _scaler(frame: av.VideoFrame, width: int, height: int, fit: str, pix_fmt: str) -> Any:
    """A filter graph from frames like this one to width × height."""
    steps = {
        "stretch": [("scale", f"{width}:{height}:flags=lanczos")],
        "contain": [
            ("scale", f"{width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=lanczos"),
            ("pad", f"{width}:{height}:(ow-iw)/2:(oh-ih)/2:black"),
        ],
        "cover": [
            ("scale", f"{width}:{height}:force_original_aspect_ratio=increase:force_divisible_by=2:flags=lanczos"),
            ("crop", f"{width}:{height}"),
        ],
    }
    if fit not in steps:
        raise WorkFailed("bad_input", f'Unknown fit "{fit}". There are: contain, cover, stretch.')
    graph = av.filter.Graph()
    matrix = "bt709" if int(frame.colorspace) in (BT709, UNTAGGED) else "auto"
    steps[fit][0] = ("scale", steps[fit][0][1] + f":in_color_matrix={matrix}:out_color_matrix=bt709:out_range=tv")
    nodes = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)]
    nodes += [graph.add(name, arguments) for name, arguments in steps[fit]]
    nodes += [graph.add("format", pix_fmt), graph.add("setsar", "1"), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


_ENCODINGS: dict[str, tuple[Encoding, tuple[str, ...]]] = {
    # x264 gives other bytes with another number of threads, so one; ProRes frames are the same however they are shared out.
    # prores_aw and prores_ks measure the same here (64.9 dB at equal size); prores_aw takes a sixth of the time.
    "h264": (Encoding("libx264", "yuv420p", "mp4", {"crf": "18", **X264_SPEED}), ("mp4", "mov")),
    "prores_4444": (Encoding("prores_aw", "yuv444p10le", "mov", {"profile": "4", "vendor": "apl0"}, threads=0), ("mov",)),
    "prores_422": (Encoding("prores_aw", "yuv422p10le", "mov", {"profile": "3", "vendor": "apl0"}, threads=0), ("mov",)),
    "vp9": (Encoding("libvpx-vp9", "yuv420p", "webm", {"crf": "31", "deadline": "good", "cpu-used": "4"}), ("webm",)),
}
