"""From the files that a job left on its server to what is published: chosen, brought into form, checked."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipeline.adapters import small_files
from pipeline.adapters.backends.comfyui.answers import MadeFile
from pipeline.adapters.backends.results import SEGMENT, publish_segment, publish_still
from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import ImageLimits, open_image, probe_image
from pipeline.adapters.media.video import Measured, VideoWriter, measure, read_frames
from pipeline.adapters.storage.workspace import PREVIEW, AttemptWorkspace, Spool
from pipeline.domain.errors import WorkFailed
from pipeline.domain.stages import Stage
from pipeline.domain.work import Request, Result

_VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
_PREVIEW_SIDE = 512
_PREVIEW_LIMITS = ImageLimits(pixels=16_000_000, side=8192, size_bytes=8 * 1024**2)
_MEASURES = ("frames", "fps", "width", "height")
_CRF = 12
"""What is encoded a second time should not look like it."""


def chosen(files: Sequence[MadeFile], *, nodes: Sequence[str], stage: str, frames: int) -> list[MadeFile]:
    """The files that hold the result: one picture for a still; for a segment one video, else one animation, else its frames.

    `nodes` are those of the graph whose files count, the first one first; none means all. Files in the server's temporary
    folder never count, since they vanish. Raises WorkFailed when there is nothing of use.
    """
    kept = [file for file in files if file.kind == "output" and (not nodes or file.node in nodes)]
    if nodes:
        kept.sort(key=lambda file: nodes.index(file.node))
    videos = [file for file in kept if file.suffix in _VIDEOS]
    pictures = [file for file in kept if file.suffix in _PICTURES]
    if stage == Stage.VARIANT_GENERATION and pictures:
        return pictures[:1]
    if stage != Stage.VARIANT_GENERATION and (videos or pictures):
        sequence = [file for file in pictures if file.node == pictures[0].node]
        if len(sequence) > frames + 1 and not videos:
            raise WorkFailed("corrupt_output", f"asked for {frames} frames, the worker made {len(sequence)} pictures")
        return videos[:1] or sequence
    if any(file.kind == "temp" for file in files) and not kept:
        raise WorkFailed("bad_input", "The workflow only previews its result. Let it end in a node that saves.")
    raise WorkFailed("corrupt_output", "The worker says that it succeeded, but it left no file of a kind that is known.")


def measures(request: Request) -> Request:
    """The request as `take_in` needs it: the graph is most of what would have to cross over to a reader."""
    return replace(request, parameters={name: request.parameters[name] for name in _MEASURES if name in request.parameters})


def take_in(spool: Spool, request: Request, fetched: Sequence[Path], *, seconds: float, made: int = 0) -> Result:
    """Bring the fetched files into form, check and publish them, and keep the result. Raises WorkFailed like `results`.

    `made` is how many frames the server was asked for, where that is more than the request wants: its first frames are kept.
    """
    workspace = AttemptWorkspace(spool, request, lambda fraction, note: None)
    if request.stage == Stage.VARIANT_GENERATION:
        outputs = publish_still(request, workspace, _picture(fetched[0]))
    else:
        outputs = publish_segment(request, workspace, *_segment(request, fetched, made))
    result = replace(Result(outputs=outputs), seconds=seconds)
    spool.leave_result(request.attempt_id, result)  # after a loss of power its server is asked again
    return result


def make_ready() -> None:
    """Nothing: whoever calls this has loaded what reading and writing media takes."""


def keep_preview(picture: bytes, folder: Path) -> None:
    """Keep a picture of an unfinished result as a small JPEG in the attempt's folder; the newest one stays.

    A picture that cannot be read is dropped: it is only a preview.
    """
    mark = uuid.uuid4().hex  # two pictures of one attempt may be at work at once
    raw, small = folder / f"preview-{mark}.raw", folder / f"preview-{mark}.part"
    try:
        raw.write_bytes(picture)
        rgb = open_image(raw, limits=_PREVIEW_LIMITS)
        scale = min(1.0, _PREVIEW_SIDE / max(rgb.shape[:2]))
        size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
        done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
        if done:
            small.write_bytes(data.tobytes())
            small.replace(folder / PREVIEW)
    except (WorkFailed, OSError, cv2.error):
        return
    finally:
        raw.unlink(missing_ok=True)


def _segment(request: Request, fetched: Sequence[Path], made: int) -> tuple[Path, Measured]:
    """The segment and what it measures: H.264 in MP4 of the right length as it is, anything else encoded anew."""
    first = fetched[0]
    target = first.with_name(SEGMENT)
    is_mp4 = _is_mp4(first)
    if len(fetched) > 1 or (not is_mp4 and _is_picture(first)):
        frames = _animation(request, first) if len(fetched) == 1 else (_picture(path) for path in fetched)
        _encode(request, _first(request, frames, made), target)
        return target, measure(target)
    measured = measure(first)
    facts = measured.facts
    is_longer = made > int(request.parameters["frames"])
    if facts["codec"] == "h264" and is_mp4 and not is_longer:
        return first, measured
    if facts["variable_fps"] or abs(facts["fps"] - float(request.parameters["fps"])) > 0.01:
        raise WorkFailed("corrupt_output", f"asked for {request.parameters['fps']} fps, got {facts['fps']:g} or a variable rate")
    _encode(request, _first(request, read_frames(first), made), target)
    return target, measure(target)


def _first(request: Request, frames: Iterable[np.ndarray], made: int) -> Iterator[np.ndarray]:
    """The frames that were asked for, of exactly as many as were to be made; all of them where no more were to be made.

    Raises WorkFailed("corrupt_output") for another number than `made`.
    """
    wanted = int(request.parameters["frames"])
    count = 0
    for count, frame in enumerate(frames, 1):
        if count <= wanted or made <= wanted:
            yield frame
    if made > wanted and count != made:
        raise WorkFailed("corrupt_output", f"asked for {made} frames, of which {wanted} are wanted, and got {count}")


def _encode(request: Request, frames: Iterable[np.ndarray], target: Path) -> None:
    """Write the frames as H.264; stops at the first that is of the wrong size or one too many."""
    width, height, count = (int(request.parameters[name]) for name in ("width", "height", "frames"))
    target.unlink(missing_ok=True)
    with VideoWriter(
        target, width=width, height=height, fps=Fraction(request.parameters["fps"]).limit_denominator(1001), crf=_CRF
    ) as writer:
        for frame in itertools.islice(frames, count + 1):
            if frame.shape[:2] != (height, width):
                raise WorkFailed(
                    "corrupt_output", f"asked for {width}x{height}, got a frame of {frame.shape[1]}x{frame.shape[0]}"
                )
            writer.write(frame)


def _picture(path: Path) -> np.ndarray:
    return open_image(path, failure_class="corrupt_output")


def _animation(request: Request, path: Path) -> Iterator[np.ndarray]:
    """The frames of an animated WebP, whose times must fit the asked rate: they are whole milliseconds, cut off.

    Equal frames that follow each other are stored as one that is shown longer.
    """
    asked_ms = 1000 / float(request.parameters["fps"])
    probe_image(path, failure_class="corrupt_output")
    with (
        library_errors("corrupt_output", f'Animation "{path.name}" cannot be read'),
        Image.open(path, formats=("WEBP",)) as image,
    ):
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            shown_ms = float(image.info.get("duration", asked_ms))
            times = round(shown_ms / asked_ms)
            if not 0 < times <= int(request.parameters["frames"]) or abs(shown_ms - times * asked_ms) > 1.01 * times:
                raise WorkFailed("corrupt_output", f"asked for {asked_ms:.1f} ms a frame, got {shown_ms:.0f} ms")
            yield from itertools.repeat(np.array(image.convert("RGB"), order="C"), times)


def _is_picture(path: Path) -> bool:
    try:
        probe_image(path)
    except WorkFailed:
        return False
    return True


def _is_mp4(path: Path) -> bool:
    head = small_files.head(path, 12)
    return head[4:8] == b"ftyp" and head[8:12] != b"qt  "
