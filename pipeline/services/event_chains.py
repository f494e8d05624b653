"""Which chain an event belongs to: told by what it is about, and by what it followed from. In a caller's transaction.

Work that a rule asked for carries the mark of its chain until a person decides on it or asks for it anew.
"""

from __future__ import annotations

from data.store import Store
from pipeline.domain.records import Event
from pipeline.domain.rules.facts import Occurrence, occurrence
from pipeline.domain.rules.stored import Mark

_MARKED = frozenset({"cell", "still", "delivery"})
_UNTOUCHED = frozenset({"cell.changed", "cell.stale", "cell.fresh", "cell.flagged", "still.flagged"})
"""What people may do to a scene without making its work their own."""


def place(store: Store, event: Event) -> Occurrence | None:
    """The event with its place in its chain, which is stored; None for one that no rule can listen to."""
    plain = occurrence(event, root=event.seq, depth=0)
    by_person = plain is not None and plain.by == "person"
    mark = None if by_person else _mark(store, event)
    takes_over = by_person and event.subject in _MARKED and event.type not in _UNTOUCHED
    if takes_over and store.firings.mark_of(event.subject, event.subject_id, event.seq) is not None:
        store.firings.mark(event.subject, [event.subject_id], event.seq, Mark(event.seq, 0, None))
    return known_place(event, mark)


def known_place(event: Event, mark: Mark | None) -> Occurrence | None:
    """The event with this place in a chain; None for one that no rule can listen to."""
    if mark is None:
        return occurrence(event, root=event.seq, depth=0)
    return occurrence(event, root=mark.root, depth=mark.depth)


def _mark(store: Store, event: Event) -> Mark | None:
    known = store.firings.chains_of([event.seq]).get(event.seq)
    if known is not None:
        return known
    found = store.firings.mark_of(event.subject, event.subject_id, event.seq) if event.subject in _MARKED else None
    if found is None and event.subject in ("run", "delivery") and event.cause is not None:
        found = store.firings.chains_of([event.cause]).get(event.cause)
        if found is not None and event.subject == "delivery":
            store.firings.mark("delivery", [event.subject_id], event.seq, found)
    if found is not None:
        store.firings.chain(event.seq, found)
        store.flush()
    return found
