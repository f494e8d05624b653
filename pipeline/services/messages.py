"""Messages that leave the house: sent when they are due, tried again, given up as dead letters, delivered again by hand."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from data.store import Stores
from pipeline.domain.errors import Conflict, NotFound
from pipeline.domain.messages import Answer, Fate, Message, MessageKind, after
from pipeline.domain.records import Actor
from pipeline.domain.rules.messages import Message as Stored
from pipeline.ports import Clock, MessageSender

_AT_ONCE = 4
_CLAIMED_S = 180.0
"""Longer than any try of a claimed message can take: whoever claims one is done with it, or has died."""
_KINDS = {"apprise": MessageKind.NOTICE, "webhook": MessageKind.WEBHOOK}


class Messages:
    """Sends what is due. Several processes may do so at once: a message is claimed before it is sent."""

    def __init__(self, stores: Stores, sender: MessageSender, clock: Clock) -> None:
        self._stores = stores
        self._sender = sender
        self._clock = clock

    def send_due(self, limit: int = 40) -> int:
        """Try every message that is due, the oldest first, about so many at most; the answer is how many were tried.

        No transaction is open while a message is on its way. One that a dying process has sent may be sent again, with the
        same key.
        """
        tried = 0
        while tried < limit and self._is_something_due():
            now = self._clock.now()
            with self._stores.begin(now) as store:
                claimed = store.messages.claim(now, now + timedelta(seconds=_CLAIMED_S), _AT_ONCE)
            if not claimed:
                break
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="messages") as hands:
                answers = list(hands.map(self._try, claimed))
            for message, answer in zip(claimed, answers, strict=True):
                self._settle(message, answer)
            tried += len(claimed)
        return tried

    def latest(self, limit: int = 50, *, states: Sequence[str] = (), kind: str | None = None) -> list[Stored]:
        """The newest messages, of some states and of one kind when given."""
        with self._stores.read() as store:
            return store.messages.latest(limit, states=states, kind=kind)

    def redeliver(self, message_id: int, actor: Actor) -> None:
        """Send a dead letter once more from the beginning. Raises NotFound, and Conflict for one that is not dead."""
        now = self._clock.now()
        with self._stores.begin(now) as store:
            if not store.messages.with_ids([message_id]):
                raise NotFound(f"There is no message {message_id}.")
            if not store.messages.redeliver(message_id, now):
                raise Conflict(f"Message {message_id} is no dead letter. It is sent, or will be by itself.")
            store.journal.record("message.redelivered", actor=actor, subject="message", subject_id=message_id, data={})

    def _is_something_due(self) -> bool:
        with self._stores.read() as store:
            due_at = store.messages.next_due()
        return due_at is not None and due_at <= self._clock.now()

    def _try(self, stored: Stored) -> Answer:
        kind = _KINDS.get(stored.kind)
        if kind is None:
            return Answer(Fate.NEVER, f'Nothing can send a message of the kind "{stored.kind}".')
        return self._sender.send(_message(stored, kind), self._clock.now())

    def _settle(self, stored: Stored, answer: Answer) -> None:
        now = self._clock.now()
        turn = after(answer, key=_key(stored), tries=stored.attempts, now=now)
        with self._stores.begin(now) as store:
            if turn.fate is Fate.SENT:
                store.messages.sent(stored.id, now)
            else:
                store.messages.failed(stored.id, answer.told, turn.not_before)


def _message(stored: Stored, kind: MessageKind) -> Message:
    payload = stored.payload
    title = str(payload.get("title") or payload.get("rule") or "Stripboard")
    if kind is MessageKind.WEBHOOK:
        event = payload.get("event")
        title = str(event.get("type", title)) if isinstance(event, dict) else title
    return Message(_key(stored), kind, stored.target, title, str(payload.get("text", "")), payload)


def _key(stored: Stored) -> str:
    """The same for every try, and another one in another installation."""
    return f"msg_{stored.id}_{int(stored.created_at.timestamp() * 1000)}"
