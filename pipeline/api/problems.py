"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pipeline.domain.errors import StripboardError

MEDIA_TYPE = "application/problem+json"
STATUS_BY_KIND: Mapping[str, int] = {
    "not_found": 404,
    "invalid": 422,
    "conflict": 409,
    "outdated": 412,
    "refused": 403,
    "unavailable": 503,
}
"""Which HTTP status each kind of error has; any other kind is a 500."""


UNEXPECTED = "Something went wrong that should not. What was asked may or may not be done: look before you try again."
"""What is said of an error that nobody foresaw; what it was is in the server's log, and nowhere else."""

_MOST_LISTED = 200
_log = logging.getLogger(__name__)


def document(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The fields of a problem document."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}


class ProblemResponse(JSONResponse):
    """A problem document as an answer. It may quote what it was sent, so it is sent as text whatever that was."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """As JSON; what is no text is replaced."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """A problem document as an answer."""
    return ProblemResponse(document(status, detail, **more), status_code=status)


def of(error: Exception) -> JSONResponse:
    """What an error of a route is answered with."""
    if isinstance(error, StripboardError):
        return problem(STATUS_BY_KIND.get(error.kind, 500), str(error), kind=error.kind, **_listed(error))
    if isinstance(error, RequestValidationError):
        return _malformed(error)
    if isinstance(error, HTTPException):
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
    return problem(500, UNEXPECTED)


def install(api: FastAPI) -> None:
    """Answer every error of a route with a problem document."""

    async def tell(request: Request, error: Exception) -> JSONResponse:
        return of(error)

    async def confess(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return of(error)

    for kind in (StripboardError, RequestValidationError, HTTPException):
        api.add_exception_handler(kind, tell)
    api.add_exception_handler(Exception, confess)


def _malformed(error: RequestValidationError) -> JSONResponse:
    faults = [
        {"where": "/".join(map(str, fault["loc"]))[:300], "message": fault["msg"]} for fault in error.errors()[:_MOST_LISTED]
    ]
    first = f"{faults[0]['where']}: {faults[0]['message']}" if faults else "The request cannot be read"
    return problem(422, f"{first}. See `errors` for everything that is wrong.", kind="invalid", errors=faults)


def _listed(error: StripboardError) -> dict[str, Any]:
    """The single findings of an error that has some: what is wrong with a production, what a delivery misses."""
    return {
        name: [dataclasses.asdict(one) for one in found[:_MOST_LISTED]]
        for name in ("issues", "missing")
        if (found := getattr(error, name, None))
    }
