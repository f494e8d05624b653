"""`Idempotency-Key`: a request that is sent again has one effect, and gets the answer that the first one got."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from pipeline import wiring_rest, wiring_serving
from pipeline.api import problems
from pipeline.domain.errors import StripboardError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("content-type", "location", "etag")
_LOOK_EVERY_S = 0.1
_LOOKS = 50
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your own for this request. Sent again with the same key within a day, the same request is not "
        "carried out again: it gets the same answer.",
    ),
]


class IdempotentRoute(APIRoute):
    """A route whose requests may carry a key. Reading routes pass it by."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route as FastAPI makes it, done once for each key."""
        handle = super().get_route_handler()
        if not self.methods & _UNSAFE:
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await handle(request)
            if not (0 < len(key) <= 255 and all("!" <= char <= "~" for char in key)):
                return problems.problem(422, f"{HEADER} has 1 to 255 visible ASCII characters, and no spaces.", kind="invalid")
            return await _once(request, key, handle)

        return once


async def _once(request: Request, key: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    kept: wiring_rest.Idempotency = request.app.state.rest.idempotency
    request_sha256 = _fingerprint(request, await request.body())
    actor, route = str(wiring_serving.local_actor()), f"{request.method} {request.url.path}"
    for left in reversed(range(_LOOKS)):
        try:
            begun = await asyncio.to_thread(kept.claim, actor, key, route=route, request_sha256=request_sha256)
            break
        except wiring_rest.UnderWay as error:
            if not left:
                answer = problems.of(error)
                answer.headers["Retry-After"] = "1"
                return answer
            await asyncio.sleep(_LOOK_EVERY_S)
    if begun.answer is not None:
        return _again(begun.answer)
    return await _carried_out(kept, begun.claim, request, handle)


async def _carried_out(
    kept: wiring_rest.Idempotency, claim: str, request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    try:
        with kept.acting_on(claim):
            answer = await handle(request)
    except (StripboardError, RequestValidationError, HTTPException) as error:
        answer = problems.of(error)
    except BaseException:
        await _remember(kept.settle, claim, problems.problem(500, problems.UNEXPECTED))
        raise
    await _remember(kept.keep if answer.status_code < 400 else kept.settle, claim, answer)
    return answer


async def _remember(how: Callable[..., None], claim: str, answer: Response) -> None:
    """Also when the client is gone: it may ask again."""
    headers = {name: value for name, value in answer.headers.items() if name in _KEPT_HEADERS}
    told = partial(how, claim, status=answer.status_code, headers=headers, body=bytes(answer.body).decode())
    await asyncio.shield(asyncio.to_thread(told))


def _again(answer: Any) -> Response:
    headers = {**(answer.headers or {}), REPLAYED: "true"}
    return Response(answer.body, status_code=answer.status, headers=headers)


def _fingerprint(request: Request, body: bytes) -> str:
    """What makes two requests the same one: where they go, and what they say."""
    head = [request.method, request.url.path, request.url.query]
    head += [request.headers.get(name, "") for name in ("content-type", "if-match")]
    return hashlib.sha256(json.dumps(head).encode() + b"\x00" + body).hexdigest()
