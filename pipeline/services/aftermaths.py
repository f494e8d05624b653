"""What came of the firings of a chain, read in a caller's transaction with a few statements, however many firings there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from data.store import Store
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Event
from pipeline.domain.rules.aftermath import NO_COST, Aftermath, Told, Traces, aftermaths
from pipeline.domain.rules.stored import StoredFiring
from pipeline.domain.statuses import JobStatus

_FIRED = "trigger.fired"
_RESULTS = {"cell": "cells", "still": "stills", "delivery": "deliveries"}


def of_firing(store: Store, firing_id: int) -> Aftermath:
    """A firing with all that followed. Raises NotFound."""
    firing = store.firings.by_ids([firing_id]).get(firing_id)
    if firing is None:
        raise NotFound(f"There is no firing {firing_id}. `./stripboard triggers firings` shows the newest.")
    return _of_chain(store, firing.root)[firing_id]


def of_event(store: Store, event_seq: int) -> tuple[Aftermath, ...]:
    """Every firing that an event has woken, with all that followed, in the order of firing. Raises NotFound.

    One that has gathered it behind other events is among them, wherever its own chain began.
    """
    if event_seq not in store.journal.numbered([event_seq]):
        raise NotFound(f"There is no event {event_seq}.")
    mark = store.firings.chains_of([event_seq]).get(event_seq)
    found = _of_chain(store, mark.root if mark else event_seq)
    woken = {key: one for key, one in found.items() if event_seq in one.firing.events}
    for other in store.firings.gathered_by([event_seq]):
        if other.id not in woken:
            woken[other.id] = _of_chain(store, other.root)[other.id]
    return tuple(woken[key] for key in sorted(woken))


def names_of(store: Store, events: Iterable[Event]) -> dict[tuple[str, int], str]:
    """What cells, pictures and runs that events are about are called, by subject and id."""
    ids: dict[str, list[int]] = defaultdict(list)
    for event in events:
        ids[event.subject].append(event.subject_id)
    found = {("cell", cell.id): cell.plan.key for cell in store.cells.by_ids(ids["cell"]).values()}
    found |= {("still", still.id): still.key for still in store.stills.by_ids(ids["still"]).values()}
    return found | {("run", run.id): run.name for run in store.runs.by_ids(ids["run"]).values()}


def _of_chain(store: Store, root: int) -> dict[int, Aftermath]:
    chain = store.firings.whole_chain(root)
    gathering = _gathering(store, chain)
    seqs = sorted({seq for firing in (*chain, *gathering) for seq in (firing.event_seq, *firing.events)})
    events = store.journal.numbered(seqs)
    names = names_of(store, events.values())
    led_by = {seq: mark.firing_id for seq, mark in store.firings.chains_of(seqs).items() if mark.firing_id is not None}
    told = Told(
        rules=store.triggers.names(list({firing.trigger_id for firing in (*chain, *gathering)})),
        event_types={seq: event.type for seq, event in events.items()},
        about={seq: names.get((event.subject, event.subject_id), "") for seq, event in events.items()},
        led_by=led_by,
        traces=traces(store, chain),
        gathering=gathering,
    )
    return aftermaths(chain, told)


def _gathering(store: Store, chain: Sequence[StoredFiring]) -> list[StoredFiring]:
    """The firings of several events, of this chain and of others, that have gathered what followed from it."""
    seqs = sorted(store.firings.seqs_led_by([firing.id for firing in chain]))
    return store.firings.gathered_by(seqs) if seqs else []


def traces(store: Store, chain: Sequence[StoredFiring]) -> dict[int, Traces]:
    """What each of these firings left, by id."""
    events: dict[int, Counter[str]] = defaultdict(Counter)
    jobs: dict[int, set[int]] = defaultdict(set)
    for firing_id, type, data in store.firings.led_to([firing.id for firing in chain]):
        if type != _FIRED:
            events[firing_id][type] += 1
        if "job" in data and type.endswith((".completed", ".failed")):
            jobs[firing_id].add(data["job"])
    costs = store.costs.of_jobs(sorted(set().union(*jobs.values())))
    still_open = _open_jobs(store, chain)
    found = {}
    for firing in chain:
        cost = sum((costs.get(job, NO_COST) for job in jobs[firing.id]), NO_COST)
        found[firing.id] = Traces(cost, still_open.get(firing.id, 0), dict(events[firing.id]))
    return found


def _open_jobs(store: Store, chain: Sequence[StoredFiring]) -> Mapping[int, int]:
    """How many jobs have not ended of what each firing of a chain was the last to ask for."""
    found: Counter[int] = Counter()
    for subject, key in _RESULTS.items():
        ids = sorted({one for firing in chain for effect in firing.effects for one in effect.result.get(key, ())})
        owners = store.firings.marked_last(subject, ids)
        for job in store.jobs.unfinished_of(subject, list(owners)):
            if job.status is not JobStatus.FAILED:
                found[owners[job.subject_id]] += 1
    return found
