"""How far a job is, from what the socket says and the graph that was sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pipeline.adapters.backends.comfyui.messages import NodeState
from pipeline.adapters.backends.comfyui.numbers import row, table, text

_CLASS_LIMIT = 60


class Progress:
    """The progress of one job: a share that never falls, and the step in words.

    The share counts the nodes that the outputs need: cached and finished ones whole, running ones by their steps. A node
    made at run time counts for the node that made it.
    """

    def __init__(self, graph: Mapping[str, Any], outputs: Collection[str] = ()) -> None:
        self._classes = {node: text(table(facts).get("class_type"), _CLASS_LIMIT) for node, facts in graph.items()}
        self._needed = reachable(graph, outputs or ends(graph))
        self._cached: frozenset[str] = frozenset()
        self._shares: dict[str, float] = {}
        self._running = ""
        self._step = ""
        self.fraction = 0.0

    @property
    def note(self) -> str:
        """The class of the running node and its step: `KSampler 12 of 30`; empty when none is known."""
        return f"{self._classes.get(self._running, '')} {self._step}".strip()

    def cache(self, nodes: Iterable[str]) -> None:
        """These nodes need not run."""
        self._cached = self._needed.intersection(nodes)
        self._count()

    def replace(self, states: Iterable[NodeState]) -> None:
        """The state of all nodes that have begun, instead of all that was known."""
        shares: dict[str, float] = {}
        for state in states:
            own = state.node if state.node in self._needed else state.parent
            if own not in self._needed:
                continue
            share = 1.0 if state.is_finished and own == state.node else _share(state.value, state.maximum)
            shares[own] = max(share, shares.get(own, 0.0))
            if not state.is_finished:
                self.run(own)
                self._step = _steps(state.value, state.maximum)
        self._shares = shares
        self._count()

    def step(self, node: str, value: float, maximum: float) -> None:
        """One node is at `value` of `maximum`."""
        if node not in self._needed:
            return
        self.run(node)
        self._step = _steps(value, maximum)
        self._shares[node] = max(_share(value, maximum), self._shares.get(node, 0.0))
        self._count()

    def run(self, node: str) -> None:
        """This node runs now."""
        if node in self._classes and node != self._running:
            self._running, self._step = node, ""

    def _count(self) -> None:
        if not self._needed:
            return
        running = sum(share for node, share in self._shares.items() if node not in self._cached)
        self.fraction = max(self.fraction, min(1.0, (len(self._cached) + running) / len(self._needed)))


def links(facts: Any) -> list[str]:
    """The nodes that a node of an API graph takes its inputs from."""
    inputs = table(table(facts).get("inputs")).values()
    pairs = (row(value) for value in inputs)
    return [pair[0] for pair in pairs if len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int)]


def ends(graph: Mapping[str, Any]) -> set[str]:
    """The nodes that no other takes from."""
    return set(graph) - {source for facts in graph.values() for source in links(facts)}


def reachable(graph: Mapping[str, Any], outputs: Collection[str]) -> frozenset[str]:
    """The nodes that these outputs need, themselves included."""
    found: set[str] = set()
    waiting = [node for node in outputs if node in graph]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(source for source in links(graph[node]) if source in graph)
    return frozenset(found)


def _share(value: float, maximum: float) -> float:
    return min(1.0, max(0.0, value / maximum)) if maximum > 0 else 0.0


def _steps(value: float, maximum: float) -> str:
    return f"{value:.0f} of {maximum:.0f}" if 1 < maximum < 1e6 and 0 <= value <= maximum else ""
