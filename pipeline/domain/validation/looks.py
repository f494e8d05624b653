"""Numbers of grades and plates: known keys, each of the shape that the presets give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.domain.issues import Path
from pipeline.domain.validation.subject import TOP, Subject


def check(subject: Subject) -> None:
    """The grade of the style and the look of each location."""
    grades = _examples(style.get("grade", {}) for style in subject.presets.styles.values())
    _numbers(subject, (*TOP, "style", "grade"), subject.production.style.grade, grades)
    looks = _examples(place.get("look", {}) for place in subject.presets.locations.values())
    for index, location in enumerate(subject.production.locations):
        _numbers(subject, (*subject.location_path(index), "look"), location.look, looks)


def _examples(groups: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One value of each key that the presets use."""
    return {key: value for group in groups for key, value in group.items()}


def _numbers(subject: Subject, where: Path, values: Mapping[str, Any], examples: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if key not in examples:
            cure = subject.report.suggest(key, examples, cure="Remove it.")
            subject.report.warning((*where, key), f'"{key}" has no effect on the drawn picture.', cure)
        elif _shape(value) != _shape(examples[key]):
            told = f'"{key}" must be {_shape(examples[key])}, not {_shape(value)}.'
            subject.report.error((*where, key), told, f"Write it like {examples[key]}.")


def _shape(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)} numbers"
    if isinstance(value, bool):
        return "a switch"
    return "text" if isinstance(value, str) else "a number"
