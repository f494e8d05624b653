"""What passes between the engine and whatever performs a job: requests, results, updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class InputFile:
    """A stored file handed to an attempt. `role` is what it is for: `source`, `still`, `start`, `plate`, `segment`, `scene` …"""

    role: str
    sha256: str
    path: str
    media_type: str
    label: str = ""

    @property
    def words(self) -> str:
        """What it is, for people: `segment 2`, `still Mara / formal`."""
        return "last frame of the segment before" if self.role == "start" else f"{self.role} {self.label}".strip()


@dataclass(frozen=True)
class OutputFile:
    """A file an attempt published to the media store. `facts` are measured: width, height, frames, fps, duration_s, codec …"""

    role: str
    sha256: str
    size_bytes: int
    media_type: str
    label: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """One measured number. `subject` says of what: `image 1`, `segment 2`, `boundary 1-2`, `scene`."""

    name: str
    value: float
    subject: str = ""


@dataclass(frozen=True)
class Place:
    """The worker of a fleet that an attempt was given to: its name, and the address where it answers."""

    name: str
    url: str


@dataclass(frozen=True)
class Request:
    """One attempt of one job, complete in itself: plain values and stored files only, so it can cross any border.

    `attempt_id` is a lowercase hyphenated UUID of our choosing, stored before the request is sent.
    `job_key` is stable over attempts of one job; `fingerprint` is equal for equal work (see `fingerprints`).
    `place` is where a fleet performs it; None for a performer on this machine. `is_again`: whoever had the attempt is dead, and
    may have handed it over before, so it is looked for there and not sent.
    """

    attempt_id: str
    job_key: str
    stage: str
    backend: str
    fingerprint: str
    inputs: tuple[InputFile, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None
    is_again: bool = False

    def files(self, role: str) -> tuple[InputFile, ...]:
        """The inputs that play this role, in order."""
        return tuple(file for file in self.inputs if file.role == role)


@dataclass(frozen=True)
class Result:
    """What a successful attempt made and measured. `values` are plain JSON values for the service that takes it in."""

    outputs: tuple[OutputFile, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def files(self, role: str) -> tuple[OutputFile, ...]:
        """The outputs that play this role, in order."""
        return tuple(file for file in self.outputs if file.role == role)


class UpdateState(StrEnum):
    """Where an attempt stands with its performer."""

    RUNNING = "running"  # accepted; still at it
    DONE = "done"  # finished: `result` is set
    FAILED = "failed"  # finished badly: `failure_class` and `reason` are set
    LOST = "lost"  # the performer does not know this attempt (it, or the attempt's process, has died)


@dataclass(frozen=True)
class Wedged:
    """A worker whose server takes jobs and runs none of them, and how that showed.

    `others` are the jobs that it runs instead, none of which the performer knows; none where it runs nothing.
    """

    worker: str
    reason: str
    others: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Update:
    """A performer's answer about one attempt. `has_begun` is False while it still waits for a slot of the performer.

    `ran_s` is added by the engine that watched it, to an answer without a result: the seconds since it began; None when it was
    not seen at work.
    `wedged` is the worker that this attempt has found to run nothing, whatever the attempt itself ends as.
    """

    attempt_id: str
    state: UpdateState
    progress: float = 0.0
    note: str = ""
    has_begun: bool = True
    result: Result | None = None
    failure_class: str = ""
    reason: str = ""
    ran_s: float | None = None
    wedged: Wedged | None = None


@dataclass(frozen=True)
class News:
    """What an engine has to tell of attempts that run: how far they are (the share that is done, and the step in words), and
    which have begun, with when that was."""

    standings: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    begun: Mapping[str, datetime] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.standings or self.begun)


NO_NEWS = News()
