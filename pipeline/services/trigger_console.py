"""The test console of rules: an event made up or taken from the log, followed to its end; and a past period run again.

Nothing here writes. A simulation and a replay are the engine that fires rules, on a copy of the board.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from data.store import Store, Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Event, Run
from pipeline.domain.rules.assumptions import ALL_GOES_WELL, Assumption
from pipeline.domain.rules.console import Walk, name_of, walk
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.periods import Period, Span, begins, over_time
from pipeline.domain.rules.previews import replay
from pipeline.domain.rules.snapshot import Board, Left
from pipeline.domain.rules.vocabulary import EVENTS, Subject
from pipeline.domain.statuses import RunStatus
from pipeline.ports import Clock
from pipeline.services.event_chains import known_place
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.runbooks import RunBooks
from pipeline.services.simulating import made_up, simulated

_REPLAYED = 50_000
_OFFERED = 60
_LOOKED_BACK = 4_000
_ACTIVE = (RunStatus.RUNNING, RunStatus.PAUSED)


@dataclass(frozen=True)
class Asked:
    """What is tried: a stored event by its number, or one made up of a type and the name of what it is about.

    `rule` counts as if it were on and approved, whatever its switch says; None takes the rules as they are.
    """

    run_id: int
    event_seq: int | None = None
    type: str = ""
    about: str = ""
    rule: Rule | None = None
    assumption: Assumption = ALL_GOES_WELL


@dataclass(frozen=True)
class Tried:
    """What would come of an event: in which run, what its budgets still cover, and every step."""

    run: Run
    event: Occurrence
    about: str
    left: Left
    walk: Walk


@dataclass(frozen=True)
class Offered:
    """A stored event that may be tried: its number, its words, what it is about, and when it was."""

    seq: int
    words: str
    about: str
    at: datetime


@dataclass(frozen=True)
class Replayed:
    """A period run through rules: in which run, and what came of it. `is_cut`: only the newest events of it were looked at."""

    run: Run
    period: Period
    is_cut: bool


class TriggerConsole:
    """Tries rules on one run without doing anything."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

    def now(self) -> datetime:
        """What time it is for the studio."""
        return self._clock.now()

    def names(self, run_id: int, type: str, text: str = "", limit: int = _OFFERED) -> list[str]:
        """What an event of this type may be about, in the order of the board: names that hold every word of the text."""
        kind = EVENTS[type].subject if type in EVENTS else None
        words = text.casefold().split()
        with self._stores.read() as store:
            if kind is Subject.CELL:
                return [cell.plan.key for cell in store.cells.matching(words, limit, run_id)]
            if kind is not Subject.STILL:
                return []
            keys = [still.key for still in store.stills.of_run(run_id)]
        return [key for key in keys if all(word in key.casefold() for word in words)][:limit]

    def events(self, run_id: int, *, seq: int | None = None) -> list[Offered]:
        """The newest events of a run that a rule can listen to, the newest first; and the one of this number, if there is one."""
        with self._stores.read() as store:
            found = store.journal.latest(_LOOKED_BACK, run_id=run_id, types=tuple(EVENTS))[:_OFFERED]
            if seq is not None and all(event.seq != seq for event in found):
                found = [*(event for event in store.journal.numbered([seq]).values() if event.type in EVENTS), *found]
            about = _named(store, found)
        return [Offered(event.seq, EVENTS[event.type].words, about.get(event.seq, ""), event.at) for event in found]

    def run_of(self, event_seq: int) -> int | None:
        """The run that a stored event belongs to; None for one of no run, or that is not there."""
        with self._stores.read() as store:
            event = store.journal.numbered([event_seq]).get(event_seq)
        return event.run_id if event else None

    def scene(self, cell_id: int) -> tuple[int, str] | None:
        """The run and the name of a scene; None when there is none of this id."""
        with self._stores.read() as store:
            cell = store.cells.by_ids([cell_id]).get(cell_id)
        return (cell.run_id, cell.plan.key) if cell else None

    def follow(self, asked: Asked) -> Tried:
        """All that would follow if it happened now. An event made up has happened on the copy of the board, too.

        Raises Invalid where it is not said what an event is about, and NotFound for a run, an event or a name that is not there.
        """
        with self._stores.read() as store:
            run = store.runs.by_ids([asked.run_id]).get(asked.run_id)
            if run is None:
                raise NotFound("This run is not there any more.")
            rules = [stored.rule for stored in store.triggers.live()]
            if asked.rule is not None:
                tried = replace(asked.rule, enabled=True, approved=True)
                rules = [*(rule for rule in rules if rule.id != tried.id), tried]
            seq = asked.event_seq
            happens = made_up(store, run.id, asked.type, asked.about) if seq is None else [seq]
            found = simulated(store, self._books, run.id, happens, rules, assumption=asked.assumption)
        [event] = found.events
        return Tried(run, event, name_of(event, Board(found.board)), found.board.left, walk(found.course, found.board))

    def replay(self, rules: Sequence[Rule], span: Span, *, run_id: int | None = None) -> Replayed | None:
        """What rules would have done in a period up to now, in a run or in the newest one they apply to; None without any.

        The facts are those of the board of today. Rules count as if they were on and approved.
        """
        now = self._clock.now().astimezone()
        since = begins(span, now)
        types = tuple(dict.fromkeys(name for rule in rules for name in rule.events))
        with self._stores.read() as store:
            run = _run(store, rules, run_id)
            if run is None:
                return None
            oldest = store.journal.last_seq() - _REPLAYED
            cut = store.journal.numbered([oldest]).get(oldest)
            found = store.journal.latest(_REPLAYED, run_id=run.id, types=types) if types else []
            events = [event for event in reversed(found) if since is None or event.at >= since]
            chains = store.firings.chains_of([event.seq for event in events])
            board = Board(snapshot(store, self._books, run.id))
        placed = (known_place(event, chains.get(event.seq)) for event in events)
        made = replay([one for one in placed if one is not None], rules, board)
        times = {event.seq: event.at.astimezone(now.tzinfo) for event in events}
        period = over_time(made, board, times, span=span, now=now)
        return Replayed(run, period, cut is not None and (since is None or cut.at > since))

    def rules_in_force(self) -> list[Rule]:
        """The rules that fire at present, were nothing halted."""
        with self._stores.read() as store:
            rules = [stored.rule for stored in store.triggers.live()]
        return [rule for rule in rules if rule.enabled and rule.approved]


def _run(store: Store, rules: Sequence[Rule], run_id: int | None) -> Run | None:
    if run_id is not None:
        return store.runs.by_ids([run_id]).get(run_id)
    projects = {rule.scope.project for rule in rules}
    ours = [run for run in store.runs.all() if None in projects or run.title in projects]
    return next((run for run in ours if run.status in _ACTIVE), ours[0] if ours else None)


def _named(store: Store, events: Sequence[Event]) -> dict[int, str]:
    cells = store.cells.by_ids([event.subject_id for event in events if event.subject == Subject.CELL])
    stills = store.stills.by_ids([event.subject_id for event in events if event.subject == Subject.STILL])
    names = {("cell", cell.id): cell.plan.key for cell in cells.values()}
    names |= {("still", still.id): still.key for still in stills.values()}
    return {event.seq: names.get((event.subject, event.subject_id), "") for event in events}
