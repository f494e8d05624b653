"""The HTTP routes that everything stands on: submit, queue, history, interrupt, free (PROTOCOL, submit and read state)."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from aiohttp import web

from pipeline.double.job_queue import SECRETS
from pipeline.double.life import Life
from pipeline.double.validation import problem, validate
from pipeline.double.wire import cut

LIFE = web.AppKey("life", Life)


def life_of(request: web.Request) -> Life:
    """The life that answers this request."""
    return request.app[LIFE]


def refused(error: dict[str, Any], node_errors: dict[str, Any] | None = None) -> web.Response:
    """A 400 in the server's own shape."""
    return web.json_response({"error": error, "node_errors": node_errors or {}}, status=400)


async def submit(request: web.Request) -> web.Response:
    """POST /prompt. Whatever is not foreseen becomes a bare 500, as there is no check of the body's shape."""
    life = life_of(request)
    body = await request.json()
    number = float(body["number"]) if "number" in body else life.queue.next_number("front" in body and body["front"])
    if "prompt" not in body:
        return refused(problem("no_prompt", "No prompt provided", "No prompt provided"))
    graph = body["prompt"]
    prompt_id = _prompt_id(body, life.version.is_strict)
    if prompt_id is None:
        details = "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one"
        return refused(problem("invalid_prompt_id", "prompt_id must be a valid UUID", details))
    targets = body.get("partial_execution_targets")
    verdict = validate(graph, catalog=life.catalog, folders=life.folders, is_strict=life.version.is_strict, targets=targets)
    if verdict.error:
        return refused(verdict.error, verdict.node_errors)
    extra_data = body.get("extra_data", {})
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    secrets = {}
    if life.version.is_strict:
        secrets = {key: extra_data.pop(key) for key in SECRETS if key in extra_data}
        extra_data["create_time"] = int(time.time() * 1000)
    if life.is_killed_at("before_accept"):
        return cut(request)
    life.queue.put((number, prompt_id, graph, extra_data, verdict.outputs, secrets))
    if life.is_killed_at("after_accept"):
        return cut(request)
    return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})


def _prompt_id(body: Any, is_strict: bool) -> str | None:
    """The job's id; None for one that newer releases do not take."""
    if not is_strict:
        return str(body.get("prompt_id", uuid.uuid4()))
    given = body.get("prompt_id")
    if given is None:
        return str(uuid.uuid4())
    try:
        return given if isinstance(given, str) and str(uuid.UUID(given)) == given else None
    except ValueError:
        return None


async def get_prompt(request: web.Request) -> web.Response:
    """GET /prompt: the length of the queue."""
    return web.json_response(life_of(request).status())


async def get_queue(request: web.Request) -> web.Response:
    """GET /queue: running and pending jobs with their graphs, pending in the order of the heap."""
    running, pending = life_of(request).queue.current()
    return web.json_response({"queue_running": running, "queue_pending": pending})


async def post_queue(request: web.Request) -> web.Response:
    """POST /queue: clear, or delete pending jobs. Always 200."""
    life, body = life_of(request), await request.json()
    if body.get("clear"):
        life.queue.clear()
    for prompt_id in body.get("delete", ()):
        life.queue.delete(prompt_id)
    return web.Response()


async def get_history(request: web.Request) -> web.Response:
    """GET /history: ended jobs, oldest first."""
    query = request.rel_url.query
    most = int(query["max_items"]) if query.get("max_items") else None
    offset = int(query["offset"]) if query.get("offset") else -1
    return web.json_response(life_of(request).queue.past(most=most, offset=offset))


async def get_history_of(request: web.Request) -> web.Response:
    """GET /history/{id}: the ended job, or nothing, with 200 in either case."""
    return web.json_response(life_of(request).queue.one_past(request.match_info["prompt_id"]))


async def post_history(request: web.Request) -> web.Response:
    """POST /history: clear, or delete ended jobs. Always 200."""
    life, body = life_of(request), await request.json()
    if body.get("clear"):
        life.queue.forget_all()
    for prompt_id in body.get("delete", ()):
        life.queue.forget(prompt_id)
    return web.Response()


async def interrupt(request: web.Request) -> web.Response:
    """POST /interrupt: with an id only while that job runs; without one whatever runs. Always 200."""
    life = life_of(request)
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = {}
    wanted = body.get("prompt_id")
    if not wanted or life.queue.is_running(wanted):
        life.interrupted.set()
    return web.Response()


async def free(request: web.Request) -> web.Response:
    """POST /free: unload models, empty the node cache; done when the worker is between jobs."""
    life, body = life_of(request), await request.json()
    for name in ("unload_models", "free_memory"):
        if body.get(name, False):
            life.queue.raise_flag(name, True)
    return web.Response()


async def listen(request: web.Request) -> web.StreamResponse:
    """GET /ws."""
    life = life_of(request)
    return await life.sockets.serve(request, life.status())
