"""Holds a graph against what one server has: node classes, model files, values in range. What is missing, and what to install.

A server checks the classes of all nodes and, beyond that, only the nodes that an output needs; so does this. It also looks into
dynamic combos, where a server accepts anything and fails while it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.domain.issues import shorten
from pipeline.domain.names import listed, nearest
from pipeline.domain.workflows.graphs import Graph, Link, Node, link_of
from pipeline.domain.workflows.model_files import is_model_file, place_of
from pipeline.domain.workflows.schemas import InputSchema, NodeSchema, schema_of
from pipeline.domain.workflows.slots import Binding

ANYTHING = "*"
_KEPT = frozenset({"model", "steps"})
"""The slots that a production leaves as the graph has them."""
_SPECIAL = "COMFY_"
"""Types that begin so have rules of their own (matched types, growing lists); they are left to the server."""


class Lack(StrEnum):
    """What kind of thing is missing or wrong."""

    NODE = "node"
    MODEL = "model"
    OPTION = "option"
    INPUT = "input"
    VALUE = "value"
    LINK = "link"


@dataclass(frozen=True)
class Gap:
    """One reason why a server cannot run a graph. `wanted` is the class, file or value; `cure` says what to install or change."""

    lack: Lack
    node: str
    class_type: str
    input: str
    wanted: str
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{self.message} {self.cure}"


def gaps(graph: Graph, schemas: Mapping[str, Any], bindings: Collection[Binding] = ()) -> tuple[Gap, ...]:
    """Every reason why the server with these schemas cannot run the graph; none when it can.

    What stands in bound inputs is not looked at, where requests put other values. The model files of a class that is missing are
    named as missing too: the server does not tell whether it has them.
    """
    bound = frozenset((binding.node, binding.input) for binding in bindings if binding.slot not in _KEPT)
    live = _live(graph, schemas)
    found: list[Gap] = []
    for node in graph.nodes.values():
        schema = schema_of(schemas, node.class_type)
        if schema is None:
            told = f'The server has no node class "{shorten(node.class_type)}".'
            cure = f'Install the custom nodes that bring "{shorten(node.class_type)}" there, or update its ComfyUI.'
            found.append(Gap(Lack.NODE, node.id, node.class_type, "", node.class_type, told, cure))
            if node.id in live:
                found += _unseen_models(node, bound)
        elif node.id in live:
            found += _of_node(graph, node, schema, schemas=schemas, bound=bound)
    return tuple(found)


def needed_classes(graph: Graph) -> tuple[str, ...]:
    """The node classes that a server must have, each once."""
    return tuple(dict.fromkeys(node.class_type for node in graph.nodes.values()))


def _live(graph: Graph, schemas: Mapping[str, Any]) -> frozenset[str]:
    """The nodes that the server's own output nodes need."""
    pending = [
        node.id
        for node in graph.nodes.values()
        if (schema := schema_of(schemas, node.class_type)) is not None and schema.is_output_node
    ]
    found = set(graph.reachable)
    seen: set[str] = set()
    while pending:
        key = pending.pop()
        if key not in seen:
            seen.add(key)
            pending.extend(link.node for _, link in graph.nodes[key].links())
    return frozenset(found | seen)


def _of_node(
    graph: Graph, node: Node, schema: NodeSchema, *, schemas: Mapping[str, Any], bound: Collection[tuple[str, str]]
) -> Iterator[Gap]:
    for entry in schema.inputs(node.inputs):
        if entry.name not in node.inputs:
            if entry.is_required:
                told = f'{_words(node)} lacks its input "{shorten(entry.name)}".'
                yield _gap(Lack.INPUT, node, entry, entry.name, told, "Export the workflow from this version of ComfyUI again.")
            continue
        value = node.inputs[entry.name]
        link = link_of(value)
        if link is not None:
            yield from _of_link(graph, node, entry, link, schemas)
        elif (node.id, entry.name) not in bound:
            yield from _of_value(node, entry, value)


def _unseen_models(node: Node, bound: Collection[tuple[str, str]]) -> Iterator[Gap]:
    for name, value in node.inputs.items():
        if is_model_file(value) and (node.id, name) not in bound:
            told = f'Nothing tells whether the server has the model file "{shorten(value, 100)}", which {node.words} reads.'
            cure = f"Put it into {place_of(node.class_type, name)} of the server, if it is not there."
            yield Gap(Lack.MODEL, node.id, node.class_type, name, shorten(value, 200), told, cure)


def _gap(lack: Lack, node: Node, entry: InputSchema, wanted: object, message: str, cure: str) -> Gap:
    return Gap(lack, node.id, node.class_type, entry.name, shorten(str(wanted), 200), message, cure)


def _words(node: Node) -> str:
    return node.words[0].upper() + node.words[1:]


def _of_link(graph: Graph, node: Node, entry: InputSchema, link: Link, schemas: Mapping[str, Any]) -> Iterator[Gap]:
    source = graph.nodes[link.node]
    schema = schema_of(schemas, source.class_type)
    if schema is None:
        return
    where = f'Input "{shorten(entry.name)}" of {node.words}'
    if link.slot >= len(schema.outputs):
        told = f"{where} takes output {link.slot} of {source.words}, which has {len(schema.outputs)}."
        yield _gap(Lack.LINK, node, entry, link.slot, told, "Export the workflow from this version of ComfyUI again.")
        return
    given = schema.outputs[link.slot]
    if not _fits(given, entry):
        told = f"{where} needs {entry.type}, but {source.words} gives {given}."
        yield _gap(Lack.LINK, node, entry, entry.type, told, "Link it to an output of that type.")


def _fits(given: Any, entry: InputSchema) -> bool:
    """Whether an output of a type may go into an input. Choices and special types are left to the server."""
    if not isinstance(given, str) or entry.options is not None or entry.type.startswith(_SPECIAL) or given.startswith(_SPECIAL):
        return True
    offered, taken = set(given.split(",")), set(entry.type.split(","))
    return ANYTHING in offered or ANYTHING in taken or bool(offered & taken)


def _of_value(node: Node, entry: InputSchema, value: Any) -> Iterator[Gap]:
    if entry.options is not None:
        if not entry.is_upload and not any(_same(option, value) for option in entry.options):
            yield _not_offered(node, entry, value)
        elif entry.is_upload and isinstance(value, str) and not _is_there(value, entry.options):
            told = f'{_words(node)} reads the file "{shorten(value)}", which the server does not have.'
            yield _gap(Lack.VALUE, node, entry, value, told, "Bind this input to a slot, or upload the file.")
        return
    if entry.type not in ("INT", "FLOAT"):
        return
    number = _number(value, whole=entry.type == "INT")
    where = f'Input "{shorten(entry.name)}" of {node.words}'
    if number is None:
        told = f"{where} must be a number, not {shorten(repr(value))}."
        yield _gap(Lack.VALUE, node, entry, value, told, "Write a number.")
    elif entry.minimum is not None and number < entry.minimum:
        yield _gap(Lack.VALUE, node, entry, value, f"{where} is {number:g}; the least is {entry.minimum:g}.", "Raise it.")
    elif entry.maximum is not None and number > entry.maximum:
        yield _gap(Lack.VALUE, node, entry, value, f"{where} is {number:g}; the most is {entry.maximum:g}.", "Lower it.")


def _same(option: Any, value: Any) -> bool:
    return type(option) is type(value) and bool(option == value)


def _is_there(value: str, options: Collection[Any]) -> bool:
    """Whether a picture is there; one of another folder (`x.png [output]`) is not listed, so it is believed."""
    return value in options or value.rstrip().endswith("]")


def _not_offered(node: Node, entry: InputSchema, value: Any) -> Gap:
    shown, known = shorten(str(value), 100), [str(option) for option in entry.options or ()]
    if is_model_file(value):
        place = place_of(node.class_type, entry.name)
        told = f'The server does not have the model file "{shown}", which {node.words} reads as "{shorten(entry.name)}".'
        return _gap(Lack.MODEL, node, entry, value, told, f"Put it into {place} of the server, or choose another model.")
    told = f'Input "{shorten(entry.name)}" of {node.words} is "{shown}", which the server does not offer.'
    close = nearest(shown, known) if len(known) <= 2_000 else None
    cure = (
        f'Did you mean "{shorten(close)}"?'
        if close
        else f"It offers: {shorten(listed(known), 300)}."
        if known
        else "It offers nothing."
    )
    return _gap(Lack.OPTION, node, entry, value, told, cure)


def _number(value: Any, *, whole: bool) -> float | None:
    """A value as a server converts it; None where it cannot."""
    if not isinstance(value, (int, float, str)):
        return None
    try:
        return int(value) if whole else float(value)
    except (ValueError, OverflowError):
        return None
