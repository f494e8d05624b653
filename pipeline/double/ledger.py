"""The witness beside the server: a line for every execution that really began and for how it ended. It survives kills."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def graph_hash(graph: Mapping[str, Any]) -> str:
    """One name for equal graphs, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(graph, sort_keys=True, default=str).encode()).hexdigest()


class Ledger:
    """Appends JSON lines, each in one write. The system has them before the first node runs, so they survive a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = -1

    @contextmanager
    def opened(self) -> Iterator[None]:
        """For the thread that writes; one at a time."""
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            yield
        finally:
            os.close(self._descriptor)

    def began(self, prompt_id: str, graph: Mapping[str, Any], **facts: Any) -> None:
        """A job was taken from the queue and starts now."""
        at = _now()
        self._append({"at": at, "event": "began", "prompt_id": prompt_id, "graph_sha256": graph_hash(graph), **facts})

    def ended(self, prompt_id: str, outcome: str, **facts: Any) -> None:
        """It ended: success, error or interrupted. A job that a kill cut off has no such line."""
        self._append({"at": _now(), "event": "ended", "prompt_id": prompt_id, "outcome": outcome, **facts})

    def lines(self) -> list[dict[str, Any]]:
        """Every line so far."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def _append(self, line: dict[str, Any]) -> None:
        os.write(self._descriptor, (json.dumps({"pid": os.getpid(), **line}, default=str) + "\n").encode())


def _now() -> str:
    return datetime.now(UTC).isoformat()
