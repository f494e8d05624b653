"""Whether the server lives, and whether it can work."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pipeline.api.problems import problem

log = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/ready")
def ready(request: Request) -> JSONResponse:
    """The database answers, and an engine works here if one should. 503 otherwise, with the reason."""
    server: Any = request.app.state
    try:
        server.studio.reports.last_seq()
    except Exception as error:  # whatever keeps the database from answering, the server is not ready
        log.warning("the database does not answer: %s", error)
        return problem(503, "The database does not answer. The log of the server has the reason.")
    trouble = server.engine.trouble if server.engine is not None else ""
    if trouble:
        return problem(503, trouble)
    return JSONResponse({"status": "ready", "engine": "here" if server.engine is not None else _elsewhere(server.studio)})


def _elsewhere(studio: Any) -> str:
    """`elsewhere` while an engine is at work there, else `none`."""
    return "elsewhere" if studio.reports.is_attended() else "none"
