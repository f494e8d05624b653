"""What people read of rules: how each stands, why one fired or did not, what a draft would do. Nothing here writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from data.store import Store, Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.rules.aftermath import Aftermath
from pipeline.domain.rules.assumptions import ALL_GOES_WELL, Assumption
from pipeline.domain.rules.chains import Course, as_if
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.loops import Analysis, Loop, analyse
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.planning import NOTHING_BEFORE, Plan, plan_among
from pipeline.domain.rules.previews import Replay, replay, standing_events
from pipeline.domain.rules.snapshot import Board, Snapshot
from pipeline.domain.rules.stored import StoredFiring, StoredRule, StoredVerdict
from pipeline.domain.rules.wording import sentence
from pipeline.services.aftermaths import of_event, of_firing
from pipeline.services.event_chains import known_place
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.runbooks import RunBooks
from pipeline.services.simulating import made_up, simulated, stored

_REPLAYED = 50_000


@dataclass(frozen=True)
class RuleView:
    """A rule in the list. `state` is `on`, `off`, `waits for approval` or `halted`; `loops` are those that it is part of."""

    stored: StoredRule
    rule: Rule
    sentence: str
    state: str
    loops: tuple[Loop, ...]
    firings: int
    last_at: datetime | None


@dataclass(frozen=True)
class NamedVerdict:
    """A verdict with the name of its rule and the type of its event."""

    verdict: StoredVerdict
    rule: str
    event_type: str


@dataclass(frozen=True)
class NamedFiring:
    """A firing with the name of its rule, the type of its event, and the firing that led to that event, if one did."""

    firing: StoredFiring
    rule: str
    event_type: str
    caused_by: int | None


@dataclass(frozen=True)
class DraftPreview:
    """What a draft would do if every event that stands on the board of today happened now, each by itself.

    `matched` are the events for which it would fire, `names` what those are about; `outcomes` counts the verdicts.
    """

    plans: tuple[Plan, ...]
    names: tuple[str, ...]
    outcomes: Mapping[str, int]

    @property
    def firings(self) -> int:
        """How often it would fire."""
        return sum(len(one.firings) for one in self.plans)


class TriggerViews:
    """Reads rules and what became of events."""

    def __init__(self, stores: Stores, books: RunBooks) -> None:
        self._stores = stores
        self._books = books

    def rules(self) -> list[RuleView]:
        """Every rule with how it stands, in the order in which they come to their turn."""
        with self._stores.read() as store:
            stored = store.triggers.live()
            halted = store.triggers.edition()[1]
            fired = store.firings.last_of([one.id for one in stored])
        rules = {one.id: one.rule for one in stored}
        analysis = analyse(list(rules.values()))
        views = [_view(one, rules[one.id], analysis, halted, fired.get(one.id)) for one in stored]
        return sorted(views, key=lambda view: (-view.rule.priority, view.rule.age))

    def analysis(self) -> Analysis:
        """Which rule may wake which, and the loops."""
        with self._stores.read() as store:
            return analyse([one.rule for one in store.triggers.live()])

    def verdicts(
        self, *, event_seq: int | None = None, rule_id: int | None = None, subject: str | None = None,
        subject_id: int | None = None, before: int | None = None, limit: int = 100,
    ) -> list[NamedVerdict]:  # fmt: skip
        """The newest verdicts first: of an event, a rule, or a `cell`, `still`, `run` or `delivery`. Why did it not fire?"""
        with self._stores.read() as store:
            found = store.firings.verdicts(
                limit, event_seq=event_seq, trigger_id=rule_id, subject=subject, subject_id=subject_id, before=before
            )
            names = store.triggers.names(list({one.trigger_id for one in found}))
            events = store.journal.numbered(list({one.event_seq for one in found}))
        return [NamedVerdict(one, names.get(one.trigger_id, "?"), events[one.event_seq].type) for one in found]

    def firings(
        self, *, rule_id: int | None = None, run_id: int | None = None, root: int | None = None, event_seq: int | None = None,
        before: int | None = None, limit: int = 100,
    ) -> list[NamedFiring]:  # fmt: skip
        """The log: the newest firings first, with what each action came to; `root` gives a whole chain, with what has gathered
        the event that began it behind others."""
        with self._stores.read() as store:
            found = store.firings.latest(
                limit, before=before, trigger_id=rule_id, run_id=run_id, root=root, event_seq=event_seq
            )  # fmt: skip
            if root is not None and before is None:
                others = [one.id for one in store.firings.gathered_by([root]) if one.root != root]
                ours = [one for one in store.firings.by_ids(others).values() if rule_id in (None, one.trigger_id)]
                found = sorted([*found, *ours], key=lambda one: -one.id)
            names = store.triggers.names(list({one.trigger_id for one in found}))
            seqs = list({one.event_seq for one in found})
            events, chains = store.journal.numbered(seqs), store.firings.chains_of(seqs)
        return [
            NamedFiring(
                one,
                names.get(one.trigger_id, "?"),
                events[one.event_seq].type,
                chains[one.event_seq].firing_id if one.event_seq in chains else None,
            )
            for one in found
        ]

    def what_followed(self, firing_id: int) -> Aftermath:
        """A firing with what it has led to and cost, and all firings that followed from it. Raises NotFound."""
        with self._stores.read() as store:
            return of_firing(store, firing_id)

    def what_followed_event(self, event_seq: int) -> tuple[Aftermath, ...]:
        """The same for every firing that an event has woken; none where it has woken no rule. Raises NotFound."""
        with self._stores.read() as store:
            return of_event(store, event_seq)

    def dry_run(self, event_seq: int, drafts: Sequence[Rule] = ()) -> Plan:
        """What a stored event would set in motion if it happened now, through the rules in force or through drafts."""
        with self._stores.read() as store:
            event = stored(store, event_seq)
            board = Board(snapshot(store, self._books, self._run_of(store, event_seq)))
            rules = list(drafts) or [one.rule for one in store.triggers.live()]
        return plan_among(as_if(event, event.seq), [one for one in rules if event.type in one.events], board, NOTHING_BEFORE)

    def simulate(
        self, run_id: int, event: Occurrence | int | Sequence[int], *, drafts: Sequence[Rule] = (),
        assumption: Assumption = ALL_GOES_WELL, goes_on: bool = False,
    ) -> Course:  # fmt: skip
        """All that would follow from an event of a run, composed or stored (its number, or several), if it happened now.

        `drafts` count as if they were saved, on and approved; one with the name of a saved rule stands for that one. A composed
        event has happened on the copy of the board, too. `goes_on`: the work that is under way in the run is done as well.
        """
        happens = [event] if isinstance(event, int) else event
        taken = {one.name for one in drafts}
        tried = [replace(one, enabled=True, approved=True) for one in drafts]
        with self._stores.read() as store:
            rules = [one.rule for one in store.triggers.live() if one.name not in taken]
            found = simulated(
                store, self._books, run_id, happens, [*rules, *tried], assumption=assumption, goes_on=goes_on
            )  # fmt: skip
        return found.course

    def made_up(self, run_id: int, type: str, about: str) -> Occurrence:
        """An event that a person might cause in a run: its type, and the name of the scene or picture that it happens to."""
        with self._stores.read() as store:
            return made_up(store, run_id, type, about)

    def replay(
        self, run_id: int, drafts: Sequence[Rule], *, since: datetime | None = None, until: datetime | None = None
    ) -> Replay:
        """What drafts would have done on the stored events of a run in a period, on the board of today."""
        with self._stores.read() as store:
            board = Board(self._snapshot(store, run_id))
            events = [
                event
                for event in store.journal.after(0, _REPLAYED, run_id)
                if (since is None or event.at >= since) and (until is None or event.at < until)
            ]
            chains = store.firings.chains_of([event.seq for event in events])
        placed = (known_place(event, chains.get(event.seq)) for event in events)
        return replay([one for one in placed if one is not None], drafts, board)

    def preview(self, run_id: int, draft: Rule) -> DraftPreview:
        """What a draft would do on the board of today, for each event that stands on it."""
        with self._stores.read() as store:
            board = Board(self._snapshot(store, run_id))
        tried = replace(draft, enabled=True, approved=True, wait_s=0.0)
        plans = [plan_among(event, [tried], board, NOTHING_BEFORE) for event in standing_events(tried, board)]
        outcomes = Counter(verdict.outcome.value for made in plans for verdict in made.verdicts)
        hits = [made for made in plans if made.firings]
        return DraftPreview(tuple(hits), tuple(_name(made, board) for made in hits), outcomes)

    def _snapshot(self, store: Store, run_id: int) -> Snapshot:
        found = snapshot(store, self._books, run_id)
        if found.run_id != run_id:
            raise NotFound(f"There is no run {run_id}.")
        return found

    @staticmethod
    def _run_of(store: Store, seq: int) -> int | None:
        return store.journal.numbered([seq])[seq].run_id


def _view(
    one: StoredRule, rule: Rule, analysis: Analysis, halted: str, fired: tuple[int, datetime] | None
) -> RuleView:  # fmt: skip
    loops = tuple(loop for loop in analysis.loops if str(one.id) in loop.rules)
    state = "off" if not rule.enabled else "halted" if halted else "on" if rule.approved else "waits for approval"
    count, last = fired or (0, None)
    return RuleView(one, rule, sentence(rule), state, loops, count, last)


def _name(made: Plan, board: Board) -> str:
    about = board.cells.get(made.event.subject_id) if made.event.subject == "cell" else board.stills.get(made.event.subject_id)
    return about.key if about else ""
