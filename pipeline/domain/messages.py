"""Messages to the world outside: what one is, what came of sending it, and when it is tried again or given up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class MessageKind(StrEnum):
    """How a message leaves."""

    NOTICE = "notice"  # to people, by way of a channel
    WEBHOOK = "webhook"  # to a program, by way of an address


@dataclass(frozen=True)
class Message:
    """One message. `key` is the same at every try, so that whoever receives it twice can tell.

    `to` is the name of a channel, or the address of a webhook. `data` is what a webhook carries.
    """

    key: str
    kind: MessageKind
    to: str
    title: str = ""
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class Fate(StrEnum):
    """What came of one try."""

    SENT = "sent"
    LATER = "later"  # it may go through another time
    NEVER = "never"  # it will not, however often it is tried


@dataclass(frozen=True)
class Answer:
    """What came of one try, in words too. `wait_s` is what the other side has asked to be left alone for."""

    fate: Fate
    told: str = ""
    wait_s: float = 0.0


PAUSES_S = (5.0, 30.0, 120.0, 600.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
"""How long to wait after the first failed try, after the second and so on: about 20 hours in all."""
MOST_TRIES = len(PAUSES_S) + 1
_LONGEST_S = 86_400.0
_SPREAD = 0.1


@dataclass(frozen=True)
class Turn:
    """What happens to a message after a try: it is over (`sent` or dead), or tried again, not before `not_before`."""

    fate: Fate
    not_before: datetime | None = None


def after(answer: Answer, *, key: str, tries: int, now: datetime) -> Turn:
    """What follows from the answer to try number `tries` (from 1). `NEVER` means the list of dead letters.

    The pause is up to a tenth longer than listed, by the key: what failed together does not come back together.
    """
    if answer.fate is not Fate.LATER:
        return Turn(answer.fate)
    if tries >= MOST_TRIES:
        return Turn(Fate.NEVER)
    pause_s = PAUSES_S[tries - 1] * (1 + _SPREAD * _share(f"{key}/{tries}"))
    return Turn(Fate.LATER, now + timedelta(seconds=max(pause_s, min(answer.wait_s, _LONGEST_S))))


def _share(text: str) -> float:
    """A number from 0 to 1 that only depends on the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 0xFFFFFFFF
