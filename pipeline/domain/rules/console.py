"""A simulated course as steps that a person goes through one by one: what happens, what every rule makes of it, and so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.domain.rules.chains import Course
from pipeline.domain.rules.effects import NO_COST
from pipeline.domain.rules.facts import Occurrence, subject_of
from pipeline.domain.rules.model import Kind
from pipeline.domain.rules.planning import Chain, Firing, Plan, Spent, Verdict
from pipeline.domain.rules.snapshot import Board, CellFacts, Cost, Snapshot, StillFacts
from pipeline.domain.rules.vocabulary import EVENTS, Subject
from pipeline.domain.statuses import CellStatus

_TELLS = (Kind.NOTIFY, Kind.WEBHOOK)
_NOTHING_SPENT = Spent()


@dataclass(frozen=True)
class SoFar:
    """What has come about up to a step: firings, the deepest of them, what they take, and messages that go out.

    `chain` is what the chain of the step's own root event has used up of its fuel.
    """

    firings: int = 0
    depth: int = 0
    cost: Cost = NO_COST
    messages: int = 0
    chain: Spent = _NOTHING_SPENT


@dataclass(frozen=True)
class Step:
    """One event that some rule had a say in. `about` names what it is about, `woken_by` the rule that led to it, or nothing.

    `verdicts` has each verdict once, with how often it was given: a rule that gathers events judges all of them at once.
    """

    number: int
    event: Occurrence
    words: str
    about: str
    woken_by: str
    verdicts: tuple[tuple[Verdict, int], ...]
    firings: tuple[Firing, ...]
    so_far: SoFar


@dataclass(frozen=True)
class Wall:
    """A gate of people at which it stops: `scene` or `variant`, the ids and names of what waits there, and how deep."""

    gate: str
    ids: tuple[int, ...]
    names: tuple[str, ...]
    depth: int


@dataclass(frozen=True)
class Walk:
    """The whole course to go through: its steps, where people are waited for, its totals, and how it ends."""

    steps: tuple[Step, ...]
    walls: tuple[Wall, ...]
    total: SoFar
    touched: int
    blocked: tuple[str, ...]
    events: int
    ended: str


def as_happened(snapshot: Snapshot, event: Occurrence) -> Snapshot:
    """The board once an event that somebody made up has happened: what it moves to a status stands there.

    An event that moves nothing, or that is about nothing on the board, leaves it as it is.
    """
    kind, _, status = event.type.partition(".")
    if status not in set(CellStatus) or kind not in (Subject.CELL, Subject.STILL):
        return snapshot
    moved = CellStatus(status)
    if kind == Subject.CELL:
        return replace(snapshot, cells=tuple(_moved_cell(one, event, moved) for one in snapshot.cells))
    return replace(snapshot, stills=tuple(_moved_still(one, event, moved) for one in snapshot.stills))


def walk(course: Course, snapshot: Snapshot) -> Walk:
    """A course of a simulation on this board, step by step."""
    board = Board(snapshot)
    chains: dict[int, Chain] = {}
    so_far = SoFar()
    steps = []
    for number, made in enumerate(course.plans, 1):
        for firing in made.firings:
            chains[firing.root] = chains.get(firing.root, Chain()).after(firing)
            so_far = _with(so_far, firing)
        root = made.firings[0].root if made.firings else made.event.root
        so_far = replace(so_far, chain=chains.get(root, Chain()).total)
        steps.append(_step(number, made, course, board, so_far))
    return Walk(
        tuple(steps), _walls(course), so_far, len(course.cells), course.blocked, course.events, course.ended
    )  # fmt: skip


def name_of(event: Occurrence, board: Board) -> str:
    """What an event is about, as people call it."""
    about = subject_of(event, board)
    if about is not None:
        return about.key
    return "the run" if event.subject is Subject.RUN else ""


def _step(number: int, made: Plan, course: Course, board: Board, so_far: SoFar) -> Step:
    event = made.event
    cause = course.caused_by.get(event.seq)
    woken_by = course.firings[cause].rule.name if cause is not None else ""
    about = name_of(event, board)
    return Step(number, event, EVENTS[event.type].words, about, woken_by, _each_once(made), made.firings, so_far)


def _each_once(made: Plan) -> tuple[tuple[Verdict, int], ...]:
    counts: dict[tuple[str, str, str], int] = {}
    first: dict[tuple[str, str, str], Verdict] = {}
    for verdict in made.verdicts:
        key = (verdict.rule.id, verdict.outcome.value, verdict.reason)
        counts[key] = counts.get(key, 0) + 1
        first.setdefault(key, verdict)
    return tuple((first[key], count) for key, count in counts.items())


def _with(so_far: SoFar, firing: Firing) -> SoFar:
    told = sum(effect.action.kind in _TELLS and not effect.refusal for effect in firing.effects)
    return SoFar(
        so_far.firings + 1, max(so_far.depth, firing.depth), so_far.cost + firing.cost, so_far.messages + told, so_far.chain
    )  # fmt: skip


def _walls(course: Course) -> tuple[Wall, ...]:
    found: Mapping[str, list[int]] = {"variant": [], "scene": []}
    for number, stop in enumerate(course.stops):
        found[stop.gate].append(number)
    walls = []
    for gate, numbers in found.items():
        stops = [course.stops[number] for number in numbers]
        if stops:
            depth = max(stop.depth for stop in stops)
            walls.append(Wall(gate, tuple(one.subject_id for one in stops), tuple(one.key for one in stops), depth))
    return tuple(walls)


def _moved_cell(cell: CellFacts, event: Occurrence, status: CellStatus) -> CellFacts:
    return replace(cell, status=status) if cell.id == event.subject_id else cell


def _moved_still(still: StillFacts, event: Occurrence, status: CellStatus) -> StillFacts:
    return replace(still, status=status) if still.id == event.subject_id else still
