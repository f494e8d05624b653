"""The values of a test shot: small, short, of sizes and lengths that the graph makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.workflows.detection import detect
from pipeline.domain.workflows.filling import converted
from pipeline.domain.workflows.graphs import Graph
from pipeline.domain.workflows.sizes import FrameRule, frame_rule, preview
from pipeline.domain.workflows.slots import SLOTS, Kind
from pipeline.domain.workflows.workflow import Workflow

SHARE = 0.25
"""How much of the size and of the length a test shot has where nobody says more."""

_PROMPT = "a person looks into the camera and smiles, gentle light"
_RATE = 24
_SIZES = ("width", "height", "frames")


@dataclass(frozen=True)
class Wishes:
    """What a person wants of a test shot; what is None is taken from the graph, sizes and length reduced to `share`."""

    prompt: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    share: float = SHARE


def shot_values(
    workflow: Workflow, wishes: Wishes, *, source_size: tuple[int, int] | None, schemas: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The parameters of the request. `source_size` is (width, height) of the picture that goes in.

    Raises Invalid, with the cure, for what does not fit, and where nothing tells how large or how long the result will be.
    """
    if "end_image" in workflow.slots:
        raise Invalid("It takes an end image, which a test shot does not have. Remove that binding to keep the graph's picture.")
    own = {name: _own(workflow, name) for name in ("width", "height", "frames", "fps", "prompt")}
    if source_size is not None:
        own["width"], own["height"] = own["width"] or source_size[0], own["height"] or source_size[1]
    bound = {name: own[name] for name in _SIZES if name in workflow.slots and own[name]}
    values: dict[str, Any] = {name: int(own[name]) for name in ("width", "height", "frames") if own[name]}
    values |= preview(workflow, {name: int(value) for name, value in bound.items()}, wishes.share, schemas)
    values |= _wanted(workflow, wishes, frame_rule(workflow, schemas))
    values["prompt"] = wishes.prompt if wishes.prompt is not None else (own["prompt"] or _PROMPT)
    values["seed"] = 1 if wishes.seed is None else wishes.seed
    if wishes.negative_prompt is not None:
        values["negative_prompt"] = wishes.negative_prompt
    if workflow.kind is Kind.SEGMENT:
        values["fps"] = own["fps"] or _RATE
    else:
        values.pop("frames", None)
    _require_sizes(workflow, values)
    for binding in workflow.bindings:
        if binding.slot in values:
            converted(binding, values[binding.slot])
    return values


def _own(workflow: Workflow, slot: str) -> Any:
    """What stands in the graph behind a slot, else where the slot would be: the last such node before the result counts."""
    graph = workflow.graph
    bound = [(binding.node, binding.input) for binding in workflow.bindings if binding.slot == slot]
    found = bound or [(one.binding.node, one.binding.input) for one in detect(graph, workflow.kind) if one.binding.slot == slot]
    nodes = {node for node, _ in found}
    last = [(node, name) for node, name in found if not any(node in _before(graph, other) for other in nodes - {node})]
    return next((graph.nodes[node].inputs[name] for node, name in last or found), None)


def _before(graph: Graph, node: str) -> frozenset[str]:
    """Every node that this one takes something from, however indirectly."""
    found: set[str] = set()
    pending = [node]
    while pending:
        sources = {link.node for _, link in graph.nodes[pending.pop()].links()} - found
        found |= sources
        pending += sources
    return frozenset(found)


def _wanted(workflow: Workflow, wishes: Wishes, rule: FrameRule) -> dict[str, int]:
    """The sizes and the length that were asked for, where the workflow takes them; frames of a number that it makes."""
    found = {name: getattr(wishes, name) for name in _SIZES if getattr(wishes, name) is not None}
    for name in found:
        if name not in workflow.slots:
            raise Invalid(f"The workflow takes no {SLOTS[name].words}. Bind {name}, or leave it out.")
    for name in ("width", "height"):
        if name in found and found[name] % 2:
            raise Invalid(f"The {name} must be even, not {found[name]}.")
    if "frames" in found:
        found["frames"] = rule.down(found["frames"])
    return found


def _require_sizes(workflow: Workflow, values: Mapping[str, Any]) -> None:
    needed = _SIZES if workflow.kind is Kind.SEGMENT else ("width", "height")
    for name in needed:
        if not values.get(name):
            raise Invalid(f"Nothing tells the {SLOTS[name].words} of what it makes. Bind {name}.")
