"""Which chain events belong to: told by what they are about, and by what they followed from. In a caller's transaction.

Work that a rule asked for carries the mark of its chain until a person decides on it or asks for it anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from data.store import Store
from pipeline.domain.records import Event
from pipeline.domain.rules.facts import Occurrence, occurrence
from pipeline.domain.rules.stored import Mark
from pipeline.domain.rules.under_way import MARKED, makes_its_own


class Places:
    """The places of some stored events, in order, in their chains: read together, and stored as they are asked for in turn.

    What is marked while they are looked at begins after all of them, so reading once is enough.
    """

    def __init__(self, store: Store, events: Sequence[Event]) -> None:
        self._store = store
        causes = [event.cause for event in events if event.cause is not None and event.subject in ("run", "delivery")]
        self._chains = store.firings.chains_of(sorted({*(event.seq for event in events), *causes})) if events else {}
        self._marks: dict[tuple[str, int], list[tuple[int, Mark]]] = {}
        ids: dict[str, set[int]] = defaultdict(set)
        for event in events:
            if event.subject in MARKED:
                ids[event.subject].add(event.subject_id)
        for subject, wanted in ids.items():
            found = store.firings.marks_of(subject, sorted(wanted), events[0].seq)
            self._marks.update(((subject, key), marks) for key, marks in found.items())

    def of(self, event: Event) -> Occurrence | None:
        """The event with its place in its chain, which is stored; None for one that no rule can listen to."""
        plain = occurrence(event, root=event.seq, depth=0)
        if plain is None or plain.by != "person":
            return known_place(event, self._mark(event))
        if event.subject in MARKED and makes_its_own(event.type, plain.by) and self._marked(event) is not None:
            self._put(event, Mark(event.seq, 0, None))
        return plain

    def _mark(self, event: Event) -> Mark | None:
        known = self._chains.get(event.seq)
        if known is not None:
            if event.subject == "delivery" and self._marked(event) is None:  # a run delivers by itself what a rule has approved
                self._put(event, known)
            return known
        found = self._marked(event)
        if found is None and event.subject in ("run", "delivery") and event.cause is not None:
            found = self._chains.get(event.cause)
            if found is not None and event.subject == "delivery":
                self._put(event, found)
        if found is not None:
            self._store.firings.chain(event.seq, found)
            self._chains[event.seq] = found
        return found

    def _marked(self, event: Event) -> Mark | None:
        """The chain that what the event is about belonged to then."""
        marks = self._marks.get((event.subject, event.subject_id), [])
        held = next((mark for from_seq, mark in reversed(marks) if from_seq <= event.seq), None)
        return held if held is not None and held.depth else None

    def _put(self, event: Event, mark: Mark) -> None:
        """What the event is about belongs to this chain from now on."""
        self._store.firings.mark(event.subject, [event.subject_id], event.seq, mark)
        marks = self._marks.setdefault((event.subject, event.subject_id), [])
        marks.insert(bisect_right([from_seq for from_seq, _ in marks], event.seq), (event.seq, mark))


def known_place(event: Event, mark: Mark | None) -> Occurrence | None:
    """The event with this place in a chain; None for one that no rule can listen to."""
    if mark is None:
        return occurrence(event, root=event.seq, depth=0)
    return occurrence(event, root=mark.root, depth=mark.depth)
