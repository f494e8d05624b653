"""Workflows that are kept under a name: numbered versions that never change, what people say of them, and their test shots."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pipeline.domain.errors import Invalid
from pipeline.domain.issues import shorten
from pipeline.domain.names import NAME_LIMIT, NAME_PATTERN
from pipeline.domain.records import StoredFile
from pipeline.domain.work import Measurement
from pipeline.domain.workflows.slots import Kind

LONGEST_NOTE = 2_000
LONGEST_ORIGIN = 200
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Judgement(StrEnum):
    """What a person says of a version after its test shots."""

    NONE = ""
    GOOD = "good"
    BAD = "bad"


class ShotStatus(StrEnum):
    """Where a test shot stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (ShotStatus.QUEUED, ShotStatus.RUNNING)


@dataclass(frozen=True)
class RegisteredWorkflow:
    """A name with its versions. `default_number` is what a production gets that names no version; None: the newest."""

    id: int
    name: str
    default_number: int | None
    archived_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class WorkflowVersion:
    """One version; its graph and bindings are read apart. `origin` is the file that it came from, or what was corrected.

    `sha256` is equal for versions that do the same. `judgement` is what a person has said of it.
    """

    id: int
    workflow_id: int
    name: str
    number: int
    kind: Kind
    sha256: str
    node_count: int
    origin: str
    note: str
    actor: str
    created_at: datetime
    judgement: Judgement = Judgement.NONE
    judged_by: str = ""
    judged_at: datetime | None = None

    @property
    def words(self) -> str:
        """`Wan i2v, version 3`."""
        return f"{self.name}, version {self.number}"


@dataclass(frozen=True)
class TestShot:
    """A small and short trial of a version on one worker. Times in seconds, sizes in bytes; `memory_bytes` 0: not known.

    `parameters` are the values that went into its slots; `result` is the clip or picture, `poster` one frame of a clip.
    `reason` says why it failed; of one that is done, what of a request the graph does not follow. `cost` is what its time at
    the worker has cost, in the currency of the installation.
    """

    __test__: ClassVar[bool] = False  # not a class of tests

    id: int
    version_id: int
    worker: str
    status: ShotStatus
    actor: str
    created_at: datetime
    parameters: Mapping[str, Any]
    source: StoredFile | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt_id: str | None = None
    tries: int = 0
    progress: float = 0.0
    step: str = ""
    failure_class: str = ""
    reason: str = ""
    seconds: float = 0.0
    cost: float = 0.0
    memory_bytes: int = 0
    result: StoredFile | None = None
    poster: StoredFile | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in OPEN


def checked_name(name: str) -> str:
    """A name as it may be stored. Raises Invalid with the cure."""
    if not re.match(NAME_PATTERN, name) or "@" in name:
        cure = f"Use one line of 1 to {NAME_LIMIT} characters, without outer spaces and without @."
        raise Invalid(f"{shorten(repr(name))} cannot name a workflow. {cure}")
    return name


def checked_note(note: str) -> str:
    """A note as it may be stored. Raises Invalid with the cure."""
    if len(note) > LONGEST_NOTE or _CONTROLS.search(note):
        raise Invalid(f"The note cannot be stored. Use at most {LONGEST_NOTE:,} characters, without control characters.")
    return note.strip()


def clean_origin(origin: str) -> str:
    """What a file is called, as it may be stored: the end of it, without control characters."""
    return _CONTROLS.sub("", origin)[-LONGEST_ORIGIN:]


# How a production names one --------------------------------------------------------------------------------------

_PREFIX = "registered:"


@dataclass(frozen=True)
class Reference:
    """How a production names a registered workflow; `number` None is the default version when the run is made."""

    name: str
    number: int | None = None

    def __str__(self) -> str:
        """As it stands where a production has the path of a graph: `registered:Wan i2v@3`."""
        return f"{_PREFIX}{self.name}" + (f"@{self.number}" if self.number is not None else "")

    @property
    def words(self) -> str:
        """`Wan i2v, version 3`."""
        return self.name if self.number is None else f"{self.name}, version {self.number}"


def reference_of(text: str | None) -> Reference | None:
    """The registered workflow that a production names in place of a path; None where it is a path."""
    if text is None or not text.startswith(_PREFIX):
        return None
    name, _, number = text.removeprefix(_PREFIX).partition("@")
    return Reference(name, int(number) if number.isdigit() and number.isascii() and len(number) < 10 else None)
