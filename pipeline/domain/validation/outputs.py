"""Outputs: codec against container, sizes, palettes, folders that collide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.domain import file_names
from pipeline.domain.issues import Path
from pipeline.domain.names import fold
from pipeline.domain.production import Output
from pipeline.domain.validation.subject import TOP, Subject

CONTAINERS_OF: Mapping[str, tuple[str, ...]] = {
    "h264": ("mp4", "mov"),
    "prores_4444": ("mov",),
    "prores_422": ("mov",),
    "vp9": ("webm",),
    "gif": ("gif",),
}
"""Which file formats can hold a codec."""

EVEN_CODECS = frozenset({"h264", "vp9"})


def check(subject: Subject) -> None:
    """Every output for itself, then all against each other."""
    outputs = subject.production.outputs
    if not outputs:
        subject.report.info(TOP, "There are no outputs; the delivery holds the scenes as they are.", "Add outputs: to export.")
    for index, output in enumerate(outputs):
        where = (*TOP, "outputs", index)
        _complete(subject, where, output)
        _codec(subject, where, output.settings)
        _retro(subject, where, output.settings)
    _collisions(subject, outputs)


def _complete(subject: Subject, where: Path, output: Output) -> None:
    if output.format != "custom":
        return
    missing = [key for key in ("container", "codec", "width", "height") if key not in output.settings]
    if missing:
        told = f'The custom output "{output.name}" does not say its {", ".join(missing)}.'
        subject.report.error(where, told, "Add " + ", ".join(f"{key}:" for key in missing) + ".")


def _codec(subject: Subject, where: Path, settings: Mapping[str, Any]) -> None:
    codec, container = settings.get("codec"), settings.get("container")
    holders = CONTAINERS_OF.get(str(codec), ())
    if codec and container and container not in holders:
        told = f"A .{container} file cannot hold {codec}."
        subject.report.error((*where, "container"), told, f"Use container: {' or '.join(holders)}.")
    for side in ("width", "height"):
        pixels = settings.get(side)
        if codec in EVEN_CODECS and isinstance(pixels, int) and pixels % 2:
            told = f"{codec} needs an even {side}, not {pixels}."
            subject.report.error((*where, side), told, f"Use {side}: {pixels + 1}.")
    for key in ("crf", "bitrate"):
        if key in settings and codec not in EVEN_CODECS:
            subject.report.warning((*where, key), f"{key} has no effect on {codec}.", f"Remove {key}:.")
    if "crf" in settings and codec == "h264" and settings["crf"] > 51:
        subject.report.error((*where, "crf"), f"h264 takes crf up to 51, not {settings['crf']}.", "Use 18 to 28.")


def _retro(subject: Subject, where: Path, settings: Mapping[str, Any]) -> None:
    retro = settings.get("retro")
    if not isinstance(retro, dict):
        return
    palette = retro.get("palette")
    if palette is not None and palette not in subject.presets.palettes:
        cure = subject.report.suggest(palette, subject.presets.palettes)
        subject.report.error((*where, "retro", "palette"), f'There is no palette "{palette}".', cure)
    if settings.get("codec") not in (None, "gif"):
        told = f"A retro picture is written as gif; {settings['codec']} would blur its colours."
        subject.report.error((*where, "codec"), told, "Use container: gif and codec: gif.")


def _collisions(subject: Subject, outputs: tuple[Output, ...]) -> None:
    """Two outputs must not write the same files: same folder and same kind of file, unless their names tell them apart."""
    if file_names.may_share_folders(subject.production):
        return
    seen: dict[tuple[str, str], int] = {}
    for index, output in enumerate(outputs):
        key = (_folder(output.path), str(output.settings.get("container")))
        first = seen.setdefault(key, index)
        if first != index and output.path:
            told = f'Outputs "{outputs[first].name}" and "{output.name}" both write .{key[1]} files into {output.path}.'
            cure = "Give each output its own path:, or a naming: that tells the {format}."
            subject.report.error((*TOP, "outputs", index, "path"), told, cure)


def _folder(path: str) -> str:
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if path.startswith("/") else "") + fold("/".join(parts))
