"""What came of a firing: what it has led to, what that has cost, and the firings that followed from it, to any depth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.stored import StoredFiring

NO_COST = Cost()


@dataclass(frozen=True)
class Traces:
    """What a single firing left: what its ended jobs have cost (and how many they are), how many have not ended yet, and how
    many events of each type followed from it before another rule fired."""

    cost: Cost = NO_COST
    open_jobs: int = 0
    events: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shared:
    """A firing that has gathered an event that followed from here behind the first of them: there it stands, with its cost."""

    firing_id: int
    rule: str
    event_seq: int
    gathered: int


@dataclass(frozen=True)
class Aftermath:
    """A firing with all that followed. `about` is the name of what its event is about, `event_type` the type of that event.

    `shared` are firings that follow from it too, and that are part of another branch, or of another chain. `traces` are its own
    alone; `total` and `open_jobs` count everything below it, too. Work belongs to the firing that asked for it last, until a
    person decides on it or asks for it anew.
    """

    firing: StoredFiring
    rule: str
    event_type: str
    about: str
    traces: Traces
    followed: tuple[Aftermath, ...] = ()
    shared: tuple[Shared, ...] = ()

    @property
    def total(self) -> Cost:
        """What it and all that followed has cost until now."""
        return sum((one.traces.cost for one in self.walk()), NO_COST)

    @property
    def open_jobs(self) -> int:
        """How many jobs of all of it have not ended."""
        return sum(one.traces.open_jobs for one in self.walk())

    @property
    def firings(self) -> int:
        """How many firings followed from it, itself left out."""
        return sum(1 for _ in self.walk()) - 1

    @property
    def depth(self) -> int:
        """The depth of the deepest firing of it, counted from the event that began the chain."""
        return max(one.firing.depth for one in self.walk())

    def walk(self) -> Iterator[Aftermath]:
        """It and everything below, in the order of a tree that is read line by line."""
        yield self
        for one in self.followed:
            yield from one.walk()


@dataclass(frozen=True)
class Told:
    """What is known of stored firings: names of rules by id, types and subjects of events by number, which firing led to an
    event by the number of the event, and what each firing left by its id. `gathering` are firings of several events, of this
    chain or of another one, that may have gathered an event that followed."""

    rules: Mapping[int, str]
    event_types: Mapping[int, str]
    about: Mapping[int, str]
    led_by: Mapping[int, int]
    traces: Mapping[int, Traces]
    gathering: Sequence[StoredFiring] = ()


def woken_by(firing: StoredFiring, led_by: Mapping[int, int]) -> int | None:
    """The firing that led to an event of this one, the oldest event first; None where people or the pipeline did."""
    return next((led_by[seq] for seq in (firing.event_seq, *firing.events) if led_by.get(seq, firing.id) != firing.id), None)


def aftermaths(chain: Sequence[StoredFiring], told: Told) -> dict[int, Aftermath]:
    """Each firing of a chain with what followed from it within the chain, by id. `chain` is in the order of firing."""
    below: dict[int, list[Aftermath]] = defaultdict(list)
    shared = _shared(told)
    found: dict[int, Aftermath] = {}
    for firing in reversed(chain):  # whatever a firing has woken came after it
        made = Aftermath(
            firing,
            told.rules.get(firing.trigger_id, "a rule that was removed"),
            told.event_types.get(firing.event_seq, ""),
            told.about.get(firing.event_seq, ""),
            told.traces.get(firing.id, Traces()),
            tuple(reversed(below.pop(firing.id, ()))),
            tuple(shared.get(firing.id, ())),
        )
        found[firing.id] = made
        above = woken_by(firing, told.led_by)
        if above is not None:
            below[above].append(made)
    return found


def _shared(told: Told) -> dict[int, list[Shared]]:
    """By the firing that an event followed from, what has gathered it without being a branch of that firing."""
    found: dict[int, list[Shared]] = defaultdict(list)
    for one in told.gathering:
        branch_of = woken_by(one, told.led_by)
        name = told.rules.get(one.trigger_id, "a rule that was removed")
        for above in dict.fromkeys(told.led_by[seq] for seq in one.events if seq in told.led_by):
            if above not in (branch_of, one.id):
                found[above].append(Shared(one.id, name, one.event_seq, len(one.events)))
    return found
