"""A Production back to plain data: everything written out, so that reading it again gives the same production."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.domain.document import timing, workflows
from pipeline.domain.production import (
    Approvals,
    Budget,
    Character,
    Location,
    Matrix,
    Output,
    Production,
    SceneType,
    Shot,
    Style,
    Variant,
    WardrobeRange,
)


def dump(production: Production) -> dict[str, Any]:
    """The document of a production. Empty parts are left out."""
    body: dict[str, Any] = {
        "title": production.title,
        "version": production.version,
        "author": production.author,
        "script": production.script,
        "style": _style(production.style),
        "backend": production.backend,
        "command": list(production.command),
        "command_timeout_s": production.command_timeout_s,
        "worker_tags": list(production.worker_tags),
        "seed": production.seed,
        "characters": _each(production.characters, _character),
        "variants": _each(production.variants, _variant),
        "locations": _each(production.locations, _location),
        "scene_types": _each(production.scene_types, _scene_type),
        "matrix": _matrix(production.matrix) if production.matrix else None,
        "shots": _each(production.shots, _shot),
        "approvals": _approvals(production.approvals),
        "budget": _budget(production.budget),
        "schedule": timing.dumped(production.schedule),
        "triggers": [dict(trigger) for trigger in production.triggers],
        "naming": production.naming,
        "outputs": _each(production.outputs, _output),
    }
    return {"production": _filled(body, keep=("title", "version"))}


def _approvals(approvals: Approvals) -> dict[str, Any]:
    own = [_filled(vars(entry)) for entry in approvals.except_for]
    return {"variants": approvals.variants, "scenes": approvals.scenes, **_filled({"except_for": own})}


def _budget(budget: Budget) -> dict[str, Any]:
    levels = [{"at": level.at_percent, "do": level.action.value} for level in budget.thresholds]
    return _filled({**vars(budget), "thresholds": levels})


def _each(entries: Iterable[Any], write: Any) -> list[dict[str, Any]]:
    return [write(entry) for entry in entries]


def _filled(entries: Mapping[str, Any], keep: tuple[str, ...] = ("name",)) -> dict[str, Any]:
    """Without what is empty; numbers and switches always stay."""
    return {key: value for key, value in entries.items() if key in keep or isinstance(value, (bool, int, float)) or value}


def _style(style: Style) -> dict[str, Any]:
    written = _filled({"preset": style.preset, "era": style.era, "mood": style.mood, "grade": dict(style.grade)})
    return {**written, "prompt": style.prompt} if style != Style() else {}


def _character(character: Character) -> dict[str, Any]:
    return _filled(
        {
            "name": character.name,
            "source_images": list(character.source_images),
            "model": character.model,
            "wardrobe": {_range_key(worn): worn.variant for worn in character.wardrobe},
            "metadata": dict(character.metadata),
        }
    )


def _range_key(worn: WardrobeRange) -> str:
    return f"scene_{worn.first}" if worn.first == worn.last else f"scenes_{worn.first}_{worn.last}"


def _variant(variant: Variant) -> dict[str, Any]:
    graph = workflows.written(variant.workflow, variant.workflow_bindings)
    return _filled({"name": variant.name, "prompt": variant.prompt, "candidates": variant.candidates, "workflow": graph})


def _location(location: Location) -> dict[str, Any]:
    graph = workflows.written(location.workflow, location.workflow_bindings)
    plain = {key: value for key, value in vars(location).items() if key != "workflow_bindings"}
    return {**_filled({**plain, "look": dict(location.look), "workflow": graph}), "prompt": location.prompt}


def _scene_type(kind: SceneType) -> dict[str, Any]:
    apart = ("width", "height", "variants", "camera", "qa", "workflow_bindings")
    plain = {key: value for key, value in vars(kind).items() if key not in apart} | {"worker_tags": list(kind.worker_tags)}
    plain["workflow"] = workflows.written(kind.workflow, kind.workflow_bindings)
    variants = "all" if kind.variants is None else list(kind.variants)
    return {
        **_filled(plain),
        "resolution": f"{kind.width}x{kind.height}",
        "camera": {"move": kind.camera.move, "amount": kind.camera.amount},
        "variants": variants,
        **_filled({"qa": dict(kind.qa)}),
    }


def _matrix(matrix: Matrix) -> dict[str, Any]:
    return {
        "characters": list(matrix.characters),
        "scene_types": list(matrix.scene_types),
        "variants": list(matrix.variants),
        **_filled({"exclude": [_filled(vars(exclusion)) for exclusion in matrix.exclude]}),
    }


def _shot(shot: Shot) -> dict[str, Any]:
    written = _filled({**vars(shot), "after": list(shot.after)})
    return written if shot.prompt is None else {**written, "prompt": shot.prompt}


def _output(output: Output) -> dict[str, Any]:
    return {"format": output.format, "path": output.path, "name": output.name, **output.settings}
