"""Rules in force: what has happened since is held against them, and what they ask for is done, in one transaction.

Verdicts, firings, effects and the place among events are committed together with what the effects change. So a crash leaves
each firing whole or not begun, and of two engines the second finds nothing left to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from data.store import Store, Stores
from pipeline.domain.errors import Conflict, Refused
from pipeline.domain.records import Actor, Event
from pipeline.domain.rules.chains import AT_ONCE
from pipeline.domain.rules.facts import Occurrence, place_of
from pipeline.domain.rules.model import LIMITS, Limits, Rule
from pipeline.domain.rules.planning import (
    Chain,
    Firing,
    Outcome,
    Past,
    Plan,
    Thing,
    Verdict,
    plan_among,
    plan_gathered,
    thing_of,
)
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board
from pipeline.domain.rules.stored import Mark, chain_of
from pipeline.domain.rules.wording import judged_in_words
from pipeline.ports import Clock
from pipeline.services.carrying_out import Deed, Done, carry_out, package
from pipeline.services.event_chains import Places
from pipeline.services.rule_snapshots import NO_RUN
from pipeline.services.runbooks import RunBooks
from pipeline.services.warm_boards import WarmBoards

_KEPT_VERDICTS = 1_000_000


class FiringRules:
    """Fires rules. `channels` are the names of notifications that lead outside."""

    def __init__(
        self, stores: Stores, books: RunBooks, clock: Clock, *, channels: Collection[str] = (), limits: Limits = LIMITS
    ) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._channels = channels
        self._limits = limits
        self._edition = -1
        self._rulebook = Rulebook()
        self._from: dict[str, int] = {}
        self._boards = WarmBoards(books)

    def turn(self) -> int:
        """Take in the next events; how many there were. Cheap when there is nothing to do."""
        if not self.has_news():
            return 0
        try:
            with self._stores.begin(self._clock.now()) as store:
                return _Turn(self, store).run()
        except BaseException:
            self._boards.forget()
            raise

    def settle(self, most_turns: int = 1000) -> None:
        """Turn until all is quiet."""
        for _ in range(most_turns):
            if not self.turn():
                return

    def thin(self) -> int:
        """Remove the oldest verdicts beyond what is kept; how many were removed."""
        with self._stores.begin(self._clock.now()) as store:
            return store.firings.thin_verdicts(_KEPT_VERDICTS)

    @property
    def has_rules(self) -> bool:
        """Whether there were any rules in force when it last looked."""
        return bool(self._rulebook.rules)

    def has_news(self) -> bool:
        """Whether something that has happened, or has been waited for, is still to be held against rules."""
        with self._stores.read() as store:
            rules, _ = self.rules(store)
            if not rules.rules:
                return False
            if store.journal.last_seq() > store.triggers.cursor():
                return True
            due = store.firings.next_gathered()
            return due is not None and due <= self._clock.now()

    def next_due(self) -> datetime | None:
        """When a rule that gathers events fires next; None when none gathers any, or all are halted."""
        with self._stores.read() as store:
            return None if store.triggers.edition()[1] else store.firings.next_gathered()

    def rules(self, store: Store) -> tuple[Rulebook, str]:
        """(the rules in force, why they are halted); read again only after a rule was changed."""
        edition, halted = store.triggers.edition()
        if edition != self._edition:
            stored = store.triggers.live()
            self._rulebook = Rulebook([one.rule for one in stored])
            self._from = {str(one.id): one.from_seq for one in stored}
            self._edition = edition
        return self._rulebook, halted

    def listening(self, rulebook: Rulebook, event: Occurrence, board: Board) -> list[Rule]:
        """The rules that hear this event: those that were there when it happened."""
        found = rulebook.listening(event, place_of(event, board), board.snapshot.project)
        return [rule for rule in found if self._from[rule.id] < event.seq]


class _Turn:
    """One transaction of the engine."""

    def __init__(self, service: FiringRules, store: Store) -> None:
        self._service = service
        self._store = store
        self._books = service._books
        self._rulebook, self._halted = service.rules(store)
        self._boards = service._boards
        self._boards.begin()

    def run(self) -> int:
        """Everything that is due; how many events there were."""
        store = self._store
        events = store.journal.after(store.triggers.cursor(), AT_ONCE)
        places = Places(store, events)
        for event in events:
            self._take_in(event, places.of(event))
        count = len(events)
        if not self._halted:
            count += self._fire_gathered()
            self._go_on_with_packages()
        if events:
            store.triggers.move_cursor(events[-1].seq)
        return count

    def _take_in(self, event: Event, happened: Occurrence | None) -> None:
        if happened is None or not self._rulebook.hears(event.type):
            return
        board = self._board_of(event)
        rules = self._service.listening(self._rulebook, happened, board)
        if not rules:
            return
        # Nothing has fired for an event that begins a chain before it is taken in.
        chain = Chain() if happened.root == event.seq else self._chain(happened.root)
        made = plan_among(happened, rules, board, self._past(chain, rules, [happened], board))
        self._keep(made, [happened], [event])
        for verdict in made.verdicts:
            if verdict.outcome is Outcome.DEBOUNCED:
                self._store.firings.gather(
                    trigger_id=int(verdict.rule.id), version=verdict.rule.version, event_seq=event.seq, run_id=event.run_id,
                    due_at=self._store.journal.now + timedelta(seconds=verdict.rule.wait_s),
                )  # fmt: skip

    def _board(self, run_id: int | None) -> Board:
        return self._boards.board(self._store, run_id)

    def _board_of(self, event: Event) -> Board:
        """The run of an event; the budget of a production belongs to that, and to none of its runs."""
        if event.subject != "budget" or event.data.get("scope") != "project":
            return self._board(event.run_id)
        return Board(replace(NO_RUN, project=self._store.budgets.projects().get(int(event.data["of"]), "")))

    def _chain(self, root: int) -> Chain:
        return chain_of(self._store.firings.of_root(root))

    def _past(self, chain: Chain, rules: Sequence[Rule], events: Sequence[Occurrence], board: Board) -> Past:
        """What was before, as far as it matters to these rules and events."""
        once = [rule for rule in rules if rule.once]
        fired: set[tuple[str, Thing]] = set()
        if once:
            self._store.flush()
        for thing, ids in _things(once, events, board).items():
            fired.update((str(key), thing) for key in self._store.firings.fired_for(ids, thing))
        return Past(chain, frozenset(fired), self._service._limits, self._halted)

    # Firing -----------------------------------------------------------------------------------------------------

    def _keep(self, made: Plan, heard: Sequence[Occurrence], events: Sequence[Event]) -> None:
        """Store the verdicts on an event, or the one of a rule on each event that it gathered; and do what fires."""
        by_seq = {event.seq: event for event in events}
        about = [events[0]] * len(made.verdicts) if len(events) == 1 else [by_seq[one.seq] for one in heard]
        for event, verdict in zip(about, made.verdicts, strict=True):
            if verdict.outcome is not Outcome.OUT_OF_SCOPE:
                self._store.firings.add_verdict(**_row(verdict, event, self._store))
        for firing in made.firings:
            self._fire(firing, by_seq[firing.events[0].seq])

    def _fire(self, firing: Firing, event: Event) -> None:
        store, rule = self._store, firing.rule
        key = store.firings.add(
            event_seq=event.seq, trigger_id=int(rule.id), version=rule.version, run_id=event.run_id, root=firing.root,
            depth=firing.depth, branch=firing.branch, things=firing.things, events=[one.seq for one in firing.events],
            at=store.journal.now, jobs=firing.spent.jobs, gpu_seconds=firing.spent.gpu_seconds,
        )  # fmt: skip
        mark, actor = Mark(firing.root, firing.depth, key), Actor("rule", rule.name)
        told = {"rule": rule.name, "names": [], "event": _told(event)}
        first = store.journal.seq
        cause = store.journal.record(
            "trigger.fired", actor=actor, subject="trigger", subject_id=int(rule.id), run_id=event.run_id, cause=event.seq,
            depth=firing.depth, data={"firing": key, "version": rule.version, "branch": firing.branch},
        )  # fmt: skip
        deed = Deed(key, mark, actor, event.run_id, cause, told, self._service._channels)
        self._carry_out_all(firing, deed)
        for seq in range(first + 1, store.journal.seq + 1):
            store.firings.chain(seq, mark)

    def _carry_out_all(self, firing: Firing, deed: Deed) -> None:
        stopped_by = 0
        for effect in firing.effects:
            reason = effect.refusal
            if stopped_by and not reason:
                reason = f"action {stopped_by} before it failed"
            state, done = "refused", Done()
            if not reason:
                try:
                    with self._store.attempt():
                        done = carry_out(self._store, self._books, effect, deed)
                    state = done.state
                except (Conflict, Refused) as error:
                    state, reason = "failed", str(error)
                    if firing.stops_at_failures:
                        stopped_by = effect.number + 1
            self._store.firings.add_effect(
                firing_id=deed.firing_id, number=effect.number, kind=effect.action.kind.value, state=state, reason=reason,
                names=effect.names, result=done.result,
            )  # fmt: skip

    # What waits -------------------------------------------------------------------------------------------------

    def _fire_gathered(self) -> int:
        """Fire the rules that have waited long enough, each once for a run; how many events they had gathered."""
        store = self._store
        store.flush()
        gathered = store.firings.take_gathered(store.journal.now)
        rules = {rule.id: rule for rule in self._rulebook.rules}
        for trigger_id, rows in gathered.items():
            rule = rules.get(str(trigger_id))
            for run_id in dict.fromkeys(row.run_id for row in rows):
                seqs = [row.event_seq for row in rows if row.run_id == run_id]
                if rule is not None:
                    self._fire_one_gathered(rule, run_id, seqs)
        return sum(len(rows) for rows in gathered.values())

    def _fire_one_gathered(self, rule: Rule, run_id: int | None, seqs: Sequence[int]) -> None:
        events = list(self._store.journal.numbered(seqs).values())
        events.sort(key=lambda event: event.seq)
        places = Places(self._store, events)
        happened = [one for event in events if (one := places.of(event)) is not None]
        board = self._board_of(events[0])
        before = self._past(Chain(), [rule], happened, board)
        of_roots = self._store.firings.of_roots(sorted({one.root for one in happened}))
        chains = {root: chain_of(found) for root, found in of_roots.items()}
        made = plan_gathered(rule, happened, board, lambda event: replace(before, chain=chains[event.root]))
        self._keep(made, happened, events)

    def _go_on_with_packages(self) -> None:
        """Begin the packages that have waited for exports of theirs, where those are made now."""
        store = self._store
        for effect in store.firings.waiting_effects():
            firing = store.firings.by_ids([effect.firing_id])[effect.firing_id]
            name = store.triggers.names([firing.trigger_id])[firing.trigger_id]
            mark = Mark(firing.root, firing.depth, firing.id)
            deed = Deed(firing.id, mark, Actor("rule", name), firing.run_id, firing.event_seq)
            first = store.journal.seq
            reason = ""
            try:
                with store.attempt():
                    done = package(store, self._books, effect.result["characters"], deed)
            except Conflict as error:
                done, reason = Done("failed"), str(error)
            if done.state != "waiting":
                store.firings.settle_effect(effect.id, done.state, reason, done.result)
            for seq in range(first + 1, store.journal.seq + 1):
                store.firings.chain(seq, mark)


def _things(rules: Sequence[Rule], events: Sequence[Occurrence], board: Board) -> dict[Thing, list[int]]:
    """What each of these rules would fire for, with the rules by number."""
    found: dict[Thing, list[int]] = defaultdict(list)
    for event in events:
        place = place_of(event, board)
        for rule in rules:
            found[thing_of(rule.per, event, place)].append(int(rule.id))
    return found


def _row(verdict: Verdict, event: Event, store: Store) -> dict[str, object]:
    judged = verdict.branch if verdict.outcome is Outcome.TOO_FEW_MEASURED else verdict.judged
    return {
        "event_seq": event.seq,
        "trigger_id": int(verdict.rule.id),
        "version": verdict.rule.version,
        "run_id": event.run_id,
        "subject": event.subject,
        "subject_id": event.subject_id,
        "at": store.journal.now,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "deciding": judged_in_words(judged.deciding) if judged else "",
    }


def _told(event: Event) -> dict[str, object]:
    return {
        "seq": event.seq,
        "type": event.type,
        "at": event.at.isoformat(),
        "subject": event.subject,
        "subject_id": event.subject_id,
        "run": event.run_id,
    }
