"""Requests that may be sent again: carried out once, answered as often as they are asked, by any process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from data import claims
from data.store import Stores
from pipeline.domain.errors import Conflict, Invalid
from pipeline.domain.patience import UNDER_WAY
from pipeline.domain.records import KeptAnswer
from pipeline.ports import Clock


class UnderWay(Conflict):
    """The same request is being carried out just now: ask again in a moment."""


@dataclass(frozen=True)
class Claimed:
    """The caller carries the request out: `answer` is None. Else it was carried out, and this was the answer."""

    claim: str
    answer: KeptAnswer | None


class Idempotency:
    """Keeps one answer for each key of each actor. `new_id` names claims.

    The effect of a request and the note that it is there are one transaction, and that transaction fails when somebody else
    has taken the claim over. So whatever dies or is slow, a request has one effect at most.
    """

    def __init__(self, stores: Stores, clock: Clock, new_id: Callable[[], str]) -> None:
        self._stores = stores
        self._clock = clock
        self._new_id = new_id

    def claim(self, actor: str, key: str, *, route: str, request_sha256: str) -> Claimed:
        """Begin a request, or get the answer of the same one.

        Raises Invalid when the key was used for another request, UnderWay while the same one is being carried out, and
        Conflict when it was carried out and its answer was lost in a crash.
        """
        claim = self._new_id()
        with self._stores.begin(self._clock.now()) as store:
            now = store.journal.now
            known = store.idempotency.find(actor, key)
            if known is None:
                store.idempotency.claim(actor, key, route=route, request_sha256=request_sha256, claim=claim, now=now)
                return Claimed(claim, None)
            if known.request_sha256 != request_sha256:
                raise Invalid(f'The idempotency key "{key}" was used for another request ({known.route}). Use a new one.')
            if known.status is not None:
                return Claimed("", known)
            if now - (known.effect_at or known.claimed_at) < UNDER_WAY:
                raise UnderWay("The same request is being carried out just now. Ask again in a moment.")
            if known.effect_at is not None:
                raise Conflict(
                    f"This request was carried out at {known.effect_at:%Y-%m-%d %H:%M:%S} UTC; its answer was lost in a crash. "
                    "Read what it was about; a new key carries it out once more."
                )
            store.idempotency.take_over(known, claim, now)
        return Claimed(claim, None)

    def acting_on(self, claim: str) -> AbstractContextManager[None]:
        """What is done inside is the effect of this claim."""
        return claims.acting_on(claim)

    def keep(self, claim: str, *, status: int, headers: Mapping[str, str], body: str) -> None:
        """Keep the answer."""
        with self._stores.begin(self._clock.now()) as store:
            store.idempotency.keep(claim, status=status, headers=headers, body=body)

    def settle(self, claim: str, *, status: int, headers: Mapping[str, str], body: str) -> None:
        """A request ended with an error: without an effect it may be sent again, else this is its answer."""
        with self._stores.begin(self._clock.now()) as store:
            if not store.idempotency.release(claim):
                store.idempotency.keep(claim, status=status, headers=headers, body=body)
