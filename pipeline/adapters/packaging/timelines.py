"""OpenTimelineIO: one timeline per character and one of the whole, for every format, with relative media references."""

from __future__ import annotations

import importlib.util
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pipeline.domain.delivery import TIMELINE_FOLDER, in_timeline_order
from pipeline.domain.naming import slug

HAS_OTIO = importlib.util.find_spec("opentimelineio") is not None
"""Whether the library is there: it has no wheel for the newest Pythons yet."""

MISSING = "OpenTimelineIO is not installed on the Python that made this package"
# What the library's parser has been seen to raise for damaged documents, beside its own errors.
_PARSER_ERRORS = (ValueError, TypeError, AttributeError, RuntimeError, LookupError, ArithmeticError)
START_HOUR_S = 3600  # picture starts at 01:00:00:00, as editors expect


def write_timelines(project: str, clips: Sequence[Mapping[str, Any]], timeline: Sequence[str]) -> dict[str, str]:
    """OTIO documents by their name in the package; empty when the library is missing.

    `clips` are manifest file facts (name, cell, character, format, frames, fps); their order is that of `timeline` (cells).
    """
    if not HAS_OTIO:
        return {}
    documents: dict[str, str] = {}
    ordered = in_timeline_order(clips, timeline)
    for name in dict.fromkeys(str(clip.get("format") or "media") for clip in ordered):
        members = [clip for clip in ordered if str(clip.get("format") or "media") == name]
        folder = f"{TIMELINE_FOLDER}/{slug(name) or 'media'}"
        documents[f"{folder}/whole.otio"] = _document(f"{project} / {name}", members, folder)
        for stem, character, own in _by_character(members):
            documents[f"{folder}/character_{stem}.otio"] = _document(f"{project} / {name} / {character}", own, folder)
    return documents


def check_timeline(text: str, name: str, members: Iterable[str]) -> list[str]:
    """What is wrong with an OTIO document found at `name`: empty when it parses and every media reference is a member."""
    # Plain JSON first: Python's parser stops at deep nesting, where the library's would overrun its stack.
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return [f"is not JSON: {type(error).__name__}"]
    if not HAS_OTIO:
        return []
    import opentimelineio as otio

    try:
        timeline = otio.adapters.read_from_string(text, "otio_json")
        clips = list(timeline.find_clips())
    except (otio.exceptions.OTIOError, *_PARSER_ERRORS) as error:
        return [f"is not an OpenTimelineIO timeline: {str(error)[:120]}"]
    known = set(members)
    problems = []
    for clip in clips:
        target = getattr(clip.media_reference, "target_url", None)
        if not target:
            problems.append(f'clip "{clip.name}" has no media')
        elif resolve(name, str(target)) not in known:
            problems.append(f'clip "{clip.name}" refers to "{str(target)[:120]}", which is not in the package')
    return problems


def resolve(document: str, url: str) -> str | None:
    """The package name that a relative URL in `document` means; None when it points elsewhere."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or parts.query or parts.fragment or parts.path.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document), unquote(parts.path)))
    return None if path.startswith("..") else path


def _by_character(clips: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """(file stem, character, clips) for every character; stems are made unique."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for clip in clips:
        if clip.get("character"):
            found.setdefault(str(clip["character"]), []).append(clip)
    stems: dict[str, str] = {}
    for character in sorted(found):
        stem, number = slug(character) or "unnamed", 2
        while stem.casefold() in {taken.casefold() for taken in stems}:
            stem, number = f"{slug(character) or 'unnamed'}-{number}", number + 1
        stems[stem] = character
    return [(stem, character, found[character]) for stem, character in stems.items()]


def _document(title: str, clips: Sequence[Mapping[str, Any]], folder: str) -> str:
    import opentimelineio as otio

    first_fps = float(clips[0]["fps"])
    timeline = otio.schema.Timeline(name=title)
    timeline.global_start_time = otio.opentime.RationalTime(round(START_HOUR_S * first_fps), first_fps)
    track = otio.schema.Track(name="Picture", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for clip in clips:
        fps = float(clip["fps"])
        whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, fps), otio.opentime.RationalTime(int(clip["frames"]), fps))
        target = quote(posixpath.relpath(str(clip["name"]), folder))
        reference = otio.schema.ExternalReference(target_url=target, available_range=whole)
        reference.name = posixpath.basename(str(clip["name"]))
        metadata = {
            key: clip[key]
            for key in ("cell", "character", "scene_type", "variant", "location", "scene_number", "take", "width", "height")
            if clip.get(key) is not None
        }
        track.append(
            otio.schema.Clip(
                name=str(clip.get("cell") or reference.name),
                media_reference=reference,
                source_range=whole,
                metadata={"stripboard": metadata},
            )
        )
    return str(otio.adapters.write_to_string(timeline, "otio_json")) + "\n"
