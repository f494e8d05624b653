"""The node cache: what a node made is kept for as long as the very next graph has an equal node with equal inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.double.folders import Folders
from pipeline.double.order import is_link


@dataclass(frozen=True)
class Made:
    """What a node made: per output a list of items, and what it shows, if anything."""

    outputs: list[list[Any]]
    shown: dict[str, Any] | None


class Cache:
    """Results by signature. File names in it are not looked at again: they may have been deleted since."""

    def __init__(self) -> None:
        self._made: dict[str, Made] = {}
        self._signatures: dict[str, str] = {}

    def begin(self, graph: Mapping[str, Any], folders: Folders, job: int) -> None:
        """A new graph: forget every result that it has no use for."""
        self._signatures = {}
        for node_id in graph:
            self._signature(graph, node_id, folders, job)
        wanted = set(self._signatures.values())
        self._made = {signature: made for signature, made in self._made.items() if signature in wanted}

    def get(self, node_id: str) -> Made | None:
        """What an equal node made before."""
        return self._made.get(self._signatures.get(node_id, ""))

    def put(self, node_id: str, made: Made) -> None:
        """Keep what a node made."""
        self._made[self._signatures[node_id]] = made

    def clear(self) -> None:
        """Forget everything: the supported way to have an equal graph run again."""
        self._made, self._signatures = {}, {}

    def _signature(self, graph: Mapping[str, Any], node_id: str, folders: Folders, job: int) -> str:
        if node_id in self._signatures:
            return self._signatures[node_id]
        self._signatures[node_id] = ""  # a cycle outside what is run must not go round for ever
        node = graph.get(node_id, {})
        inputs = dict(node.get("inputs", {}))
        for name, value in inputs.items():
            if is_link(value):
                inputs[name] = ["link", self._signature(graph, value[0], folders, job), value[1]]
        parts = [node.get("class_type"), sorted(inputs.items()), _changing(node, folders, job)]
        self._signatures[node_id] = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
        return self._signatures[node_id]


def _changing(node: Mapping[str, Any], folders: Folders, job: int) -> Any:
    """What makes a node new although its inputs are the same: the bytes of its file; for some, every job."""
    if node.get("class_type") == "SaveImageWebsocket":
        return job
    if node.get("class_type") == "LoadImage":
        path = folders.annotated(str(node.get("inputs", {}).get("image")))
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return None
