"""The FastAPI application: REST, feed and health. The pages are added to it by `app.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from pipeline import wiring_rest
from pipeline.api import (
    budgets,
    cells,
    deliveries,
    description,
    events,
    feed,
    files,
    health,
    jobs,
    library,
    matrix,
    media,
    messages,
    problems,
    production_runs,
    reading,
    readings,
    schedules,
    triggers,
    variant_images,
    views,
    workers,
    workflows,
)

if TYPE_CHECKING:
    from pipeline.wiring import Studio

API = "/api/v1"
ROUTERS = (
    health.router,
    feed.router,
    media.router,
    production_runs.router,
    matrix.router,
    cells.router,
    variant_images.router,
    views.router,
    jobs.router,
    events.router,
    deliveries.router,
    library.projects,
    library.router,
    files.router,
    reading.router,
    workers.router,
    budgets.router,
    schedules.router,
    readings.router,
    workflows.router,
    triggers.router,
    messages.router,
)


def build(studio: Studio, engine: Callable[[], AbstractContextManager[Any]]) -> FastAPI:
    """The application over this studio. `engine` is entered while the server runs; it yields what works here, or None."""

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        context = engine()
        api.state.engine = await asyncio.to_thread(context.__enter__)
        try:
            yield
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)

    api = FastAPI(
        title="Stripboard",
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    api.state.studio = studio
    api.state.rest = wiring_rest.build_rest(studio)
    api.state.engine = None
    api.state.feed = feed.Feed(studio.reports.events, studio.reports.last_seq)
    problems.install(api)
    for router in ROUTERS:
        api.include_router(router)
    description.install(api)
    return api


def close(api: FastAPI) -> None:
    """Answer what no route of the API knows; call it when all routes are there, before the pages' catch-all."""

    @api.api_route("/api", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    @api.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def unknown(request: Request, path: str = "") -> JSONResponse:
        allowed = description.methods_at(request.app.openapi(), f"/api/{path}")
        if not allowed:
            return problems.problem(404, f'There is no "/api/{path}". {API}/openapi.json lists what there is.')
        answer = problems.problem(405, f'"/api/{path}" does not take {request.method}, but {", ".join(allowed)}.')
        answer.headers["Allow"] = ", ".join(allowed)
        return answer
