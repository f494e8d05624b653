"""What became of events: verdicts, firings with their effects, gathered events, and the chains that events belong to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, select, update

from data.batch import Batch
from data.models import deliveries, events, production_run_cells, stills
from data.reads import Read
from data.repositories.chunks import chunks
from data.tables import fixed
from data.trigger_models import chain_marks as marks
from data.trigger_models import event_chains as chains
from data.trigger_models import trigger_effects as effects
from data.trigger_models import trigger_firings as firings
from data.trigger_models import trigger_things as things
from data.trigger_models import trigger_verdicts as verdicts
from data.trigger_models import trigger_waits as waits
from pipeline.domain.rules.stored import Mark, StoredEffect, StoredFiring, StoredVerdict

_ADD_VERDICT = insert(verdicts)
_ADD_MARK = insert(marks)
_ADD_CHAIN = insert(chains)
_ADD_WAIT = insert(waits)
_ADD_EFFECT = insert(effects)
_ADD_THING = insert(things)
_FIRED_FOR = Read(
    lambda many: select(things.c.trigger_id, things.c.kind, things.c.name).where(
        things.c.trigger_id.in_(many), things.c.kind == bindparam("kind"), things.c.name == bindparam("name")
    )
)
_CHAINS = Read(lambda many: select(chains).where(chains.c.seq.in_(many)))
_OF_ROOT = Read(lambda many: select(firings).where(firings.c.root == bindparam("root")).order_by(firings.c.id))
(_STILL_WAITS,) = fixed("waiting")
_WAITING = Read(lambda many: select(effects).where(effects.c.state == _STILL_WAITS).order_by(effects.c.id))
_NEXT_WAIT = Read(lambda many: select(func.min(waits.c.due_at).label("due_at")))


def _newest_marks(subject: str) -> Read:
    """The newest mark of each of these things up to an event, each found by the index, however many marks there are."""
    table = _MARKED[subject]
    newest = (
        select(marks.c.id)
        .where(marks.c.subject == subject, marks.c.subject_id == table.c.id, marks.c.from_seq <= bindparam("first"))
        .order_by(marks.c.from_seq.desc(), marks.c.id.desc())
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    again = marks.alias("again")
    return Read(lambda many: select(again).select_from(table.join(again, again.c.id == newest)).where(table.c.id.in_(many)))


_MARKED = {"cell": production_run_cells, "still": stills, "delivery": deliveries}
_NEWEST_MARKS = {subject: _newest_marks(subject) for subject in _MARKED}
_MARKS_SINCE = Read(
    lambda many: (
        select(marks)
        .where(marks.c.subject == bindparam("subject"), marks.c.subject_id.in_(many), marks.c.from_seq > bindparam("first"))
        .order_by(marks.c.from_seq, marks.c.id)
    )
)


class Firings:
    """Stores what rules did and why, and reads it back."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    # Writing ----------------------------------------------------------------------------------------------------

    def add_verdict(self, **row: Any) -> None:
        """One verdict: every field of StoredVerdict but its id."""
        self._batch.add(_ADD_VERDICT, row)

    def add(self, **row: Any) -> int:
        """One firing: every field of StoredFiring but its id and effects. The answer is its id."""
        plain = {**row, "things": [list(thing) for thing in row["things"]], "events": list(row["events"])}
        key: int = self._connection.execute(insert(firings).returning(firings.c.id), plain).scalar_one()
        for kind, name in row["things"]:
            self._batch.add(_ADD_THING, {"trigger_id": row["trigger_id"], "kind": kind, "name": name, "firing_id": key})
        return key

    def add_effect(self, **row: Any) -> None:
        """One effect: every field of StoredEffect but its id."""
        self._batch.add(_ADD_EFFECT, {**row, "names": list(row["names"]), "result": dict(row["result"])})

    def settle_effect(self, effect_id: int, state: str, reason: str, result: Mapping[str, Any]) -> None:
        """What came of an effect that waited."""
        waiting = (effects.c.id == effect_id, effects.c.state == "waiting")
        values = {"state": state, "reason": reason, "result": dict(result)}
        self._connection.execute(update(effects).where(*waiting).values(**values))

    def mark(self, subject: str, ids: Iterable[int], from_seq: int, mark: Mark) -> None:
        """What happens to these from an event on belongs to a chain."""
        for subject_id in ids:
            self._batch.add(
                _ADD_MARK,
                {
                    "subject": subject, "subject_id": subject_id, "from_seq": from_seq, "root": mark.root, "depth": mark.depth,
                    "firing_id": mark.firing_id,
                },
            )  # fmt: skip

    def chain(self, seq: int, mark: Mark) -> None:
        """An event belongs to a chain."""
        self._batch.add(_ADD_CHAIN, {"seq": seq, "root": mark.root, "depth": mark.depth, "firing_id": mark.firing_id})

    def gather(self, **row: Any) -> None:
        """An event waits with a rule: trigger_id, version, event_seq, run_id, due_at."""
        self._batch.add(_ADD_WAIT, row)

    def take_gathered(self, now: datetime) -> dict[int, list[Any]]:
        """The events of every rule of which the first has waited long enough, oldest first, by rule; they wait no more."""
        due = select(waits.c.trigger_id).where(waits.c.due_at <= now).distinct()
        rows = self._connection.execute(select(waits).where(waits.c.trigger_id.in_(due)).order_by(waits.c.event_seq)).all()
        found: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            found[row.trigger_id].append(row)
        if rows:
            self._connection.execute(delete(waits).where(waits.c.id.in_([row.id for row in rows])))
        return found

    def forget_gathered(self) -> int:
        """Nothing waits any more; how many did."""
        return self._connection.execute(delete(waits)).rowcount

    def thin_verdicts(self, keep: int) -> int:
        """Remove the oldest verdicts beyond so many; how many were removed."""
        newest = self._connection.execute(select(func.max(verdicts.c.id))).scalar() or 0
        return self._connection.execute(delete(verdicts).where(verdicts.c.id <= newest - keep)).rowcount

    # Reading ----------------------------------------------------------------------------------------------------

    def next_gathered(self) -> datetime | None:
        """When the first gathered events are due."""
        [row] = _NEXT_WAIT.rows(self._connection, {})
        found: datetime | None = row.due_at
        return found

    def waiting_effects(self) -> list[StoredEffect]:
        """Effects that wait for something, the oldest first."""
        return [_effect(row) for row in _WAITING.rows(self._connection, {})]

    def chains_of(self, seqs: Sequence[int]) -> dict[int, Mark]:
        """The chains of these events, of those that belong to one that a rule has led to."""
        found: dict[int, Mark] = {}
        for part in chunks(seqs):
            for row in _CHAINS.rows(self._connection, {}, part):
                found[row.seq] = Mark(row.root, row.depth, row.firing_id)
        return found

    def marks_of(self, subject: str, ids: Sequence[int], first: int) -> dict[int, list[tuple[int, Mark]]]:
        """(from which event on, the chain) of each of these scenes, pictures or deliveries that has belonged to one, in order.

        The first one of each held at the event `first` already; what held before it is left out.
        """
        found: dict[int, list[tuple[int, Mark]]] = defaultdict(list)
        for part in chunks(ids):
            held = _NEWEST_MARKS[subject].rows(self._connection, {"first": first}, part)
            since = _MARKS_SINCE.rows(self._connection, {"subject": subject, "first": first}, part)
            for row in (*held, *since):
                found[row.subject_id].append((row.from_seq, Mark(row.root, row.depth, row.firing_id)))
        return found

    def of_root(self, root: int) -> list[StoredFiring]:
        """All firings of one chain, in order, without their effects."""
        return [_plain(row) for row in _OF_ROOT.rows(self._connection, {"root": root})]

    def of_roots(self, roots: Sequence[int]) -> dict[int, list[StoredFiring]]:
        """All firings of each of these chains, in order, without their effects."""
        found: dict[int, list[StoredFiring]] = {root: [] for root in roots}
        for part in chunks(roots):
            for one in self._plain(select(firings).where(firings.c.root.in_(part)).order_by(firings.c.id)):
                found[one.root].append(one)
        return found

    def whole_chain(self, root: int) -> list[StoredFiring]:
        """The same with their effects."""
        return self._whole(self.of_root(root))

    def led_to(self, firing_ids: Sequence[int]) -> list[tuple[int, str, Mapping[str, Any]]]:
        """(firing, type, data) of every event that follows from these firings, those before the next firing only, in order."""
        found: list[tuple[int, str, Mapping[str, Any]]] = []
        for part in chunks(firing_ids):
            query = select(chains.c.firing_id, events.c.type, events.c.data).join(events, events.c.seq == chains.c.seq)
            rows = self._connection.execute(query.where(chains.c.firing_id.in_(part)).order_by(events.c.seq))
            found.extend((row.firing_id, row.type, json.loads(row.data)) for row in rows)
        return found

    def seqs_led_by(self, firing_ids: Sequence[int]) -> dict[int, int]:
        """The firing that each event follows from, by the number of the event, of those that follow from these firings."""
        found: dict[int, int] = {}
        for part in chunks(firing_ids):
            query = select(chains.c.seq, chains.c.firing_id).where(chains.c.firing_id.in_(part))
            found.update((row.seq, row.firing_id) for row in self._connection.execute(query))
        return found

    def gathered_by(self, seqs: Sequence[int]) -> list[StoredFiring]:
        """The firings that have gathered one of these events behind another one, in order, without their effects.

        They are told by the verdicts on these events, which are kept for a long time, and not for ever.
        """
        found: dict[int, StoredFiring] = {}
        for part in chunks(seqs):
            same = (verdicts.c.trigger_id == firings.c.trigger_id, verdicts.c.at == firings.c.at)
            later = (verdicts.c.event_seq.in_(part), verdicts.c.outcome == "matched", verdicts.c.event_seq != firings.c.event_seq)
            wanted = set(part)
            for one in self._plain(select(firings).join(verdicts, and_(*same)).where(*later)):
                if wanted.intersection(one.events):
                    found[one.id] = one
        return [found[key] for key in sorted(found)]

    def marked_last(self, subject: str, ids: Sequence[int]) -> dict[int, int]:
        """The firing that asked last for each of these scenes, pictures or deliveries, of those that still belong to one."""
        found: dict[int, int] = {}
        for part in chunks(ids):
            newest = select(func.max(marks.c.id)).where(marks.c.subject == subject, marks.c.subject_id.in_(part))
            query = select(marks.c.subject_id, marks.c.firing_id).where(marks.c.id.in_(newest.group_by(marks.c.subject_id)))
            found.update((row[0], row[1]) for row in self._connection.execute(query.where(marks.c.firing_id.is_not(None))))
        return found

    def fired_for(self, trigger_ids: Sequence[int], thing: tuple[str, str]) -> list[int]:
        """Those of these rules that have fired for a thing."""
        kind, name = thing
        rows = _FIRED_FOR.rows(self._connection, {"kind": kind, "name": name}, trigger_ids)
        return sorted({row.trigger_id for row in rows})

    def fired_things(self, trigger_ids: Sequence[int]) -> list[tuple[int, tuple[str, str]]]:
        """(rule, thing) of all that these rules have fired for."""
        found: list[tuple[int, tuple[str, str]]] = []
        for part in chunks(trigger_ids):
            query = select(things.c.trigger_id, things.c.kind, things.c.name).where(things.c.trigger_id.in_(part)).distinct()
            found.extend((row.trigger_id, (row.kind, row.name)) for row in self._connection.execute(query))
        return found

    def latest(
        self, limit: int, *, before: int | None = None, trigger_id: int | None = None, run_id: int | None = None,
        root: int | None = None, event_seq: int | None = None,
    ) -> list[StoredFiring]:  # fmt: skip
        """The newest firings with their effects, the newest first; `before` is the id to go on from."""
        equal = {"trigger_id": trigger_id, "run_id": run_id, "root": root, "event_seq": event_seq}
        query = select(firings).order_by(firings.c.id.desc()).limit(limit)
        query = query.where(*(firings.c[name] == value for name, value in equal.items() if value is not None))
        return self._whole(self._plain(query if before is None else query.where(firings.c.id < before)))

    def by_ids(self, ids: Sequence[int]) -> dict[int, StoredFiring]:
        """These firings with their effects."""
        return {one.id: one for one in self._whole(self._plain(select(firings).where(firings.c.id.in_(ids))))}

    def last_of(self, trigger_ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
        """(how often, when last) of those of these rules that have fired."""
        query = (
            select(firings.c.trigger_id, func.count(), func.max(firings.c.at))
            .where(firings.c.trigger_id.in_(trigger_ids))
            .group_by(firings.c.trigger_id)
        )
        return {row[0]: (row[1], row[2]) for row in self._connection.execute(query)}

    def verdicts(
        self, limit: int, *, event_seq: int | None = None, trigger_id: int | None = None, subject: str | None = None,
        subject_id: int | None = None, before: int | None = None,
    ) -> list[StoredVerdict]:  # fmt: skip
        """The newest verdicts, the newest first, of one event, rule or thing."""
        equal = {"event_seq": event_seq, "trigger_id": trigger_id, "subject": subject, "subject_id": subject_id}
        query = select(verdicts).order_by(verdicts.c.id.desc()).limit(limit)
        query = query.where(*(verdicts.c[name] == value for name, value in equal.items() if value is not None))
        rows = self._connection.execute(query if before is None else query.where(verdicts.c.id < before))
        return [StoredVerdict(**row._mapping) for row in rows]

    def caused(self, subject: str) -> list[int]:
        """The ids of the scenes, pictures or deliveries that a rule has asked for last."""
        newest = select(func.max(marks.c.id)).where(marks.c.subject == subject).group_by(marks.c.subject_id)
        query = select(marks.c.subject_id).where(marks.c.id.in_(newest), marks.c.depth > 0)
        return list(self._connection.execute(query).scalars())

    def _plain(self, query: Select[Any]) -> list[StoredFiring]:
        return [_plain(row) for row in self._connection.execute(query)]

    def _whole(self, found: list[StoredFiring]) -> list[StoredFiring]:
        made: dict[int, list[StoredEffect]] = defaultdict(list)
        for part in chunks([one.id for one in found]):
            query = select(effects).where(effects.c.firing_id.in_(part)).order_by(effects.c.firing_id, effects.c.number)
            for row in self._connection.execute(query):
                made[row.firing_id].append(_effect(row))
        return [replace(one, effects=tuple(made[one.id])) for one in found]


def _plain(row: Any) -> StoredFiring:
    return StoredFiring(**{**row._asdict(), "things": tuple((a, b) for a, b in row.things), "events": tuple(row.events)})


def _effect(row: Any) -> StoredEffect:
    return StoredEffect(**{**row._asdict(), "names": tuple(row.names)})
