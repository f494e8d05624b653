"""Idempotency keys: who carries a request out, whether its effect is there, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from data.models import idempotency_keys as keys
from pipeline.domain.records import KeptAnswer

_FIELDS = ("id", "route", "request_sha256", "claim", "claimed_at", "effect_at", "status", "headers", "body")


class Idempotency:
    """Claims keys, marks effects, keeps answers. A claim that somebody else has taken over changes nothing any more."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, actor: str, key: str) -> KeptAnswer | None:
        """What is known of this key of this actor."""
        query = select(*(keys.c[name] for name in _FIELDS)).where(keys.c.actor == actor, keys.c.key == key)
        row: Any = self._connection.execute(query).first()
        return None if row is None else KeptAnswer(**row._mapping)

    def claim(self, actor: str, key: str, *, route: str, request_sha256: str, claim: str, now: datetime) -> None:
        """Note that `claim` carries out this request, which is new."""
        row = {"actor": actor, "key": key, "route": route, "request_sha256": request_sha256, "claim": claim}
        self._connection.execute(insert(keys), {**row, "created_at": now, "claimed_at": now})

    def take_over(self, answer: KeptAnswer, claim: str, now: datetime) -> None:
        """Another one carries it out now; its first one finds its claim gone."""
        self._connection.execute(update(keys).where(keys.c.id == answer.id).values(claim=claim, claimed_at=now))

    def mark_effect(self, claim: str, now: datetime) -> bool:
        """Note, in the transaction of the effect, that it is done; False when the claim is not valid any more."""
        done = update(keys).where(keys.c.claim == claim).values(effect_at=now)
        return bool(self._connection.execute(done).rowcount)

    def keep(self, claim: str, *, status: int, headers: Mapping[str, str], body: str) -> None:
        """Keep the answer, to be given again."""
        values = {"status": status, "headers": dict(headers), "body": body}
        self._connection.execute(update(keys).where(keys.c.claim == claim).values(**values))

    def release(self, claim: str) -> bool:
        """Forget a request without an effect, so that it may be sent again; False when it has one."""
        return bool(self._connection.execute(delete(keys).where(keys.c.claim == claim, keys.c.effect_at.is_(None))).rowcount)

    def forget(self, before: datetime) -> int:
        """Forget requests older than this; the answer is how many."""
        return self._connection.execute(delete(keys).where(keys.c.created_at < before)).rowcount
