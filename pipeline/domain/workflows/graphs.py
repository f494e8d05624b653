"""Graphs in ComfyUI's API format: `{node id: {class_type, inputs, _meta?}}`, read from untrusted JSON values.

An input holds a plain value or a link: a list of a node id and the number of one of its outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.domain.issues import Severity, shorten
from pipeline.domain.names import did_you_mean
from pipeline.domain.workflows import outputs
from pipeline.domain.workflows.findings import MOST_TOLD, Finding, WorkflowInvalid, errors_in
from pipeline.domain.workflows.plain_values import fault_of, fault_of_text

MOST_NODES = 5_000
MOST_INPUTS = 500
LONGEST_NAME = 200
EXPORT_CURE = "In ComfyUI choose Workflow > Export (API) and use that file."


@dataclass(frozen=True)
class Link:
    """An input that takes output number `slot` of another node."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """One node. `inputs` are plain JSON values, links included (see `link_of`); `title` is what people call it, if anything."""

    id: str
    class_type: str
    inputs: Mapping[str, Any]
    title: str = ""

    @property
    def words(self) -> str:
        """The node for a message: `node 7 (SaveVideo)`."""
        return f"node {shorten(self.id, 30)} ({shorten(self.class_type)})"

    def links(self) -> Iterator[tuple[str, Link]]:
        """The inputs that are links, by name."""
        for name, value in self.inputs.items():
            link = link_of(value)
            if link is not None:
                yield name, link


@dataclass(frozen=True)
class Graph:
    """A graph without fault: every link leads to a node, there is no loop, and something comes out. Nobody changes `data`."""

    data: Mapping[str, Any]

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes by id, in the order of the file."""
        return {key: _node(key, entry) for key, entry in self.data.items()}

    @cached_property
    def output_nodes(self) -> tuple[Node, ...]:
        """The nodes that a server runs the graph for, as far as their class names tell."""
        used = {link.node for node in self.nodes.values() for _, link in node.links()}
        return tuple(node for node in self.nodes.values() if outputs.is_output(node, is_used=node.id in used))

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The ids of the nodes that some output node needs; a server does not run the others."""
        found: set[str] = set()
        pending = [node.id for node in self.output_nodes]
        while pending:
            key = pending.pop()
            if key not in found:
                found.add(key)
                pending.extend(link.node for _, link in self.nodes[key].links())
        return frozenset(found)

    def live_nodes(self) -> Iterator[Node]:
        """The reachable nodes, in the order of the file."""
        return (node for node in self.nodes.values() if node.id in self.reachable)

    def to_json(self) -> dict[str, Any]:
        """A copy of the graph as plain JSON values, exactly as it was read."""
        copied: dict[str, Any] = _copied(dict(self.data))
        return copied


def _copied(value: Any) -> Any:
    """JSON values have neither loops nor shared parts to mind, so a plain walk is enough, and much quicker than deepcopy."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Examined:
    """A graph as far as it could be understood (None when it cannot be used), and everything that is wrong with it."""

    graph: Graph | None
    findings: tuple[Finding, ...] = ()


def link_of(value: Any) -> Link | None:
    """The link that an input's value is, if it is one."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    node, slot = value
    is_link = isinstance(node, str) and isinstance(slot, int) and not isinstance(slot, bool)
    return Link(node, slot) if is_link else None


def parse(value: Any, *, name: str = "") -> Graph:
    """The graph of a JSON value. Raises WorkflowInvalid with everything that is wrong; `name` says which one in its message."""
    examined = examine(value)
    if examined.graph is None:
        raise WorkflowInvalid(name, examined.findings)
    return examined.graph


def examine(value: Any) -> Examined:
    """Understand a JSON value as a graph. Never raises: what is wrong becomes findings.

    A graph as it is sent to a server, under the key `prompt`, is taken out of there.
    """
    data = _unwrapped(value)
    wrong = _fault_of_form(data)
    if wrong is not None:
        return Examined(None, (wrong,))
    findings: list[Finding] = []
    for key, entry in data.items():
        findings += _faults_of_node(key, entry)
        if len(findings) >= MOST_TOLD:
            break
    if findings:
        return Examined(None, tuple(findings[:MOST_TOLD]))
    graph = Graph(_copied(data))
    findings = [*_loops(graph), *_lists(graph)]
    findings += [finding for node in graph.nodes.values() for finding in _dangling(graph, node)][:MOST_TOLD]
    if not errors_in(findings):
        findings += _purpose(graph)
    return Examined(None if errors_in(findings) else graph, tuple(findings))


def _error(message: str, cure: str, node: str = "", name: str = "") -> Finding:
    return Finding(Severity.ERROR, message, cure, node, name)


def _node(key: str, entry: Mapping[str, Any]) -> Node:
    meta = entry.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    return Node(key, entry["class_type"], entry["inputs"], shorten(title, LONGEST_NAME) if isinstance(title, str) else "")


def _unwrapped(value: Any) -> Any:
    inner = value.get("prompt") if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) and "class_type" not in inner else value


def _fault_of_form(data: Any) -> Finding | None:
    if not isinstance(data, dict):
        return _error("It is not an object of nodes.", EXPORT_CURE)
    if isinstance(data.get("nodes"), list) and ("links" in data or "version" in data or "last_node_id" in data):
        return _error("It is in ComfyUI's editor format, which no server takes; the API format is needed.", EXPORT_CURE)
    if not data:
        return _error("It has no nodes.", EXPORT_CURE)
    if len(data) > MOST_NODES:
        return _error(f"It has {len(data)} nodes; at most {MOST_NODES} are allowed.", "Split the graph.")
    fault = fault_of(data)
    if fault:
        return _error(f"It {fault}", EXPORT_CURE)
    if not any(isinstance(entry, dict) and "class_type" in entry for entry in data.values()):
        return _error("It is not a graph in API format: nothing in it has a class_type.", EXPORT_CURE)
    return None


def _faults_of_node(key: str, entry: Any) -> Iterator[Finding]:
    shown = shorten(key, 30)
    if not key or fault_of_text(key, LONGEST_NAME):
        yield _error(f"A node has no usable id ({shown!r}).", EXPORT_CURE)
        return
    if not isinstance(entry, dict):
        yield _error(f'"{shown}" is not a node.', EXPORT_CURE, key)
        return
    kind = entry.get("class_type")
    if not isinstance(kind, str) or not kind.strip() or len(kind) > LONGEST_NAME:
        cure = "Export it again where every node of it is installed; what ComfyUI does not know has no class_type."
        yield _error(f"Node {shown} has no class_type.", cure, key)
    inputs = entry.get("inputs")
    if not isinstance(inputs, dict):
        yield _error(f"Node {shown} has no inputs.", EXPORT_CURE, key)
    elif len(inputs) > MOST_INPUTS:
        yield _error(f"Node {shown} has {len(inputs)} inputs; at most {MOST_INPUTS} are allowed.", "Split the node.", key)
    elif any(len(name) > LONGEST_NAME for name in inputs):
        yield _error(f"Node {shown} has an input whose name is too long.", EXPORT_CURE, key)


def _lists(graph: Graph) -> Iterator[Finding]:
    """A server takes every list for a link, so that one that is none fails there."""
    for node in graph.nodes.values():
        for name, value in node.inputs.items():
            if isinstance(value, list) and link_of(value) is None:
                told = f'Input "{shorten(name)}" of {node.words} holds a list that is not a link.'
                yield _error(told, "A link is a node id in quotes and the number of an output.", node.id, name)
                return


def _dangling(graph: Graph, node: Node) -> Iterator[Finding]:
    for name, link in node.links():
        where = f'Input "{shorten(name)}" of {node.words}'
        if link.node not in graph.nodes:
            cure = did_you_mean(link.node[:LONGEST_NAME], graph.nodes if len(graph.nodes) <= 12 else (), cure=EXPORT_CURE)
            yield _error(f'{where} is linked to node "{shorten(link.node, 30)}", which does not exist.', cure, node.id, name)
        elif link.slot < 0:
            yield _error(f"{where} is linked to output {link.slot}; outputs count from 0.", EXPORT_CURE, node.id, name)


def _loops(graph: Graph) -> Iterator[Finding]:
    """One loop, if there is any. Walks without recursion: a chain may be thousands of nodes long."""
    done: set[str] = set()
    for start in graph.nodes:
        path: dict[str, Iterator[str]] = {start: _sources(graph, start)} if start not in done else {}
        while path:
            key = next(reversed(path))
            following = next((source for source in path[key] if source not in done), None)
            if following is None:
                done.add(key)
                del path[key]
            elif following in path:
                keys = list(path)
                loop = [*keys[keys.index(following) :], following]
                shown = " <- ".join(shorten(part, 30) for part in (loop if len(loop) <= 20 else [*loop[:10], "…", *loop[-9:]]))
                yield _error(f"Nodes are linked in a loop: {shown}.", "Remove one of these links.", following)
                return
            else:
                path[following] = _sources(graph, following)


def _sources(graph: Graph, key: str) -> Iterator[str]:
    return (link.node for _, link in graph.nodes[key].links() if link.node in graph.nodes)


def _purpose(graph: Graph) -> Iterator[Finding]:
    if not graph.output_nodes:
        yield _error("Nothing comes out of it: it has no output node.", "Add a node that saves, such as SaveVideo or SaveImage.")
        return
    idle = [node for node in graph.nodes.values() if node.id not in graph.reachable]
    if idle:
        shown = ", ".join(shorten(node.id, 30) for node in idle[:8]) + (f" and {len(idle) - 8} more" if len(idle) > 8 else "")
        told = f"Nothing that comes out depends on these nodes, so they are not run: {shown}."
        yield Finding(Severity.INFO, told, "Remove them, or link them.")
