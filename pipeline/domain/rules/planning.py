"""What an event sets in motion: a verdict for every rule that listens, and the firings with their effects. Changes nothing.

Live firing carries such a plan out, a dry run shows it, a replay counts it, and a simulation goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pipeline.domain.rules.effects import NO_COST, Claims, Effect, effects_of
from pipeline.domain.rules.evaluation import Judged, compare, evaluate
from pipeline.domain.rules.facts import Occurrence, Place, measure, place_of
from pipeline.domain.rules.model import LIMITS, Actions, Fuel, Limits, Per, Rule
from pipeline.domain.rules.rulebook import Rulebook, is_in_scope
from pipeline.domain.rules.snapshot import Board, Cost
from pipeline.domain.rules.vocabulary import OF_NO_RUN, field_named, is_measured


class Outcome(StrEnum):
    """What became of a rule for an event."""

    MATCHED = "matched"  # it fires; single effects may still be refused, with their reasons
    CONDITION_FAILED = "condition_failed"
    TOO_FEW_MEASURED = "too_few_measured"  # its condition holds; what it branches on rests on too small a sample
    OUT_OF_SCOPE = "out_of_scope"
    NOT_LISTENING = "not_listening"  # it listens to other events
    DISABLED = "disabled"
    HALTED = "halted"  # all rules are stopped
    WAITS_FOR_APPROVAL = "waits_for_approval"
    TOO_DEEP = "too_deep"
    OUT_OF_FUEL = "out_of_fuel"
    FIRED_IN_CHAIN = "fired_in_chain"  # for the same thing, in this chain
    FIRED_ALREADY = "fired_already"  # for the same thing, and the rule does so once
    DEBOUNCED = "debounced"  # it matches and waits for more of the same


Thing = tuple[str, str]
"""What a rule fires for: a word for what it is, and its id or name."""


@dataclass(frozen=True)
class Spent:
    """What one rule has used up in one chain."""

    firings: int = 0
    jobs: int = 0
    gpu_seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.firings + other.firings, self.jobs + other.jobs, self.gpu_seconds + other.gpu_seconds)


@dataclass(frozen=True)
class Chain:
    """What has followed from one root event so far: what each rule has used up, by id, and what it has fired for."""

    spent: Mapping[str, Spent] = field(default_factory=dict)
    fired: frozenset[tuple[str, Thing]] = frozenset()

    @property
    def total(self) -> Spent:
        """What all rules have used up together."""
        return sum(self.spent.values(), Spent())

    def after(self, firing: Firing) -> Chain:
        """The chain with one more firing."""
        rule_id = firing.rule.id
        used = self.spent.get(rule_id, Spent()) + firing.spent
        fired = self.fired.union((rule_id, thing) for thing in firing.things)
        return Chain({**self.spent, rule_id: used}, fired)


@dataclass(frozen=True)
class Past:
    """What was before: the chain of the event, and what rules that fire once have fired for.

    `halted` says why no rule may fire; empty while they may.
    """

    chain: Chain = Chain()
    once: frozenset[tuple[str, Thing]] = frozenset()
    limits: Limits = LIMITS
    halted: str = ""


NOTHING_BEFORE = Past()


@dataclass(frozen=True)
class Verdict:
    """What became of a rule for an event, and why in words. `judged` has its condition, where it came to that."""

    rule: Rule
    outcome: Outcome
    reason: str = ""
    thing: Thing = ("", "")
    judged: Judged | None = None
    branch: Judged | None = None


@dataclass(frozen=True)
class Firing:
    """A rule that fires, for one event or for several that were gathered. `branch` is `do` or `else`.

    `depth` is that of the events that follow from it; they belong to the chain of `root`.
    """

    rule: Rule
    events: tuple[Occurrence, ...]
    things: tuple[Thing, ...]
    branch: str
    effects: tuple[Effect, ...]
    root: int
    depth: int

    @property
    def cost(self) -> Cost:
        """What all effects that are not refused take together."""
        return sum((effect.cost for effect in self.effects if not effect.refusal), NO_COST)

    @property
    def actions(self) -> Actions:
        """What it does, by its branch."""
        return self.rule.branch.otherwise if self.branch == "else" and self.rule.branch else self.rule.do

    @property
    def stops_at_failures(self) -> bool:
        """Whether nothing more is done after an action that fails."""
        return not self.actions.at_once and not self.actions.goes_on

    @property
    def spent(self) -> Spent:
        """The fuel it uses."""
        cost = self.cost
        return Spent(1, cost.jobs, cost.gpu_seconds)


@dataclass(frozen=True)
class Plan:
    """All of it, in the order in which rules come to their turn.

    A rule of which nothing is said does not listen to such an event, or is out of its scope.
    """

    event: Occurrence
    verdicts: tuple[Verdict, ...]
    firings: tuple[Firing, ...]

    @property
    def cost(self) -> Cost:
        """What all firings take together."""
        return sum((firing.cost for firing in self.firings), NO_COST)


def plan(event: Occurrence, rules: Rulebook, board: Board, past: Past) -> Plan:
    """What this event sets in motion on this board. The board is read and not changed.

    Conditions are judged on the board as it is; effects are reckoned one after the other, each as if those before were done.
    """
    return plan_among(event, rules.listening(event, place_of(event, board), board.snapshot.project), board, past)


def plan_among(event: Occurrence, rules: Sequence[Rule], board: Board, past: Past) -> Plan:
    """As `plan`, for exactly these rules in this order, each with a verdict: why did it not fire?"""
    verdicts: list[Verdict] = []
    firings: list[Firing] = []
    claims = Claims()
    for rule in rules:
        verdict = why(rule, event, board, past)
        if verdict.outcome is Outcome.MATCHED and rule.wait_s > 0:
            reason = f"it waits {rule.wait_s:g} s for more of the same"
            verdict = replace(verdict, outcome=Outcome.DEBOUNCED, reason=reason)
        elif verdict.outcome is Outcome.MATCHED:
            verdict, firing = _fire(verdict, (event,), board, past, claims)
            if firing is not None:
                firings.append(firing)
                claims.take(firing.effects)
                past = replace(past, chain=past.chain.after(firing), once=_with_once(past.once, firing))
        verdicts.append(verdict)
    return Plan(event, tuple(verdicts), tuple(firings))


def plan_gathered(rule: Rule, events: Sequence[Occurrence], board: Board, past_of: Callable[[Occurrence], Past]) -> Plan:
    """What a rule does that has waited: one firing for those of these events (at least one, oldest first) that still match.

    Its chain is that of the first of them that matches; its depth is the deepest. Each event is judged by what was before it in
    its own chain (`past_of`). The plan's verdicts are one an event.
    """
    found = [why(rule, event, board, past_of(event)) for event in events]
    matched = [one for one in zip(events, found, strict=True) if one[1].outcome is Outcome.MATCHED]
    branches: dict[str, list[Occurrence]] = {}
    for event, verdict in matched:
        branches.setdefault(_branch(verdict), []).append(event)
    firings: list[Firing] = []
    claims = Claims()
    for ours in branches.values():
        verdict = next(one for event, one in matched if event is ours[0])
        past = past_of(ours[0])
        for firing in firings:
            past = replace(past, chain=past.chain.after(firing)) if firing.root == ours[0].root else past
        verdict, made = _fire(verdict, tuple(ours), board, past, claims)
        if made is None:
            found = [verdict if event in ours else one for event, one in zip(events, found, strict=True)]
            continue
        firings.append(made)
        claims.take(made.effects)
    return Plan(events[0], tuple(found), tuple(firings))


def why(rule: Rule, event: Occurrence, board: Board, past: Past) -> Verdict:
    """The verdict of any rule on any event, before its fuel is looked at."""
    place = place_of(event, board)
    thing = thing_of(rule.per, event, place)
    outcome, reason = _bar(rule, event, place, thing, board, past)
    if outcome is not None:
        return Verdict(rule, outcome, reason, thing)
    judged = evaluate(rule.where, event, board)
    if judged.truth is not True:
        decided = judged.deciding
        return Verdict(rule, Outcome.CONDITION_FAILED, decided.value, thing, judged)
    if rule.branch is None:
        return Verdict(rule, Outcome.MATCHED, "", thing, judged)
    found = measure(rule.branch.test.field, event, board)
    branch = compare(rule.branch.test, found)
    field_of_branch = field_named(rule.branch.test.field)
    is_sampled = field_of_branch is not None and is_measured(field_of_branch)
    if branch.truth is None or (is_sampled and found.sample < rule.branch.sample):
        reason = f"{found.sample} measured, at least {rule.branch.sample} are asked" if is_sampled else found.words
        return Verdict(rule, Outcome.TOO_FEW_MEASURED, reason, thing, judged, branch)
    return Verdict(rule, Outcome.MATCHED, "", thing, judged, branch)


def thing_of(per: Per, event: Occurrence, place: Place) -> Thing:
    """What an event is about in the eyes of a rule; an event without such a name counts for itself."""
    names = {Per.CHARACTER: place.character, Per.SCENE_TYPE: place.scene_type}
    name = names.get(per)
    if name is not None:
        return per.value, name
    if per is Per.RUN and event.subject not in OF_NO_RUN:
        return "run", ""
    return event.subject.value, str(event.subject_id)


def _bar(rule: Rule, event: Occurrence, place: Place, thing: Thing, board: Board, past: Past) -> tuple[Outcome | None, str]:
    """What keeps a rule from an event before its condition is even looked at, and why; None when nothing does."""
    if event.type not in rule.events:
        return Outcome.NOT_LISTENING, f"it listens to {', '.join(rule.events)}"
    if not is_in_scope(rule, place, board.snapshot.project):
        return Outcome.OUT_OF_SCOPE, ""
    if not rule.enabled:
        return Outcome.DISABLED, "it is switched off"
    if past.halted:
        return Outcome.HALTED, past.halted
    if not rule.approved:
        return Outcome.WAITS_FOR_APPROVAL, f"version {rule.version} waits for an admin"
    deepest = min(rule.max_depth, past.limits.max_depth)
    if event.depth + 1 > deepest:
        return Outcome.TOO_DEEP, f"depth {event.depth + 1}, at most {deepest}"
    if (rule.id, thing) in past.chain.fired:
        return Outcome.FIRED_IN_CHAIN, "it has fired for it in this chain"
    if rule.once and (rule.id, thing) in past.once:
        return Outcome.FIRED_ALREADY, "it fires once for it, and has"
    return None, ""


def _fire(
    verdict: Verdict, events: tuple[Occurrence, ...], board: Board, past: Past, claims: Claims
) -> tuple[Verdict, Firing | None]:
    """The firing of a rule that matches, unless its fuel or that of the chain does not cover it."""
    rule, branch = verdict.rule, _branch(verdict)
    actions: Actions = rule.branch.otherwise if branch == "else" and rule.branch else rule.do
    things = tuple(dict.fromkeys(thing_of(rule.per, event, place_of(event, board)) for event in events))
    firing = Firing(
        rule=rule,
        events=events,
        things=things,
        branch=branch,
        effects=effects_of(actions, events, board, claims),
        root=events[0].root,
        depth=max(event.depth for event in events) + 1,
    )
    lacking = _lacking(firing.spent, past.chain.spent.get(rule.id, Spent()), rule.fuel) or _lacking(
        firing.spent, past.chain.total, past.limits.fuel
    )
    if lacking:
        return replace(verdict, outcome=Outcome.OUT_OF_FUEL, reason=lacking), None
    return verdict, firing


def _branch(verdict: Verdict) -> str:
    return "else" if verdict.branch is not None and verdict.branch.truth is not True else "do"


def _lacking(needed: Spent, used: Spent, fuel: Fuel) -> str:
    """What is not covered, as `24 jobs, 9 left`; empty when all is."""
    if used.firings + needed.firings > fuel.firings:
        return f"{fuel.firings} firings, 0 left"
    if used.jobs + needed.jobs > fuel.jobs:
        return f"{needed.jobs:,} jobs, {max(0, fuel.jobs - used.jobs):,} left"
    if used.gpu_seconds + needed.gpu_seconds > fuel.gpu_seconds:
        return f"{needed.gpu_seconds:,.0f} GPU-seconds, {max(0.0, fuel.gpu_seconds - used.gpu_seconds):,.0f} left"
    return ""


def _with_once(once: frozenset[tuple[str, Thing]], firing: Firing) -> frozenset[tuple[str, Thing]]:
    if not firing.rule.once:
        return once
    return once.union((firing.rule.id, thing) for thing in firing.things)
