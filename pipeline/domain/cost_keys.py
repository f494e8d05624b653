"""The names under which measured times are collected: of work that takes the same time whoever asks for it.

Segments and stills that a graph makes are told apart by the graph and their size, whatever the scene types are called; those of
a program by the program; those of the built-in renderer by the scene type.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain.estimates import History, still_size
from pipeline.domain.fingerprints import canonical
from pipeline.domain.production import Location, Production, SceneType, Variant
from pipeline.domain.stages import Stage
from pipeline.domain.workflows.library import reference_of
from pipeline.domain.workflows.slots import IMAGE_SLOTS, Kind
from pipeline.domain.workflows.uses import BACKEND, key_of

_MARK = "#"
_MARK_LENGTH, _SHOWN_LENGTH = 12, 4
_LONGEST_NAME = 60
_FILLED = frozenset((*IMAGE_SLOTS, "prompt", "negative_prompt", "seed", "width", "height", "frames", "fps", "filename_prefix"))
"""The slots that every request fills: what the graph says there decides nothing."""


@dataclass(frozen=True)
class CostKeys:
    """The keys of a production: of segments by scene type, of variant images by variant, of plates by location."""

    segments: Mapping[str, str]
    images: Mapping[str, str]
    plates: Mapping[str, str]

    @property
    def stills(self) -> tuple[str, ...]:
        """The keys of all stills, each once."""
        return tuple(dict.fromkeys((*self.images.values(), *self.plates.values())))

    def frame_seconds(self, history: History) -> dict[str, float]:
        """What a frame of a segment takes in the mean, by key, where that was measured."""
        return {key: history.segments[name].seconds_per_frame for name, key in self.segments.items() if name in history.segments}


def cost_keys(production: Production, workflows: Mapping[str, Mapping[str, Any]]) -> CostKeys:
    """The keys of all work of a production. `workflows` as in `RunConfig`; work whose graph is not there was never measured."""
    size = still_size(production)

    def still(entry: Variant | Location) -> str:
        maker = _maker(production, entry, Kind.STILL, workflows, own="")
        return cost_key(production.backend, Stage.VARIANT_GENERATION, maker, *size)

    def segment(entry: SceneType) -> str:
        maker = _maker(production, entry, Kind.SEGMENT, workflows, own=entry.name)
        return cost_key(production.backend, Stage.SCENE_GENERATION, maker, entry.width, entry.height)

    return CostKeys(
        {entry.name: segment(entry) for entry in production.scene_types},
        {entry.name: still(entry) for entry in production.variants},
        {entry.name: still(entry) for entry in production.locations},
    )


def cost_key(backend: str, stage: Stage, maker: str, width: int, height: int) -> str:
    """The key of work of one size that is made by `maker`: a scene type, or a name and a mark, as in `Wan i2v#0f3a99c1d2e4`."""
    return f"{backend}|{stage.value}|{maker}|{width}x{height}"


def work_words(key: str) -> str:
    """`Wan i2v at 1280x720` for work that a graph makes, `pictures at 1280x720` or `scenes at …` where it has no other name."""
    parts = key.split("|")
    if len(parts) != 4:
        return key
    what = "scenes" if parts[1] == Stage.SCENE_GENERATION else "pictures"
    return f"{parts[2].partition(_MARK)[0] or what} at {parts[3]}"


def told_apart(keys: Iterable[str]) -> dict[str, str]:
    """Each of these keys in words; those that the words do not tell apart, since their graphs have one name, with their marks."""
    told = {key: work_words(key) for key in keys}
    often = Counter(told.values())
    return {key: _with_mark(key, words) if often[words] > 1 else words for key, words in told.items()}


def _with_mark(key: str, words: str) -> str:
    mark = key.split("|")[2].partition(_MARK)[2]
    return f"{words} ({_MARK}{mark[:_SHOWN_LENGTH]})" if mark else words


def _maker(
    production: Production,
    entry: SceneType | Variant | Location,
    kind: Kind,
    workflows: Mapping[str, Mapping[str, Any]],
    *,
    own: str,
) -> str:
    if production.backend == BACKEND:
        workflow = workflows.get(key_of(kind, entry.workflow, entry.workflow_bindings)) if entry.workflow else None
        return f"{_name(entry.workflow or '')}{_MARK}{_digest(_timed(workflow))}" if workflow else ""
    return f"{own}{_MARK}{_digest(list(production.command))}" if production.command else own


def _name(workflow: str) -> str:
    """What people call a workflow: its registered name, or that of its file."""
    reference = reference_of(workflow)
    file = workflow.rsplit("/", 1)[-1]
    name = reference.name if reference else file.rpartition(".")[0] or file
    return re.sub(r"[|#]", " ", name)[:_LONGEST_NAME]


def _timed(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """A graph without what requests fill in and without what only people read: what is left decides how long it takes."""
    filled = {(one["node"], one["input"]) for one in workflow["bindings"] if one["slot"] in _FILLED}
    return {
        number: {
            "class": node.get("class_type"),
            "inputs": {name: value for name, value in node.get("inputs", {}).items() if (number, name) not in filled},
        }
        for number, node in workflow["graph"].items()
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:_MARK_LENGTH]
