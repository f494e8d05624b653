"""Follows an input to the node that holds its value: through reroutes and primitive nodes, against the direction of the links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pipeline.domain.workflows.graphs import Graph, Node, link_of

_FARTHEST = 32
_PRIMITIVE = re.compile(r"primitive|constant|^(int|float|string|text|seed|number|value)\b|^easy (int|float|string|seed)|"
                        r"(integer|float|string|text|seed|number)$|multiline|simplemath.*value", re.IGNORECASE)  # fmt: skip
_VALUE_INPUTS = ("value", "int", "float", "string", "text", "number", "seed", "Number", "Value", "String", "Text")


@dataclass(frozen=True)
class Held:
    """An input that holds a plain value."""

    node: str
    input: str

    def value(self, graph: Graph) -> Any:
        """What it holds in the graph."""
        return graph.nodes[self.node].inputs[self.input]


def behind(graph: Graph, node: Node, name: str) -> Held | None:
    """The input that holds the value of this one; None where it is computed, or the node has no such input."""
    for _ in range(_FARTHEST):
        if name not in node.inputs:
            return None
        link = link_of(node.inputs[name])
        if link is None:
            return Held(node.id, name)
        node = graph.nodes[link.node]
        following = _input_behind(node, name)
        if following is None:
            return None
        name = following
    return None


def _input_behind(node: Node, wanted: str) -> str | None:
    """The input that decides what comes out of a node, where that is plain: a value, a reroute, or an input of the same name."""
    if node.class_type == "Reroute" or len(node.inputs) == 1:
        return next(iter(node.inputs), None)
    if _PRIMITIVE.search(node.class_type):
        return next((name for name in (*_VALUE_INPUTS, wanted) if name in node.inputs), None)
    return wanted if wanted in node.inputs else None
