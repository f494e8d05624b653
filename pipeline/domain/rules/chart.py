"""Rules as a drawing from left to right: events, the rules that they wake, what those do, the events that this leads to.

Where a person decides, a wall stands between what is automatic before and after. Only what some rule listens to is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from itertools import pairwise

from pipeline.domain.names import listed
from pipeline.domain.rules.loops import Analysis, analyse
from pipeline.domain.rules.model import Kind, Rule, in_order
from pipeline.domain.rules.products import ALL_MAY_BE_AUTOMATIC, SCENE_APPROVAL, VARIANT_APPROVAL
from pipeline.domain.rules.snapshot import Gates
from pipeline.domain.rules.vocabulary import EVENTS, Subject


class Role(StrEnum):
    """What a spot of the drawing is."""

    EVENT = "event"
    RULE = "rule"
    ACTION = "action"
    GATE = "gate"  # a person decides


class Zone(IntEnum):
    """The parts of a production between which people decide."""

    VARIANTS = 0
    SCENES = 1
    DELIVERY = 2


class State(StrEnum):
    """How a line is to be seen, the strongest last."""

    LIVE = "live"
    PERSON = "person"  # past a decision
    IDLE = "idle"  # the rule is off, or waits for approval
    REFUSED = "refused"  # part of a loop that nothing bounds


@dataclass(frozen=True)
class Spot:
    """One thing on the drawing. `key` is its own; `name` is that of an event, the id of a rule, or the name of a gate."""

    key: str
    role: Role
    name: str
    words: str
    zone: Zone
    column: int = 0
    row: int = 0


@dataclass(frozen=True)
class Line:
    """One thing leads to another, by keys."""

    source: str
    target: str
    state: State = State.LIVE


@dataclass(frozen=True)
class Stretch:
    """The columns of a zone, first and last, with how many firings may follow each other in it."""

    zone: Zone
    first: int
    last: int
    depth: int


@dataclass(frozen=True)
class Chart:
    """The drawing. Columns count from 0 on the left, rows from 0 at the top; a gate takes a column of its own, all of it."""

    spots: tuple[Spot, ...]
    lines: tuple[Line, ...]
    stretches: tuple[Stretch, ...]
    analysis: Analysis

    @property
    def columns(self) -> int:
        """How many there are."""
        return max((spot.column for spot in self.spots), default=-1) + 1

    @property
    def rows(self) -> int:
        """How many there are."""
        return max((spot.row for spot in self.spots), default=-1) + 1


GATES = {Zone.SCENES: VARIANT_APPROVAL, Zone.DELIVERY: SCENE_APPROVAL}
"""Which decision stands before a zone."""
_DECIDED = {"still.approved": VARIANT_APPROVAL, "still.rejected": VARIANT_APPROVAL,
            "cell.approved": SCENE_APPROVAL, "cell.rejected": SCENE_APPROVAL}  # fmt: skip
_SHORT = {
    Kind.SUBMIT: "submit", Kind.QA: "run QA", Kind.ASSEMBLE: "assemble", Kind.PACKAGE: "package", Kind.NOTIFY: "notify",
    Kind.WEBHOOK: "call webhook", Kind.APPROVE: "approve", Kind.FLAG: "flag for review", Kind.PAUSE: "pause",
}  # fmt: skip


def draw(rules: Sequence[Rule], gates: Gates = ALL_MAY_BE_AUTOMATIC) -> Chart:
    """The drawing of these rules, switched off or not."""
    ordered = in_order(tuple(rules))
    found = analyse(ordered, gates)
    spots = {spot.key: spot for spot in _spots(ordered)}
    lines = _lines(ordered, gates, found)
    for gate in dict.fromkeys(line.source for line in lines if line.source.startswith("gate:")):
        zone = next(zone for zone, name in GATES.items() if gate == f"gate:{name}")
        spots[gate] = Spot(gate, Role.GATE, GATES[zone], GATES[zone], zone)
    placed, stretches = _place(spots, lines)
    return Chart(tuple(placed), tuple(lines), tuple(stretches), found)


def zone_of(event: str) -> Zone:
    """In which part of a production an event happens."""
    kind = EVENTS[event]
    if kind.subject is Subject.STILL:
        return Zone.SCENES if event in _DECIDED else Zone.VARIANTS
    is_late = event in _DECIDED or kind.subject is Subject.DELIVERY or event.startswith("export.")
    return Zone.DELIVERY if is_late or event == "run.completed" else Zone.SCENES


def _spots(rules: Iterable[Rule]) -> Iterator[Spot]:
    for rule in rules:
        for event in rule.events:
            yield Spot(f"event:{event}", Role.EVENT, event, EVENTS[event].words, zone_of(event))
        zone = max(zone_of(event) for event in rule.events)
        yield Spot(f"rule:{rule.id}", Role.RULE, rule.id, rule.name, zone)
        words = listed(dict.fromkeys(_SHORT[action.kind] for action in rule.all_steps)) or "nothing"
        yield Spot(f"action:{rule.id}", Role.ACTION, rule.id, words, zone)


def _lines(rules: Sequence[Rule], gates: Gates, found: Analysis) -> list[Line]:
    refused = {pair for loop in found.refused for pair in pairwise((*loop.rules, loop.rules[0]))}
    looping = {rule_id for pair in refused for rule_id in pair}
    by_id = {rule.id: rule for rule in rules}
    lines: dict[tuple[str, str], State] = {}

    def lead(source: str, target: str, state: State) -> None:
        known = lines.get((source, target))
        # What one live rule goes through is live, whatever else goes the same way; a refused loop is seen above all.
        states = [one for one in (known, state) if one is not None]
        lines[source, target] = State.REFUSED if State.REFUSED in states else min(states, key=list(State).index)

    for rule in rules:
        usual = State.LIVE if rule.enabled and rule.approved else State.IDLE
        wakers = {source for source, target in refused if target == rule.id}
        heard = {way.event for edge in found.edges if edge.target == rule.id and edge.source in wakers for way in edge.ways}
        for event in rule.events:
            lead(f"event:{event}", f"rule:{rule.id}", State.REFUSED if event in heard else usual)
            gate = _DECIDED.get(event)
            if gate and (gates.variants if gate == VARIANT_APPROVAL else gates.scenes) == "human":
                lead(f"gate:{gate}", f"event:{event}", State.PERSON)
        lead(f"rule:{rule.id}", f"action:{rule.id}", State.REFUSED if rule.id in looping else usual)
    for edge in found.edges:
        rule = by_id[edge.source]
        usual = State.LIVE if rule.enabled and rule.approved else State.IDLE
        usual = State.REFUSED if (edge.source, edge.target) in refused else usual
        automatic = {way.event for way in edge.ways if not way.gate}
        here = max(zone_of(event) for event in rule.events)
        for way in edge.ways:
            if way.gate and way.event not in automatic and zone_of(way.event) <= here:
                continue  # it leads back before a wall: the table says so, and the drawing stays readable
            if way.event in automatic:
                lead(f"action:{rule.id}", f"event:{way.event}", usual)
            else:
                lead(f"action:{rule.id}", f"gate:{way.gate}", min(usual, State.IDLE, key=list(State).index))
                lead(f"gate:{way.gate}", f"event:{way.event}", State.PERSON)
    return [Line(source, target, state) for (source, target), state in lines.items()]


def _place(spots: dict[str, Spot], lines: Sequence[Line]) -> tuple[list[Spot], list[Stretch]]:
    placed: list[Spot] = []
    stretches: list[Stretch] = []
    start = 0
    for zone in Zone:
        gate = spots.get(f"gate:{GATES.get(zone, '')}")
        if gate is not None:
            placed.append(replace(gate, column=start))
            start += 1
        ours = {key: spot for key, spot in spots.items() if spot.zone is zone and spot.role is not Role.GATE}
        if not ours:
            continue
        inside = [line for line in lines if line.source in ours and line.target in ours]
        columns = _columns(ours, inside)
        rows = _rows(ours, inside, columns)
        placed += [replace(spot, column=start + columns[key], row=rows[key]) for key, spot in ours.items()]
        last = max(columns.values())
        stretches.append(Stretch(zone, start, start + last, (last + 2) // 3))
        start += last + 1
    return placed, stretches


def _columns(ours: dict[str, Spot], lines: Sequence[Line]) -> dict[str, int]:
    """Longest ways from the left; what would lead back into its own past does not count."""
    after: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        after[line.source].append(line.target)
    entered = {line.target for line in lines}
    columns: dict[str, int] = {}
    order: list[str] = []
    backward: set[tuple[str, str]] = set()
    seen: set[str] = set()
    for root in sorted(ours, key=lambda key: (ours[key].role is not Role.EVENT, key in entered, list(ours).index(key))):
        _visit(root, after, seen, order, backward)
    for key in reversed(order):
        columns.setdefault(key, 0)
        for target in after[key]:
            if (key, target) not in backward:
                columns[target] = max(columns.get(target, 0), columns[key] + 1)
    return columns


def _visit(root: str, after: dict[str, list[str]], seen: set[str], order: list[str], backward: set[tuple[str, str]]) -> None:
    """Depth first without recursion: `order` gets what is done with, `backward` the lines that close a circle."""
    if root in seen:
        return
    seen.add(root)
    path = {root}
    work: list[tuple[str, Iterator[str]]] = [(root, iter(after[root]))]
    while work:
        key, rest = work[-1]
        target = next(rest, None)
        if target is None:
            work.pop()
            path.discard(key)
            order.append(key)
        elif target in path:
            backward.add((key, target))
        elif target not in seen:
            seen.add(target)
            path.add(target)
            work.append((target, iter(after[target])))


def _rows(ours: dict[str, Spot], lines: Sequence[Line], columns: dict[str, int]) -> dict[str, int]:
    """Each chain goes on in the row that it came by, where that is free up to there; else in the next free one below."""
    taken: set[tuple[int, int]] = set()
    rows: dict[str, int] = {}
    before: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if columns[line.source] < columns[line.target]:
            before[line.target].append(line.source)
    for key in sorted(ours, key=lambda key: (columns[key], min((rows.get(one, 0) for one in before[key]), default=0))):
        column, sources = columns[key], [one for one in before[key] if one in rows]
        start = min((columns[one] for one in sources), default=column - 1) + 1
        row = min((rows[one] for one in sources), default=0)
        while any((between, row) in taken for between in range(start, column + 1)):
            row += 1
        taken.update((between, row) for between in range(start, column + 1))
        rows[key] = row
    return rows
