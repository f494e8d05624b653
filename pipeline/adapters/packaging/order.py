"""What a delivery request asks for: its files joined with what is said of them, then each one decoded and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.adapters.media.images import probe_image
from pipeline.adapters.media.retro import probe_gif
from pipeline.adapters.media.video import decode_frames, probe
from pipeline.domain.delivery import MEDIA_FOLDER, POSTER_FOLDER
from pipeline.domain.errors import WorkFailed
from pipeline.domain.naming import collision_key, is_safe_path
from pipeline.domain.work import InputFile, Request

SUFFIXES = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "image/gif": ".gif",
    "image/png": ".png",
    "image/jpeg": ".jpg",
}
MEDIA_ROLES = ("export", "sprite_sheet")
# What an order says of a file; the rest of it is for joining.
_SUBJECT = ("cell", "character", "scene_type", "variant", "location", "scene_number", "shot", "take")
_FACTS = (*_SUBJECT, "format", "fps", "frames", "width", "height", "duration_s")
FPS_TOLERANCE = 0.01
GIF_TICK_S = 0.011  # GIF counts in 1/100 s, so its length may be off by one


@dataclass(frozen=True)
class OrderedFile:
    """One file to pack. `name` is its path in the package, `facts` what is said of it, `recipe` what made it."""

    name: str
    role: str
    media_type: str
    sha256: str
    source: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """A delivery request, joined. `posters`: cell → package path of its poster."""

    files: tuple[OrderedFile, ...]
    posters: Mapping[str, str]
    timeline: tuple[str, ...]


def read_order(request: Request) -> Order:
    """Join the request's inputs with its `files` by label. Raises WorkFailed("bad_input") for whatever does not fit."""
    entries = request.parameters.get("files") or ()
    if not entries:
        raise WorkFailed("bad_input", "There is nothing to deliver: the order names no file.")
    by_label = {(file.role, file.label): file for file in request.inputs}
    if len(by_label) != len(request.inputs):
        raise WorkFailed("bad_input", "Two files of the delivery have the same role and label.")
    files = [_ordered(entry, by_label) for entry in entries]
    ordered = {file.sha256 for file in files}
    left = [file.label for file in request.inputs if file.role in MEDIA_ROLES and file.sha256 not in ordered]
    if left:
        raise WorkFailed("bad_input", f'The file "{left[0]}" is handed in, but the order does not name it.')
    posters, cells = _posters(entries, files, by_label)
    whole = sorted([*files, *posters], key=lambda file: file.name)
    _check_names(whole)
    return Order(tuple(whole), cells, tuple(str(cell) for cell in request.parameters.get("timeline") or ()))


def measure(file: OrderedFile, *, failure_class: str = "bad_input") -> dict[str, Any]:
    """Decode a file from end to end and measure it. Raises WorkFailed(failure_class) when it does not decode."""
    return measure_file(file.source, file.media_type, failure_class=failure_class)


def measure_file(path: Path, media_type: str, *, failure_class: str) -> dict[str, Any]:
    """Width, height and, of moving pictures, frames, fps and duration_s of a file, found by decoding all of it."""
    if media_type == "image/gif":
        try:
            facts = probe_gif(path)
        except WorkFailed as error:
            raise WorkFailed(failure_class, str(error)) from error
        return {key: facts[key] for key in ("width", "height", "frames", "fps", "duration_s")}
    if media_type.startswith("video/"):
        return _measure_video(path, failure_class)
    picture = probe_image(path, failure_class=failure_class)
    return {"width": picture.width, "height": picture.height}


def differences(stated: Mapping[str, Any], measured: Mapping[str, Any], *, is_gif: bool) -> list[str]:
    """Where a file is not what was said of it; facts that nobody stated are not compared."""
    found = []
    for key in ("width", "height", "frames"):
        if stated.get(key) is not None and key in measured and stated[key] != measured[key]:
            found.append(f"{key} is {measured[key]}, not {stated[key]}")
    fps, frames = stated.get("fps"), measured.get("frames")
    if fps and not is_gif and "fps" in measured and abs(float(fps) - measured["fps"]) > FPS_TOLERANCE:
        found.append(f"fps is {measured['fps']:g}, not {float(fps):g}")
    if fps and is_gif and frames and abs(frames / float(fps) - measured["duration_s"]) > GIF_TICK_S:
        found.append(f"it lasts {measured['duration_s']} s, not {frames} frames at {float(fps):g} fps")
    return found


def _measure_video(path: Path, failure_class: str) -> dict[str, Any]:
    """One pass over the frames; the rate is that of their time stamps, not what the header claims."""
    frames, first, last, size = 0, 0.0, 0.0, (0, 0)
    for frame in decode_frames(path, failure_class=failure_class):
        last = frame.time or 0.0
        if frames == 0:
            first, size = last, (frame.width, frame.height)
        elif (frame.width, frame.height) != size:
            raise WorkFailed(failure_class, f'Video "{path.name}" changes its size at frame {frames}.')
        frames += 1
    fps = float(probe(path, failure_class=failure_class)["fps"]) if last <= first else (frames - 1) / (last - first)
    # Containers that count in milliseconds are off by some hundred-thousandths; whole rates are meant to be whole.
    fps = round(fps, 3) if abs(fps - round(fps)) > 0.02 else round(fps)
    length = round(frames / fps, 6) if fps else 0.0
    return {"width": size[0], "height": size[1], "frames": frames, "fps": fps, "duration_s": length}


def _ordered(entry: Mapping[str, Any], by_label: Mapping[tuple[str, str], InputFile]) -> OrderedFile:
    label = str(entry.get("label"))
    roles = [str(entry["role"])] if entry.get("role") else list(MEDIA_ROLES)
    file = next((by_label[role, label] for role in roles if (role, label) in by_label), None)
    if file is None:
        raise WorkFailed("bad_input", f'The order names the file "{label}", but it is not handed in. Export it first.')
    facts = {key: entry[key] for key in _FACTS if entry.get(key) is not None}
    return _file(f"{MEDIA_FOLDER}/{entry.get('name')}", file, facts, entry.get("recipe") or {})


def _posters(
    entries: Any, files: list[OrderedFile], by_label: Mapping[tuple[str, str], InputFile]
) -> tuple[list[OrderedFile], dict[str, str]]:
    """The posters the files name, each packed once under the name of the first file that names it."""
    packed: dict[str, OrderedFile] = {}
    taken: set[str] = set()
    cells: dict[str, str] = {}
    for entry, file in sorted(zip(entries, files, strict=True), key=lambda pair: pair[1].name):
        label = str(entry.get("poster_label") or "")
        picture = by_label.get(("poster", label))
        if picture is None:
            continue
        if label not in packed:
            stem = POSTER_FOLDER + file.name.removeprefix(MEDIA_FOLDER).rsplit(".", 1)[0]
            number = 2
            name = stem
            while collision_key(name) in taken:
                name, number = f"{stem}-{number}", number + 1
            taken.add(collision_key(name))
            facts = {key: value for key, value in file.facts.items() if key in _SUBJECT}
            packed[label] = _file(name + SUFFIXES.get(picture.media_type, ""), picture, facts, {})
        cells.setdefault(str(file.facts.get("cell") or file.name), packed[label].name)
    return list(packed.values()), cells


def _file(name: str, file: InputFile, facts: Mapping[str, Any], recipe: Mapping[str, Any]) -> OrderedFile:
    suffix = SUFFIXES.get(file.media_type)
    if suffix is None:
        raise WorkFailed("bad_input", f'"{name}" is {file.media_type}, which a delivery cannot hold.')
    if not is_safe_path(name) or not name.lower().endswith(suffix):
        raise WorkFailed("bad_input", f'"{name}" is not a safe file name that ends in {suffix}. Change the name template.')
    return OrderedFile(name, file.role, file.media_type, file.sha256, Path(file.path), facts, recipe)


def _check_names(files: list[OrderedFile]) -> None:
    seen: dict[str, OrderedFile] = {}
    for file in files:
        other = seen.setdefault(collision_key(file.name), file)
        if other is not file:
            cells = f'"{other.facts.get("cell")}" and "{file.facts.get("cell")}"'
            raise WorkFailed("bad_input", f'{cells} would both be "{file.name}". Add {{ordinal:04}} to the name template.')
    folders = {collision_key(name) for file in files for name in _parents(file.name)}
    for file in files:
        if collision_key(file.name) in folders:
            raise WorkFailed("bad_input", f'"{file.name}" is a file and a folder at once. Change the name template.')


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
