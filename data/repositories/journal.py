"""Events and the audit chain: written with the state they tell of, in the same transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from data.batch import Batch
from data.column_types import UtcTime
from data.models import audit_log, events, heads
from data.reads import Read
from data.repositories.chunks import chunks
from data.tables import fixed
from pipeline.domain.activity import NOTED
from pipeline.domain.records import Actor, Event
from pipeline.domain.statuses import CellStatus

_INSERT_EVENT = insert(events)
_INSERT_AUDIT = insert(audit_log)
_HEAD = Read(lambda many: select(heads.c.event_seq, heads.c.audit_hash).where(heads.c.id == 1).with_for_update())
_LAST = Read(lambda many: select(heads.c.event_seq))
_AFTER = Read(lambda many: select(events).where(events.c.seq > bindparam("seq")).order_by(events.c.seq))
_AFTER_IN_RUN = Read(
    lambda many: (
        select(events).where(events.c.run_id == bindparam("run_id"), events.c.seq > bindparam("seq")).order_by(events.c.seq)
    )
)
_TOUCHED = Read(
    lambda many: select(events.c.type, events.c.subject, events.c.subject_id).where(
        events.c.run_id == bindparam("run_id"), events.c.seq > bindparam("seq")
    )
)
_SET_HEAD = update(heads).where(heads.c.id == 1).values(event_seq=bindparam("b_seq"), audit_hash=bindparam("b_hash"))
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_to_us = UtcTime().process_bind_param


class Journal:
    """Records events in order and reads them back."""

    def __init__(self, connection: Connection, batch: Batch, now: datetime | None) -> None:
        self._connection = connection
        self._batch = batch
        self._now = now
        self._seq = self._first_seq = 0
        self._hash = ""

    @property
    def now(self) -> datetime:
        """The time of this transaction; every row it writes carries it."""
        assert self._now is not None, "a reading transaction writes nothing"
        return self._now

    def lock_head(self) -> None:
        """Become the only writer until this transaction ends."""
        [row] = _HEAD.rows(self._connection, {})
        self._seq = self._first_seq = row.event_seq
        self._hash = row.audit_hash

    @property
    def seq(self) -> int:
        """The number of the newest event, those of this transaction counted."""
        return self._seq

    @property
    def place(self) -> tuple[int, str]:
        """Where the numbering and the audit chain stand."""
        return self._seq, self._hash

    @contextmanager
    def going_back(self, place: tuple[int, str]) -> Iterator[None]:
        """Number on from `place` again when the caller's part fails: its events are not stored."""
        try:
            yield
        except BaseException:
            self._seq, self._hash = place
            raise

    def record(
        self,
        type: str,
        *,
        actor: Actor,
        subject: str,
        subject_id: int,
        run_id: int | None = None,
        cause: int | None = None,
        depth: int = 0,
        data: Mapping[str, Any] | None = None,
    ) -> int:
        """Store one event and its audit row; the answer is its sequence number, usable as the `cause` of others."""
        self._seq += 1
        row = {
            "seq": self._seq,
            "at": self._now,
            "type": type,
            "run_id": run_id,
            "subject": subject,
            "subject_id": subject_id,
            "actor": str(actor),
            "cause": cause,
            "depth": depth,
            "data": _encode(data) if data else "{}",
        }
        self._hash = _link(self._hash, row)
        self._batch.tell(_INSERT_EVENT, row)
        self._batch.tell(_INSERT_AUDIT, {"seq": self._seq, "hash": self._hash})
        return self._seq

    def write_head(self) -> None:
        """Queue where the sequence and the chain stand now: after the last event, before the last flush."""
        if self._seq != self._first_seq:
            self._batch.add(_SET_HEAD, {"b_seq": self._seq, "b_hash": self._hash})

    def after(self, seq: int, limit: int = 1000, run_id: int | None = None) -> list[Event]:
        """Committed events with a number above `seq`, in order."""
        if run_id is None:
            return [_event(row) for row in _AFTER.rows(self._connection, {"seq": seq}, most=limit)]
        return [_event(row) for row in _AFTER_IN_RUN.rows(self._connection, {"seq": seq, "run_id": run_id}, most=limit)]

    def touched(self, run_id: int, seq: int, limit: int) -> list[tuple[str, str, int]]:
        """(type, subject, its id) of the events of a run with a number above `seq`, of `limit` at most."""
        rows = _TOUCHED.rows(self._connection, {"seq": seq, "run_id": run_id}, most=limit)
        return [(row.type, row.subject, row.subject_id) for row in rows]

    def latest(self, limit: int, *, run_id: int | None = None, types: Sequence[str] = ()) -> list[Event]:
        """The newest events, the newest first, as far as `limit` events back; of one run and of some types when given."""
        query = select(events).order_by(events.c.seq.desc())
        if types:
            oldest = select(heads.c.event_seq - limit).scalar_subquery()
            query = query.where(events.c.seq > oldest, events.c.type.in_(types))
        if run_id is not None:
            query = query.where(events.c.run_id == run_id)
        return [_event(row) for row in self._connection.execute(query.limit(limit))]

    def noted(self, limit: int) -> list[Event]:
        """The newest `limit` events of each type that notices are made of, the newest first, however long ago they were."""
        found: list[Event] = []
        for word in fixed(*NOTED):
            of_type = (events.c.type.in_(fixed(*NOTED)), events.c.type == word)  # the first is what its index asks for
            query = select(events).where(*of_type).order_by(events.c.seq.desc()).limit(limit)
            found.extend(_event(row) for row in self._connection.execute(query))
        return sorted(found, key=lambda event: event.seq, reverse=True)

    def last_moves(self, subject: str, ids: Sequence[int]) -> dict[int, Event]:
        """The event of the newest status of each of these cells or stills."""
        types = [f"{subject}.{status.value}" for status in CellStatus]
        found: dict[int, Event] = {}
        for part in chunks(ids):
            ours = (events.c.subject == subject, events.c.subject_id.in_(part), events.c.type.in_(types))
            newest = select(func.max(events.c.seq)).where(*ours).group_by(events.c.subject_id)
            rows = self._connection.execute(select(events).where(events.c.seq.in_(newest)))
            found.update((row.subject_id, _event(row)) for row in rows)
        return found

    def of(self, subject: str, subject_id: int) -> list[Event]:
        """The story of one thing, in order."""
        query = select(events).where(events.c.subject == subject, events.c.subject_id == subject_id).order_by(events.c.seq)
        return [_event(row) for row in self._connection.execute(query)]

    def of_run(self, run_id: int, types: Sequence[str]) -> list[Event]:
        """The events of some types of a run, in order."""
        query = select(events).where(events.c.run_id == run_id, events.c.type.in_(types)).order_by(events.c.seq)
        return [_event(row) for row in self._connection.execute(query)]

    def of_jobs(self, job_ids: Sequence[int], *but: str) -> list[Event]:
        """The events of these jobs in order, without those of some types."""
        found: list[Event] = []
        for part in chunks(job_ids):
            query = select(events).where(events.c.subject == "job", events.c.subject_id.in_(part), events.c.type.not_in(but))
            found.extend(_event(row) for row in self._connection.execute(query.order_by(events.c.seq)))
        return found

    def of_type(self, subject: str, ids: Sequence[int], type: str) -> list[Event]:
        """The events of one type of these subjects, in order."""
        found: list[Event] = []
        for part in chunks(ids):
            query = select(events).where(events.c.subject == subject, events.c.subject_id.in_(part), events.c.type == type)
            found.extend(_event(row) for row in self._connection.execute(query))
        return sorted(found, key=lambda event: event.seq)

    def asked(self, run_id: int, subject: str) -> dict[int, int]:
        """How often each cell or still of a run was asked for, of those that were."""
        [queued] = fixed(f"{subject}.queued")
        ours = (events.c.run_id == run_id, events.c.type == queued)
        query = select(events.c.subject_id, func.count()).where(*ours).group_by(events.c.subject_id)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def numbered(self, seqs: Sequence[int]) -> dict[int, Event]:
        """These events by number."""
        found: dict[int, Event] = {}
        for part in chunks(seqs):
            query = select(events).where(events.c.seq.in_(part))
            found.update((row.seq, _event(row)) for row in self._connection.execute(query))
        return found

    def last_seq(self) -> int:
        """The number of the newest committed event."""
        [row] = _LAST.rows(self._connection, {})
        seq: int = row.event_seq
        return seq

    def broken_links(self) -> Iterator[str]:
        """Walk the whole audit chain; each fault found is one sentence."""
        joined = select(events, audit_log.c.hash).join(audit_log, events.c.seq == audit_log.c.seq, isouter=True)
        previous, expected = "", 0
        for row in self._connection.execution_options(yield_per=2000).execute(joined.order_by(events.c.seq)):
            expected += 1
            if row.seq != expected:
                yield f"event {expected} is missing: the next one stored is {row.seq}"
                expected = row.seq
            previous = _link(previous, row._mapping)
            if previous != row.hash:
                yield f"audit chain breaks at event {row.seq} ({row.type}): the event was changed after it was recorded"
                return
        head = self._connection.execute(select(heads.c.event_seq, heads.c.audit_hash)).one()
        if (head.event_seq, head.audit_hash) != (expected, previous):
            yield f"the audit head says {head.event_seq} events, the log ends at {expected}"


def _link(previous: str, row: Mapping[str, Any]) -> str:
    parts: Iterable[Any] = (
        previous,
        row["seq"],
        _to_us(row["at"], None),
        row["type"],
        row["run_id"],
        row["subject"],
        row["subject_id"],
        row["actor"],
        row["cause"],
        row["depth"],
        row["data"],
    )
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def _event(row: Any) -> Event:
    return Event(**{**row._asdict(), "data": json.loads(row.data)})
