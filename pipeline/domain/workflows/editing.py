"""Correcting a workflow: which inputs are free, which stand behind which slot, and which nodes give the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.domain.issues import Severity, shorten
from pipeline.domain.names import did_you_mean, listed
from pipeline.domain.workflows.bindings import check
from pipeline.domain.workflows.findings import Finding, WorkflowInvalid, errors_in
from pipeline.domain.workflows.graphs import Graph, Node, link_of
from pipeline.domain.workflows.outputs import Saves, saves
from pipeline.domain.workflows.slots import CUSTOM, IMAGE_SLOTS, SLOTS, Binding, ValueType, slot_named, type_of
from pipeline.domain.workflows.workflow import MOST_BINDINGS, UNBOUND, Resolved, Workflow, written_type

_TEXT_SLOTS = ("prompt", "negative_prompt", "filename_prefix", "model")


@dataclass(frozen=True)
class Place:
    """One input of one node, and the slot that it is to take its values from."""

    slot: str
    node: str
    input: str


@dataclass(frozen=True)
class FreeInput:
    """An input that holds a plain value: what may be bound. `is_live`: some output needs its node."""

    node: str
    title: str
    class_type: str
    input: str
    type: ValueType
    value: Any
    is_live: bool


def corrected(workflow: Workflow, places: Sequence[Place], outputs: Sequence[str] | None = None) -> Resolved:
    """The workflow with exactly these bindings and, where given, these result nodes; None where that cannot work."""
    graph = workflow.graph
    if len(places) > MOST_BINDINGS:
        told = f"There are {len(places)} bindings; at most {MOST_BINDINGS} are allowed."
        return Resolved(None, (_error(told, "Remove some."),))
    bindings = tuple(dict.fromkeys(_binding(graph, place) for place in places))
    chosen = workflow.outputs if outputs is None else tuple(dict.fromkeys(outputs))
    found = [*check(graph, bindings, workflow.kind), *_of_outputs(graph, chosen)]
    if errors_in(found):
        return Resolved(None, tuple(found))
    return Resolved(Workflow(workflow.name, graph, bindings, chosen, workflow.kind), tuple(found))


def places_of(workflow: Workflow) -> tuple[Place, ...]:
    """What is bound now."""
    return tuple(Place(binding.slot, binding.node, binding.input) for binding in workflow.bindings)


def with_chosen(workflow: Workflow, chosen: Mapping[str, str], outputs: Sequence[str] | None = None) -> Workflow:
    """The workflow with the inputs of some slots replaced, written as in a production: `node.input`, several, or `none`.

    Raises WorkflowInvalid where that cannot be read or cannot work.
    """
    if not chosen and outputs is None:
        return workflow
    resolved = corrected(workflow, rebound(workflow, chosen), outputs)
    if resolved.workflow is None:
        raise WorkflowInvalid(workflow.name, resolved.findings)
    return resolved.workflow


def rebound(workflow: Workflow, chosen: Mapping[str, str]) -> tuple[Place, ...]:
    """What would be bound with the inputs of some slots replaced. Raises WorkflowInvalid for what names no input."""
    faults: list[Finding] = []
    added = [place for slot, text in chosen.items() for place in _places(slot, text, faults)]
    if faults:
        raise WorkflowInvalid(workflow.name, faults)
    taken = {(place.node, place.input) for place in added}
    kept = [one for one in places_of(workflow) if one.slot not in chosen and (one.node, one.input) not in taken]
    return (*kept, *added)


def free_inputs(graph: Graph) -> tuple[FreeInput, ...]:
    """Everything that may be bound, what some output needs first, in the order of the graph."""
    found = [one for node in graph.nodes.values() for one in _free(node, is_live=node.id in graph.reachable)]
    return tuple(sorted(found, key=lambda one: not one.is_live))


def slots_for(kind: ValueType) -> tuple[str, ...]:
    """The slots that an input holding a value of this type may stand behind; any may be `custom:` besides."""
    if kind is ValueType.TEXT or kind is ValueType.IMAGE:
        return (*IMAGE_SLOTS, *_TEXT_SLOTS)
    return tuple(name for name, slot in SLOTS.items() if kind in slot.types)


def result_choices(graph: Graph) -> tuple[Node, ...]:
    """The nodes that may give the result."""
    return tuple(node for node in graph.output_nodes if saves(node) not in (Saves.NOTHING, Saves.OTHER))


def _error(message: str, cure: str, node: str = "", name: str = "", slot: str = "") -> Finding:
    return Finding(Severity.ERROR, message, cure, node, name, slot)


def _places(slot: str, text: str, faults: list[Finding]) -> list[Place]:
    if text.strip() == UNBOUND and slot_named(slot):
        return []
    found = []
    for part in text.split(","):
        node, dot, name = part.strip().partition(".")
        if not (node and dot and name):
            told = f'"{shorten(part.strip())}" does not name an input of a node.'
            faults.append(_error(told, 'Write "node id.input", such as "5.seed".', slot=slot))
        else:
            found.append(Place(slot, node, name))
    return found


def _binding(graph: Graph, place: Place) -> Binding:
    node = graph.nodes.get(place.node)
    held = node.inputs.get(place.input) if node is not None else None
    return Binding(place.slot, place.node, place.input, written_type(place.slot, held))


def _of_outputs(graph: Graph, chosen: Sequence[str]) -> Iterable[Finding]:
    able = {node.id for node in result_choices(graph)}
    if not chosen:
        yield _error("No node gives the result.", f"Choose one of {listed(able)}.")
    for key in chosen:
        if key not in able:
            told = f'Node "{shorten(key, 30)}" saves nothing that could be the result.'
            yield _error(told, did_you_mean(key[:80], sorted(able), cure=f"Choose one of {listed(sorted(able))}."), key)


def _free(node: Node, *, is_live: bool) -> Iterable[FreeInput]:
    for name, value in node.inputs.items():
        if link_of(value) is not None:
            continue
        kind = type_of(f"{CUSTOM}x", value)
        if kind is not None:
            yield FreeInput(node.id, node.title, node.class_type, name, kind, value, is_live)
