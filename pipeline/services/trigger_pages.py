"""What the pages of rules show: the rules with what each has done, and the log. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from data.store import Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Run
from pipeline.domain.rules.checks import UNKNOWN_NAMES, Names
from pipeline.domain.rules.facts import occurrence
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.pages import Entry, Today, entries, of_today
from pipeline.domain.rules.planning import NOTHING_BEFORE, Outcome, Verdict, why
from pipeline.domain.rules.previews import in_the_way
from pipeline.domain.rules.products import ALL_MAY_BE_AUTOMATIC
from pipeline.domain.rules.snapshot import Board, Gates, Left
from pipeline.domain.rules.stored import Halt, StoredRule
from pipeline.domain.rules.trials import Trial, try_out
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.statuses import RunStatus
from pipeline.ports import Clock
from pipeline.services.aftermaths import names_of
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.runbooks import RunBooks

_LOOKED_BACK = 2_000
_MOST_ENTRIES = 120
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


class TriggerPages:
    """Answers in a few statements, over what happened lately."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

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
        today = of_today(firings, verdicts, last, midnight=midnight, now=now)
        halt = halts[0] if halts else None
        return RulesNow(rules, today, halt, halt is not None and halt.resumed_at is None, now)

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

    def log(self, *, trigger_id: int | None = None, limit: int = _MOST_ENTRIES) -> list[Entry]:
        """The newest events that rules had a say in, of one rule when given, with what each made of them."""
        with self._stores.read() as store:
            verdicts = store.firings.verdicts(4 * limit, trigger_id=trigger_id)
            seqs = sorted({one.event_seq for one in verdicts}, reverse=True)[:limit]
            wanted = set(seqs)
            verdicts = [one for one in verdicts if one.event_seq in wanted]
            firings = [one for one in store.firings.latest(4 * limit, trigger_id=trigger_id) if one.event_seq in wanted]
            events = store.journal.numbered(seqs)
            names = store.triggers.names([one.trigger_id for one in verdicts])
            about = names_of(store, events.values())
        return entries(events, verdicts, firings, names, about=about)

    def trial(self, draft: Rule) -> Tried | None:
        """A draft on the board of the newest run that it applies to, beside the rules that are live; None without a run."""
        with self._stores.read() as store:
            ours = [run for run in store.runs.all() if draft.scope.project in (None, run.title)]
            run = next((run for run in ours if run.status in _ACTIVE), ours[0] if ours else None)
            if run is None:
                return None
            board = snapshot(store, self._books, run.id)
            others = [stored.rule for stored in store.triggers.live()]
        return Tried(run, board.left, try_out(draft, others, board))

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
