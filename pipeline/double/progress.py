"""What a job says while it runs: the state of every node that has left pending, and steps with pictures."""

from __future__ import annotations

import time
from typing import Any

from pipeline.double.sockets import PREVIEW, PREVIEW_WITH_FACTS, Sockets

THIN_S, THIN_SHARE = 0.1, 0.005
Preview = tuple[str, bytes]
"""A format (JPEG, PNG) and the bytes of the picture."""


class Progress:
    """The progress of one job. Without an owner everything here goes to everybody."""

    def __init__(self, sockets: Sockets, *, prompt_id: str, client_id: str | None, is_thinned: bool) -> None:
        self._sockets, self._prompt_id, self._client_id = sockets, prompt_id, client_id
        self._is_thinned = is_thinned
        self._nodes: dict[str, dict[str, Any]] = {}
        self._last: tuple[float, float] | None = None

    def start(self, node_id: str) -> None:
        """A node leaves pending."""
        self._last = None
        self._set(node_id, 0.0, 1.0, "running")

    def finish(self, node_id: str) -> None:
        """A node is done: its value is its maximum."""
        most = self._nodes[node_id]["max"]
        self._set(node_id, most, most, "finished")

    def finish_cached(self, node_id: str) -> None:
        """An output node whose result is from an earlier job."""
        self._set(node_id, 1, 1, "finished")

    def step(self, node_id: str, value: float, most: float, preview: Preview | None) -> None:
        """An update from inside a node. Newer releases leave out those that come too soon and bring no picture."""
        now = time.monotonic()
        if self._is_thinned and preview is None and self._is_too_soon(value, most, now):
            return
        self._last = (now, value)
        self._set(node_id, value, most, "running")
        facts = _identity(node_id, self._prompt_id)
        wants_facts = self._sockets.wants_facts(self._client_id)
        if preview and wants_facts:
            self._sockets.say(PREVIEW_WITH_FACTS, (*preview, facts), self._client_id)
        told = {"value": value, "max": most, "prompt_id": self._prompt_id, "node": node_id}
        self._sockets.say("progress", told, self._client_id)
        if preview and not wants_facts:
            self._sockets.say(PREVIEW, (*preview, facts), self._client_id)

    def _is_too_soon(self, value: float, most: float, now: float) -> bool:
        if self._last is None or value >= most:
            return False
        then, before = self._last
        return now - then < THIN_S or (value - before) / most < THIN_SHARE

    def _set(self, node_id: str, value: float, most: float, state: str) -> None:
        identity = _identity(node_id, self._prompt_id)
        self._nodes[node_id] = {"value": value, "max": most, "state": state, **identity}
        self._sockets.say(
            "progress_state",
            {"prompt_id": self._prompt_id, "nodes": {key: dict(node) for key, node in self._nodes.items()}},
            self._client_id,
        )


def _identity(node_id: str, prompt_id: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "prompt_id": prompt_id,
        "display_node_id": node_id,
        "parent_node_id": None,
        "real_node_id": node_id,
    }
