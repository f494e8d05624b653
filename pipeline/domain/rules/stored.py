"""Rules, verdicts, firings and halts as they are stored and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.planning import Chain, Spent
from pipeline.domain.rules.reading import read_rule


@dataclass(frozen=True)
class StoredRule:
    """The newest version of a rule. `project` is the title of the production that it belongs to; None is everywhere.

    `spec` is its form in files. `origin` is `people` or `production` (written in a production's file). `from_seq`: it hears
    events above this number.
    """

    id: int
    project_id: int | None
    project: str | None
    name: str
    version: int
    enabled: bool
    origin: str
    created_at: datetime
    created_by: str
    from_seq: int
    spec: Mapping[str, Any]
    saved_at: datetime
    saved_by: str
    approved_at: datetime | None
    approved_by: str

    @property
    def rule(self) -> Rule:
        """The rule as the engine takes it. Its id is its number, and its age, too."""
        [read] = read_rule(dict(self.spec), project=self.project).rules
        approved = not read.can_generate or self.approved_at is not None
        return replace(read, id=str(self.id), version=self.version, age=self.id, enabled=self.enabled, approved=approved)


@dataclass(frozen=True)
class StoredVerdict:
    """What became of a rule for an event. `outcome` is one of `planning.Outcome`; `deciding` is the condition that decided."""

    id: int
    event_seq: int
    trigger_id: int
    version: int
    run_id: int | None
    subject: str
    subject_id: int
    at: datetime
    outcome: str
    reason: str
    deciding: str


@dataclass(frozen=True)
class StoredEffect:
    """One action of a firing. `state` is `done`, `refused`, `failed`, or `waiting` for exports that are still made.

    `result` has what it led to: `cells`, `stills` and `delivery` by id, `message`.
    """

    id: int
    firing_id: int
    number: int
    kind: str
    state: str
    reason: str
    names: tuple[str, ...]
    result: Mapping[str, Any]


@dataclass(frozen=True)
class StoredFiring:
    """A rule that fired. `events` are those that woke it, `root` is the event that began its chain."""

    id: int
    event_seq: int
    trigger_id: int
    version: int
    run_id: int | None
    root: int
    depth: int
    branch: str
    things: tuple[tuple[str, str], ...]
    events: tuple[int, ...]
    at: datetime
    jobs: int
    gpu_seconds: float
    effects: tuple[StoredEffect, ...] = ()

    @property
    def gathered(self) -> int:
        """How many events it has gathered; 0 where it fired for one, as that happened."""
        return len(self.events) if len(self.events) > 1 else 0


@dataclass(frozen=True)
class Halt:
    """A halt of all rules. `receipt` counts what was stopped: `rules`, `waiting`, `jobs`; names the `cells` and `stills`; and
    has in `causes` the same of each rule that had asked for them."""

    id: int
    at: datetime
    by: str
    reason: str
    receipt: Mapping[str, Any] = field(default_factory=dict)
    resumed_at: datetime | None = None
    resumed_by: str = ""


@dataclass(frozen=True)
class Mark:
    """Which chain something belongs to. Depth 0: to none that a rule has led to."""

    root: int
    depth: int
    firing_id: int | None


def chain_of(firings: Sequence[StoredFiring]) -> Chain:
    """What has followed from one root event, by its stored firings."""
    spent: dict[str, Spent] = {}
    for one in firings:
        key = str(one.trigger_id)
        spent[key] = spent.get(key, Spent()) + Spent(1, one.jobs, one.gpu_seconds)
    return Chain(spent, frozenset((str(one.trigger_id), thing) for one in firings for thing in one.things))
