"""Routes, guards and faults put together: the web application of one life."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from pipeline.double import routes, routes_facts, routes_files, routes_jobs
from pipeline.double.life import Life
from pipeline.double.versions import LARGEST_BODY_BYTES
from pipeline.double.wire import cut

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LATE = web.AppKey("late", set[asyncio.Task[None]])
"""Workflows that are still on their way."""
LATE_POINT = ("/prompt", "late")
"""The gate at which such a workflow can be held after its time."""


def application(life: Life, pages: Path) -> web.Application:
    """The application of a life. `pages` is an empty folder: whatever no route takes is looked for there, and is not there."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES, middlewares=[_faulty, _guarded])
    app[routes.LIFE], app[LATE] = life, set()
    app.on_shutdown.append(_lose_late)
    table = [
        web.get("/ws", routes.listen),
        web.post("/prompt", routes.submit),
        web.get("/prompt", routes.get_prompt),
        web.get("/queue", routes.get_queue),
        web.post("/queue", routes.post_queue),
        web.get("/history", routes.get_history),
        web.get("/history/{prompt_id}", routes.get_history_of),
        web.post("/history", routes.post_history),
        web.post("/interrupt", routes.interrupt),
        web.post("/free", routes.free),
        web.post("/upload/image", routes_files.upload),
        web.get("/view", routes_files.view),
        web.get("/view_metadata/{folder}", routes_facts.not_there),
        web.get("/object_info", routes_facts.get_object_info),
        web.get("/object_info/{class_name}", routes_facts.get_object_info_of),
        web.get("/features", routes_facts.get_features),
        web.get("/system_stats", routes_facts.get_system_stats),
        web.get("/models", routes_facts.get_models),
        web.get("/models/{folder}", routes_facts.get_models_of),
        web.get("/embeddings", routes_facts.get_embeddings),
        web.get("/extensions", routes_facts.get_extensions),
        web.get("/users", routes_facts.get_users),
        web.get("/internal/logs", routes_facts.get_logs),
    ]
    app.add_routes(table)
    app.add_routes([web.RouteDef(route.method, f"/api{route.path}", route.handler, {}) for route in table])
    if life.version.is_strict:
        app.add_routes([
            web.get("/api/jobs", routes_jobs.get_jobs),
            web.post("/api/jobs/cancel", routes_jobs.cancel_jobs),
            web.get("/api/jobs/{job_id}", routes_jobs.get_job),
            web.post("/api/jobs/{job_id}/cancel", routes_jobs.cancel_job),
            web.get("/api/assets", routes_facts.get_assets),
        ])  # fmt: skip
    if life.setup.controls_faults:
        app.add_routes([web.get("/double/faults", _get_faults), web.post("/double/faults", _post_faults)])
    app.add_routes([web.static("/", pages)])
    return app


async def _get_faults(request: web.Request) -> web.Response:
    faults = routes.life_of(request).faults
    return web.json_response({"planned": faults.planned(), "taken": faults.taken})


async def _post_faults(request: web.Request) -> web.Response:
    """Plan a fault by its JSON: kind, and optionally route, times, probability, seed and particulars; or `{"clear": true}`.

    What no server could act on is answered with 400 and what is allowed, and nothing is planned.
    """
    faults = routes.life_of(request).faults
    try:
        body = await request.json()
        if not isinstance(body, dict):
            raise ValueError('A fault is an object, such as {"kind": "stall", "seconds": 2}.')
        if body.get("clear"):
            faults.clear()
            return web.json_response({"planned": []})
        faults.add(body.pop("kind", ""), **body)
    except (TypeError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response({"planned": faults.planned()})


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page of another origin may not speak to a server on loopback; OPTIONS is answered for every path."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if origin is not None:
        asked, came = urlsplit(f"//{host.lower()}"), urlsplit(origin)
        asked_for = asked.netloc if came.port else asked.hostname
        if _is_loopback(asked.hostname or "") and asked_for and came.netloc and asked_for != came.netloc.lower():
            return web.Response(status=403)
    if request.method == "OPTIONS":
        return web.Response()
    return await handler(request)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@web.middleware
async def _faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The faults that clients see on the wire."""
    faults, route = routes.life_of(request).faults, request.path.removeprefix("/api")
    if route.startswith("/double/"):
        return await handler(request)
    if faults.take("drop", route):
        return cut(request)
    if (request.method, route) == ("POST", "/prompt") and (fault := faults.take("late", route)):
        await request.read()
        request.app[LATE].add(asyncio.create_task(_arrive(request, handler, fault.number("seconds", 1))))
        return cut(request)
    if fault := faults.take("stall", route):
        if not request.content_type.startswith("multipart/"):
            await request.read()  # it has arrived: whoever hangs up now does not take it back
        await asyncio.sleep(fault.number("seconds", 1))
    if faults.take("garbage", route):
        return web.Response(body=b'\x00\xff{"prompt_id": ', content_type="application/json")
    if faults.take("wrong_types", route):
        return web.json_response([{"prompt_id": 7, "queue_running": "none", "exec_info": None}])
    if fault := faults.take("huge", route):
        return web.Response(
            body=b"[" + b"0," * int(fault.number("size_bytes", 64e6) / 2) + b"0]", content_type="application/json"
        )
    if fault := faults.take("status", route):
        return web.Response(
            status=int(fault.number("status", 500)), text="500 Internal Server Error\n\nServer got itself in trouble"
        )
    answer = await handler(request)
    if faults.take("reset_after", route):
        return cut(request)
    if fault := faults.take("drip", route):
        return await _dripped(request, answer, fault.number("seconds", 2))
    return answer


async def _arrive(request: web.Request, handler: Handler, seconds: float) -> None:
    """Carry the request out after this time, once no gate holds it. What the server says to it reaches nobody."""
    life = routes.life_of(request)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(life.gates.pass_through, *LATE_POINT, node_id="", over=life.over)
    with suppress(Exception):
        await handler(request)


async def _lose_late(app: web.Application) -> None:
    """What is on its way to a server that ends is lost with it."""
    for task in app[LATE]:
        task.cancel()
    await asyncio.gather(*app[LATE], return_exceptions=True)


async def _dripped(request: web.Request, answer: web.StreamResponse, seconds: float) -> web.StreamResponse:
    """The same answer, its body in forty small pieces."""
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    if isinstance(answer, web.FileResponse):
        body = answer._path.read_bytes()
    slow = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.headers.get("Content-Type", "text/plain")})
    slow.content_length = len(body)
    await slow.prepare(request)
    size = max(1, len(body) // 40)
    for start in range(0, len(body), size):
        await slow.write(body[start : start + size])
        await asyncio.sleep(seconds / 40)
    return slow
