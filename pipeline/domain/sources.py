"""A production as plain data with its places: what a loader hands over, before anything is understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.domain.issues import Issue, Path, Place, Report


@dataclass(frozen=True)
class Document:
    """Plain values (dict, list, str, int, float, bool, None), where they are written, and what the loader found wrong.

    `data` is None when nothing could be read. `base` is the folder that relative paths start from.
    """

    data: Any
    places: Place
    issues: tuple[Issue, ...] = ()
    base: str = "."
    files: tuple[str, ...] = ()


def merge(documents: Sequence[Document], *, base: str) -> Document:
    """One document from several files: mappings are joined, lists appended; a value given twice is an error."""
    report = Report(Place(None))
    for document in documents:
        report.issues.extend(document.issues)
        if not document.issues and not isinstance(document.data, dict):
            Report(document.places, report.issues).error((), "This file must be a section.", "Begin it with production:.")
    files = tuple(file for document in documents for file in document.files)
    readable = [document for document in documents if isinstance(document.data, dict)]
    if not readable:
        return Document(None, Place(None), tuple(report.issues), base, files)
    data: dict[str, Any] = {}
    places = Place(None)
    for document in readable:
        _join(data, places, document.data, document.places, (), report)
    return Document(data, places, tuple(report.issues), base, files)


def _join(data: dict[str, Any], places: Place, more: dict[str, Any], more_places: Place, path: Path, report: Report) -> None:
    for key, value in more.items():
        place = more_places.children.get(key)
        if key not in data:
            data[key], copy = _copy(value, place, more_places.file)
            places.children[key] = copy
            continue
        here, there = data[key], places.children[key]
        if isinstance(here, dict) and isinstance(value, dict) and isinstance(there, Place) and isinstance(place, Place):
            _join(here, there, value, place, (*path, key), report)
        elif isinstance(here, list) and isinstance(value, list) and isinstance(there, Place) and isinstance(place, Place):
            _append(here, there, value, place)
        else:
            _given_twice((*path, key), places, more_places, report)


def _copy(value: Any, place: Place | int | None, file: str | None) -> tuple[Any, Place]:
    """A shallow copy that later files may be joined into, and a place that keeps its own file name."""
    copy = Place(place.line if isinstance(place, Place) else place, place.file if isinstance(place, Place) else file)
    if isinstance(value, dict):
        entries: dict[str, Any] = {}
        for key, entry in value.items():
            child = place.children.get(key) if isinstance(place, Place) else None
            if isinstance(entry, (dict, list)):
                entries[key], copy.children[key] = _copy(entry, child, copy.file)
            else:
                entries[key] = entry
                if child is not None:
                    copy.children[key] = child
        return entries, copy
    if isinstance(value, list):
        copy.children = dict(place.children) if isinstance(place, Place) else {}
        return list(value), copy
    return value, copy


def _append(here: list[Any], there: Place, more: list[Any], place: Place) -> None:
    for index, entry in enumerate(more):
        child = place.children.get(index)
        if isinstance(child, int):
            leaf = Place(child, place.file)
            child = leaf
        if child is not None:
            there.children[len(here)] = child
        here.append(entry)


def _given_twice(path: Path, places: Place, more: Place, report: Report) -> None:
    name = path[-1]
    first, first_line = places.find((name,))
    second, line = more.find((name,))
    told = f'"{name}" is given twice: {first or "one file"} line {first_line} and {second or "another file"} line {line}.'
    Report(Place(line, second), report.issues).error(path, told, "Keep it in one of the files.")
