"""`/events`: what happened, in order. `/ws/events` sends the same as it is committed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Rest, routes

router = routes("events")


@router.get("/events", response_model=given.Page[given.Event])
def list_events(
    rest: Rest,
    run: Annotated[int | None, Query(ge=1, le=asked.LARGEST, description="Only events of this run.")] = None,
    after: Annotated[int, Query(ge=0, le=asked.LARGEST, description="Only events with a higher number.")] = 0,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> object:
    """Committed events in order of their numbers, which have no gaps. `cursor` takes precedence over `after`."""
    edge = paging.edge_of("event", cursor)
    return paging.page("event", rest.listings.events(after if edge is None else edge, limit, run_id=run))
