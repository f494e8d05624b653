"""The parameters of every stage's request, made from the run's frozen configuration: same inputs, same parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipeline.domain.cells import CellPlan
from pipeline.domain.cost_keys import CostKeys, cost_keys
from pipeline.domain.estimates import segment_frames, still_size
from pipeline.domain.fingerprints import canonical, derive_seed
from pipeline.domain.production import Location, Output, Production, SceneType, Variant
from pipeline.domain.records import RunConfig
from pipeline.domain.resolver import StillPlan
from pipeline.domain.statuses import StillKind
from pipeline.domain.workflows.graphs import parse
from pipeline.domain.workflows.model_files import model_files
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.uses import key_of

BLEND_FRAMES = 4
TIME_LIMIT = "timeout_s"
"""The parameter that says how long a program may take. It decides nothing about the result, so no fingerprint holds it."""


class Recipes:
    """Builds parameters for one run; looks names up once."""

    def __init__(self, config: RunConfig) -> None:
        production = config.production
        self.config = config
        self.production: Production = production
        self.scene_types = {scene.name: scene for scene in production.scene_types}
        self.variants = {variant.name: variant for variant in production.variants}
        self.characters = {character.name: character for character in production.characters}
        self.locations = {location.name: location for location in production.locations}
        self.still_size = still_size(production)
        self.cost_keys: CostKeys = cost_keys(production, config.workflows)
        self._style = _plain(asdict(production.style))
        self._cameras: dict[str, dict[str, Any]] = {}

    def scene_type(self, cell: CellPlan) -> SceneType:
        """The scene type of a cell."""
        return self.scene_types[cell.scene_type]

    def models(self, scene_type: str) -> str:
        """The model files that the graph of a scene type (empty: of stills) needs, as one text; empty without a graph."""
        if scene_type:
            found = [self._workflow(self.scene_types[scene_type], Kind.SEGMENT)]
        else:
            entries: list[Variant | Location] = [*self.variants.values(), *self.locations.values()]
            found = [self._workflow(entry, Kind.STILL) for entry in entries]
        graphs = [entry["workflow"]["graph"] for entry in found if entry]
        return " + ".join(sorted({file.file for graph in graphs for file in model_files(parse(graph))}))

    def graph_of_scenes(self, scene_type: str) -> Mapping[str, Any]:
        """The workflow, in plain values, that makes segments of a scene type; empty where none does."""
        found: Mapping[str, Any] = self._workflow(self.scene_types[scene_type], Kind.SEGMENT).get("workflow", {})
        return found

    def graph_of_still(self, *, variant: str | None, location: str | None) -> Mapping[str, Any]:
        """The workflow, in plain values, that makes a variant image or, without a variant, a plate; empty where none does."""
        entry = self.variants[variant] if variant else self.locations[location or ""]
        found: Mapping[str, Any] = self._workflow(entry, Kind.STILL).get("workflow", {})
        return found

    def still(self, still: StillPlan, *, take: int, candidate: int) -> dict[str, Any]:
        """Parameters of `variant_generation` for one candidate of a variant image, or for a plate."""
        width, height = self.still_size
        seed = derive_seed(self.production.seed, "still", still.kind.value, still.key, take, candidate)
        common = {"seed": seed, "width": width, "height": height, "style": self._style} | self._command()
        if still.kind is StillKind.PLATE:
            location = self.locations[still.location or ""]
            common |= self._workflow(location, Kind.STILL)
            return common | {
                "kind": "plate",
                "location": location.name,
                "preset": location.preset,
                "hdri": location.hdri,
                "look": _plain(location.look),
                "prompt": location.prompt,
            }
        variant = self.variants[still.variant or ""]
        common |= self._workflow(variant, Kind.STILL)
        return common | {
            "kind": "variant",
            "character": still.character,
            "variant": variant.name,
            "prompt": variant.prompt,
            "candidate": candidate,
            "framing": "medium",
        }

    def segment(self, cell: CellPlan, *, take: int, number: int, seed: int, prompt: str = "") -> dict[str, Any]:
        """Parameters of `scene_generation` for segment `number` (1-based); `prompt` stands in for the cell's own."""
        scene = self.scene_type(cell)
        frames = segment_frames(scene)
        backends_own = self._command() | self._workflow(scene, Kind.SEGMENT)
        return {
            "title": self.production.title,
            "character": cell.character,
            "scene_type": scene.name,
            "variant": cell.variant,
            "location": cell.location,
            "scene_number": cell.scene_number,
            "prompt": prompt or cell.prompt,
            "camera": self._camera(scene),
            "style": self._style,
            "framing": scene.framing,
            "segment": number,
            "segments": scene.segments,
            "take": take,
            "frames": frames[number - 1],
            "frame_offset": sum(frames[: number - 1]),
            "total_frames": scene.frames,
            "fps": scene.fps,
            "width": scene.width,
            "height": scene.height,
            "seed": seed,
            "slate": scene.slate,
        } | backends_own

    def scene_qa(self, cell: CellPlan) -> dict[str, Any]:
        """Parameters of `scene_qa`."""
        scene = self.scene_type(cell)
        return _size(scene) | {"frames": list(segment_frames(scene))}

    def assembly(self, cell: CellPlan, *, blend_boundaries: tuple[int, ...]) -> dict[str, Any]:
        """Parameters of `assembly`; boundary k lies between segments k and k+1."""
        return _size(self.scene_type(cell)) | {
            "blend_boundaries": list(blend_boundaries),
            "blend_frames": BLEND_FRAMES,
        }

    def export(self, output: Output) -> dict[str, Any]:
        """Parameters of `export` for one output format, with its palette's colours."""
        settings = _plain(output.settings)
        retro = settings.get("retro")
        if isinstance(retro, dict) and isinstance(retro.get("palette"), str):
            settings["retro"] = retro | {"palette": self.config.palettes.get(retro["palette"], retro["palette"])}
        return {"format": settings | {"name": output.name}}

    def _camera(self, scene: SceneType) -> dict[str, Any]:
        if scene.name not in self._cameras:
            numbers = _plain(self.config.cameras.get(scene.camera.move, {}))
            self._cameras[scene.name] = numbers | asdict(scene.camera)
        return self._cameras[scene.name]

    def _workflow(self, entry: SceneType | Variant | Location, kind: Kind) -> dict[str, Any]:
        """The frozen graph that makes this, with its bindings; nothing for a backend without graphs."""
        found = self.config.workflows.get(key_of(kind, entry.workflow, entry.workflow_bindings)) if entry.workflow else None
        return {} if found is None else {"workflow": found}

    def _command(self) -> dict[str, Any]:
        if not self.production.command:
            return {}
        limit = self.production.command_timeout_s
        return {"command": list(self.production.command)} | ({} if limit is None else {TIME_LIMIT: limit})


def told(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for a manifest, where a graph is named by its hash: it would be there once for every clip."""
    graph = parameters.get("workflow")
    if graph is None:
        return dict(parameters)
    return {**parameters, "workflow": {"sha256": hashlib.sha256(canonical(graph).encode()).hexdigest()}}


def _size(scene: SceneType) -> dict[str, Any]:
    return {"fps": scene.fps, "width": scene.width, "height": scene.height}


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(inner) if isinstance(inner, Mapping) else inner for name, inner in value.items()}
