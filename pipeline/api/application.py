"""The FastAPI application: REST, feed and health. The pages are added to it by `app.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from pipeline.api import feed, health, matrix, media, problems

if TYPE_CHECKING:
    from pipeline.wiring import Studio

API = "/api/v1"
ROUTERS = (health.router, feed.router, media.router, matrix.router)


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
    api.state.engine = None
    api.state.feed = feed.Feed(studio.reports.events, studio.reports.last_seq)
    problems.install(api)
    for router in ROUTERS:
        api.include_router(router)
    return api


def close(api: FastAPI) -> None:
    """Answer what no route of the API knows; call it when all routes are there, before the pages' catch-all."""

    @api.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def unknown(path: str) -> JSONResponse:
        return problems.problem(404, f'There is no "/api/{path}". {API}/openapi.json lists what there is.')
