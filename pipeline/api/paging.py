"""Pages of lists: how many rows, and an opaque mark for where the next page begins."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from fastapi import Query

from pipeline.domain.errors import Invalid
from pipeline.wiring_rest import Page

MOST = 500
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=100, pattern=r"^[A-Za-z0-9_-]*$", description="The `next` of the page before; without it the first page."),
]


def mark(kind: str, edge: int | None) -> str | None:
    """Where the next page of a list begins; None when there is none."""
    return None if edge is None else base64.urlsafe_b64encode(f"{kind}:{edge}".encode()).decode().rstrip("=")


def edge_of(kind: str, cursor: str | None) -> int | None:
    """What a mark stands for. Raises Invalid for anything that this list has not given out."""
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    name, _, number = text.partition(":")
    if name != kind or not number.isdecimal() or len(number) > 19 or int(number) >= 2**63:
        raise Invalid("`cursor` is none that this list has given out. Leave it out to begin at the first page.")
    return int(number)


def page(kind: str, found: Page[Any]) -> dict[str, Any]:
    """The fields of a page."""
    return {"items": list(found.rows), "next": mark(kind, found.next)}
