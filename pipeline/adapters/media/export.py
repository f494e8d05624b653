"""Export: one approved scene in one output format, checked after writing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.retro import (
    RetroLook,
    choose_palette,
    probe_gif,
    retro_look,
    to_indices,
    write_loop,
    write_sheet,
)
from pipeline.adapters.media.transcode import can_copy, conform, copy_packets, decoded, encode, encoding_for, retime
from pipeline.adapters.media.video import probe
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import OutputFile, Request, Result
from pipeline.ports import Workspace

MEDIA_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "gif": "image/gif"}
FIT = "contain"  # when a format does not say: the whole picture, with bars
RETRO_BYTES = 1024**3  # small frames are held in memory together (4 bytes a pixel); this many bytes at most


@dataclass(frozen=True)
class Target:
    """What an export must come out as."""

    width: int
    height: int
    fps: Fraction
    frames: int


def export(request: Request, workspace: Workspace) -> Result:
    """Write the `scene` input in an output format: role `export`, for retro formats also `sprite_sheet` (PNG).

    Parameters: `format` (the resolved format settings: name, codec, container, width, height, fps, fit, crf or bitrate,
    preset, faststart, retro); sizes and fps that are left out are the scene's. `label` marks the outputs.
    The duration is kept: round(duration × fps) frames. Raises WorkFailed: `bad_input`, `corrupt_output`, `disk_full`.
    """
    started = time.monotonic()
    scenes = request.files("scene")
    if len(scenes) != 1:
        raise WorkFailed("bad_input", f"An export takes one scene, not {len(scenes)}.")
    source = Path(scenes[0].path)
    settings: Mapping[str, Any] = request.parameters["format"]
    facts = _source_facts(source)
    target = _target(settings, facts)
    label = str(request.parameters.get("label", ""))
    if settings.get("retro") or settings.get("codec") == "gif":
        outputs = _export_retro(source, facts, settings, target, workspace, label)
        method = "palette"
    else:
        outputs, method = _export_video(source, facts, settings, target, workspace, label)
    workspace.report(1.0, "exported")
    return Result(outputs=outputs, values={"method": method}, seconds=time.monotonic() - started)


def _source_facts(source: Path) -> dict[str, Any]:
    facts = probe(source, failure_class="bad_input")
    if facts["frames"] <= 0:
        facts = probe(source, count=True, failure_class="bad_input")
    if facts["fps"] <= 0:
        raise WorkFailed("bad_input", f'Scene "{source.name}" does not say its frame rate. Assemble it again.')
    return facts


def _target(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Target:
    fps = Fraction(str(settings.get("fps") or facts["fps"])).limit_denominator(1001)
    width, height = int(settings.get("width") or facts["width"]), int(settings.get("height") or facts["height"])
    if not (1 <= fps <= 240 and 16 <= width <= 8192 and 16 <= height <= 8192):
        raise WorkFailed(
            "bad_input", f"{width}x{height} at {float(fps):g} fps cannot be exported: 16 to 8192 pixels, 1 to 240 fps."
        )
    source_fps = Fraction(str(facts["fps"])).limit_denominator(1001)
    return Target(width, height, fps, max(1, round(facts["frames"] * fps / source_fps)))


def _export_video(
    source: Path, facts: Mapping[str, Any], settings: Mapping[str, Any], target: Target, workspace: Workspace, label: str
) -> tuple[tuple[OutputFile, ...], str]:
    encoding = encoding_for(settings)
    if encoding.pix_fmt.startswith("yuv420p") and (target.width % 2 or target.height % 2):
        raise WorkFailed("bad_input", f"This format needs an even width and height, not {target.width}x{target.height}.")
    path = workspace.scratch / f"export.{encoding.container}"
    if _may_copy(source, facts, settings, target):
        copy_packets([source], path, fps=target.fps, container=encoding.container, is_faststart=encoding.is_faststart)
        method = "stream copy"
    else:
        source_fps = Fraction(str(facts["fps"])).limit_denominator(1001)
        chosen = retime(decoded(source), source_fps=source_fps, source_frames=facts["frames"], fps=target.fps)
        frames = conform(
            _reported(chosen, target.frames, workspace),
            width=target.width,
            height=target.height,
            fit=str(settings.get("fit") or FIT),
            pix_fmt=encoding.pix_fmt,
        )
        encode(frames, path, width=target.width, height=target.height, fps=target.fps, encoding=encoding)
        method = "encoded"
    measured = {**probe(path, count=True), "size_bytes": path.stat().st_size}
    _check(measured, target)
    media_type = MEDIA_TYPES[encoding.container]
    return (workspace.publish(path, role="export", media_type=media_type, label=label, facts=measured),), method


def _may_copy(source: Path, facts: Mapping[str, Any], settings: Mapping[str, Any], target: Target) -> bool:
    """Only when nothing about the picture was asked to be different; a given crf or bitrate is a wish to encode."""
    if settings.get("codec", "h264") != "h264" or facts["pix_fmt"] != "yuv420p" or settings.get("bitrate"):
        return False
    return can_copy([source], codec="h264", width=target.width, height=target.height, fps=target.fps)


def _export_retro(
    source: Path, facts: Mapping[str, Any], settings: Mapping[str, Any], target: Target, workspace: Workspace, label: str
) -> tuple[OutputFile, ...]:
    look = retro_look(settings.get("retro") or {"dither": "error_diffusion"})
    if target.frames * target.width * target.height * 4 > RETRO_BYTES:
        raise WorkFailed("bad_input", f"{target.frames} frames of {target.width}x{target.height} are too many for a retro clip.")
    frames = _small_frames(source, facts, settings, target, workspace)
    with library_errors("backend_error", "The palette cannot be applied"):
        palette = choose_palette(frames, look)
        indices = to_indices(frames, palette, look.dither)
    workspace.report(0.8, "colours reduced")
    clip, sheet = workspace.scratch / "export.gif", workspace.scratch / "sprites.png"
    write_loop(indices, palette, clip, fps=target.fps, pixel_size=look.pixel_size)
    measured = _checked_loop(clip, target, look)
    measured |= {"size_bytes": clip.stat().st_size, "colors": len(palette)}
    outputs = [workspace.publish(clip, role="export", media_type="image/gif", label=label, facts=measured)]
    if settings.get("retro"):
        sheet_facts = write_sheet(indices, palette, sheet, columns=look.sprite_columns)
        outputs.append(workspace.publish(sheet, role="sprite_sheet", media_type="image/png", label=label, facts=sheet_facts))
    return tuple(outputs)


def _small_frames(
    source: Path, facts: Mapping[str, Any], settings: Mapping[str, Any], target: Target, workspace: Workspace
) -> np.ndarray:
    source_fps = Fraction(str(facts["fps"])).limit_denominator(1001)
    chosen = retime(decoded(source), source_fps=source_fps, source_frames=facts["frames"], fps=target.fps)
    fit = str(settings.get("fit") or "cover")  # old screens were filled to the edge
    small = conform(
        _reported(chosen, target.frames, workspace, share=0.6), width=target.width, height=target.height, fit=fit, pix_fmt="rgb24"
    )
    frames = [np.ascontiguousarray(frame.to_ndarray()) for frame in small]
    if len(frames) != target.frames:
        raise WorkFailed("bad_input", f"The scene has fewer frames than it claims: {len(frames)} of {target.frames}.")
    return np.stack(frames)


def _checked_loop(clip: Path, target: Target, look: RetroLook) -> dict[str, Any]:
    measured = probe_gif(clip)
    wanted = (target.width * look.pixel_size, target.height * look.pixel_size, target.frames)
    if (measured["width"], measured["height"], measured["frames"]) != wanted:
        raise WorkFailed("corrupt_output", f"The loop came out as {measured}, not (width, height, frames) {wanted}.")
    if abs(measured["duration_s"] - float(target.frames / target.fps)) > 0.011:
        raise WorkFailed("corrupt_output", f"The loop lasts {measured['duration_s']} s, not {target.frames} frames.")
    # What the measured hundredths of a second average to is not the rate that was asked for and is played.
    return {**measured, "fps": round(float(target.fps), 6)}


def _check(measured: Mapping[str, Any], target: Target) -> None:
    found = (measured["width"], measured["height"], measured["frames"])
    wanted = (target.width, target.height, target.frames)
    if found != wanted or abs(measured["fps"] - float(target.fps)) > 0.01:
        raise WorkFailed(
            "corrupt_output",
            f"The export has (width, height, frames) {found} at {measured['fps']:g} fps, not {wanted} at {float(target.fps):g}.",
        )


def _reported(frames: Any, total: int, workspace: Workspace, share: float = 0.9) -> Any:
    for number, frame in enumerate(frames):
        if number % 24 == 0:
            workspace.report(share * number / total, f"frame {number + 1} of {total}")
        yield frame
