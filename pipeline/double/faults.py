"""Faults on demand: what may go wrong between a client and a server, each counted down or thrown by a seeded die."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.issues import shorten

KINDS = (
    "drop",  # the connection is closed before the request is read
    "reset_after",  # the request is carried out, then the client gets a reset instead of the answer
    "late",  # seconds: a workflow is taken in and the client reset at once; only after this time does it get into the queue
    "stall",  # seconds: the answer waits
    "drip",  # seconds: the body of the answer comes byte by byte over this time
    "status",  # status: this status instead of the answer
    "garbage",  # 200 with a body that is no JSON
    "wrong_types",  # 200 with JSON of another shape
    "huge",  # size_bytes: 200 with a body of this size
    "kill",  # point: before_accept, after_accept, mid_job, after_job
    "lose_history",  # a job ends and leaves no trace
    "dead_worker",  # form: a (dies while taking a job) or b (dies inside one)
    "out_of_memory",  # a node fails as it does without memory
    "corrupt_output",  # an output file is written with wrong bytes in it
    "truncate_output",  # an output file ends early
    "half_open_socket",  # a WebSocket that neither hears nor speaks, and stays open
    "silent_socket",  # a WebSocket that answers pings and says nothing
)
_CHOICES = {"point": ("before_accept", "after_accept", "mid_job", "after_job"), "form": ("a", "b")}
_NUMBERS = {
    "times": (1, 10**9),
    "probability": (0.0, 1.0),
    "seed": (-(2**63), 2**63),
    "seconds": (0.0, 86_400.0),
    "status": (200, 599),
    "size_bytes": (2, 2**30),
}
"""From the least to the most; a number between whole ones is allowed where the limits are no whole numbers themselves."""
_PARTICULARS = {
    "late": "seconds",
    "stall": "seconds",
    "drip": "seconds",
    "status": "status",
    "huge": "size_bytes",
    "kill": "point",
    "dead_worker": "form",
}


@dataclass
class Fault:
    """One fault: what, on which route (a prefix without /api; empty is any), how often, how likely, and its particulars.

    Raises ValueError, with what is allowed, for anything that a server could not act on.
    """

    kind: str
    route: str = ""
    times: int = 1
    probability: float = 1.0
    seed: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {shorten(repr(self.kind))}. There are: {', '.join(KINDS)}.")
        if not isinstance(self.route, str):
            raise ValueError(f'"route" must be a text such as "/prompt", not {shorten(repr(self.route))}.')
        for name in ("times", "probability", "seed"):
            _check_number(name, getattr(self, name))
        known = _PARTICULARS.get(self.kind, "")
        for name, value in self.details.items():
            if name != known:
                allowed = ", ".join(["route", "times", "probability", "seed", *([known] if known else [])])
                raise ValueError(f'A fault "{self.kind}" takes no {shorten(repr(name))}. It takes: {allowed}.')
            if name in _NUMBERS:
                _check_number(name, value)
        if known in _CHOICES and self.details.get(known) not in _CHOICES[known]:
            held = shorten(repr(self.details.get(known)))
            raise ValueError(f'"{known}" of a fault "{self.kind}" must be one of {", ".join(_CHOICES[known])}, not {held}.')
        self.die = random.Random(self.seed)

    def number(self, name: str, default: float) -> float:
        """A particular that is a number."""
        return float(self.details.get(name, default))


def _check_number(name: str, value: object) -> None:
    """Raises ValueError for what is no number within the limits of this name."""
    least, most = _NUMBERS[name]
    kinds, words = (int, "a whole number") if isinstance(least, int) else ((int, float), "a number")
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        raise ValueError(f'"{name}" must be {words} from {least} to {most}, not {shorten(repr(value))}.')


class Faults:
    """The faults of one server. `taken` lists the kinds that have happened, in order."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self, kind: str, *, route: str = "", times: int = 1, probability: float = 1.0, seed: int = 0, **details: Any
    ) -> Fault:
        """Plan a fault. It happens at most `times` times, each time with this probability. ValueError like `Fault`."""
        fault = Fault(kind, route, times, probability, seed, details)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """From now on all is well."""
        with self._lock:
            self._faults = []

    def take(self, kind: str, route: str = "", **wanted: Any) -> Fault | None:
        """The planned fault of this kind that happens here and now, counted down; None when there is none."""
        with self._lock:
            for fault in self._faults:
                fits = fault.kind == kind and route.startswith(fault.route)
                if not fits or any(fault.details.get(name) != value for name, value in wanted.items()):
                    continue
                if fault.times > 0 and fault.die.random() < fault.probability:
                    fault.times -= 1
                    self.taken.append(kind)
                    return fault
            return None

    def planned(self) -> list[dict[str, Any]]:
        """What is still to come."""
        with self._lock:
            return [
                {
                    "kind": fault.kind,
                    "route": fault.route,
                    "times": fault.times,
                    "probability": fault.probability,
                    **fault.details,
                }
                for fault in self._faults
                if fault.times > 0
            ]
