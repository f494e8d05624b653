"""Gates: tests hold a node of a running job at a point, and let it go when they have seen enough."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Gate:
    """One held point. `reached` is set when a job stands at it, `opened` lets it go on."""

    class_type: str
    point: str
    node_id: str = ""
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        """Let whoever stands here, or comes, go on."""
        self.opened.set()


class Gates:
    """The closed gates of one server."""

    def __init__(self) -> None:
        self._closed: list[Gate] = []
        self._lock = threading.Lock()

    def close(self, class_type: str, point: str = "item 0", *, node_id: str = "") -> Gate:
        """Hold nodes of this class, or the one of this id, at a point: `item 0` (its first call), `step 3` (its third update)."""
        gate = Gate(class_type, point, node_id)
        with self._lock:
            self._closed.append(gate)
        return gate

    @contextmanager
    def held(self, class_type: str, point: str = "item 0") -> Iterator[Gate]:
        """A gate that opens at the end of the block, whatever happens in it."""
        gate = self.close(class_type, point)
        try:
            yield gate
        finally:
            gate.open()

    def open_all(self) -> None:
        """Let everybody go."""
        with self._lock:
            gates, self._closed = self._closed, []
        for gate in gates:
            gate.open()

    def pass_through(self, class_type: str, point: str, *, node_id: str, over: threading.Event) -> None:
        """Stand at every closed gate of this point until it opens, or until the life is `over`."""
        with self._lock:
            at_point = [gate for gate in self._closed if (gate.class_type, gate.point) == (class_type, point)]
            here = [gate for gate in at_point if gate.node_id in ("", node_id)]
        for gate in here:
            gate.reached.set()
            while not gate.opened.wait(0.02) and not over.is_set():
                pass
            with self._lock:
                if gate in self._closed:
                    self._closed.remove(gate)
