"""What became of events: verdicts, firings with their effects, gathered events, and the chains that events belong to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from data.batch import Batch
from data.models import events
from data.repositories.chunks import chunks
from data.trigger_models import chain_marks as marks
from data.trigger_models import event_chains as chains
from data.trigger_models import trigger_effects as effects
from data.trigger_models import trigger_firings as firings
from data.trigger_models import trigger_verdicts as verdicts
from data.trigger_models import trigger_waits as waits
from pipeline.domain.rules.stored import Mark, StoredEffect, StoredFiring, StoredVerdict

_ADD_VERDICT = insert(verdicts)
_ADD_MARK = insert(marks)
_ADD_CHAIN = insert(chains)
_ADD_WAIT = insert(waits)


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
        return self._connection.execute(insert(firings).returning(firings.c.id), plain).scalar_one()

    def add_effect(self, **row: Any) -> int:
        """One effect: every field of StoredEffect but its id, which is the answer."""
        plain = {**row, "names": list(row["names"]), "result": dict(row["result"])}
        return self._connection.execute(insert(effects).returning(effects.c.id), plain).scalar_one()

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
        return self._connection.execute(select(func.min(waits.c.due_at))).scalar()

    def waiting_effects(self) -> list[StoredEffect]:
        """Effects that wait for something, the oldest first."""
        query = select(effects).where(effects.c.state == "waiting").order_by(effects.c.id)
        return [_effect(row) for row in self._connection.execute(query)]

    def chains_of(self, seqs: Sequence[int]) -> dict[int, Mark]:
        """The chains of these events, of those that belong to one that a rule has led to."""
        found: dict[int, Mark] = {}
        for part in chunks(seqs):
            for row in self._connection.execute(select(chains).where(chains.c.seq.in_(part))):
                found[row.seq] = Mark(row.root, row.depth, row.firing_id)
        return found

    def mark_of(self, subject: str, subject_id: int, seq: int) -> Mark | None:
        """The chain that something belonged to at an event."""
        query = (
            select(marks)
            .where(marks.c.subject == subject, marks.c.subject_id == subject_id, marks.c.from_seq <= seq)
            .order_by(marks.c.from_seq.desc(), marks.c.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return None if row is None or not row.depth else Mark(row.root, row.depth, row.firing_id)

    def of_root(self, root: int) -> list[StoredFiring]:
        """All firings of one chain, in order, without their effects."""
        return self._plain(select(firings).where(firings.c.root == root).order_by(firings.c.id))

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

    def marked_last(self, subject: str, ids: Sequence[int]) -> dict[int, int]:
        """The firing that asked last for each of these scenes, pictures or deliveries, of those that still belong to one."""
        found: dict[int, int] = {}
        for part in chunks(ids):
            newest = select(func.max(marks.c.id)).where(marks.c.subject == subject, marks.c.subject_id.in_(part))
            query = select(marks.c.subject_id, marks.c.firing_id).where(marks.c.id.in_(newest.group_by(marks.c.subject_id)))
            found.update((row[0], row[1]) for row in self._connection.execute(query.where(marks.c.firing_id.is_not(None))))
        return found

    def things_of(self, trigger_ids: Sequence[int]) -> list[StoredFiring]:
        """Every firing of these rules, without effects: what they have fired for."""
        return self._plain(select(firings).where(firings.c.trigger_id.in_(trigger_ids)))

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
        return [
            StoredFiring(
                **{**row._mapping, "things": tuple((a, b) for a, b in row.things), "events": tuple(row.events)},
            )
            for row in self._connection.execute(query)
        ]

    def _whole(self, found: list[StoredFiring]) -> list[StoredFiring]:
        made: dict[int, list[StoredEffect]] = defaultdict(list)
        for part in chunks([one.id for one in found]):
            query = select(effects).where(effects.c.firing_id.in_(part)).order_by(effects.c.firing_id, effects.c.number)
            for row in self._connection.execute(query):
                made[row.firing_id].append(_effect(row))
        return [replace(one, effects=tuple(made[one.id])) for one in found]


def _effect(row: Any) -> StoredEffect:
    return StoredEffect(**{**row._mapping, "names": tuple(row.names)})
