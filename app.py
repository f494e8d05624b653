"""The application: settings, wiring, REST and pages in one ASGI server. `app:server` is what uvicorn imports."""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from importlib.resources import files
from typing import Any

from dash import Dash
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from pages import _background, _shell
from pipeline import settings, wiring, wiring_serving
from pipeline.api import application
from pipeline.api.guard import Guard
from pipeline.api.head_requests import HeadRequests

_BOOTSTRAP = "flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"


def build(studio: wiring.Studio, engine: Callable[[], AbstractContextManager[Any]], hosts: Collection[str] = ()) -> FastAPI:
    """REST, feed and pages over this studio, behind the guard."""
    api = application.build(studio, engine)
    application.close(api)
    package, path = _BOOTSTRAP
    stylesheet = files(package).joinpath(path)
    api.mount("/vendor", StaticFiles(directory=str(stylesheet).rpartition("/")[0]), name="vendor")
    pages = Dash(
        "stripboard",
        server=api,
        use_async=True,
        use_pages=True,
        pages_folder=str(settings.ROOT / "pages"),
        assets_folder=str(settings.ROOT / "components" / "assets"),
        assets_ignore=r"^theme\.js$",
        external_stylesheets=["/vendor/bootstrap.min.css"],
        title="Stripboard",
        update_title=None,
        suppress_callback_exceptions=True,
        on_error=_shell.tell_error,
        index_string=_shell.INDEX,
        background_callback_manager=_background.callbacks(studio.settings.cache_root / "callbacks"),
    )
    pages.backend.websocket_capability = False  # the feed is a tab's one socket: Dash's own would be a second, without use
    pages.layout = _shell.frame
    _shell.register(pages)
    _prepare(pages)
    api.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=5)
    api.add_middleware(HeadRequests)
    api.add_middleware(Guard, hosts=hosts, script_hashes=pages.csp_hashes)
    return api


def _prepare(pages: Dash) -> None:
    """Dash does this in the first request for `/`, and not in one for another page: that one would come out bare."""

    async def steps() -> None:
        for step in pages.backend._before_request_funcs:
            made = step()
            if made is not None:
                await made

    with ThreadPoolExecutor(1) as aside:  # whoever builds the server may be in an event loop already
        aside.submit(asyncio.run, steps()).result()


def from_settings() -> FastAPI:
    """The server as the environment describes it."""
    found = settings.load()
    studio = wiring.build_studio(found)
    studio.load()
    engine = partial(wiring_serving.working, studio) if found.has_engine else wiring_serving.idle
    return build(studio, engine, found.hosts)


def __getattr__(name: str) -> Any:
    """`server` is built when it is asked for: importing this module opens nothing."""
    if name != "server":
        raise AttributeError(name)
    globals()["server"] = server = from_settings()
    return server


if __name__ == "__main__":
    sys.argv[1:1] = ["up"]
    runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
