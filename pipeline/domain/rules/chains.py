"""What would follow, to the end: the engine that fires rules, run on a board where what they ask for is taken to be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.domain.rules.assumptions import ALL_GOES_WELL, Assumption, Link
from pipeline.domain.rules.effects import NO_COST
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.model import Kind, Rule
from pipeline.domain.rules.planning import NOTHING_BEFORE, Chain, Firing, Outcome, Past, Plan, plan, plan_gathered
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, Cost, Snapshot
from pipeline.domain.rules.under_way import NOTHING_UNDER_WAY, UnderWay
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.rules.world import World
from pipeline.domain.statuses import RunStatus

MOST_EVENTS = 50_000
"""A simulation takes in no more events than this, and says so."""
AT_ONCE = 100
"""So many events are taken in at once: packages that wait for exports come after all of them."""


@dataclass(frozen=True)
class Stop:
    """Where a person is waited for: `scene` or `variant`, what it is called, and the depth of the chain that got there."""

    gate: str
    subject_id: int
    key: str
    depth: int


@dataclass(frozen=True)
class Course:
    """All that would follow. `plans` are those of events that some rule had a say in, in order; `events` counts all events.

    `caused_by` maps the number of an event to that of the firing (in `firings`) that it follows from, by way of people's
    decisions too. `undone` are effects, as (number of the firing, number of the effect), that could not be carried out any more
    or came after one that could not. `blocked` are the keys of scenes that were asked for and wait. `ended` is `quiet`, `paused`
    or `cut short`.
    """

    plans: tuple[Plan, ...]
    firings: tuple[Firing, ...]
    caused_by: Mapping[int, int]
    events: int
    stops: tuple[Stop, ...]
    blocked: tuple[str, ...]
    ended: str
    undone: frozenset[tuple[int, int]] = frozenset()

    @property
    def depth(self) -> int:
        """The depth of the deepest firing."""
        return max((firing.depth for firing in self.firings), default=0)

    @property
    def cells(self) -> frozenset[int]:
        """The scenes that are touched."""
        return frozenset(
            one for firing in self.firings for effect in firing.effects if not effect.refusal for one in effect.cells
        )

    @property
    def cost(self) -> Cost:
        """Jobs, generation time, disk and money of all of it."""
        return sum((firing.cost for firing in self.firings), NO_COST)

    @property
    def messages(self) -> int:
        """How many messages and calls go out."""
        effects = (effect for firing in self.firings for effect in firing.effects if not effect.refusal)
        return sum(effect.action.kind in (Kind.NOTIFY, Kind.WEBHOOK) for effect in effects)

    def what_woke(self, number: int) -> frozenset[int]:
        """The numbers of the firings that the events of this firing follow from."""
        seqs = (event.seq for event in self.firings[number].events)
        return frozenset(self.caused_by[seq] for seq in seqs if seq in self.caused_by)


def simulate(
    events: Sequence[Occurrence],
    rules: Rulebook,
    snapshot: Snapshot,
    *,
    assumption: Assumption = ALL_GOES_WELL,
    past: Past = NOTHING_BEFORE,
    under_way: UnderWay = NOTHING_UNDER_WAY,
    most_events: int = MOST_EVENTS,
) -> Course:
    """Go on from events that have just happened until all is quiet. `past` is that before the first of them.

    What is found to be waited for by a rule that gathers events is over when nothing else happens at the moment: before work
    goes on, the shortest wait first. People decide when no work is left. It ends: chains are bounded by depth and fuel, people
    decide on everything at most once, and events are counted.
    """
    return _Simulation(rules, snapshot, assumption, past, under_way, most_events).run(events)


def as_if(event: Occurrence, number: int) -> Occurrence:
    """An event that begins a chain, with a number of its own: for asking what would follow if it happened now."""
    return replace(event, seq=number, root=number, depth=0)


@dataclass
class _Gathered:
    rule: Rule
    due: float
    events: list[Occurrence] = field(default_factory=list)


class _Simulation:
    def __init__(
        self, rules: Rulebook, snapshot: Snapshot, assumption: Assumption, past: Past, under_way: UnderWay, most_events: int
    ) -> None:  # fmt: skip
        self._rules = rules
        self._assumption = assumption
        self._board = Board(snapshot)
        self._past = past
        self._under_way = under_way
        self._most_events = most_events
        self._chains: dict[int, Chain] = dict(under_way.chains)
        self._gathered: dict[str, _Gathered] = {}
        self._waited = 0.0
        """For how long rules that gather events were waited for: work takes no time."""
        self._queue: deque[Occurrence] = deque()
        self._plans: list[Plan] = []
        self._firings: list[Firing] = []
        self._undone: set[tuple[int, int]] = set()
        self._count = 0

    def run(self, events: Sequence[Occurrence]) -> Course:
        first = max((event.seq for event in events), default=0)
        world = World(self._board, self._assumption, first, self._under_way)
        for event in events:
            world.happened(event)
        self._chains.update((event.root, self._past.chain) for event in events if event.root not in self._chains)
        self._queue.extend(events)
        while self._count < self._most_events and self._go_on(world):
            pass
        is_paused = self._board.status is RunStatus.PAUSED
        ended = "cut short" if self._count >= self._most_events else "paused" if is_paused else "quiet"
        return Course(
            plans=tuple(self._plans),
            firings=tuple(self._firings),
            caused_by=world.causes,
            events=self._count,
            stops=self._stops(world),
            blocked=tuple(self._board.cells[one].key for one in world.blocked),
            ended=ended,
            undone=frozenset(self._undone | world.given_up),
        )

    def _go_on(self, world: World) -> bool:
        """What has happened, else what was gathered, else one job, else what people decide; whether there was any of it."""
        if self._queue:
            for _ in range(min(AT_ONCE, len(self._queue), self._most_events - self._count)):
                self._count += 1
                self._take_in(self._queue.popleft(), world)
            self._queue.extend(world.go_on_with_packages())
            return True
        if self._gathered:
            self._fire_gathered(world)
            self._queue.extend(world.go_on_with_packages())
            return True
        self._queue.extend(world.step() or world.decide())
        return bool(self._queue)

    def _fire_gathered(self, world: World) -> None:
        """Those that are due next, in the order in which they began to wait."""
        self._waited = min(one.due for one in self._gathered.values())
        due = [one for one in self._gathered.values() if one.due <= self._waited]
        for gathered in sorted(due, key=lambda one: one.events[0].seq):
            del self._gathered[gathered.rule.id]
            self._follow(plan_gathered(gathered.rule, gathered.events, self._board, self._past_of), world)

    def _take_in(self, event: Occurrence, world: World) -> None:
        made = plan(event, self._rules, self._board, self._past_of(event))
        for verdict in made.verdicts:
            if verdict.outcome is Outcome.DEBOUNCED:
                rule = verdict.rule
                self._gathered.setdefault(rule.id, _Gathered(rule, self._waited + rule.wait_s)).events.append(event)
        self._follow(made, world)

    def _follow(self, made: Plan, world: World) -> None:
        if made.verdicts:
            self._plans.append(made)
        for firing in made.firings:
            number = len(self._firings)
            self._firings.append(firing)
            self._chains[firing.root] = self._chains.get(firing.root, Chain()).after(firing)
            if firing.rule.once:
                once = self._past.once.union((firing.rule.id, thing) for thing in firing.things)
                self._past = replace(self._past, once=once)
            self._carry_out(firing, number, world)

    def _carry_out(self, firing: Firing, number: int, world: World) -> None:
        link = Link(firing.root, firing.depth, number)
        is_stopped = False
        for effect in firing.effects:
            events = None if is_stopped else world.carry_out(effect, link)
            if events is None:
                self._undone.add((number, effect.number))
                is_stopped = is_stopped or firing.stops_at_failures
            else:
                self._queue.extend(events)

    def _past_of(self, event: Occurrence) -> Past:
        return replace(self._past, chain=self._chains.get(event.root, Chain()))

    def _stops(self, world: World) -> tuple[Stop, ...]:
        found = []
        for (subject, key), link in sorted(world.gated.items(), key=lambda one: (one[0][0] is Subject.CELL, one[0][1])):
            about = self._board.cells[key] if subject is Subject.CELL else self._board.stills[key]
            found.append(Stop("scene" if subject is Subject.CELL else "variant", key, about.key, link.depth))
        return tuple(found)
