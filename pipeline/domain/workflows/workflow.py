"""A workflow: a graph with its bindings, as it is frozen into a run and travels in `Request.parameters["workflow"]`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.domain.fingerprints import canonical
from pipeline.domain.issues import Severity, shorten
from pipeline.domain.workflows.bindings import check, result_nodes
from pipeline.domain.workflows.detection import detect, sure
from pipeline.domain.workflows.findings import Finding, WorkflowInvalid, errors_in
from pipeline.domain.workflows.graphs import Graph, parse
from pipeline.domain.workflows.slots import IMAGE_SLOTS, SLOTS, Binding, Kind, ValueType, slot_named, type_of

UNBOUND = "none"
"""Written for a slot whose input keeps what the graph says, however sure the detection is."""
MOST_BINDINGS = 1_000
_PLACE = re.compile(r"\s*([^.,\s][^.,]*)\.([^,]*[^,\s])\s*\Z")


@dataclass(frozen=True)
class Workflow:
    """A graph and what goes in and comes out. `outputs` are the ids of the nodes whose files are the result."""

    name: str
    graph: Graph
    bindings: tuple[Binding, ...]
    outputs: tuple[str, ...]
    kind: Kind

    @cached_property
    def slots(self) -> frozenset[str]:
        """The slots that stand for at least one input."""
        return frozenset(binding.slot for binding in self.bindings)

    def classes_of(self, slot: str) -> list[str]:
        """The classes of the nodes that take this slot, and of those that take from them; reckoned once."""
        known: dict[str, list[str]] = self.__dict__.setdefault("_classes", {})
        if slot not in known:
            bound = {binding.node for binding in self.bindings if binding.slot == slot}
            nodes = self.graph.nodes.values() if bound else ()
            near = [node for node in nodes if node.id in bound or {link.node for _, link in node.links()} & bound]
            known[slot] = list(dict.fromkeys(node.class_type for node in near))
        return known[slot]

    @cached_property
    def sha256(self) -> str:
        """The hash of everything but the name: equal for workflows that do the same."""
        return hashlib.sha256(canonical(self.to_json()).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values: `kind`, `graph`, `bindings` (each with slot, node, input and type), `outputs` (node ids)."""
        return {
            "kind": self.kind.value,
            "graph": self.graph.to_json(),
            "bindings": [binding.to_json() for binding in self.bindings],
            "outputs": list(self.outputs),
        }


@dataclass(frozen=True)
class Resolved:
    """A graph with bindings chosen: the workflow (None when it cannot work), and everything found on the way."""

    workflow: Workflow | None
    findings: tuple[Finding, ...]


def resolve(graph: Graph, kind: Kind, chosen: Mapping[str, str] | None = None, *, name: str = "") -> Resolved:
    """The workflow of a graph: what people have chosen, and for every other slot what detection is sure enough of.

    `chosen` maps a slot to `node.input`, to several of them separated by commas, or to `none`.
    """
    chosen = chosen or {}
    found: list[Finding] = []
    own = [binding for slot, text in chosen.items() for binding in _written(graph, slot, text, found)]
    taken = {(binding.node, binding.input) for binding in own}
    detected = [
        binding
        for binding in sure(detect(graph, kind))
        if binding.slot not in chosen and (binding.node, binding.input) not in taken
    ]
    bindings = (*own, *detected)
    silent = {slot for slot, text in chosen.items() if text.strip() == UNBOUND}
    checked = check(graph, bindings, kind)
    found += [one for one in checked if one.severity is Severity.ERROR or one.slot not in silent]
    if errors_in(found):
        return Resolved(None, tuple(found))
    return Resolved(Workflow(name, graph, bindings, result_nodes(graph, kind), kind), tuple(found))


def require(graph: Graph, kind: Kind, chosen: Mapping[str, str] | None = None, *, name: str = "") -> Workflow:
    """The same; raises WorkflowInvalid where it cannot work."""
    resolved = resolve(graph, kind, chosen, name=name)
    if resolved.workflow is None:
        raise WorkflowInvalid(name, resolved.findings)
    return resolved.workflow


def from_json(value: Any, *, name: str = "") -> Workflow:
    """A workflow from the plain values that `to_json` made. Raises WorkflowInvalid for anything else."""
    workflow = draft(value, name=name)
    errors = errors_in(check(workflow.graph, workflow.bindings, workflow.kind))
    if errors:
        raise WorkflowInvalid(name, errors)
    return workflow


def draft(value: Any, *, name: str = "") -> Workflow:
    """The same, where the bindings may still lack something. Raises WorkflowInvalid for what is no workflow at all."""
    if not isinstance(value, Mapping):
        raise _malformed(name, "It is not an object.")
    graph = parse(dict(value["graph"]) if isinstance(value.get("graph"), Mapping) else None, name=name)
    entries = value.get("bindings")
    if not isinstance(entries, Sequence) or isinstance(entries, str) or len(entries) > MOST_BINDINGS:
        raise _malformed(name, "Its bindings are not a list.")
    bindings = tuple(_binding(entry, name) for entry in entries)
    if value.get("kind") not in [kind.value for kind in Kind]:
        raise _malformed(name, "It has no kind.")
    outputs = value.get("outputs")
    if not isinstance(outputs, Sequence) or isinstance(outputs, str) or not all(key in graph.nodes for key in map(str, outputs)):
        raise _malformed(name, "Its outputs are not nodes of its graph.")
    return Workflow(name, graph, bindings, tuple(map(str, outputs)), Kind(value["kind"]))


def _malformed(name: str, message: str) -> WorkflowInvalid:
    return WorkflowInvalid(name, [Finding(Severity.ERROR, message, "Take the workflow from its file again.")])


def _binding(entry: Any, name: str) -> Binding:
    found = [entry.get(key) for key in ("slot", "node", "input", "type")] if isinstance(entry, Mapping) else []
    parts = [part for part in found if isinstance(part, str)]
    if len(parts) != 4 or parts[3] not in [kind.value for kind in ValueType]:
        raise _malformed(name, "One of its bindings lacks slot, node, input or type.")
    slot, node, place, kind = parts
    return Binding(slot, node, place, ValueType(kind))


def _written(graph: Graph, slot: str, text: str, found: list[Finding]) -> list[Binding]:
    """The bindings that people wrote for one slot; what cannot be read becomes findings."""
    if text.strip() == UNBOUND and slot_named(slot):
        return []
    bindings = []
    for place in text.split(","):
        match = _PLACE.match(place)
        if match is None:
            told = f'"{shorten(place.strip())}" does not name an input of a node.'
            found.append(Finding(Severity.ERROR, told, 'Write "node id.input", such as "5.seed".', slot=slot))
            continue
        node, name = match.groups()
        held = graph.nodes[node].inputs.get(name) if node in graph.nodes else None
        bindings.append(Binding(slot, node, name, written_type(slot, held)))
    return bindings


def written_type(slot: str, held: Any) -> ValueType:
    """The type of a binding that people wrote: that of the value in the graph, else what the slot is for."""
    if slot in IMAGE_SLOTS:
        return ValueType.IMAGE
    found = type_of(slot, held)
    if found is not None:
        return found
    return SLOTS[slot].types[0] if slot in SLOTS else ValueType.TEXT
