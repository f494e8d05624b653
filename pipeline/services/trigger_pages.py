"""What the pages of rules show: the rules with what each has done, and the log. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from data.store import Store, Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Event, Run
from pipeline.domain.rules.aftermath import Traces
from pipeline.domain.rules.checks import UNKNOWN_NAMES, Names
from pipeline.domain.rules.facts import occurrence
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.nearness import counts, near_misses
from pipeline.domain.rules.pages import Entry, Today, entries, of_today
from pipeline.domain.rules.planning import NOTHING_BEFORE, Outcome, Verdict, why
from pipeline.domain.rules.previews import in_the_way
from pipeline.domain.rules.products import ALL_MAY_BE_AUTOMATIC
from pipeline.domain.rules.snapshot import Board, Cost, Gates, Left
from pipeline.domain.rules.stored import Halt, StoredFiring, StoredRule, StoredVerdict
from pipeline.domain.rules.trials import Trial, try_out
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.statuses import RunStatus
from pipeline.ports import Clock
from pipeline.services.aftermaths import names_of, traces
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.runbooks import RunBooks
from pipeline.services.simulating import already_fired

_LOOKED_BACK = 2_000
_MOST_ENTRIES = 80
_MOST_BY_THE_WAY = 2_000
_MOST_JOBS_BY_THE_WAY = 2_000
_STALE = timedelta(seconds=5)
_ACTIVE = (RunStatus.RUNNING, RunStatus.PAUSED)


@dataclass(frozen=True)
class RulesNow:
    """Every rule, what each did by its id as text, the newest halt, and whether it is still on."""

    rules: tuple[StoredRule, ...]
    today: Mapping[str, Today]
    halt: Halt | None
    is_halted: bool
    at: datetime


@dataclass(frozen=True)
class Tried:
    """A draft tried on a run: which, what its budgets still cover, and what would come of it."""

    run: Run
    left: Left
    trial: Trial


@dataclass(frozen=True)
class Asked:
    """Why a rule did what it did at an event: its verdict, what the event was about, its words, and the scenes in the way."""

    verdict: Verdict
    about: str
    event: str
    missing: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class LogOf:
    """What the log is narrowed to: a rule, one event by number, or a scene with the pictures it is made from."""

    trigger_id: int | None = None
    event_seq: int | None = None
    cell_id: int | None = None


@dataclass(frozen=True)
class Log:
    """The log. `planned` is what each firing set out to do, by event and rule; `left` what came of that until now, of the newest
    ones; `roots` the event that began the chain of an event, where that was another one; `name` what the log is narrowed to, in
    words."""

    entries: tuple[Entry, ...]
    planned: Mapping[tuple[int, str], Cost]
    left: Mapping[tuple[int, str], Traces]
    roots: Mapping[int, int]
    name: str = ""


class TriggerPages:
    """Answers in a few statements, over what happened lately."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._near: tuple[datetime, tuple[int, int], Mapping[str, str]] | None = None

    def now(self) -> RulesNow:
        """The rules as they stand."""
        now = self._clock.now()
        midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        with self._stores.read() as store:
            rules = tuple(store.triggers.live())
            last = {key: at for key, (_, at) in store.firings.last_of([rule.id for rule in rules]).items()}
            firings = store.firings.latest(_LOOKED_BACK)
            verdicts = store.firings.verdicts(_LOOKED_BACK)
            halts = store.triggers.halts(1)
            near = self._near_misses(store, rules, now)
        today = of_today(firings, verdicts, last, midnight=midnight, now=now)
        today |= {key: replace(today.get(key, Today()), nearest=told) for key, told in near.items()}
        halt = halts[0] if halts else None
        return RulesNow(rules, today, halt, halt is not None and halt.resumed_at is None, now)

    def _near_misses(self, store: Store, rules: Sequence[StoredRule], now: datetime) -> Mapping[str, str]:
        """What is nearest to letting rules fire in the newest run that goes on, read anew every few seconds while things happen.

        A run with more scenes than can be read by the way has none.
        """
        counting = [stored.rule for stored in rules if counts(stored.rule) and stored.enabled and stored.rule.approved]
        run = next((run for run in store.runs.all() if run.status in _ACTIVE), None) if counting else None
        if run is None or sum(store.cells.counts(run.id).values()) > _MOST_BY_THE_WAY:
            return {}
        known = store.triggers.edition()[0], store.journal.last_seq()
        if self._near is None or self._near[1][0] != known[0] or (self._near[1] != known and now - self._near[0] > _STALE):
            board = Board(snapshot(store, self._books, run.id))
            self._near = (now, known, near_misses(counting, board))
        return self._near[2]

    def gates(self) -> Gates:
        """Who decides in the newest run; where there is none, nobody has to."""
        with self._stores.read() as store:
            runs = store.runs.all()
            if not runs:
                return ALL_MAY_BE_AUTOMATIC
            run = next((run for run in runs if run.status in _ACTIVE), runs[0])
            production = self._books.get(store, run.id).recipes.production
        approvals, people = production.approvals, [character.name for character in production.characters]
        return Gates(
            approvals.variants,
            approvals.scenes,
            {name: approvals.variants_of(name) for name in people},
            {name: approvals.scenes_of(name) for name in people},
            run.accept_flags,
        )

    def log(self, of: LogOf | None = None, *, limit: int = _MOST_ENTRIES) -> Log:
        """The newest events that rules had a say in, of what is asked for, with what each rule made of them."""
        of = of or LogOf()
        with self._stores.read() as store:
            verdicts = _verdicts(store, of, 4 * limit)
            seqs = sorted({one.event_seq for one in verdicts}, reverse=True)[:limit]
            wanted = set(seqs)
            verdicts = [one for one in verdicts if one.event_seq in wanted]
            events = store.journal.numbered(seqs)
            firings = [one for one in _firings(store, of, events, 4 * limit) if wanted.intersection(one.events)]
            left = traces(store, _cheap([one for one in firings if one.jobs and one.event_seq in wanted]))
            names = store.triggers.names([one.trigger_id for one in verdicts])
            about = names_of(store, events.values())
            name = _name_of(store, of)
        planned = {(one.event_seq, str(one.trigger_id)): Cost(one.jobs, one.gpu_seconds) for one in firings}
        by_line = {(one.event_seq, str(one.trigger_id)): left[one.id] for one in firings if one.id in left}
        roots = {one.event_seq: one.root for one in firings if one.root != one.event_seq}
        return Log(tuple(entries(events, verdicts, firings, names, about=about)), planned, by_line, roots, name)

    def trial(self, draft: Rule) -> Tried | None:
        """A draft on the board of the newest run that it applies to, beside the rules that are live; None without a run."""
        with self._stores.read() as store:
            ours = [run for run in store.runs.all() if draft.scope.project in (None, run.title)]
            run = next((run for run in ours if run.status in _ACTIVE), ours[0] if ours else None)
            if run is None:
                return None
            board = snapshot(store, self._books, run.id)
            others = [stored.rule for stored in store.triggers.live()]
            past = already_fired(store, [draft, *others])
        return Tried(run, board.left, try_out(draft, others, board, past=past))

    def why(self, event_seq: int, trigger_id: int) -> Asked:
        """The stored verdict of a rule on an event, with its condition held against the board as it stands now.

        Raises NotFound for an event or a rule that is not there.
        """
        with self._stores.read() as store:
            event = store.journal.numbered([event_seq]).get(event_seq)
            stored = store.triggers.by_id(trigger_id)
            told = next(iter(store.firings.verdicts(1, event_seq=event_seq, trigger_id=trigger_id)), None)
            happened = occurrence(event, root=event_seq, depth=0) if event else None
            if event is None or stored is None or happened is None:
                raise NotFound("This event or this rule is not there any more.")
            board = Board(snapshot(store, self._books, event.run_id))
            about = names_of(store, [event]).get((event.subject, event.subject_id), "")
        verdict = why(stored.rule, happened, board, NOTHING_BEFORE)
        missing = in_the_way(verdict.judged, happened, board) if verdict.judged is not None else ()
        if told is not None:
            verdict = replace(verdict, outcome=Outcome(told.outcome), reason=told.deciding or told.reason)
        named = tuple((one, board.cells[one].key) for one in missing)
        return Asked(verdict, about, EVENTS[event.type].words, named)

    def names(self, project: str | None, channels: Collection[str] = ()) -> Names:
        """What there is in a production, for whoever writes a rule of it."""
        with self._stores.read() as store:
            run = next((run for run in store.runs.all() if run.title == project), None)
            if run is None:
                return UNKNOWN_NAMES
            board = snapshot(store, self._books, run.id)
        cells = board.cells
        return Names(
            characters=tuple(dict.fromkeys(cell.character for cell in cells if cell.character)),
            scene_types=tuple(board.scene_types),
            variants=tuple(dict.fromkeys(cell.variant for cell in cells if cell.variant)),
            locations=tuple(dict.fromkeys(cell.location for cell in cells if cell.location)),
            metadata=tuple(sorted({key for facts in board.metadata.values() for key in facts})),
        )


def _verdicts(store: Store, of: LogOf, limit: int) -> list[StoredVerdict]:
    """Of a scene, those on its pictures too: what was not made of them did not reach it."""
    seq, rule = of.event_seq, of.trigger_id
    if of.cell_id is None:
        return store.firings.verdicts(limit, event_seq=seq, trigger_id=rule)
    stills = store.cells.stills_of([of.cell_id]).get(of.cell_id, ())
    things = [("cell", of.cell_id), *(("still", still_id) for still_id in stills)]
    found = [
        one
        for subject, subject_id in things
        for one in store.firings.verdicts(limit, event_seq=seq, trigger_id=rule, subject=subject, subject_id=subject_id)
    ]
    return sorted(found, key=lambda one: -one.id)


def _firings(store: Store, of: LogOf, events: Mapping[int, Event], limit: int) -> list[StoredFiring]:
    """The firings of these events. Those of one scene may lie further back than the newest of all."""
    if of.cell_id is None:
        found = store.firings.latest(limit, trigger_id=of.trigger_id, event_seq=of.event_seq)
        if of.event_seq is None:
            return found
        others = [one.id for one in store.firings.gathered_by([of.event_seq]) if of.trigger_id in (None, one.trigger_id)]
        return [*found, *store.firings.by_ids(others).values()]
    runs = {event.run_id for event in events.values() if event.run_id is not None}
    return [one for run_id in runs for one in store.firings.latest(_LOOKED_BACK, run_id=run_id, trigger_id=of.trigger_id)]


def _cheap(firings: Sequence[StoredFiring]) -> list[StoredFiring]:
    """The newest of these firings whose work is read by the way: the log is drawn again and again. The tree tells of any."""
    found: list[StoredFiring] = []
    jobs = 0
    for one in sorted(firings, key=lambda one: -one.id):
        jobs += one.jobs
        if jobs > _MOST_JOBS_BY_THE_WAY and found:
            break
        found.append(one)
    return found


def _name_of(store: Store, of: LogOf) -> str:
    if of.cell_id is not None:
        cell = store.cells.by_ids([of.cell_id]).get(of.cell_id)
        return cell.plan.key if cell else "a scene that is not there"
    return f"event {of.event_seq}" if of.event_seq is not None else ""
