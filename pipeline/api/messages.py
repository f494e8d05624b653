"""`/messages`: what rules tell people and programs outside, and what could not be delivered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query

from pipeline.api import schemas_asked as asked
from pipeline.api.asking import Key, Studio, Who, routes
from pipeline.api.schemas_given import Given

router = routes("messages")


class GivenMessage(Given):
    """A message; `kind` is `in_app`, `apprise` or `webhook`, `state` `waiting`, `sent`, `failed` (tried again) or `dead`."""

    id: int
    run_id: int | None
    kind: str
    target: str
    payload: dict[str, Any]
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    last_error: str


class Messages(Given):
    """The newest messages first."""

    items: list[GivenMessage]


@router.get("/messages", response_model=Messages)
def list_messages(
    studio: Studio,
    state: Literal["waiting", "sent", "failed", "dead"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> object:
    """The newest messages, and what became of them; `state=dead` are those that were given up"""
    return {"items": studio.messages.latest(limit, states=(state,) if state else ())}


@router.post("/messages/{message_id}/redeliver", status_code=204)
def redeliver(message_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> None:
    """Send a message that was given up once more, from the beginning"""
    studio.messages.redeliver(message_id, who)
