"""Messages that leave the house: written with what they tell of, sent afterwards, tried again until they are dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from data.tables import fixed
from data.trigger_models import messages
from pipeline.domain.rules.messages import Message

_OPEN = fixed("waiting", "failed")


class Messages:
    """Adds, claims and ends messages."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, *, kind: str, target: str, payload: Mapping[str, Any], now: datetime, run_id: int | None = None,
        firing_id: int | None = None, effect_number: int | None = None,
    ) -> int:  # fmt: skip
        """A new message that is due now; its number. One in the app is there at once: it is stored as sent."""
        row = {
            "kind": kind, "target": target, "payload": dict(payload), "created_at": now, "due_at": now, "run_id": run_id,
            "firing_id": firing_id, "effect_number": effect_number, "state": "sent" if kind == "in_app" else "waiting",
            "sent_at": now if kind == "in_app" else None,
        }  # fmt: skip
        return self._connection.execute(insert(messages).returning(messages.c.id), row).scalar_one()

    def claim(self, now: datetime, until: datetime, limit: int = 20) -> list[Message]:
        """The messages that are due, the oldest first. They count one more attempt and are due again at `until`.

        Whoever sends them says how it went before that time; a sender that dies leaves them to the next one.
        """
        found = self._all(_due(now).order_by(messages.c.due_at, messages.c.id).limit(limit))
        ids = [one.id for one in found]
        values = {"attempts": messages.c.attempts + 1, "due_at": until}
        self._connection.execute(update(messages).where(messages.c.id.in_(ids)).values(**values))
        return self.with_ids(ids)

    def next_due(self) -> datetime | None:
        """When the next message is due; None when none waits."""
        query = select(func.min(messages.c.due_at)).where(messages.c.state.in_(_OPEN))
        return self._connection.execute(query).scalar()

    def sent(self, message_id: int, now: datetime) -> None:
        """It has arrived."""
        self._change(message_id, state="sent", sent_at=now, last_error="")

    def failed(self, message_id: int, error: str, due_at: datetime | None) -> None:
        """It has not arrived; it is tried again at `due_at`, or is dead when that is None."""
        if due_at is None:
            self._change(message_id, state="dead", last_error=error)
        else:
            self._change(message_id, state="failed", last_error=error, due_at=due_at)

    def redeliver(self, message_id: int, now: datetime) -> bool:
        """Send a dead message once more from the beginning; False when it is not dead."""
        dead = (messages.c.id == message_id, messages.c.state == "dead")
        values = {"state": "waiting", "attempts": 0, "due_at": now}
        return self._connection.execute(update(messages).where(*dead).values(**values)).rowcount == 1

    def latest(self, limit: int, *, states: Sequence[str] = (), kind: str | None = None) -> list[Message]:
        """The newest messages, of some states and of one kind when given."""
        query = select(messages).order_by(messages.c.id.desc()).limit(limit)
        if states:
            query = query.where(messages.c.state.in_(states))
        return self._all(query if kind is None else query.where(messages.c.kind == kind))

    def of_firings(self, firing_ids: Sequence[int]) -> list[Message]:
        """The messages of these firings, the oldest first."""
        return self._all(select(messages).where(messages.c.firing_id.in_(firing_ids)).order_by(messages.c.id))

    def with_ids(self, ids: Sequence[int]) -> list[Message]:
        """Those of these messages that there are, in the order in which they are due."""
        return self._all(select(messages).where(messages.c.id.in_(ids)).order_by(messages.c.id))

    def _change(self, message_id: int, **values: Any) -> None:
        still_open = (messages.c.id == message_id, messages.c.state.in_(_OPEN))
        self._connection.execute(update(messages).where(*still_open).values(**values))

    def _all(self, query: Select[Any]) -> list[Message]:
        return [Message(**row._mapping) for row in self._connection.execute(query)]


def _due(now: datetime) -> Select[Any]:
    return select(messages).where(messages.c.state.in_(_OPEN), messages.c.due_at <= now)
