"""The production under examination, with its names looked up once."""

from __future__ import annotations

from functools import cached_property

from pipeline.domain.document.parsing import Written
from pipeline.domain.issues import Path, Report, render
from pipeline.domain.presets import Presets
from pipeline.domain.production import Character, Location, Production, SceneType, Shot, Variant

TOP: Path = ("production",)


class Subject:
    """A production, what of it is written in the document, the presets, and the report to write into."""

    def __init__(self, production: Production, written: Written, presets: Presets, report: Report) -> None:
        self.production = production
        self.written = written
        self.presets = presets
        self.report = report
        self._told = frozenset(issue.path for issue in report.issues)

    def is_told(self, path: Path) -> bool:
        """Whether reading has found this part wrong already, so that nothing more is to be said of what it lacks."""
        return render(path) in self._told

    @cached_property
    def characters(self) -> dict[str, Character]:
        """By name."""
        return {entry.name: entry for entry in self.production.characters if entry.name}

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """By name."""
        return {entry.name: entry for entry in self.production.variants if entry.name}

    @cached_property
    def locations(self) -> dict[str, Location]:
        """By name."""
        return {entry.name: entry for entry in self.production.locations if entry.name}

    @cached_property
    def scene_types(self) -> dict[str, SceneType]:
        """By name, templates in use among them."""
        return {entry.name: entry for entry in self.production.scene_types if entry.name}

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """Every name that a shot may give as its template."""
        declared = [kind.name for kind in self.production.scene_types if kind.name]
        return tuple(dict.fromkeys((*declared, *self.written.shot_templates, *self.presets.shots)))

    def shot_path(self, index: int) -> Path:
        """Where a shot is written: its entry, or the screenplay it comes from."""
        return (*TOP, "shots", index) if index < self.written.shots else (*TOP, "script")

    def scene_type_path(self, index: int) -> Path:
        """Where a scene type is written; for a built-in template the part of the document that uses it."""
        if index < self.written.scene_types:
            return (*TOP, "scene_types", index)
        name = self.production.scene_types[index].name
        if name in self.written.shot_templates:
            return (*TOP, "shot_templates", self.written.shot_templates.index(name))
        for position, shot in enumerate(self.production.shots):
            if shot.template == name:
                return (*self.shot_path(position), "template")
        return (*TOP, "matrix", "scene_types")

    def location_path(self, index: int) -> Path:
        """Where a location is written."""
        return (*TOP, "locations", index) if index < self.written.locations else (*TOP, "script")


def shot_words(shot: Shot) -> str:
    """A shot for a message."""
    return f'Shot "{shot.name}"'
