"""The outputs of a document: each with the whole settings of its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.domain.format.table import OUTPUT_SETTINGS
from pipeline.domain.issues import Report
from pipeline.domain.names import fold
from pipeline.domain.presets import Presets
from pipeline.domain.production import Output

CUSTOM = "custom"


def resolve(entries: Iterable[Mapping[str, Any]], presets: Presets, report: Report) -> tuple[Output, ...]:
    """The outputs with format presets merged in; those without a name are named by their format."""
    listed = list(entries)
    taken = {fold(entry["name"]) for entry in listed if "name" in entry}
    outputs = []
    for index, entry in enumerate(listed):
        name = entry.get("name") or _free(entry.get("format", ""), taken)
        taken.add(fold(name))
        settings = _settings(index, entry, presets, report)
        outputs.append(Output(format=entry.get("format", ""), path=entry.get("path", ""), name=name, settings=settings))
    return tuple(outputs)


def _settings(index: int, entry: Mapping[str, Any], presets: Presets, report: Report) -> dict[str, Any]:
    name = entry.get("format", "")
    preset = presets.lookup("formats", name)
    if preset is None and name and name != CUSTOM:
        cure = report.suggest(name, (*presets.formats, CUSTOM))
        report.error(("production", "outputs", index, "format"), f'There is no output format "{name}".', cure)
    base = dict(preset or {})
    given = {key: value for key, value in entry.items() if key in OUTPUT_SETTINGS}
    retro = {**base.get("retro", {}), **given.get("retro", {})}
    merged = {**base, **given}
    return {**merged, "retro": retro} if retro else merged


def _free(format_name: str, taken: set[str]) -> str:
    base = format_name[:70]
    name, number = base, 1
    while fold(name) in taken:
        number += 1
        name = f"{base}_{number}"
    return name
