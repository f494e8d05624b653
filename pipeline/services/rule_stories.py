"""Which rule did what to a scene, and which event had woken it: read in a caller's transaction for the story of that scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.store import Store
from pipeline.domain.records import Cell, Event
from pipeline.domain.rules.stored import StoredFiring
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.stories import ByRule
from pipeline.services.aftermaths import names_of

_MOST = 20
_BY_RULE = "rule:"
_FLAGGED = "cell.flagged"


def by_rules(store: Store, cell: Cell, events: Sequence[Event]) -> Mapping[int, ByRule]:
    """The rules behind the newest of these events of a scene, by the number of the event; none where people or machines acted."""
    ours = [event for event in events if event.actor.startswith(_BY_RULE)][-_MOST:]
    found = _firings(store, cell, ours) if ours else {}
    if not found:
        return {}
    woke = store.journal.numbered(list({firing.event_seq for firing in found.values()}))
    names = names_of(store, woke.values())
    live = {rule.id for rule in store.triggers.live()}
    return {
        event.seq: _told(event, found[event.seq], woke, names, found[event.seq].trigger_id in live)
        for event in ours
        if event.seq in found
    }


def _firings(store: Store, cell: Cell, events: Sequence[Event]) -> dict[int, StoredFiring]:
    """The firing behind each of these events, by the number of the event.

    What a rule asks for carries its mark; a flag follows from the event that tells of the firing.
    """
    marks = store.firings.marks_of("cell", [cell.id], events[0].seq).get(cell.id, [])
    fired = store.journal.numbered([event.cause for event in events if event.type == _FLAGGED and event.cause is not None])
    ids: dict[int, int] = {}
    for event in events:
        told = fired.get(event.cause or 0)
        held = [mark.firing_id for since, mark in marks if since <= event.seq]
        number = told.data.get("firing") if told is not None else held[-1] if held else None
        if number is not None:
            ids[event.seq] = number
    known = store.firings.by_ids(list(set(ids.values())))
    return {seq: known[number] for seq, number in ids.items() if number in known}


def _told(
    event: Event, firing: StoredFiring, woke: Mapping[int, Event], names: Mapping[tuple[str, int], str], is_live: bool
) -> ByRule:
    cause = woke.get(firing.event_seq)
    kind = EVENTS.get(cause.type) if cause else None
    return ByRule(
        rule=event.actor.removeprefix(_BY_RULE),
        rule_id=firing.trigger_id if is_live else None,
        event_seq=firing.event_seq,
        event=kind.words if kind else "",
        about=names.get((cause.subject, cause.subject_id), "") if cause else "",
        reason=str(event.data.get("reason") or ""),
    )
