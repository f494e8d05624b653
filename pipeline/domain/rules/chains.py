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
from pipeline.domain.rules.world import World
from pipeline.domain.statuses import RunStatus

MOST_EVENTS = 50_000
"""A simulation takes in no more events than this, and says so."""


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
    decisions too. `blocked` are the keys of scenes that were asked for and wait. `ended` is `quiet`, `paused` or `cut short`.
    """

    plans: tuple[Plan, ...]
    firings: tuple[Firing, ...]
    caused_by: Mapping[int, int]
    events: int
    stops: tuple[Stop, ...]
    blocked: tuple[str, ...]
    ended: str

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
    most_events: int = MOST_EVENTS,
) -> Course:
    """Go on from events that have just happened until all is quiet. `past` is that before the first of them.

    What is found to be waited for by a rule that gathers events is over when nothing else happens at the moment: before work
    goes on. People decide when no work is left. It ends: chains are bounded by depth and fuel, people decide on everything at
    most once, and events are counted.
    """
    return _Simulation(rules, snapshot, assumption, past, most_events).run(events)


def as_if(event: Occurrence, number: int) -> Occurrence:
    """An event that begins a chain, with a number of its own: for asking what would follow if it happened now."""
    return replace(event, seq=number, root=number, depth=0)


@dataclass
class _Waiting:
    rule: Rule
    events: list[Occurrence] = field(default_factory=list)


class _Simulation:
    def __init__(self, rules: Rulebook, snapshot: Snapshot, assumption: Assumption, past: Past, most_events: int) -> None:
        self._rules = rules
        self._assumption = assumption
        self._board = Board(snapshot)
        self._past = past
        self._most_events = most_events
        self._chains: dict[int, Chain] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._queue: deque[Occurrence] = deque()
        self._plans: list[Plan] = []
        self._firings: list[Firing] = []
        self._count = 0

    def run(self, events: Sequence[Occurrence]) -> Course:
        first = max((event.seq for event in events), default=0)
        world = World(self._board, self._assumption, first)
        self._chains = {event.root: self._past.chain for event in events}
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
        )

    def _go_on(self, world: World) -> bool:
        """One event, else what was gathered, else one job, else what people decide; whether there was any of it."""
        if self._queue:
            self._count += 1
            self._take_in(self._queue.popleft(), world)
            return True
        if self._waiting:
            gathered = next(iter(self._waiting.values()))
            del self._waiting[gathered.rule.id]
            past = self._past_of(gathered.events[0])
            self._follow(plan_gathered(gathered.rule, gathered.events, self._board, past), world)
            return True
        self._queue.extend(world.step() or world.decide())
        return bool(self._queue)

    def _take_in(self, event: Occurrence, world: World) -> None:
        made = plan(event, self._rules, self._board, self._past_of(event))
        for verdict in made.verdicts:
            if verdict.outcome is Outcome.DEBOUNCED:
                self._waiting.setdefault(verdict.rule.id, _Waiting(verdict.rule)).events.append(event)
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
            link = Link(firing.root, firing.depth, number)
            for effect in firing.effects:
                self._queue.extend(world.carry_out(effect, link))

    def _past_of(self, event: Occurrence) -> Past:
        return replace(self._past, chain=self._chains.get(event.root, Chain()))

    def _stops(self, world: World) -> tuple[Stop, ...]:
        stills, cells = self._board.stills, self._board.cells
        found = [Stop("variant", one, stills[one].key, link.depth) for one, link in sorted(world.gated_stills.items())]
        return (*found, *(Stop("scene", one, cells[one].key, link.depth) for one, link in sorted(world.gated_cells.items())))
