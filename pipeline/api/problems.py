"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

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
    "refused": 403,
    "unavailable": 503,
}
"""Which HTTP status each kind of error has; any other kind is a 500."""


def document(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The fields of a problem document."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """A problem document as an answer."""
    return JSONResponse(document(status, detail, **more), status_code=status, media_type=MEDIA_TYPE)


def install(api: FastAPI) -> None:
    """Answer every error of a route with a problem document."""

    @api.exception_handler(StripboardError)
    async def deliberate(request: Request, error: StripboardError) -> JSONResponse:
        return problem(STATUS_BY_KIND.get(error.kind, 500), str(error), kind=error.kind)

    @api.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [{"where": "/".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in error.errors()]
        first = f"{faults[0]['where']}: {faults[0]['message']}" if faults else "The request cannot be read."
        return problem(422, f"{first}. See `errors` for everything that is wrong.", kind="invalid", errors=faults)

    @api.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
