"""A rule tried without firing: on the board of today, on events of the past, and what is still in its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.domain.rules.effects import NO_COST
from pipeline.domain.rules.evaluation import Judged, Look
from pipeline.domain.rules.facts import Occurrence, fact_of, measure, place_of, subject_of
from pipeline.domain.rules.model import LIMITS, Comparison, Limits, Rule
from pipeline.domain.rules.planning import Chain, Outcome, Past, Plan, plan_among
from pipeline.domain.rules.rulebook import is_in_scope
from pipeline.domain.rules.snapshot import Board, Cost
from pipeline.domain.rules.vocabulary import EVENTS, GROUPS, Subject
from pipeline.domain.statuses import CellStatus


def standing_events(rule: Rule, board: Board) -> tuple[Occurrence, ...]:
    """The events that stand on the board of today, within the scope of a rule: every approved scene for `scene approved`.

    Each begins a chain of its own; they are numbered from 1. Events that leave no trace in a status are not among them.
    """
    found: list[Occurrence] = []
    for name in rule.events:
        kind, _, status = name.partition(".")
        if kind not in (Subject.CELL, Subject.STILL) or status not in set(CellStatus):
            continue
        subjects = board.cells if kind == Subject.CELL else board.stills
        for one in subjects.values():
            if one.status == status:
                number = len(found) + 1
                event = Occurrence(number, name, EVENTS[name].subject, one.id, "person", number, 0)
                if is_in_scope(rule, place_of(event, board), board.snapshot.project):
                    found.append(event)
    return tuple(found)


def looks(events: Iterable[Occurrence], board: Board) -> list[tuple[str, Look]]:
    """Each event by the name of what it is about, with its facts: for a funnel, and for what comes nearest."""
    return [(_name(event, board), _look(event, board)) for event in events]


@dataclass(frozen=True)
class Replay:
    """What rules would have done. `plans` are those of events in which some rule had a say; `outcomes` counts verdicts."""

    plans: tuple[Plan, ...]
    outcomes: Mapping[Outcome, int]

    @property
    def firings(self) -> int:
        """How often they would have fired."""
        return sum(len(made.firings) for made in self.plans)

    @property
    def otherwise(self) -> int:
        """How many of those would have taken the branch `else`."""
        return sum(firing.branch == "else" for made in self.plans for firing in made.firings)

    @property
    def cost(self) -> Cost:
        """What they would have set in motion."""
        return sum((made.cost for made in self.plans), NO_COST)


def replay(events: Sequence[Occurrence], rules: Sequence[Rule], board: Board, *, limits: Limits = LIMITS) -> Replay:
    """Run stored events, in order, through rules as if they had been live. The facts are those of the board that is given.

    Nothing is carried out, so what would have followed is not in it, and a scene may be counted more than once. A rule that is
    a draft is tried as if it were on and approved. A rule that gathers events is counted for each of them.
    """
    live = [replace(rule, enabled=True, approved=True, wait_s=0.0) for rule in rules]
    chains: dict[int, Chain] = {}
    past = Past(limits=limits)
    plans: list[Plan] = []
    outcomes: Counter[Outcome] = Counter()
    by_event: dict[str, list[Rule]] = {}
    for rule in live:
        for name in dict.fromkeys(rule.events):
            by_event.setdefault(name, []).append(rule)
    for event in events:
        ours = by_event.get(event.type)
        if ours is None:
            continue
        made = plan_among(event, ours, board, replace(past, chain=chains.get(event.root, Chain())))
        for firing in made.firings:
            chains[firing.root] = chains.get(firing.root, Chain()).after(firing)
            if firing.rule.once:
                past = replace(past, once=past.once.union((firing.rule.id, thing) for thing in firing.things))
        outcomes.update(verdict.outcome for verdict in made.verdicts)
        if any(verdict.outcome is not Outcome.OUT_OF_SCOPE for verdict in made.verdicts):
            plans.append(made)
    return Replay(tuple(plans), outcomes)


def in_the_way(judged: Judged, event: Occurrence, board: Board) -> tuple[int, ...]:
    """The scenes that keep the deciding part of a condition from holding, where it asks for all to be approved."""
    deciding = judged.deciding.condition
    about = fact_of(event, board)
    group = deciding.field.partition(".")[0] if isinstance(deciding, Comparison) else ""
    if group not in GROUPS or not isinstance(deciding, Comparison) or not deciding.field.endswith(".all_approved"):
        return ()
    name = None if group == "run" else getattr(about, group, None)
    missing = (CellStatus.APPROVED, CellStatus.CANCELLED)
    return tuple(one for one in board.members(group, name) if board.cells[one].status not in missing)


def _look(event: Occurrence, board: Board) -> Look:
    return lambda name: measure(name, event, board)


def _name(event: Occurrence, board: Board) -> str:
    about = subject_of(event, board)
    return about.key if about else event.type
