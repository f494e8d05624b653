"""A message that leaves the house, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Message:
    """`kind` is `in_app`, `apprise` or `webhook`; `target` the channel or the address.

    `payload` has `text`, `title`, `rule`, `event` (seq, type, at, subject, subject_id, run), `names`, `root` and `depth`.
    `state` is `waiting`, `sent`, `failed` (tried again at `due_at`) or `dead`. `firing_id` and `effect_number` say which action
    of which firing it is; None for messages that no rule has written.
    """

    id: int
    firing_id: int | None
    effect_number: int | None
    run_id: int | None
    kind: str
    target: str
    payload: Mapping[str, Any]
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    last_error: str
