"""What the pages of rules show: the rules with what each has done, and the log. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from data.store import Store, Stores
from pipeline.domain.records import Event
from pipeline.domain.rules.pages import Entry, Today, entries, of_today
from pipeline.domain.rules.stored import Halt, StoredRule
from pipeline.ports import Clock
from pipeline.services.runbooks import RunBooks

_LOOKED_BACK = 2_000
_MOST_ENTRIES = 120


@dataclass(frozen=True)
class RulesNow:
    """Every rule, what each did by its id as text, the newest halt, and whether it is still on."""

    rules: tuple[StoredRule, ...]
    today: Mapping[str, Today]
    halt: Halt | None
    is_halted: bool
    at: datetime


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
            about = _about(store, events.values())
        return entries(events, verdicts, firings, names, about=about)


def _about(store: Store, events: Iterable[Event]) -> dict[tuple[str, int], str]:
    """What each event is about, by name."""
    ids: dict[str, list[int]] = {"cell": [], "still": [], "run": []}
    for event in events:
        ids.setdefault(event.subject, []).append(event.subject_id)
    found = {("cell", cell.id): cell.plan.key for cell in store.cells.by_ids(ids["cell"]).values()}
    found |= {("still", still.id): still.key for still in store.stills.by_ids(ids["still"]).values()}
    return found | {("run", run.id): run.name for run in store.runs.by_ids(ids["run"]).values()}
