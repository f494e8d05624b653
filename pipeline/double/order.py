"""In which order nodes run, and which of them need not: the scheduling and the cache of the real server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.double.catalog import Catalog


def is_link(value: Any) -> bool:
    """Whether an input is the output of another node: [node id, slot]."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def links(node: Mapping[str, Any]) -> list[str]:
    """The nodes that a node takes its inputs from, in the order of its inputs."""
    return [value[0] for value in node["inputs"].values() if is_link(value)]


class Order:
    """The nodes still to run. Outputs come in the order given; a cached node is never asked for, except as an output."""

    def __init__(self, graph: Mapping[str, Any], catalog: Catalog, is_cached: Callable[[str], bool]) -> None:
        self._graph, self._catalog, self._is_cached = graph, catalog, is_cached
        self._waits_for: dict[str, set[str]] = {}

    def add(self, node_id: str) -> None:
        """Ask for a node and for everything it needs."""
        stack = [node_id]
        while stack:
            current = stack.pop()
            if current in self._waits_for:
                continue
            needed = [other for other in links(self._graph[current]) if not self._is_cached(other)]
            self._waits_for[current] = set(needed)
            stack += needed

    def next(self) -> str | None:
        """The node to run now: an output before anything else, then what an output waits for; None when all are done."""
        ready = [node_id for node_id, waits in self._waits_for.items() if not waits]
        if not ready:
            return None
        for rule in (self._is_output, self._feeds_output, self._feeds_feeder):
            for node_id in ready:
                if rule(node_id):
                    return node_id
        return ready[0]

    def finish(self, node_id: str) -> None:
        """A node has run."""
        del self._waits_for[node_id]
        for waits in self._waits_for.values():
            waits.discard(node_id)

    def _is_output(self, node_id: str) -> bool:
        return self._catalog.is_output(self._graph[node_id]["class_type"])

    def _followers(self, node_id: str) -> list[str]:
        return [other for other, waits in self._waits_for.items() if node_id in waits]

    def _feeds_output(self, node_id: str) -> bool:
        return any(self._is_output(other) for other in self._followers(node_id))

    def _feeds_feeder(self, node_id: str) -> bool:
        return any(self._feeds_output(other) for other in self._followers(node_id))
