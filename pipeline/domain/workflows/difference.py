"""What has changed between two versions of a workflow, for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain.workflows.graphs import Node
from pipeline.domain.workflows.slots import Binding
from pipeline.domain.workflows.workflow import Workflow

ABSENT = object()
"""Stands for an input that one of the versions does not have."""


@dataclass(frozen=True)
class InputChange:
    """One input of a node that both versions have. `old` or `new` is ABSENT where the input is new or gone."""

    node: str
    title: str
    input: str
    old: Any
    new: Any


@dataclass(frozen=True)
class ClassChange:
    """A node that kept its id and is of another class now."""

    node: str
    old: str
    new: str


@dataclass(frozen=True)
class Difference:
    """Everything that differs; nodes that are new or gone have no further entries."""

    added: tuple[Node, ...] = ()
    removed: tuple[Node, ...] = ()
    classes: tuple[ClassChange, ...] = ()
    inputs: tuple[InputChange, ...] = ()
    bound: tuple[Binding, ...] = ()
    unbound: tuple[Binding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether both do the same; titles do not count."""
        return self == Difference()


def difference(old: Workflow, new: Workflow) -> Difference:
    """From the old version to the new one, node by node."""
    before, after = old.graph.nodes, new.graph.nodes
    both = [(before[key], node) for key, node in after.items() if key in before]
    return Difference(
        added=tuple(node for key, node in after.items() if key not in before),
        removed=tuple(node for key, node in before.items() if key not in after),
        classes=tuple(
            ClassChange(node.id, earlier.class_type, node.class_type)
            for earlier, node in both
            if earlier.class_type != node.class_type
        ),
        inputs=tuple(change for earlier, node in both for change in _inputs(earlier, node)),
        bound=_without(new.bindings, old.bindings),
        unbound=_without(old.bindings, new.bindings),
    )


def _inputs(old: Node, new: Node) -> Iterable[InputChange]:
    for name in dict.fromkeys((*old.inputs, *new.inputs)):
        earlier, now = _value(old.inputs, name), _value(new.inputs, name)
        if earlier is not now and (type(earlier) is not type(now) or earlier != now):
            yield InputChange(new.id, new.title or new.class_type, name, earlier, now)


def _value(inputs: Mapping[str, Any], name: str) -> Any:
    return inputs.get(name, ABSENT)


def _without(bindings: Iterable[Binding], others: Iterable[Binding]) -> tuple[Binding, ...]:
    known = frozenset(others)
    return tuple(binding for binding in bindings if binding not in known)
