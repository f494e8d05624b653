"""What `/triggers` gives out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.api.schemas_given import Given
from pipeline.domain.rules.aftermath import Aftermath
from pipeline.domain.rules.chains import Course
from pipeline.domain.rules.loops import Analysis, Loop
from pipeline.domain.rules.planning import Firing, Plan
from pipeline.domain.rules.previews import Replay
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.stored import StoredFiring
from pipeline.domain.rules.wording import action_in_words

if TYPE_CHECKING:
    from pipeline.wiring_triggers import NamedFiring, NamedVerdict, RuleView


class GivenLoop(Given):
    """Rules that may wake each other in a circle; without `bounds` nothing ends it, and `cure` says what would."""

    words: str
    rules: list[str]
    bounds: list[str]
    cure: str


class GivenRule(Given):
    """A rule; `spec` is its form in files, `state` is `on`, `off`, `halted` or `waits for approval`."""

    id: int
    name: str
    project: str | None
    version: int
    state: str
    enabled: bool
    approved: bool
    approved_by: str
    sentence: str
    spec: dict[str, Any]
    loops: list[GivenLoop]
    firings: int
    last_at: datetime | None


class Rules(Given):
    """Every rule in the order of their turn. `halted` says why none may fire; empty while they may."""

    halted: str
    items: list[GivenRule]


class GivenCost(Given):
    """What work takes."""

    jobs: int
    gpu_seconds: float
    disk_bytes: int
    money: float


class PlannedEffect(Given):
    """An action as it would be carried out; with a `refusal` it would not be."""

    action: str
    names: list[str]
    skipped: int
    refusal: str
    cost: GivenCost


class PlannedFiring(Given):
    """A rule that would fire."""

    rule: str
    branch: str
    depth: int
    effects: list[PlannedEffect]


class PlannedVerdict(Given):
    """What would become of a rule, and why."""

    rule: str
    outcome: str
    reason: str


class GivenPlan(Given):
    """What an event would set in motion."""

    verdicts: list[PlannedVerdict]
    firings: list[PlannedFiring]
    cost: GivenCost


class GivenStop(Given):
    """Where a person is waited for."""

    gate: str
    subject_id: int
    key: str
    depth: int


class GivenCourse(Given):
    """All that would follow. `ended` is `quiet`, `paused` or `cut short`."""

    firings: list[PlannedFiring]
    depth: int
    cells: int
    cost: GivenCost
    stops: list[GivenStop]
    ended: str


class GivenReplay(Given):
    """What drafts would have done; `otherwise` counts the firings that took `else`."""

    firings: int
    otherwise: int
    outcomes: dict[str, int]
    cost: GivenCost


class GivenEffect(Given):
    """An action of a firing and what it came to: `done`, `refused`, `failed` or `waiting`."""

    number: int
    kind: str
    state: str
    reason: str
    names: list[str]
    result: dict[str, Any]


class GivenFiring(Given):
    """A rule that fired, because of an event, or of several that it has `gathered` (their numbers; none where it was one);
    `caused_by` is the firing that led to that event."""

    id: int
    at: datetime
    rule_id: int
    rule: str
    version: int
    event: int
    event_type: str
    run: int | None
    root: int
    depth: int
    branch: str
    caused_by: int | None
    gathered: list[int]
    effects: list[GivenEffect]


class GivenShared(Given):
    """A firing that has gathered an event that followed, behind other events: it is told of with the first of them."""

    firing: int
    rule: str
    event: int
    gathered: int


class GivenAftermath(Given):
    """A firing with what its ended jobs have cost (`own`), the jobs of its that have not ended, how often which event followed
    before another rule fired, and the firings that followed. `total` is that of all of it. `gathered` are the events that it
    has gathered, none where it fired for one; `shared` are firings of several events that are told of elsewhere."""

    id: int
    rule: str
    event: int
    event_type: str
    about: str
    depth: int
    effects: list[GivenEffect]
    own: GivenCost
    total: GivenCost
    open_jobs: int
    events: dict[str, int]
    gathered: list[int]
    shared: list[GivenShared]
    followed: list[GivenAftermath]


class Firings(Given):
    """The newest firings first; `next` is the `before` of those that follow."""

    items: list[GivenFiring]
    next: int | None


class GivenVerdict(Given):
    """What became of a rule for an event, and why."""

    event: int
    event_type: str
    rule_id: int
    rule: str
    version: int
    outcome: str
    deciding: str
    reason: str
    at: datetime


class Verdicts(Given):
    """The newest verdicts first."""

    items: list[GivenVerdict]


class GivenEdge(Given):
    """A rule (by number) that may wake another one, through these events; `gates` are those of people on the way."""

    source: str
    target: str
    events: list[str]
    gates: list[str]


class ChainGraph(Given):
    """Which rule may wake which."""

    edges: list[GivenEdge]
    loops: list[GivenLoop]


class GivenCause(Given):
    """A rule that had asked for work that was stopped: how many jobs of which scenes and pictures."""

    rule: str
    rule_id: int
    jobs: int
    cells: list[str]
    stills: list[str]


class GivenReceipt(Given):
    """What a halt has stopped: so many rules that were on, events that were gathered, and jobs; and whose work it was."""

    rules: int
    waiting: int
    jobs: int
    cells: list[str]
    stills: list[str]
    causes: list[GivenCause]


class GivenHalt(Given):
    """A halt of all rules, with its receipt."""

    id: int
    at: datetime
    by: str
    reason: str
    receipt: GivenReceipt


def rule_of(one: RuleView) -> dict[str, object]:
    """A rule as the answer has it."""
    stored = one.stored
    return {
        "id": stored.id, "name": stored.name, "project": stored.project, "version": stored.version, "state": one.state,
        "enabled": stored.enabled, "approved": one.rule.approved, "approved_by": stored.approved_by, "sentence": one.sentence,
        "spec": dict(stored.spec), "loops": loops(one.loops), "firings": one.firings, "last_at": one.last_at,
    }  # fmt: skip


def loops(found: Iterable[Loop]) -> list[dict[str, object]]:
    """Loops as answers have them."""
    return [{"words": loop.words, "rules": list(loop.rules), "bounds": list(loop.bounds), "cure": loop.cure} for loop in found]


def aftermath(one: Aftermath) -> dict[str, object]:
    """A firing with all that followed as the answer has it."""
    fired = one.firing
    return {
        "id": fired.id, "rule": one.rule, "event": fired.event_seq, "event_type": one.event_type, "about": one.about,
        "depth": fired.depth, "effects": _effects(fired), "own": _cost(one.traces.cost), "total": _cost(one.total),
        "open_jobs": one.traces.open_jobs, "events": dict(one.traces.events), "gathered": _gathered(fired),
        "shared": [
            {"firing": each.firing_id, "rule": each.rule, "event": each.event_seq, "gathered": each.gathered}
            for each in one.shared
        ],
        "followed": [aftermath(each) for each in one.followed],
    }  # fmt: skip


def plan(made: Plan) -> dict[str, object]:
    """A plan as the answer has it."""
    told = [{"rule": one.rule.name, "outcome": one.outcome.value, "reason": one.reason} for one in made.verdicts]
    return {"verdicts": told, "firings": [_firing(one) for one in made.firings], "cost": _cost(made.cost)}


def course(made: Course) -> dict[str, object]:
    """A simulation as the answer has it."""
    return {
        "firings": [_firing(one) for one in made.firings], "depth": made.depth, "cells": len(made.cells),
        "cost": _cost(made.cost), "stops": [vars(stop) for stop in made.stops], "ended": made.ended,
    }  # fmt: skip


def replayed(made: Replay) -> dict[str, object]:
    """A replay as the answer has it."""
    outcomes = {outcome.value: count for outcome, count in made.outcomes.items()}
    return {"firings": made.firings, "otherwise": made.otherwise, "outcomes": outcomes, "cost": _cost(made.cost)}


def firings(found: list[NamedFiring]) -> dict[str, object]:
    """The log as the answer has it."""
    items = [
        {
            "id": one.firing.id, "at": one.firing.at, "rule_id": one.firing.trigger_id, "rule": one.rule,
            "version": one.firing.version, "event": one.firing.event_seq, "event_type": one.event_type,
            "run": one.firing.run_id, "root": one.firing.root, "depth": one.firing.depth, "branch": one.firing.branch,
            "caused_by": one.caused_by, "gathered": _gathered(one.firing), "effects": _effects(one.firing),
        }
        for one in found
    ]  # fmt: skip
    return {"items": items, "next": found[-1].firing.id if found else None}


def _gathered(fired: StoredFiring) -> list[int]:
    return list(fired.events) if fired.gathered else []


def _effects(fired: StoredFiring) -> list[dict[str, object]]:
    return [{**vars(each), "names": list(each.names)} for each in fired.effects]


def verdicts(found: list[NamedVerdict]) -> dict[str, object]:
    """Verdicts as the answer has them."""
    return {
        "items": [
            {
                "event": one.verdict.event_seq, "event_type": one.event_type, "rule_id": one.verdict.trigger_id,
                "rule": one.rule, "version": one.verdict.version, "outcome": one.verdict.outcome,
                "deciding": one.verdict.deciding, "reason": one.verdict.reason, "at": one.verdict.at,
            }
            for one in found
        ]
    }  # fmt: skip


def chain_graph(analysis: Analysis) -> dict[str, object]:
    """Which rule may wake which, as the answer has it."""
    edges = [
        {
            "source": edge.source,
            "target": edge.target,
            "events": sorted({way.event for way in edge.ways}),
            "gates": sorted({way.gate for way in edge.ways if way.gate}),
        }
        for edge in analysis.edges
    ]
    return {"edges": edges, "loops": loops(analysis.loops)}


def _firing(one: Firing) -> dict[str, object]:
    effects = [
        {
            "action": action_in_words(each.action), "names": list(each.names), "skipped": each.skipped,
            "refusal": each.refusal, "cost": _cost(each.cost),
        }
        for each in one.effects
    ]  # fmt: skip
    return {"rule": one.rule.name, "branch": one.branch, "depth": one.depth, "effects": effects}


def _cost(cost: Cost) -> dict[str, object]:
    return dict(vars(cost))
