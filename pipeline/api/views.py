"""Kept views of the board: for everyone who works on the project of a run."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Studio, Who, routes

router = routes("views")


@router.get("/production-runs/{run_id}/views", response_model=given.Views)
def list_views(run_id: asked.Id, studio: Studio) -> object:
    """The views of the run's project, by name."""
    return {"items": [{"name": name, "query": query} for name, query in studio.boards.views(run_id)]}


@router.post("/production-runs/{run_id}/views", response_model=given.View)
def keep_view(run_id: asked.Id, body: asked.View, studio: Studio, who: Who, key: Key = None) -> object:
    """Keep a view under a name; one of that name is replaced."""
    return {"name": studio.boards.keep_view(run_id, body.name, body.query, who), "query": body.query}


@router.delete("/production-runs/{run_id}/views", status_code=204)
def drop_view(
    run_id: asked.Id,
    studio: Studio,
    who: Who,
    name: Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")],
    key: Key = None,
) -> None:
    """Forget the view of this name. It need not be there."""
    studio.boards.drop_view(run_id, name, who)
