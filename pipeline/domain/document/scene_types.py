"""Scene types and shot templates of a document, with their presets and the defaults of the production merged in.

What is nearer to the scene wins: a scene type's own keys, then the own template it starts from, then the defaults of the
production, then the built-in template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.domain.document import workflows
from pipeline.domain.issues import Path, Report
from pipeline.domain.presets import Presets
from pipeline.domain.production import Camera, SceneType

LONGEST_CHAIN = 32


class Library:
    """Every template that a scene type, the matrix or a shot may name."""

    def __init__(self, body: Mapping[str, Any], presets: Presets, report: Report) -> None:
        self._presets = presets
        self._report = report
        self._defaults = body.get("defaults", {})
        self._declared: list[Mapping[str, Any]] = body.get("scene_types", [])
        self._templates: list[Mapping[str, Any]] = body.get("shot_templates", [])
        self.own = {entry["name"]: entry for entry in self._templates if entry.get("name")}
        self.positions = {index: entry["name"] for index, entry in enumerate(self._templates) if entry.get("name")}
        self._known = tuple(dict.fromkeys((*self.own, *presets.shots)))

    def declared(self) -> tuple[SceneType, ...]:
        """The scene types of the document, in its order. Own templates are checked on the way."""
        for index, entry in enumerate(self._templates):
            self._build(entry, ("production", "shot_templates", index))
        return tuple(self._build(entry, ("production", "scene_types", index)) for index, entry in enumerate(self._declared))

    def used(self, *names: Iterable[str]) -> tuple[SceneType, ...]:
        """The own and built-in templates that are named, are not declared as scene types, and exist."""
        declared = {entry.get("name") for entry in self._declared}
        wanted = dict.fromkeys(name for group in names for name in group if name not in declared)
        found = []
        for name in wanted:
            if name in self.own:
                found.append(self._silent(self.own[name]))
            elif name in self._presets.shots:
                found.append(self._silent({"name": name, "preset": name}))
        return tuple(found)

    def _silent(self, entry: Mapping[str, Any]) -> SceneType:
        """Build what has been checked before."""
        kept, self._report = self._report, Report()
        built = self._build(entry, ())
        self._report = kept
        return built

    def _build(self, entry: Mapping[str, Any], path: Path) -> SceneType:
        base = self._base(entry, (*path, "preset"), seen=(entry.get("name", ""),))
        given = {**self._defaults, **base, **entry, "qa": {**base.get("qa", {}), **entry.get("qa", {})}}
        camera = given.get("camera", {})
        camera = {"move": camera} if isinstance(camera, str) else camera
        width, _, height = given.get("resolution", "1280x720").partition("x")
        variants = given.get("variants", "all")
        graph = workflows.read(given.get("workflow"))
        return SceneType(
            name=given.get("name", ""),
            prompt=given.get("prompt", ""),
            duration_s=given.get("duration_s", 4.0),
            segments=given.get("segments", 1),
            fps=given.get("fps", 24),
            width=int(width),
            height=int(height),
            workflow=graph.file,
            workflow_bindings=graph.bindings,
            camera=Camera(**camera),
            qa=given["qa"],
            variants=None if variants == "all" else tuple(variants),
            location=given.get("location"),
            framing=given.get("framing", "medium"),
            slate=given.get("slate", True),
            needs_character=given.get("needs_character", True),
            worker_tags=tuple(given.get("worker_tags", ())),
        )

    def _base(self, entry: Mapping[str, Any], path: Path, *, seen: tuple[str, ...]) -> Mapping[str, Any]:
        """The template an entry starts from, with the templates that one starts from."""
        name = entry.get("preset")
        if name is None:
            return {}
        if len(seen) > LONGEST_CHAIN:
            told = f"Shot templates start from each other more than {LONGEST_CHAIN} deep."
            self._report.error(path, told, "Write the keys into one template.")
            return {}
        if name in self.own and name not in seen:
            own = self.own[name]
            deeper = self._base(own, path, seen=(*seen, name))
            return {**deeper, **own, "qa": {**deeper.get("qa", {}), **own.get("qa", {})}}
        built_in = self._presets.shots.get(name)
        if built_in is not None:
            return {**built_in, **self._defaults}
        if name in self.own:
            loop = " -> ".join((*seen, name))
            self._report.error(path, f"Shot templates start from each other: {loop}.", "Let one of them stand alone.")
        else:
            self._report.error(path, f'There is no shot template "{name}".', self._report.suggest(name, self._known))
        return {}
