"""Plain data with its places to a Production, with presets, wardrobe and screenplay resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.domain.budget import Action, Threshold, in_order
from pipeline.domain.document import outputs, scene_types, scripts, shots, workflows
from pipeline.domain.document.timing import timing
from pipeline.domain.errors import Invalid
from pipeline.domain.format.kinds import INVALID
from pipeline.domain.format.table import ROOT
from pipeline.domain.issues import Issue, Path, Report
from pipeline.domain.presets import Presets, presets_cure
from pipeline.domain.production import (
    Approvals,
    Budget,
    Character,
    Exclusion,
    Location,
    Matrix,
    OwnApprovals,
    Production,
    SceneType,
    Shot,
    Style,
    Variant,
    WardrobeRange,
)
from pipeline.domain.screenplay import Screenplay
from pipeline.domain.sources import Document

TOP: Path = ("production",)


@dataclass(frozen=True)
class Written:
    """How many entries of each list are written in the document; the rest were added by templates and the screenplay."""

    scene_types: int = 0
    locations: int = 0
    shots: int = 0
    shot_templates: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parsed:
    """A production as far as it could be understood, and everything its form and its names have wrong.

    List positions of `production` are those of the document, so that later checks can name places.
    """

    production: Production | None
    issues: tuple[Issue, ...]
    written: Written = field(default_factory=Written)


def script_path(document: Document) -> str | None:
    """The screenplay a document names, to be read before it is parsed."""
    root = document.data
    body = root.get("production") if isinstance(root, dict) else None
    script = body.get("script") if isinstance(body, dict) else None
    return script if isinstance(script, str) and script.strip() else None


def parse(document: Document, presets: Presets, screenplay: Screenplay | None = None) -> Parsed:
    """Understand a document. Never raises: what is wrong becomes an issue and is replaced by its default."""
    report = Report(document.places, list(document.issues))
    if document.data is None and document.issues:
        return Parsed(None, tuple(report.issues))
    clean = ROOT.accept(document.data, (), report)
    body = clean.get("production") if clean is not INVALID else None
    if not isinstance(body, dict):
        return Parsed(None, tuple(report.issues))
    return _Parser(body, presets, screenplay, report).parsed()


class _Parser:
    """Builds the parts of one production in the order they depend on each other."""

    def __init__(self, body: dict[str, Any], presets: Presets, screenplay: Screenplay | None, report: Report) -> None:
        self.body = body
        self.presets = presets
        self.screenplay = screenplay
        self.report = report

    def parsed(self) -> Parsed:
        body, report = self.body, self.report
        characters = tuple(_character(entry) for entry in body.get("characters", ()))
        variants = tuple(_variant(_with_default_graph(entry, body)) for entry in body.get("variants", ()))
        library = scene_types.Library(body, self.presets, report)
        declared = library.declared()
        written_locations = tuple(self._location(index, entry) for index, entry in enumerate(body.get("locations", ())))
        listed = shots.listed(body.get("shots", ()))
        expansion = scripts.expand(self.screenplay, listed, characters, written_locations, report)
        matrix = self._matrix(characters, variants, declared, library)
        added = library.used([shot.template for shot in (*listed, *expansion.shots)], matrix.scene_types if matrix else ())
        all_types = (*declared, *added)
        if expansion.locations and len(written_locations) == 1:
            all_types = _at(written_locations[0].name, all_types)
        dressed = shots.dress((*listed, *expansion.shots), characters, variants)
        production = self._production(
            characters=characters,
            variants=variants,
            locations=(*written_locations, *expansion.locations),
            scene_types=all_types,
            matrix=matrix,
            shots=shots.named(shots.placed(dressed, (*declared, *added), expansion.places)),
        )
        written = Written(len(declared), len(written_locations), len(listed), library.positions)
        return Parsed(production, tuple(report.issues), written)

    def _production(
        self,
        *,
        characters: tuple[Character, ...],
        variants: tuple[Variant, ...],
        locations: tuple[Location, ...],
        scene_types: tuple[SceneType, ...],
        matrix: Matrix | None,
        shots: tuple[Shot, ...],
    ) -> Production:
        body = self.body
        return Production(
            title=body.get("title", ""),
            version=body.get("version", "1.0"),
            author=body.get("author", ""),
            script=body.get("script"),
            style=self._style(body.get("style", {})),
            backend=body.get("backend", "animatic"),
            command=tuple(body.get("command", ())),
            command_timeout_s=body.get("command_timeout_s"),
            worker_tags=tuple(body.get("worker_tags", ())),
            seed=body.get("seed", 0),
            characters=characters,
            variants=variants,
            locations=locations,
            scene_types=scene_types,
            matrix=matrix,
            shots=shots,
            approvals=_approvals(body.get("approvals", {})),
            budget=self._budget(body.get("budget", {})),
            schedule=timing(body.get("schedule", {}), self.report),
            triggers=tuple(body.get("triggers", ())),
            naming=body.get("naming"),
            outputs=outputs.resolve(body.get("outputs", ()), self.presets, self.report),
        )

    def _budget(self, entry: Mapping[str, Any]) -> Budget:
        levels = [
            Threshold(float(level["at"]), Action(level.get("do", Action.NOTIFY)))
            for level in entry.get("thresholds", ())
            if "at" in level
        ]
        try:
            return Budget(**{**entry, "thresholds": in_order(levels)})
        except Invalid as error:
            self.report.error((*TOP, "budget", "thresholds"), str(error), "Give each level once.")
            return Budget(**{**entry, "thresholds": ()})

    def _style(self, entry: Mapping[str, Any]) -> Style:
        preset = self._preset("styles", "style preset", entry.get("preset"), (*TOP, "style", "preset"))
        return Style(
            preset=entry.get("preset"),
            era=entry.get("era", ""),
            mood=entry.get("mood", ""),
            prompt=entry.get("prompt", preset.get("prompt", "")),
            grade={**preset.get("grade", {}), **entry.get("grade", {})},
        )

    def _location(self, index: int, entry: Mapping[str, Any]) -> Location:
        where = (*TOP, "locations", index, "preset")
        graph = workflows.read(_with_default_graph(entry, self.body).get("workflow"))
        preset = self._preset("locations", "location preset", entry.get("preset"), where)
        return Location(
            name=entry.get("name", ""),
            preset=entry.get("preset"),
            hdri=entry.get("hdri"),
            plate=entry.get("plate"),
            prompt=entry.get("prompt", preset.get("prompt", "")),
            look={**preset.get("look", {}), **entry.get("look", {})},
            workflow=graph.file,
            workflow_bindings=graph.bindings,
        )

    def _preset(self, kind: str, what: str, name: str | None, path: Path) -> Mapping[str, Any]:
        if name is None:
            return {}
        found = self.presets.lookup(kind, name)
        if found is None:
            self.report.error(
                path,
                f'There is no {what} "{name}".',
                self.report.suggest(name, self.presets.table(kind), cure=presets_cure(kind)),
            )
        return found or {}

    def _matrix(
        self,
        characters: tuple[Character, ...],
        variants: tuple[Variant, ...],
        declared: tuple[SceneType, ...],
        library: scene_types.Library,
    ) -> Matrix | None:
        entry = self.body.get("matrix")
        if entry is None:
            return None
        return Matrix(
            characters=_names(entry.get("characters", "all"), characters),
            scene_types=_names(entry.get("scene_types", "all"), declared),
            variants=_names(entry.get("variants", "all"), variants),
            exclude=tuple(Exclusion(**exclusion) for exclusion in entry.get("exclude", ())),
        )


def _approvals(entry: Mapping[str, Any]) -> Approvals:
    own = tuple(OwnApprovals(**exception) for exception in entry.get("except_for", ()))
    return Approvals(**{**entry, "except_for": own})


def _names(value: Any, declared: tuple[Character, ...] | tuple[SceneType, ...] | tuple[Variant, ...]) -> tuple[str, ...]:
    """The names a matrix axis stands for: all declared ones, or those listed."""
    chosen = [entry.name for entry in declared] if value == "all" else value
    return tuple(dict.fromkeys(name for name in chosen if name))


def _at(location: str, kinds: tuple[SceneType, ...]) -> tuple[SceneType, ...]:
    """The only declared location stays that of the scene types when the screenplay adds others."""
    return tuple(kind if kind.location else replace(kind, location=location) for kind in kinds)


def _character(entry: Mapping[str, Any]) -> Character:
    return Character(
        name=entry.get("name", ""),
        source_images=tuple(entry.get("source_images", ())),
        model=entry.get("model"),
        wardrobe=tuple(_wardrobe_range(key, variant) for key, variant in entry.get("wardrobe", {}).items()),
        metadata=entry.get("metadata", {}),
    )


def _wardrobe_range(key: str, variant: str) -> WardrobeRange:
    numbers = [int(part) for part in key.split("_")[1:]]
    return WardrobeRange(numbers[0], numbers[-1], variant)


def _variant(entry: Mapping[str, Any]) -> Variant:
    graph = workflows.read(entry.get("workflow"))
    return Variant(
        name=entry.get("name", ""),
        prompt=entry.get("prompt", ""),
        candidates=entry.get("candidates", 1),
        workflow=graph.file,
        workflow_bindings=graph.bindings,
    )


def _with_default_graph(entry: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A variant or location with the workflow of the defaults where it has none of its own."""
    default = body.get("defaults", {}).get("still_workflow")
    return entry if default is None else {"workflow": default, **entry}
