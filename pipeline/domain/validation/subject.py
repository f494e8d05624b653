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
        self._lacking: dict[str, dict[str, None]] = {}
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
    def metadata_keys(self) -> dict[str, None]:
        """Every key that some character has in its metadata."""
        return dict.fromkeys(key for character in self.production.characters for key in character.metadata)

    def lacking(self, key: str) -> dict[str, None]:
        """The characters without this key in their metadata."""
        if key not in self._lacking:
            without = (name for name, character in self.characters.items() if key not in character.metadata)
            self._lacking[key] = dict.fromkeys(without)
        return self._lacking[key]

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """Every name that a shot may give as its template."""
        declared = [kind.name for kind in self.production.scene_types if kind.name]
        return tuple(dict.fromkeys((*declared, *self.written.shot_templates.values(), *self.presets.shots)))

    def shot_path(self, index: int) -> Path:
        """Where a shot is written: its entry, or the screenplay it comes from."""
        return (*TOP, "shots", index) if index < self.written.shots else (*TOP, "script")

    def scene_type_path(self, index: int) -> Path:
        """Where a scene type is written; for a built-in template the part of the document that uses it."""
        if index < self.written.scene_types:
            return (*TOP, "scene_types", index)
        return self._template_paths.get(self.production.scene_types[index].name, (*TOP, "matrix", "scene_types"))

    @cached_property
    def _template_paths(self) -> dict[str, Path]:
        """Where each template is written, or first used."""
        shots = reversed(list(enumerate(self.production.shots)))
        used: dict[str, Path] = {shot.template: (*self.shot_path(index), "template") for index, shot in shots}
        own: dict[str, Path] = {name: (*TOP, "shot_templates", index) for index, name in self.written.shot_templates.items()}
        return {**used, **own}

    @cached_property
    def casts(self) -> dict[str, list[str]]:
        """Who is in the shots of each template."""
        found: dict[str, dict[str, None]] = {}
        for shot in self.production.shots:
            if shot.character:
                found.setdefault(shot.template, {})[shot.character] = None
        return {template: list(names) for template, names in found.items()}

    def path_of(self, table: str, index: int) -> Path:
        """Where an entry of `scene_types`, `variants` or `locations` is written."""
        if table == "scene_types":
            return self.scene_type_path(index)
        return self.location_path(index) if table == "locations" else (*TOP, table, index)

    def workflow_path(self, table: str, index: int) -> Path:
        """Where the workflow of such an entry is written: with it, or among the defaults."""
        own = (*self.path_of(table, index), "workflow")
        shared = (*TOP, "defaults", "workflow" if table == "scene_types" else "still_workflow")
        return shared if self.report.is_written(shared) and not self.report.is_written(own) else own

    def location_path(self, index: int) -> Path:
        """Where a location is written."""
        return (*TOP, "locations", index) if index < self.written.locations else (*TOP, "script")


def shot_words(shot: Shot) -> str:
    """A shot for a message."""
    return f'Shot "{shot.name}"'
